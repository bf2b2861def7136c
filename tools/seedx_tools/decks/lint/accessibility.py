"""What screen readers and the outline view need, as PowerPoint's accessibility checker has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pptx.oxml.ns import qn

from seedx_tools.decks.drawing.names import part_of
from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import TOUCH, Item, Page, shared
from seedx_tools.decks.ooxml.styles import placeholder_type
from seedx_tools.decks.shapes import SlideShape, is_empty_placeholder

_FILE_NAME = re.compile(
    r".*\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?|emf|wmf|heic)"
    r"|alt(?:ernative)? text"
    r"|(?:img|image|picture|pic|photo|dsc[nf]?|screenshot|untitled|grafik|bild|clipboard)[\s_-]*\d*",
    re.IGNORECASE,
)


def accessibility_faults(page: Page) -> Iterator[Fault]:
    """Yield missing titles and alt text, empty placeholders, tables without headings and a wrong reading order."""
    if not page.title:
        yield Fault("missing_title", "", "the slide has no title; screen readers and the outline view rely on titles")
    for item in page.items:
        yield from _alt_text_faults(item)
        if is_empty_placeholder(item.placed.shape):
            yield Fault(
                "empty_placeholder",
                item.name,
                "the placeholder is empty and shows its prompt in the editor; remove it",
            )
        if item.placed.kind == "table" and not _has_header(item.placed):
            yield Fault(
                "missing_header_row",
                item.name,
                "the table marks no header row, so screen readers cannot name its columns; tick 'Header Row'",
            )
    yield from _order_faults([item for item in page.items if item.text is not None and not item.is_footer])


def listed_title(page: Page) -> str:
    """Return the title by which a slide is told from others, in lower case; empty for hidden and title slides."""
    title = page.slide.shapes.title
    is_apart = title is None or page.is_hidden or placeholder_type(title.element) == "ctrTitle"
    return "" if is_apart else page.title.casefold()


def duplicate_titles(pages: Sequence[Page]) -> Iterator[tuple[int, Fault]]:
    """Yield the number of each slide whose title an earlier slide has, and the fault; hidden and title slides apart."""
    seen: dict[str, int] = {}
    for page in pages:
        key = listed_title(page)
        if not key:
            continue
        if key in seen:
            message = f"slide {seen[key]} has the title '{page.title}', too; titles tell slides apart in a list"
            yield page.number, Fault("duplicate_title", "", message)
        seen.setdefault(key, page.number)


def _alt_text_faults(item: Item) -> Iterator[Fault]:
    what = {"picture": "picture", "chart": "chart"}.get(item.placed.kind, "")
    if item.placed.kind == "other" and item.placed.shape.element.tag == qn("p:graphicFrame"):
        what = "diagram or object"
    if not what:
        return
    alt = item.placed.alt_text or _alt_text_of_group(item.placed)
    if not alt:
        yield Fault("missing_alt_text", item.name, f"the {what} has no alt text; describe what it shows")
    elif _FILE_NAME.fullmatch(alt):
        yield Fault("poor_alt_text", item.name, f"its alt text, '{alt}', is a file name; describe what it shows")


def _alt_text_of_group(placed: SlideShape) -> str:
    for ancestor in placed.shape.element.iterancestors(qn("p:grpSp")):
        if text := str(ancestor.find(f"{qn('p:nvGrpSpPr')}/{qn('p:cNvPr')}").get("descr") or "").strip():
            return text
    return ""


def _has_header(placed: SlideShape) -> bool:
    table = placed.shape.table
    return bool(table.first_row) or len(table.rows) < 2


def _order_faults(items: Sequence[Item]) -> Iterator[Fault]:
    """Yield the first shape that is read before one that stands above it: shapes are read from back to front."""
    title = next((index for index, item in enumerate(items) if item.is_title), 0)
    if title > 0:
        first = items[0]
        yield Fault(
            "reading_order",
            first.name,
            "it is read before the title; move the title to the bottom of the selection pane, which is read upwards",
        )
    others = [item for item in items if not item.is_title]
    for index, item in enumerate(others):
        for later in others[index + 1 :]:
            if is_read_too_early(item, later):
                yield Fault(
                    "reading_order",
                    item.name,
                    f"it is read before '{later.name}', which is above it; change the order in the selection pane",
                )
                return


def is_read_too_early(item: Item, later: Item) -> bool:
    """Return whether a text that is read after another one stands above it, mostly in the same column."""
    if item.ink is None or later.ink is None or _are_around_a_circle(item.name, later.name):
        return False
    narrow = min(item.ink[2] - item.ink[0], later.ink[2] - later.ink[0])
    return later.ink[3] <= item.ink[1] + TOUCH and shared(item.ink, later.ink)[0] > 0.5 * narrow


def _are_around_a_circle(one: str, other: str) -> bool:
    """Return whether both shapes are steps of one cycle, which is read around and not from the top down."""
    first, second = part_of(one), part_of(other)
    return first is not None and second is not None and first.kind == "cycle" and first[:2] == second[:2]

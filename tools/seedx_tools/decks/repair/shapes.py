"""Mend shapes where the linter objects: their type, color, crop, place or order. No text changes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from pptx.oxml.ns import qn
from pptx.util import Pt

from seedx_tools.decks.lint.accessibility import is_read_too_early
from seedx_tools.decks.lint.check import page_faults
from seedx_tools.decks.lint.findings import Fault, FindingKind
from seedx_tools.decks.lint.page import Item, Page, shared, text_frame
from seedx_tools.decks.lint.pictures import MIN_PPI, num_pixels
from seedx_tools.decks.ooxml.layouts import frame_of, remove
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.repair.colors import recolor
from seedx_tools.decks.text.fitting import MIN_POINTS, set_scale
from seedx_tools.decks.text.shapes import font_scale, place_text
from seedx_tools.decks.text.tables import table_height

_STEP = 0.05
_LEAST_SHOWN = 0.3
"""A picture that would be smaller than this share of its size stays as it is."""
_FOOT = 0.94
"""Boxes grow down to this share of the page's height."""


def mend_shapes(page: Page) -> None:
    """Mend the shapes of a slide; what does not leave fewer faults is taken back."""
    for kind, mend in _MENDS.items():
        page = Page(page.slide, page.number, (page.width, page.height))
        faults = list(page_faults(page))
        wanted = [item for item in page.items if any(_means(fault, kind, item) for fault in faults)]
        if not wanted:
            continue
        tree = page.slide.shapes._spTree
        before = [copy.deepcopy(child) for child in tree]
        for item in wanted:
            mend(page, item)
        if num_faults(page) >= len(faults):
            for child in list(tree):
                tree.remove(child)
            tree.extend(before)


def num_faults(page: Page) -> int:
    """Return how many faults a slide has as it is now."""
    return sum(1 for _ in page_faults(Page(page.slide, page.number, (page.width, page.height))))


def _means(fault: Fault, kind: FindingKind, item: Item) -> bool:
    return fault.kind == kind and fault.shape == item.name


def _shrink(page: Page, item: Item) -> None:
    """Make text fit its box: in smaller type of at least MIN_POINTS, then in a taller box."""
    if item.placed.kind == "table":
        _shrink_table(page, item)
    elif item.text is not None and not _shrink_until(page, item, lambda text: text.height <= text.room + 0.5):
        _grow(page, item)


def _shrink_clear(page: Page, item: Item) -> None:
    """Make text smaller until it is clear of everything else."""
    others = [other.ink or other.area for other in page.items if other is not item and (other.ink or not other.text)]
    if item.text is not None:
        _shrink_until(page, item, lambda text: all(min(shared(text.ink, other)) <= 0 for other in others))


def _shrink_until(page: Page, item: Item, is_good: Callable[[Any], bool]) -> bool:
    shape = item.placed.shape
    scale = font_scale(shape.element)
    smallest = min((run.size for run in item.runs), default=MIN_POINTS)
    while not is_good(place_text(page.slide, shape, text_frame(item.placed), number=page.number)):
        scale -= _STEP
        if smallest * scale / font_scale(shape.element) < MIN_POINTS:
            return False
        smallest *= scale / font_scale(shape.element)
        set_scale(shape, scale)
    return True


def _grow(page: Page, item: Item) -> None:
    """Make a box as tall as its text, down to what stands below it."""
    shape, text = item.placed.shape, place_text(page.slide, item.placed.shape, text_frame(item.placed))
    left, top, right, bottom = item.area
    tops = [other.area[1] for other in page.items if other.area[1] >= bottom - 1 and min(right, other.area[2]) > left]
    room = min([page.height * _FOOT, *tops]) - top
    needed = text.height + (bottom - top - text.room) + 1
    if item.placed.frame == frame_of(shape):
        shape.left, shape.top, shape.width, _ = item.placed.frame
        shape.height = round(min(room, needed) * EMU_PER_POINT)


def _shrink_table(page: Page, item: Item) -> None:
    """Make the text of a table smaller until the table fits its frame, else make its frame as tall as it is."""
    shape = item.placed.shape
    runs = [r for row in shape.table.rows for cell in row.cells for p in cell.text_frame.paragraphs for r in p.runs]
    size = min((run.size for run in item.runs), default=MIN_POINTS)
    room = item.area[3] - item.area[1]
    while table_height(page.slide, shape) > room and size - 1 >= MIN_POINTS:
        size -= 1
        for run in runs:
            run.font.size = Pt(size)
    needed = table_height(page.slide, shape)
    if needed > room:
        shape.height = round(needed * EMU_PER_POINT)


def _enlarge(_page: Page, item: Item) -> None:
    """Set type that is too small to MIN_POINTS."""
    shape = item.placed.shape
    element = shape.chart._chartSpace if item.placed.kind == "chart" else shape.element
    least = round(100 * MIN_POINTS / (1.0 if item.placed.kind == "chart" else font_scale(shape.element)))
    for sized in element.iter():
        if sized.get("sz", "").isdigit() and int(sized.get("sz")) < least:
            sized.set("sz", str(least))


def _move_inside(page: Page, item: Item) -> None:
    """Move a shape onto the page, and make it smaller if it is larger than the page."""
    shape = item.placed.shape
    if item.placed.frame != frame_of(shape):
        return
    left, top, right, bottom = item.placed.area
    wide, high = right - left, bottom - top
    smaller = min(1.0, page.width / wide, page.height / high) if wide and high else 1.0
    if item.placed.kind == "picture":
        wide, high = wide * smaller, high * smaller
    else:
        wide, high = min(wide, page.width), min(high, page.height)
    left, top = max(0.0, min(left, page.width - wide)), max(0.0, min(top, page.height - high))
    shape.left, shape.top, shape.width, shape.height = (round(side * EMU_PER_POINT) for side in (left, top, wide, high))


def _crop(_page: Page, item: Item) -> None:
    """Crop a picture to the proportions of its frame, evenly on both sides, instead of stretching it."""
    shape: Any = item.placed.shape
    pixels = num_pixels(shape)
    left, top, right, bottom = item.placed.area
    if pixels is None:
        return
    wider = pixels[0] / pixels[1] / ((right - left) / (bottom - top))
    across, down = (max(0.0, 1 - 1 / wider) / 2, max(0.0, 1 - wider) / 2)
    shape.crop_left = shape.crop_right = across
    shape.crop_top = shape.crop_bottom = down


def _show_smaller(_page: Page, item: Item) -> None:
    """Show a picture as small as its pixels call for, in the middle of where it is."""
    shape: Any = item.placed.shape
    pixels = num_pixels(shape)
    if pixels is None or item.placed.frame != frame_of(shape):
        return
    left, top, width, height = item.placed.frame
    visible = pixels[0] * (1 - shape.crop_left - shape.crop_right)
    share = visible / (width / EMU_PER_POINT / 72) / MIN_PPI
    if share < _LEAST_SHOWN:
        return
    shape.left, shape.top = round(left + width * (1 - share) / 2), round(top + height * (1 - share) / 2)
    shape.width, shape.height = round(width * share), round(height * share)


def _reorder(page: Page, _item: Item) -> None:
    """Put the title first, and texts that stand above others before them."""
    tree = page.slide.shapes._spTree
    title = page.slide.shapes.title
    texts = [item for item in page.items if item.text is not None and not item.is_footer and not item.is_title]
    texts = [item for item in texts if item.placed.shape.element.getparent() is tree]
    if title is not None and title.element.getparent() is tree:
        tree.remove(title.element)
        tree.insert(2, title.element)
    for _ in texts:
        late = next(
            (
                (item, later)
                for number, item in enumerate(texts)
                for later in texts[number + 1 :]
                if is_read_too_early(item, later)
            ),
            None,
        )
        if late is None:
            return
        item, later = late
        item.placed.shape.element.addprevious(later.placed.shape.element)
        texts.remove(later)
        texts.insert(texts.index(item), later)


def _describe(page: Page, item: Item) -> None:
    """Give a picture the title of its slide as alt text."""
    properties = next(item.placed.shape.element.iter(qn("p:cNvPr")))
    if page.title:
        properties.set("descr", page.title)


def _mark_header(_page: Page, item: Item) -> None:
    item.placed.shape.table.first_row = True


def _drop(_page: Page, item: Item) -> None:
    remove(item.placed.shape)


_MENDS: Mapping[FindingKind, Callable[[Page, Item], None]] = {
    "empty_placeholder": _drop,
    "missing_header_row": _mark_header,
    "missing_alt_text": _describe,
    "poor_alt_text": _describe,
    "stretched_picture": _crop,
    "small_text": _enlarge,
    "overflow": _shrink,
    "off_slide": _move_inside,
    "overlap": _shrink_clear,
    "blurred_picture": _show_smaller,
    "low_contrast": recolor,
    "reading_order": _reorder,
}
"""How each kind of fault is mended, in this order."""

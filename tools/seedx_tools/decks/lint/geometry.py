"""Where shapes are: off the slide, over each other, or nearly but not quite in line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from pptx.oxml.ns import qn

from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import TOUCH, Item, Page, share_within, shared

_CURVED = ("ellipse", "donut", "arc", "pie", "chord", "blockArc", "teardrop", "moon", "cloud", "")
"""Shapes that designs let run off a page on purpose, when they hold no text; the last is a freeform."""
_BOXES = ("rect", "roundRect", "round2SameRect", "snip1Rect", "foldedCorner")
"""Shapes that fill their frame."""
_LEAST_SHIFT, _MOST_SHIFT = 1.5, 8.0
"""Points by which shapes in a row are out of line: less is not seen, more is meant."""
_SAME_SIZE = 1.5


def geometry_faults(page: Page) -> Iterator[Fault]:
    """Yield what leaves the slide, what covers text, and shapes of one size that are nearly in line."""
    for item in page.items:
        yield from _off_slide(page, item)
    for index, item in enumerate(page.items):
        for above in page.items[index + 1 :]:
            yield from _overlap(page, item, above)
    yield from _misaligned(page.items)


def _off_slide(page: Page, item: Item) -> Iterator[Fault]:
    if item.ink is not None and _leaves(page, item.ink):
        left, top, right, bottom = item.ink
        hidden = item.is_title and (right <= 0 or bottom <= 0 or left >= page.width or top >= page.height)
        if not hidden:  # a title beside the page is read to those who cannot see it
            yield Fault("off_slide", item.name, "the text runs off the slide; move the box or shorten the text")
    elif item.text is None and _is_seen(item) and _leaves(page, item.area) and not _bleeds(page, item):
        left, top, right, bottom = item.area
        out = max(-left, -top, right - page.width, bottom - page.height)
        what = {"picture": "picture", "chart": "chart", "table": "table"}.get(item.placed.kind, "shape")
        yield Fault("off_slide", item.name, f"the {what} runs {out:.0f} pt off the slide; move it or make it smaller")


def _leaves(page: Page, area: Sequence[float]) -> bool:
    return min(area[:2]) < -TOUCH or area[2] > page.width + TOUCH or area[3] > page.height + TOUCH


def _is_seen(item: Item) -> bool:
    """Return whether a shape shows anything: content, a fill or a line."""
    if item.placed.kind in ("picture", "chart", "table", "other") or item.fill is not None:
        return True
    element = item.placed.shape.element
    line = element.find(f"{qn('p:spPr')}/{qn('a:ln')}")
    if line is not None:
        return line.find(qn("a:noFill")) is None
    styled = element.find(f"{qn('p:style')}/{qn('a:lnRef')}")
    return styled is not None and styled.get("idx", "0") != "0"


def _bleeds(page: Page, item: Item) -> bool:
    """Return whether a shape runs off the slide as designs do: from edge to edge, or as a curve without content."""
    left, top, right, bottom = item.area
    spans = (left <= TOUCH and right >= page.width - TOUCH) or (top <= TOUCH and bottom >= page.height - TOUCH)
    if item.placed.kind == "picture":
        return spans and max(-left, -top, right - page.width, bottom - page.height) < page.height / 3
    return item.placed.kind == "text" and (spans or item.geometry in _CURVED)


def _overlap(page: Page, under: Item, over: Item) -> Iterator[Fault]:
    """Yield the fault of two shapes that show text or content in one place; `over` lies in front of `under`."""
    if under.ink is not None and over.ink is not None:
        yield from _overlap_fault(under, over, shared(under.ink, over.ink))
    elif under.ink is not None and _covers(over):
        yield from _overlap_fault(under, over, shared(under.ink, over.area))
    elif over.ink is not None and _is_content(under) and not _may_lie_on(page, over, under):
        yield from _overlap_fault(over, under, shared(over.ink, under.area))


def _overlap_fault(text: Item, other: Item, size: tuple[float, float]) -> Iterator[Fault]:
    wide, high = size
    if wide > TOUCH and high > TOUCH:
        yield Fault("overlap", text.name, f"its text and '{other.name}' overlap by {wide:.0f} x {high:.0f} pt")


def _is_content(item: Item) -> bool:
    return item.placed.kind in ("picture", "chart", "table")


def _covers(item: Item) -> bool:
    """Return whether a shape hides what lies under it."""
    solid = item.fill is not None and item.fill.opacity > 0.5 and item.geometry in _BOXES
    return _is_content(item) or (solid and item.placed.kind == "text")


def _may_lie_on(page: Page, text: Item, under: Item) -> bool:
    """Return whether a text stands on other content as on a ground: on its own or another panel, or on a picture."""
    assert text.ink is not None
    if text.fill is not None and text.fill.opacity > 0.5:
        return True
    if under.placed.kind == "picture" and share_within(text.ink, under.area) > 0.98:
        return True  # its contrast is measured
    items = page.items
    between = items[items.index(under) + 1 : items.index(text)]
    return any(
        panel.fill is not None and panel.fill.opacity > 0.5 and share_within(text.ink, panel.area) > 0.98
        for panel in between
    )


def _misaligned(items: Sequence[Item]) -> Iterator[Fault]:
    """Yield shapes that are out of line by a little with another one of their size, each once."""
    boxes = [item for item in items if not item.role and (_is_seen(item) or item.text is not None)]
    boxes = [item for item in boxes if min(_size(item)) > 4 * _MOST_SHIFT]
    reported: set[int] = set()
    for first, second in combinations(boxes, 2):
        if id(second) in reported or id(first) in reported or not _is_pair(first, second):
            continue
        wide, high = shared(first.area, second.area)
        side = 1 if wide <= TOUCH and high > 0 else 0 if high <= TOUCH and wide > 0 else None
        if side is None:
            continue
        shift = abs(first.area[side] - second.area[side])
        if _LEAST_SHIFT <= shift <= _MOST_SHIFT:
            reported.add(id(second))
            edge = "top" if side else "left"
            yield Fault(
                "misaligned",
                second.name,
                f"its {edge} edge is {shift:.1f} pt out of line with '{first.name}'; align the two",
            )


def _is_pair(first: Item, second: Item) -> bool:
    """Return whether two shapes are of one kind and size."""
    same = first.placed.kind == second.placed.kind and first.geometry == second.geometry
    return same and all(abs(a - b) <= _SAME_SIZE for a, b in zip(_size(first), _size(second), strict=True))


def _size(item: Item) -> tuple[float, float]:
    return item.area[2] - item.area[0], item.area[3] - item.area[1]

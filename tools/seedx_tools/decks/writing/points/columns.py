"""Columns of points side by side: in the placeholders of a layout, else in text boxes that look like its body."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pptx.enum.text import MSO_ANCHOR
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.util import Emu

from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, frame_of, placeholder, remove, slots_of
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.text.fitting import (
    MIN_POINTS,
    column_size,
    fitting_scale,
    paragraphs_of,
    share_evenly,
    split,
)

COLUMN_NAME = "Column"
"""The first word of the names of text boxes with the points of a column; its number follows."""
HEADING_NAME = "Column heading"
"""The first words of the names of text boxes with the heading of a column; its number follows."""

_NUMBERED = re.compile(r"(Column(?: heading)?) (\d)")
_GAP = 28
"""Points between columns."""
_HEADING_LINES = 1.9
"""The height of a heading, as a multiple of its type size."""


@dataclass(frozen=True, slots=True)
class ColumnShapes:
    """The shapes of one column."""

    body: Any
    heading: Any = None
    """None: it has no place for a heading."""


def placeholder_columns(
    slide: Slide, slots: LayoutSlots, count: int, *, headings: bool, right_to_left: bool
) -> list[ColumnShapes]:
    """Return the columns of an empty slide whose layout has so many, in reading order; empty if it has not.

    A body without a placeholder for its heading gets a text box above it.
    """
    places = slots.columns(right_to_left=right_to_left, count=count)
    found = []
    for number, (index, caption) in enumerate(places, start=1):
        body = placeholder(slide, index)
        heading = placeholder(slide, caption) if headings and caption is not None else None
        if headings and heading is None:
            heading = _heading_above(slide, body, number)
        found.append(ColumnShapes(body, heading))
    return found


def box_columns(
    slide: Slide, frame: EmuFrame, count: int, *, headings: bool, right_to_left: bool
) -> list[ColumnShapes]:
    """Add text boxes for columns in a frame in EMU, with the bullets, faces and colors of the master's text."""
    left, top, width, height = frame
    gap = _GAP * EMU_PER_POINT
    wide = (width - (count - 1) * gap) // count
    found = []
    for number in range(1, count + 1):
        place = count - number if right_to_left else number - 1
        body = _text_box(slide, (left + place * (wide + gap), top, wide, height), f"{COLUMN_NAME} {number}")
        found.append(ColumnShapes(body, _heading_above(slide, body, number) if headings else None))
    return found


def column_pages(slide: Slide, bodies: Sequence[Any], columns: Sequence[list[str]]) -> list[list[list[str]]]:
    """Return the points of each column on each page: on as few pages as hold them, shared out evenly."""
    greedy: list[list[list[str]]] = []
    for body, points in zip(bodies, columns, strict=True):
        shares, left = [], list(points)
        while left:
            fits = fitting_scale(slide, body, paragraphs_of(left)) is not None
            here, left = (left, []) if fits else split(slide, body, left)
            shares.append(here)
        greedy.append(shares)
    count = max(1, *map(len, greedy))
    shared = [_shared(slide, body, shares, count) for body, shares in zip(bodies, greedy, strict=True)]
    return [[shares[page] for shares in shared] for page in range(count)]


def _shared(slide: Slide, body: Any, shares: list[list[str]], count: int) -> list[list[str]]:
    """Share the points of a column out over pages evenly; one that has too few for all fills the first pages."""
    points = [point for share in shares for point in share]
    even = share_evenly(slide, [body] * count, points) if count > 1 else None
    return even or [*shares, *([] for _ in range(count - len(shares)))]


def remove_empty_boxes(columns: Sequence[ColumnShapes]) -> None:
    """Remove the text boxes of columns that nothing was written to."""
    for column in columns:
        for shape in (column.heading, column.body):
            if shape is not None and not shape.is_placeholder and not shape.text_frame.text:
                remove(shape)


def is_column(name: str) -> bool:
    """Return whether a shape of this name is a column or the heading of one."""
    return _NUMBERED.fullmatch(name) is not None


def columns_on(slide: Slide, shapes: Sequence[Any], *, right_to_left: bool) -> list[ColumnShapes]:
    """Return the columns that the text shapes of a slide are; empty if one of them is no part of a column."""
    names = [(_NUMBERED.fullmatch(shape.name), shape) for shape in shapes]
    named = {(name[1], int(name[2])): shape for name, shape in names if name}
    indexed = {shape.placeholder_format.idx: shape for shape in shapes if shape.is_placeholder}
    slots = slots_of(slide.slide_layout)
    numbers = sorted(number for name, number in named if name == COLUMN_NAME)
    if numbers:
        found = [ColumnShapes(named[COLUMN_NAME, number], named.get((HEADING_NAME, number))) for number in numbers]
    else:
        found = []
        for count in range(len(slots.bodies), 1, -1):
            places = slots.columns(right_to_left=right_to_left, count=count)
            if places and all(body in indexed for body, _ in places):
                found = [
                    ColumnShapes(indexed[body], indexed.get(caption, named.get((HEADING_NAME, number))))
                    for number, (body, caption) in enumerate(places, start=1)
                ]
                break
    parts = {id(part) for column in found for part in (column.body, column.heading)}
    return found if len(found) > 1 and all(id(shape) in parts for shape in shapes) else []


def _heading_above(slide: Slide, body: Any, number: int) -> Any:
    """Add a text box for a heading at the top of a body's frame, and move the body under it."""
    left, top, width, height = frame_of(body)
    size = column_size(width / EMU_PER_POINT)
    high = round(size * _HEADING_LINES * EMU_PER_POINT)
    body.left, body.top, body.width, body.height = left, top + high, width, height - high
    box = _text_box(slide, (left, top, width, high), f"{HEADING_NAME} {number}")
    body.element.addprevious(box.element)  # it is read first
    box.text_frame.vertical_anchor = MSO_ANCHOR.BOTTOM
    for properties in box._element.txBody.iter(qn("a:defRPr")):
        properties.set("b", "1")
    return box


def _text_box(slide: Slide, frame: EmuFrame, name: str) -> Any:
    """Add a text box in the style of the master's text, in type that suits its width."""
    shapes: Any = slide.shapes
    box = shapes.add_textbox(*(Emu(value) for value in frame))
    box.name = name
    box.text_frame.word_wrap = True
    box.text_frame.margin_left = box.text_frame.margin_right = 0
    styles = box._element.txBody.find(qn("a:lstStyle"))
    levels = slide.slide_layout.slide_master.element.find(f"{qn('p:txStyles')}/{qn('p:bodyStyle')}")
    most = column_size(frame[2] / EMU_PER_POINT)
    for depth, level in enumerate(levels if levels is not None else ()):
        copied = copy.deepcopy(level)
        styles.append(copied)
        for properties in copied.iter(qn("a:defRPr")):
            size = max(MIN_POINTS, min(int(properties.get("sz", "1800")) / 100, most - min(depth, 1) * 2))
            properties.set("sz", str(round(size * 100)))
    return box

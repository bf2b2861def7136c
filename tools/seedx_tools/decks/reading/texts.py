"""Tell the texts of a slide apart: its title, its points, program text, and the labels and remarks beside them.

Slides of other programs hold their title and their points in text boxes as often as in placeholders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.drawing.reading import is_drawn
from seedx_tools.decks.ooxml.styles import FOOTERS, TITLES, auto_number, placeholder_type
from seedx_tools.decks.shapes import SlideShape, fill_of, slide_shapes
from seedx_tools.decks.text.footnotes import FOOTNOTES_NAME
from seedx_tools.decks.text.shapes import font_scale, runs_of
from seedx_tools.decks.text.strings import runs_right_to_left
from seedx_tools.decks.writing.code import CODE_NAME
from seedx_tools.decks.writing.frames import SOURCE_NAME
from seedx_tools.decks.writing.points.columns import is_column
from seedx_tools.decks.writing.points.typed import typed_mark
from seedx_tools.decks.writing.titles import REST_NAME

_FOOTERS = (*FOOTERS, "hdr")
_BESIDE = (SOURCE_NAME, FOOTNOTES_NAME, REST_NAME)
_AT_THE_TOP = 0.36
"""The middle of a title is above this share of the page."""
_LONGEST_TITLE = 140
_LARGER = 1.2
"""How much larger than any other text a title is that does not stand at the top."""
_ROWS = 30
"""Boxes whose tops differ by less than this part of the page stand in one row."""


@dataclass(frozen=True, slots=True)
class SlideTexts:
    """The texts of a slide by what they are for; each shape with its place on the slide."""

    title: SlideShape | None
    """The shape that shows the title; it may be an empty placeholder."""
    points: tuple[SlideShape, ...]
    programs: tuple[SlideShape, ...]
    labels: tuple[SlideShape, ...]
    """Text in drawn shapes, and text boxes beside the points."""


def texts_of(slide: Slide) -> SlideTexts:
    """Return the texts of a slide by what they are for.

    Points are what body placeholders hold; without any, the text boxes that look like lists, or hold a point each.
    """
    shapes = [placed for placed in slide_shapes(slide) if placed.kind == "text" and not is_drawn(placed.name)]
    height = int(slide.part.package.presentation_part.presentation.slide_height or 1)
    filled = [placed for placed in shapes if _lines(placed)]
    title = _title(slide, shapes, filled, height)
    rest = [
        placed
        for placed in filled
        if placed is not title and _kind(placed) not in (*TITLES, *_FOOTERS) and placed.name not in _BESIDE
    ]
    programs = [placed for placed in rest if placed.name.split(" ")[0] == CODE_NAME]
    texts = [placed for placed in rest if placed not in programs]
    points = [placed for placed in texts if placed.shape.is_placeholder or is_column(placed.name)]
    if not points:
        boxes = _in_order([placed for placed in texts if is_text_box(slide, placed)], height)
        points = [placed for placed in boxes if _is_list(placed)] or _alike(slide, boxes)
    labels = _in_order([placed for placed in texts if placed not in points], height)
    return SlideTexts(title, tuple(points), tuple(programs), tuple(labels))


def title_shape(slide: Slide) -> Any:
    """Return the shape that shows the title of a slide, a placeholder or not; None if there is none."""
    title = texts_of(slide).title
    return None if title is None else title.shape


def is_text_box(slide: Slide, placed: SlideShape) -> bool:
    """Return whether a shape is nothing but its text: a text box, or a shape without fill and outline."""
    element = placed.shape.element
    if element.tag != qn("p:sp") or placed.shape.is_placeholder:
        return False
    if element.nvSpPr.cNvSpPr.get("txBox") in ("1", "true"):
        return True
    line = element.find(f"{qn('p:spPr')}/{qn('a:ln')}")
    style = element.find(f"{qn('p:style')}/{qn('a:lnRef')}")
    styled = style is not None and style.get("idx", "0") != "0"
    fills = [] if line is None else [child.tag for child in line if child.tag.endswith("Fill")]
    outlined = styled if not fills else qn("a:noFill") not in fills
    return not outlined and fill_of(slide, element) is None and bool(placed.shape.text_frame.text.strip())


def _title(slide: Slide, shapes: Sequence[SlideShape], filled: Sequence[SlideShape], height: int) -> SlideShape | None:
    """Return the title placeholder; without text in one, the largest text at the top of the page."""
    places = [placed for placed in shapes if _kind(placed) in TITLES]
    named = next((placed for placed in places if placed in filled), None)
    return named or _headline(slide, filled, height) or next(iter(places), None)


def _headline(slide: Slide, filled: Sequence[SlideShape], height: int) -> SlideShape | None:
    others = [placed for placed in filled if _kind(placed) not in _FOOTERS]
    sizes = {id(placed): _size(slide, placed) for placed in others}
    able = [placed for placed in others if not placed.shape.is_placeholder and _may_be_title(placed)]
    at_top = [placed for placed in able if placed.frame[1] + placed.frame[3] / 2 < _AT_THE_TOP * height]
    if at_top:
        largest = max(at_top, key=lambda placed: (sizes[id(placed)], -placed.frame[1]))
        longer = [sizes[id(placed)] for placed in others if placed is not largest and _is_list(placed)]
        return largest if sizes[id(largest)] >= max(longer, default=0.0) else None
    if not able:
        return None
    largest = max(able, key=lambda placed: sizes[id(placed)])
    second = max((sizes[id(placed)] for placed in others if placed is not largest), default=0.0)
    return largest if sizes[id(largest)] >= _LARGER * second and second else None


def _may_be_title(placed: SlideShape) -> bool:
    lines = _lines(placed)
    text = " ".join(line.text for line in lines)
    is_phrase = len(text) <= _LONGEST_TITLE and sum(char.isalpha() for char in text) > 1
    is_code = placed.name.split(" ")[0] == CODE_NAME or placed.name in _BESIDE
    return len(lines) <= 2 and is_phrase and not is_code and not any(_has_bullet(line) for line in lines)


def _size(slide: Slide, placed: SlideShape) -> float:
    sizes = [style.size for _, style in runs_of(slide, placed.shape)]
    return max(sizes, default=0.0) * font_scale(placed.shape.element)


def _is_list(placed: SlideShape) -> bool:
    lines = _lines(placed)
    return len(lines) > 1 or any(_has_bullet(line) for line in lines)


def _alike(slide: Slide, boxes: Sequence[SlideShape]) -> list[SlideShape]:
    """Return the boxes whose text is as large as that in the largest box if they stand below each other.

    They hold a point each; boxes beside each other are figures or captions.
    """
    main = max(boxes, key=lambda placed: placed.frame[2] * placed.frame[3], default=None)
    if main is None:
        return []
    alike = [placed for placed in boxes if _size(slide, placed) == _size(slide, main)]
    left, _, width, _ = main.frame
    near = width / _ROWS
    stacked = all(
        abs(placed.frame[0] - left) < near or abs(placed.frame[0] + placed.frame[2] / 2 - left - width / 2) < near
        for placed in alike
    )
    return alike if stacked else []


def _has_bullet(paragraph: Any) -> bool:
    properties = paragraph._p.pPr
    drawn = properties is not None and properties.find(qn("a:buChar")) is not None
    return drawn or auto_number(paragraph._p) is not None or bool(typed_mark(paragraph))


def _in_order(shapes: Sequence[SlideShape], height: int) -> list[SlideShape]:
    """Return shapes row by row, in the direction of their text."""
    back = runs_right_to_left(" ".join(placed.shape.text_frame.text for placed in shapes))
    return sorted(shapes, key=lambda placed: (placed.frame[1] * _ROWS // height, placed.frame[0] * (-1 if back else 1)))


def _lines(placed: SlideShape) -> list[Any]:
    return [paragraph for paragraph in placed.shape.text_frame.paragraphs if paragraph.text.strip()]


def _kind(placed: SlideShape) -> str | None:
    return placeholder_type(placed.shape.element)

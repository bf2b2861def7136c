"""Hanging indents that are wide enough for the numbers and check boxes of a list."""

from __future__ import annotations

from functools import cache
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, TextStyle, auto_number, text_style
from seedx_tools.decks.text.points import hanging_growth, shift_of
from seedx_tools.decks.writing.points.bullets import check_box, read_paragraphs


def widen_indents(slide: Slide, shape: Any) -> None:
    """Widen the hanging indents of a list whose numbers or check boxes would touch their text.

    All points of a level move together, and those under them move as far; text that fits keeps its inherited indents.
    """

    @cache
    def style_of(level: int) -> TextStyle:
        return text_style(slide, shape.element, None, level)

    written = [paragraph for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]
    paragraphs = list(zip(written, read_paragraphs(shape), strict=True))
    growth = hanging_growth([(one.level, _mark(paragraph._p)) for paragraph, one in paragraphs], style_of)
    growth = {level: wider for level, wider in growth.items() if wider > 0}
    for paragraph, one in paragraphs:
        shift = shift_of(growth, one.level)
        if shift <= 0 or _stands_free(paragraph._p, is_further=one.is_further):
            continue
        style = style_of(one.level)
        properties = paragraph._p.get_or_add_pPr()
        properties.set("marL", str(round((style.margin + shift) * EMU_PER_POINT)))
        if not one.is_further:
            properties.set("indent", str(round((style.indent - growth.get(one.level, 0.0)) * EMU_PER_POINT)))


def _mark(paragraph: Any) -> str:
    number = auto_number(paragraph)
    return f"{number}." if number is not None else "" if check_box(paragraph) is None else "[ ]"


def _stands_free(paragraph: Any, *, is_further: bool) -> bool:
    """Return whether a paragraph stands outside the list, without a bullet."""
    return not is_further and paragraph.pPr is not None and paragraph.pPr.find(qn("a:buNone")) is not None

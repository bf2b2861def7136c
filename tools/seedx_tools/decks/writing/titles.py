"""Write titles whole: in smaller type, then in a taller box; never cut."""

from __future__ import annotations

from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.layouts import frame_of
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, insets, text_style
from seedx_tools.decks.text.fitting import MIN_POINTS, fitting_scale, set_scale, text_height
from seedx_tools.decks.writing.text import write_line

MIN_TITLE_POINTS = 20.0
"""The smallest size of a title whose box could grow instead; below it a title no longer stands out from the text."""

_LEAST_SCALE = 0.5
_MAX_SHARE = 0.45
"""The tallest that a title's box may grow, as a share of the page."""


def write_title(slide: Slide, shape: Any, title: str, page_height: int, *, grows: bool = True) -> bool:
    """Write a title in inline Markdown; return whether it fits.

    Type shrinks to half, but not below MIN_TITLE_POINTS; then the box grows and moves what is below it down; then
    type shrinks to MIN_POINTS.

    Args:
        slide: The slide.
        shape: Its title placeholder; a title that it has already is replaced.
        title: The text.
        page_height: The height of the page in EMU.
        grows: Whether the box may grow; False once its slide is filled.
    """
    for child in list(shape.text_frame.paragraphs[0]._p):
        if child.tag != qn("a:pPr"):
            child.getparent().remove(child)
    write_line(slide, shape, title)
    lines = [(title, 0)]
    size = text_style(slide, shape.element, None, 0).size
    least = min(1.0, max(_LEAST_SCALE, MIN_TITLE_POINTS / size))
    scale = fitting_scale(slide, shape, lines, least=least)
    if scale is None:
        if grows:
            _grow(slide, shape, title, least, page_height)
        scale = fitting_scale(slide, shape, lines, least=min(least, MIN_POINTS / size))
    set_scale(shape, least if scale is None else scale)
    return scale is not None


def numbered(title: str, number: int, count: int) -> str:
    """Return the title of one of several slides that continue each other, such as "Results (2/3)"."""
    return f"{title} ({number}/{count})"


def _grow(slide: Slide, shape: Any, title: str, scale: float, page_height: int) -> None:
    """Make a title's box as tall as its text needs at this scale, and move the placeholders below it down."""
    left, top, width, height = frame_of(shape)
    margins = insets(slide, shape.element)
    needed = (text_height(slide, shape, [(title, 0)], scale) + margins[1] + margins[3] + 1) * EMU_PER_POINT
    grown = min(round(needed), round(_MAX_SHARE * page_height))
    more = grown - height
    if more <= 0:
        return
    below = [
        (other, frame_of(other))
        for other in slide.placeholders
        if other.element is not shape.element and frame_of(other)[1] >= top + height - page_height // 50
    ]
    shape.left, shape.top, shape.width, shape.height = left, top, width, grown
    for other, (x, y, wide, high) in below:
        if high > more + page_height // 10:
            other.left, other.top, other.width, other.height = x, y + more, wide, high - more

"""Write text into placeholders as native text that fits, in the direction of its script."""

from __future__ import annotations

from typing import Any

from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import text_style
from seedx_tools.decks.text.fitting import fitting_scale, least_scale, paragraphs_of, set_scale
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.points import PointParagraph, split_points
from seedx_tools.decks.text.strings import runs_right_to_left
from seedx_tools.decks.writing.points.bullets import set_check_box, set_no_bullet, set_number, text_margin
from seedx_tools.decks.writing.points.hanging import widen_indents
from seedx_tools.decks.writing.runs import write_runs


def write_line(slide: Slide, shape: Any, text: str) -> None:
    """Write one paragraph of inline Markdown, scaled down if necessary."""
    paragraph = shape.text_frame.paragraphs[0]
    write_runs(paragraph, text)
    _set_direction(slide, shape, paragraph, plain_text(text), 0)
    _fit(slide, shape, [(text, 0)])


def write_points(slide: Slide, shape: Any, bullets: list[str], *, bulleted: bool, scale: float | None = None) -> None:
    """Write points in inline Markdown, indented one level per leading tab, with or without bullets.

    Bulleted points that start with "1. ", "2. " become a numbered list; tasks ("[ ] ") always have check boxes.
    `scale` is the font scale; None: the largest that fits.
    """
    frame = shape.text_frame
    numbers = _Numbers()
    for place, one in enumerate(split_points(bullets)):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        start = numbers.start_of(one) if bulleted else None
        is_marked = start is not None or one.done is not None
        text = one.text if is_marked else one.mark + one.text
        write_runs(paragraph, text)
        if one.depth:
            paragraph.level = one.depth
        _set_direction(slide, shape, paragraph, plain_text(text), one.depth)
        if one.done is not None:
            set_check_box(paragraph, done=one.done)
        elif start is not None:
            set_number(paragraph, start)
        elif one.is_further or not bulleted:
            set_no_bullet(paragraph, text_margin(shape, one.level) if bulleted else 0.0)
    widen_indents(slide, shape)
    if scale is None:
        _fit(slide, shape, paragraphs_of(bullets))
    else:
        set_scale(shape, scale)


class _Numbers:
    """Tracks numbered lists: a list continues while its numbers are consecutive."""

    def __init__(self) -> None:
        self._lists: dict[int, tuple[int, int]] = {}
        """The first and the last number of the open list of each level."""

    def start_of(self, one: PointParagraph) -> int | None:
        """Return the start number of a paragraph's list; None if it has no number."""
        if one.is_further:
            return None
        self._lists = {level: numbers for level, numbers in self._lists.items() if level <= one.level}
        if one.number is None:
            self._lists.pop(one.level, None)
            return None
        start, last = self._lists.get(one.level, (one.number, one.number - 1))
        if one.number != last + 1:
            start = one.number
        self._lists[one.level] = start, one.number
        return start


def set_right_to_left(paragraph: Any, *, mirrored: bool = True) -> None:
    """Set a paragraph to run right to left; mirrored also aligns it to the right."""
    properties = paragraph._p.get_or_add_pPr()
    properties.set("rtl", "1")
    if mirrored:
        properties.set("algn", "r")


def _fit(slide: Slide, shape: Any, paragraphs: list[tuple[str, int]]) -> None:
    set_scale(shape, fitting_scale(slide, shape, paragraphs) or least_scale(slide, shape, paragraphs))


def _set_direction(slide: Slide, shape: Any, paragraph: Any, text: str, level: int) -> None:
    """Set a right-to-left paragraph's direction if the template does not."""
    if not runs_right_to_left(text):
        return
    style = text_style(slide, shape.element, None, level)
    if not style.rtl:
        set_right_to_left(paragraph, mirrored=style.align == "l")

"""Write text into placeholders as native text that fits, in the direction of its script."""

from __future__ import annotations

import re
from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import text_style
from seedx_tools.decks.text.fitting import fitting_scale, least_scale, paragraphs_of, set_scale
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.strings import runs_right_to_left
from seedx_tools.decks.writing.runs import write_runs

_NUMBERED = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")


def write_line(slide: Slide, shape: Any, text: str) -> None:
    """Write one paragraph of inline Markdown, scaled down if necessary."""
    paragraph = shape.text_frame.paragraphs[0]
    write_runs(paragraph, text)
    _set_direction(slide, shape, paragraph, plain_text(text), 0)
    _fit(slide, shape, [(text, 0)])


def write_points(slide: Slide, shape: Any, bullets: list[str], *, bulleted: bool, scale: float | None = None) -> None:
    """Write points in inline Markdown, indented one level per leading tab, with or without bullets.

    Bulleted points that start with "1. ", "2. " become a numbered list. `scale` is the font scale; None: the largest
    that fits.
    """
    paragraphs = paragraphs_of(bullets)
    frame = shape.text_frame
    numbers = _Numbers()
    for number, (text, level) in enumerate(paragraphs):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        start = None
        if bulleted:
            text, start = numbers.take(text, level)
        write_runs(paragraph, text)
        if level:
            paragraph.level = level
        _set_direction(slide, shape, paragraph, plain_text(text), level)
        if not bulleted:
            properties = paragraph._p.get_or_add_pPr()
            properties.set("marL", "0")
            properties.set("indent", "0")
            properties.append(parse_xml(f"<a:buNone {nsdecls('a')}/>"))
        elif start is not None:
            properties = paragraph._p.get_or_add_pPr()
            properties.append(parse_xml(f"<a:buFont {nsdecls('a')} typeface='+mj-lt'/>"))
            properties.append(parse_xml(f"<a:buAutoNum {nsdecls('a')} type='arabicPeriod' startAt='{start}'/>"))
    if scale is None:
        _fit(slide, shape, paragraphs)
    else:
        set_scale(shape, scale)


class _Numbers:
    """Tracks numbered lists: a list continues while its numbers are consecutive."""

    def __init__(self) -> None:
        self._lists: dict[int, tuple[int, int]] = {}
        """The first and the last number of the open list of each level."""

    def take(self, text: str, level: int) -> tuple[str, int | None]:
        """Return a point without its number, and the start number of its list; None if it has no number."""
        self._lists = {open_level: numbers for open_level, numbers in self._lists.items() if open_level <= level}
        found = _NUMBERED.match(text)
        if found is None or int(found[1]) < 1:  # PowerPoint's numbering starts at 1
            self._lists.pop(level, None)
            return text, None
        number = int(found[1])
        start, last = self._lists.get(level, (number, number - 1))
        if number != last + 1:
            start = number
        self._lists[level] = start, number
        return text[found.end() :], start


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

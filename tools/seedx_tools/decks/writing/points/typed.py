"""Bullets and numbers that were typed as text, as people do in text boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pptx.oxml.ns import qn

from seedx_tools.decks.ooxml.styles import level_of
from seedx_tools.decks.text.shapes import paragraph_text

_SURE = "\u2022\u2023\u25e6\u25aa\u25ab\u25cf\u25cb\u25a0\u25a1\u27a2\u27a4\u25ba\u25b6\u2713\u2714\u00b7"
_MARK = re.compile(
    rf"[ \t\u00a0]*(?:(?P<sure>[{_SURE}])[ \t\u00a0]*|(?:[-*\u2013]|\(?(?P<number>\d{{1,3}})[.)])[ \t\u00a0]+)"
)
_DIGITS = re.compile(r"\d+")
_INDENT = 4
"""Blanks at the start of a line that count as one level."""
_DRAWN = (qn("a:buChar"), qn("a:buAutoNum"), qn("a:buBlip"))


def typed_mark(paragraph: Any) -> str:
    """Return the bullet or number that a paragraph's text starts with, with the blanks around it; empty for none.

    A dash or a number counts only where another paragraph of the shape has one too.
    """
    found = _mark(paragraph._p)
    if found is None:
        return ""
    if found["sure"] is None:
        others = (_mark(other) for other in paragraph._p.getparent().findall(qn("a:p")) if other is not paragraph._p)
        if not any(other is not None and bool(other["number"]) == bool(found["number"]) for other in others):
            return ""
    return found[0]


def point_level(paragraph: Any) -> int:
    """Return the level of a point, from 0; blanks before a typed bullet count."""
    lead = re.match(r"[ \t\u00a0]*", typed_mark(paragraph))
    blanks = "" if lead is None else lead[0]
    return min(8, level_of(paragraph._p) + blanks.count("\t") + len(blanks.replace("\t", "")) // _INDENT)


def typed_number(paragraph: Any) -> int | None:
    """Return the number that a paragraph's text starts with in a list; None if it starts with none."""
    found = _DIGITS.search(typed_mark(paragraph))
    return None if found is None else int(found[0])


def with_mark(mark: str, number: int | None) -> str:
    """Return a typed bullet as it is, or a typed number with another number in it."""
    return mark if number is None else _DIGITS.sub(str(number), mark, count=1)


def recounted(paragraphs: list[Any]) -> Iterator[tuple[Any, str, str]]:
    """Yield the paragraphs whose typed numbers do not count up from the first, with their mark and the right one."""
    counts: dict[int, int] = {}
    for paragraph in paragraphs:
        mark, level = typed_mark(paragraph), point_level(paragraph)
        counts = {deeper: count for deeper, count in counts.items() if deeper <= level}
        typed = _DIGITS.search(mark)
        if typed is None:
            counts.pop(level, None)
            continue
        counts[level] = counts[level] + 1 if level in counts else int(typed[0])
        if counts[level] != int(typed[0]):
            yield paragraph, mark, with_mark(mark, counts[level])


def _mark(element: Any) -> re.Match[str] | None:
    properties = element.find(qn("a:pPr"))
    if properties is not None and any(child.tag in _DRAWN for child in properties):
        return None
    text = paragraph_text(element)
    found = _MARK.match(text)
    return found if found is not None and text[found.end() :].strip() else None

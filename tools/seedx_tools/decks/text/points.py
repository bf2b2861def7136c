"""The points of a plan as the paragraphs of a text box.

A point is a text in inline Markdown. Leading tabs are its level, "1. " numbers it, "[ ] " and "[x] " make it a task. A
line break starts a further paragraph of the same point, without a bullet; a point that starts with a line break is such
a paragraph by itself. A vertical tab is a line break inside a paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from seedx_tools.decks.ooxml.styles import TextStyle
from seedx_tools.decks.text.layout import width_of

MAX_LEVEL = 4
"""The deepest level of a point."""

CHECK_BOXES = {False: "\u2610", True: "\u2611"}
"""The characters of check boxes: of tasks that are open, and of those that are done."""

_NUMBER = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_TASK = re.compile(r"^\[([ xX])\]\s+(?=\S)")
_GAP = 0.3
"""The least space between a number or check box and its text, as a multiple of the type size."""
_BOX_WIDTH = 0.9
"""The width of a check box, likewise."""


@dataclass(frozen=True, slots=True)
class PointParagraph:
    """A paragraph of a point."""

    text: str
    level: int
    mark: str = ""
    """What stands before the text in a plan, such as "1. " or "[x] "."""
    is_further: bool = False
    """Whether it continues the point above it."""

    @property
    def number(self) -> int | None:
        """Its number in a list, from 1; None if it has none."""
        found = _NUMBER.match(f"{self.mark}x")
        return (int(found[1]) or None) if found else None

    @property
    def done(self) -> bool | None:
        """Whether it is a task that is done; None if it is no task."""
        found = _TASK.match(f"{self.mark}x")
        return None if found is None else found[1] != " "

    @property
    def depth(self) -> int:
        """Its level on a slide: further paragraphs are one deeper, so that the numbers of a list go on after them."""
        return min(MAX_LEVEL, self.level + int(self.is_further))


def split_points(points: Iterable[str]) -> list[PointParagraph]:
    """Return the paragraphs of points, without blank ones."""
    found: list[PointParagraph] = []
    for point in points:
        bare = point.lstrip("\t")
        level = min(MAX_LEVEL, len(point) - len(bare))
        first, *more = bare.split("\n")
        if first.strip():
            text = first.strip()
            mark = next((hit[0] for hit in (_NUMBER.match(text), _TASK.match(text)) if hit), "")
            rest = _TASK.sub(_box, text[len(mark) :], count=1) if mark else text
            found.append(PointParagraph(rest, level, mark))
        found += [PointParagraph(line.strip(), level, is_further=True) for line in more if line.strip()]
    return found


def _box(task: re.Match[str]) -> str:
    """Return the check box that is part of the text of a numbered task, whose number takes the place of a bullet."""
    return f"{CHECK_BOXES[task[1] != ' ']} "


def join_points(paragraphs: Iterable[PointParagraph]) -> list[str]:
    """Return the points that consist of these paragraphs; the inverse of split_points."""
    points: list[str] = []
    last = -1
    for one in paragraphs:
        if one.is_further and one.level == last:
            points[-1] += f"\n{one.text}"
        else:
            points.append("\t" * one.level + ("\n" if one.is_further else one.mark) + one.text)
        last = one.level
    return points


def hanging_growth(marks: Sequence[tuple[int, str]], style_of: Callable[[int], TextStyle]) -> dict[int, float]:
    """Return how much wider the hanging indent of each level must be for its numbers and check boxes, in points.

    Args:
        marks: The level of each paragraph, and its number ("12.") or check box ("[ ]"); an empty text for neither.
        style_of: Returns the style of a level.
    """
    growth: dict[int, float] = {}
    for level, mark in marks:
        if mark:
            style = style_of(level)
            width = _BOX_WIDTH * style.size if mark.startswith("[") else width_of(mark, style.size, style)
            growth[level] = max(growth.get(level, 0.0), width + _GAP * style.size + style.indent)
    return growth


def shift_of(growth: dict[int, float], level: int) -> float:
    """Return how far the text of a level moves when the hanging indents of it and of those above it grow, in points."""
    return sum(wider for other, wider in growth.items() if other <= level)

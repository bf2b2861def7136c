"""Lines of text: where they may end (Unicode line breaking), and the largest type that fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from uniseg.graphemecluster import grapheme_clusters
from uniseg.linebreak import line_break_units

from seedx_tools.decks.text.strings import runs_right_to_left

LEADING = 1.45
"""Distance of two lines in em."""
PARAGRAPH_GAP = 0.6
"""Additional distance of two paragraphs in em."""
MM_PER_PT = 25.4 / 72

Measure = Callable[[str], float]
"""Returns the width of a text in em."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a paragraph."""

    text: str
    """With the white space at its end, so that lines put together are the text again."""
    right_to_left: bool
    opens: bool
    """Whether it is the first line of its paragraph."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text between two places where a line may end."""

    text: str
    width: float
    """In em, with the white space at its end."""
    ink: float
    """In em, without it."""


class TypeSetter:
    """Breaks one text into lines at any type size; each piece of it is measured once.

    Args:
        text: The paragraphs, one a line.
        measure: Returns the width of a piece in em.
        right_to_left: The direction of paragraphs that have no letters.
    """

    def __init__(self, text: str, measure: Measure, *, right_to_left: bool = False) -> None:
        self._measure = measure
        self._paragraphs = [
            (runs_right_to_left(paragraph) or (right_to_left and not _has_letters(paragraph)), self._pieces(paragraph))
            for paragraph in paragraphs(text)
        ]

    def lines(self, size_pt: float, width_mm: float) -> list[Line]:
        """Return the lines of the text at a type size."""
        width = width_mm / (size_pt * MM_PER_PT)
        return [
            Line(line, right_to_left, number == 0)
            for right_to_left, pieces in self._paragraphs
            for number, line in enumerate(self._broken(pieces, width))
        ]

    def fit(self, sizes_pt: Sequence[float], width_mm: float, height_mm: float) -> tuple[float, list[Line]]:
        """Return the first size at which the text fits a box, and its lines; the last one if it fits at none."""
        for size in sizes_pt:
            lines = self.lines(size, width_mm)
            if height_of(lines, size) <= height_mm:
                break
        return size, lines

    def _pieces(self, paragraph: str) -> list[_Piece]:
        return [_Piece(text, self._measure(text), self._measure(text.rstrip())) for text in _units(paragraph)]

    def _broken(self, pieces: list[_Piece], width: float) -> Iterator[str]:
        line, used = "", 0.0
        for piece in pieces:
            if line and used + piece.ink > width:
                yield line
                line, used = "", 0.0
            if piece.ink > width:  # one word longer than a line
                *full, rest = self._cut(piece.text, width)
                yield from full
                piece = _Piece(rest, self._measure(rest), self._measure(rest.rstrip()))
            line, used = line + piece.text, used + piece.width
        if line:
            yield line

    def _cut(self, word: str, width: float) -> list[str]:
        parts, used = [""], 0.0
        for cluster in grapheme_clusters(word):
            wide = self._measure(cluster)
            if parts[-1] and used + wide > width and not cluster.isspace():
                parts.append("")
                used = 0.0
            parts[-1] += cluster
            used += wide
        return parts


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text: its lines that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def text_of(lines: Sequence[Line]) -> str:
    """Return the text of lines."""
    return "".join(("\n" if line.opens else "") + line.text for line in lines)


def height_of(lines: Sequence[Line], size_pt: float) -> float:
    """Return the height of lines in mm."""
    gaps = sum(line.opens for line in lines[1:])
    return (len(lines) * LEADING + gaps * PARAGRAPH_GAP) * size_pt * MM_PER_PT


def lines_that_fit(lines: Sequence[Line], size_pt: float, height_mm: float) -> int:
    """Return how many lines fit a height, at least one."""
    fitting = 1
    while fitting < len(lines) and height_of(lines[: fitting + 1], size_pt) <= height_mm:
        fitting += 1
    return fitting


def _units(paragraph: str) -> Iterator[str]:
    """Yield the pieces after each of which a line may end; the rules of Unicode are slow, and ASCII needs few."""
    for chunk in re.findall(r"\S+\s*", paragraph):
        yield from [chunk] if chunk.isascii() and "-" not in chunk else line_break_units(chunk)


def _has_letters(text: str) -> bool:
    return any(char.isalpha() for char in text)

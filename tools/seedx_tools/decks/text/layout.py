"""Break text into lines, to tell whether it fits a box and to draw it. All lengths are in points (1/72 inch)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from seedx_tools.decks.ooxml.styles import TextStyle
from seedx_tools.decks.text.metrics import text_width

LINE_HEIGHT = 1.2
"""Line height as a multiple of the font size, as PowerPoint sets single-spaced Arial (ascent + descent + gap)."""

_TOKENS = re.compile(r"\S+|\s+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its text, its position in the box, and its bullet if it starts a point."""

    text: str
    x: float
    width: float
    top: float
    height: float
    style: TextStyle
    bullet: str


def lay_out(paragraphs: Sequence[tuple[str, TextStyle]], width: float, scale: float = 1.0) -> list[Line]:
    """Return the lines of paragraphs in a box of this inner width; scale multiplies the font sizes."""
    lines: list[Line] = []
    top = 0.0
    for number, (text, style) in enumerate(paragraphs):
        size = style.size * scale
        top += style.space_before * scale if number else 0.0
        height = size * LINE_HEIGHT * style.line_spacing
        room = width - style.margin
        hang = -style.indent if not style.bullet else 0.0  # without a bullet, the first line starts at the indent
        for index, piece in enumerate(wrap(text, size, room, style, hang)):
            used = width_of(piece, size, style)
            more = 0.0 if index else hang
            free = max(0.0, room + more - used)
            shift = {"l": 0.0, "ctr": free / 2, "r": free}[style.align]
            bullet = style.bullet if index == 0 and text.strip() else ""
            start = 0.0 if style.rtl else style.margin - more
            lines.append(Line(piece, start + shift, used, top, height, style, bullet))
            top += height
    return lines


def height_of(lines: Sequence[Line]) -> float:
    """Return the height of laid-out lines."""
    return lines[-1].top + lines[-1].height if lines else 0.0


def wrap(text: str, size: float, room: float, style: TextStyle, hang: float = 0.0) -> list[str]:
    """Return the lines that a text breaks into; a word that is wider than the room is broken.

    Args:
        text: A paragraph; a vertical tab breaks the line.
        size: The font size.
        room: The width of a line.
        style: The typeface.
        hang: How much wider the first line may be.
    """
    lines: list[str] = []
    for part in text.split("\v"):  # a line break inside the paragraph
        lines += _wrap_part(part, size, room, style, 0.0 if lines else hang)
    return lines


def width_of(text: str, size: float, style: TextStyle) -> float:
    """Return the width of one line at this font size."""
    return text_width(text, size, family=style.family, bold=style.bold)


def _wrap_part(text: str, size: float, room: float, style: TextStyle, hang: float) -> list[str]:
    lines, used = [""], -hang
    for token in _TOKENS.findall(text):
        pieces = _pieces(token, size, room, style)
        if len(pieces) > 1 and lines[-1].strip() and not _breaks_anywhere(token):
            lines.append("")  # a word that must be broken starts on a line of its own
            used = 0.0
        for piece in pieces:
            width = width_of(piece, size, style)
            if not lines[-1] or piece.isspace() or used + width <= room:
                blank = piece.isspace() and not lines[-1] and len(lines) > 1
                lines[-1] += "" if blank else piece
                used += 0.0 if blank else width
            else:
                lines.append(piece)
                used = width
    return [line.rstrip() for line in lines]


def _pieces(token: str, size: float, room: float, style: TextStyle) -> list[str]:
    """Return a word whole, or letter by letter if it is too wide or in a script without spaces."""
    return list(token) if _breaks_anywhere(token) or width_of(token, size, style) > room else [token]


def _breaks_anywhere(token: str) -> bool:
    return any(unicodedata.east_asian_width(char) in "WF" for char in token)

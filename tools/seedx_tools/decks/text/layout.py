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
        for index, piece in enumerate(wrap(text, size, room, style)):
            used = width_of(piece, size, style)
            free = max(0.0, room - used)
            shift = {"l": 0.0, "ctr": free / 2, "r": free}[style.align]
            bullet = style.bullet if index == 0 and text.strip() else ""
            lines.append(Line(piece, (0.0 if style.rtl else style.margin) + shift, used, top, height, style, bullet))
            top += height
    return lines


def height_of(lines: Sequence[Line]) -> float:
    """Return the height of laid-out lines."""
    return lines[-1].top + lines[-1].height if lines else 0.0


def wrap(text: str, size: float, room: float, style: TextStyle) -> list[str]:
    """Return the lines that a text breaks into; a word that is wider than the room is broken."""
    lines: list[str] = []
    for part in text.split("\v"):  # a line break inside the paragraph
        lines += _wrap_part(part, size, room, style)
    return lines


def width_of(text: str, size: float, style: TextStyle) -> float:
    """Return the width of one line at this font size."""
    return text_width(text, size, family=style.family, bold=style.bold)


def _wrap_part(text: str, size: float, room: float, style: TextStyle) -> list[str]:
    lines, used = [""], 0.0
    for token in _TOKENS.findall(text):
        for piece in _pieces(token, size, room, style):
            width = width_of(piece, size, style)
            if not lines[-1] or piece.isspace() or used + width <= room:
                blank = piece.isspace() and not lines[-1]
                lines[-1] += "" if blank else piece
                used += 0.0 if blank else width
            else:
                lines.append(piece)
                used = width
    return [line.rstrip() for line in lines]


def _pieces(token: str, size: float, room: float, style: TextStyle) -> list[str]:
    """Return a word whole, or letter by letter if it is too wide or in a script without spaces."""
    breaks_anywhere = any(unicodedata.east_asian_width(char) in "WF" for char in token)
    return list(token) if breaks_anywhere or width_of(token, size, style) > room else [token]

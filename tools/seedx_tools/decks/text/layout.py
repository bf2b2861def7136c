"""Break text into lines, to tell whether it fits a box and to draw it. All lengths are in points (1/72 inch)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from seedx_tools.decks.ooxml.styles import TextStyle
from seedx_tools.decks.text.languages.scripts import is_tall
from seedx_tools.decks.text.metrics import text_width

LINE_HEIGHT = 1.2
"""Line height as a multiple of the font size, as PowerPoint sets single-spaced Arial (ascent + descent + gap)."""

_TALL_LINE_HEIGHT = 1.32
"""The same for East Asian and Indic faces, such as Microsoft YaHei, Malgun Gothic or Nirmala UI."""

_CLOSING = frozenset(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
    ",.!?:;)]}%\u2019\u201d\u2026\u2030\u3001\u3002\uff0c\uff0e\uff01\uff1f\uff1a\uff1b\uff09\uff3d\uff5d\uff05\u300d\u300f\u3011\u3015"
    "\u3009\u300b\u3017\u30fb\u30fc\u3005\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3"
    "\u30e3\u30e5\u30e7"
)
"""No line starts with these."""
_OPENING = frozenset("([{$\u2018\u201c\uff08\uff3b\uff5b\u300c\u300e\u3010\u3014\u3008\u300a\u3016\uffe5\uff04")
"""No line ends with these."""
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
        room = width - style.margin
        hang = -style.indent if not style.bullet else 0.0  # without a bullet, the first line starts at the indent
        for index, piece in enumerate(wrap(text, size, room, style, hang)):
            used = width_of(piece, size, style)
            more = 0.0 if index else hang
            free = max(0.0, room + more - used)
            shift = {"l": 0.0, "ctr": free / 2, "r": free}[style.align]
            bullet = style.bullet if index == 0 and text.strip() else ""
            height = size * line_height(piece) * style.line_spacing
            start = 0.0 if style.rtl else style.margin - more
            lines.append(Line(piece, start + shift, used, top, height, style, bullet))
            top += height
    return lines


def line_height(text: str) -> float:
    """Return the height of a line of text as a multiple of the font size."""
    return _TALL_LINE_HEIGHT if is_tall(text) else LINE_HEIGHT


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
        if len(pieces) > 1 and lines[-1].strip() and not any(map(_is_wide, token)):
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
    """Return a word whole; the parts between which a line may break; or its letters if a part is too wide."""
    parts = breakable_parts(token) if any(map(_is_wide, token)) else [token]
    return [piece for part in parts for piece in (part if width_of(part, size, style) > room else [part])]


def breakable_parts(word: str) -> list[str]:
    """Return the parts of a word with East Asian characters between which a line may break.

    It may break before and after such a character, but not within a Latin word or number, before punctuation that
    closes, or after punctuation that opens (JIS X 4051, GB/T 15834).
    """
    parts: list[str] = []
    for char in word:
        before = parts[-1][-1] if parts else ""
        if before and (char in _CLOSING or before in _OPENING or not (_is_wide(char) or _is_wide(before))):
            parts[-1] += char
        else:
            parts.append(char)
    return parts


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"

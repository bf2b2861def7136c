"""Measure text in the fonts that decks name, the same on every machine for the standard fonts.

Arial, Times New Roman and Courier New have the letter widths of Helvetica, Times and Courier, whose published metrics
(the Adobe font metrics of PDF's 14 standard fonts, ISO 32000-1, 9.6.2.2) come with fpdf2. Other families are
measured with their installed font file, or with Arial's widths if they are not installed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from seedx_tools.decks.ooxml.styles import DEFAULT_FAMILY
from seedx_tools.decks.text.fonts import builtin_width, family_file, file_width

_STANDARD = {
    "arial": "helvetica",
    "helvetica": "helvetica",
    "helvetica neue": "helvetica",
    "liberation sans": "helvetica",
    "times": "times",
    "times new roman": "times",
    "liberation serif": "times",
    "courier": "courier",
    "courier new": "courier",
    "liberation mono": "courier",
}


def text_width(text: str, size: float, *, family: str = DEFAULT_FAMILY, bold: bool = False) -> float:
    """Return the width of one line of text, in the unit of size (points or pixels)."""
    return _em_width(text, family.strip().lower(), bold) * size


@lru_cache(maxsize=32768)
def _em_width(text: str, family: str, bold: bool) -> float:
    standard = _STANDARD.get(family)
    file = None if standard else family_file(family, bold)
    if file is not None:
        narrow = "".join(char for char in text if unicodedata.east_asian_width(char) not in "WF")
        return file_width(file, narrow) + len(text) - len(narrow)  # another font draws the others, an em wide each
    widths = _standard_widths(standard or "helvetica", bold)
    return sum(_letter_width(char, widths) for char in text)


def _letter_width(char: str, widths: Mapping[str, int]) -> float:
    """Return the width in em of one letter: 1 for full-width letters, 0 for combining marks."""
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    if unicodedata.combining(char):
        return 0.0
    try:
        return widths[char.encode("cp1252").decode("latin-1")] / 1000
    except (UnicodeEncodeError, KeyError):
        return builtin_width(char)


@lru_cache(maxsize=8)
def _standard_widths(name: str, bold: bool) -> Mapping[str, int]:
    """Return widths in thousandths of an em by the letter's byte in code page 1252."""
    from fpdf.fonts import CORE_FONTS_CHARWIDTHS  # slow to import, and only decks need it

    return CORE_FONTS_CHARWIDTHS[name + ("B" if bold else "")]

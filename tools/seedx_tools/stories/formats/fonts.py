"""The fonts of a PDF: the one that was given, Helvetica for Western European text, installed ones for the rest."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from seedx_sdk.errors import InputError
from seedx_tools.decks.text.fonts import font_characters, installed_fonts
from seedx_tools.decks.text.strings import clean

CORE_ENCODING = "windows-1252"
"""The characters that every PDF reader can show without a font in the file."""
_SUFFIXES = (".ttf", ".otf", ".ttc")
_SELECTORS = dict.fromkeys((0xAD, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
"""Soft hyphens, and variation selectors: they choose among forms of a letter that these fonts do not have."""
_LETTERS = frozenset("Lu Ll Lt Lm Lo Mn Mc Nd Nl No Pc Pd Ps Pe Pi Pf Po".split())
"""Unicode categories: letters, marks, digits and punctuation."""
_MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class BookFonts:
    """The fonts for a text."""

    files: tuple[Path, ...]
    """In order of preference; none for Helvetica, which needs no file."""
    missing: tuple[str, ...]
    """The characters that none of them has."""

    @property
    def missing_letters(self) -> tuple[str, ...]:
        """The missing characters without which the text would be another; the rest are symbols, such as emoji."""
        return tuple(char for char in self.missing if unicodedata.category(char) in _LETTERS)


def check_font(font: str | os.PathLike[str] | None) -> Path | None:
    """Return the path of a font that can be used, or None.

    Raises:
        InputError: If it is not the file of a font.
    """
    if font is None:
        return None
    path = Path(font)
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        raise InputError(f"the font '{path}' is not a file that ends in {', '.join(_SUFFIXES)}; give the path of one")
    if not font_characters(path):
        raise InputError(f"'{path}' is damaged, or no font with outlines; give another .ttf, .otf or .ttc file")
    return path


def printable(text: str) -> str:
    """Return the text as a PDF can have it: letters composed with their marks, no control characters."""
    return unicodedata.normalize("NFC", clean(text, keep_lines=True)).translate(_SELECTORS)


def choose_fonts(text: str, font: Path | None) -> BookFonts:
    """Return the fonts for a printable text: the given one first, then as few installed ones as possible."""
    needed = [char for char in dict.fromkeys(text) if not char.isspace() and unicodedata.category(char) != "Cf"]
    if font is not None:
        files, missing = _installed(_without(needed, font))
        return BookFonts((font, *files), missing)
    rare = [char for char in needed if not _is_core(char)]
    if not rare:
        return BookFonts((), ())
    files, missing = _installed(needed)
    if all(char in missing for char in rare):
        return BookFonts((), tuple(rare))  # no font has more than Helvetica
    return BookFonts(files, missing)


def require_letters(fonts: BookFonts, font: Path | None) -> None:
    """Raise an error that names the letters that no font has.

    Raises:
        InputError: If there are any.
    """
    letters = fonts.missing_letters
    if letters:
        where = "no font on this machine has" if font is None else f"neither '{font.name}' nor an installed font has"
        raise InputError(
            f"{where} {_named(letters)}, so a PDF cannot show this story; pass font=, the path of a .ttf, .otf or .ttc "
            "file that has them, or save it as .html or .epub"
        )


def describe_missing(chars: tuple[str, ...]) -> str:
    """Return the sentence about symbols that no font has."""
    names = ", ".join(f"'{char}' ({unicodedata.name(char, 'a newer symbol').lower()})" for char in chars[:_MAX_NAMED])
    more = f" and {len(chars) - _MAX_NAMED} more" if len(chars) > _MAX_NAMED else ""
    return f"no font here has {names}{more}: the PDF leaves them out; pass font= with a font that has them"


def _installed(chars: list[str]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Return installed fonts for characters, one alone if it has all, and the characters that none has."""
    fonts: list[Path] = []
    left = chars
    for path in installed_fonts() if chars else ():
        if not _without(chars, path):
            return (path,), ()
        rest = _without(left, path)
        if len(rest) < len(left):
            fonts.append(path)
            left = rest
    return tuple(fonts), tuple(left)


def _without(chars: list[str], font: Path) -> list[str]:
    has = font_characters(font)
    return [char for char in chars if ord(char) not in has]


def _is_core(char: str) -> bool:
    try:
        return bool(char.encode(CORE_ENCODING))
    except UnicodeEncodeError:
        return False


def _named(chars: tuple[str, ...]) -> str:
    more = f" (and {len(chars) - _MAX_NAMED} more)" if len(chars) > _MAX_NAMED else ""
    return " ".join(f"'{char}'" for char in chars[:_MAX_NAMED]) + more

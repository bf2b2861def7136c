"""Fonts for previews: Pillow's own sans-serif, and installed fonts where it lacks a glyph or a deck names another."""

from __future__ import annotations

import io
import struct
import sys
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

_SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial Unicode.ttf",
    "Arial.ttf",
    "arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "msyh.ttc",
    "PingFang.ttc",
)
_FONT_DIRECTORIES = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}
_SUBSTITUTES = {
    "arial": ("liberation sans",),
    "times new roman": ("liberation serif", "dejavu serif"),
    "calibri": ("carlito",),
    "cambria": ("caladea", "liberation serif", "dejavu serif"),
    "georgia": ("gelasio", "dejavu serif"),
}
"""Free fonts with the same widths, or at least the same kind of letters, as fonts that decks name."""
_NAME_PX = 16
"""Any size serves to read a font's name."""

Font = ImageFont.FreeTypeFont


def builtin_width(text: str) -> float:
    """Return the width in em of a text in Pillow's own font."""
    return _builtin(100).getlength(text) / 100


def file_width(path: Path, text: str) -> float:
    """Return the width in em of a text in the font of a file."""
    return _file_font(path).getlength(text) / 100


@lru_cache(maxsize=64)
def family_file(family: str, bold: bool) -> Path | None:
    """Return the file of an installed font family (upright; in lower case), or None."""
    return _families().get((family, bold))


def font_for(text: str, size_px: float, family: str = "", bold: bool = False) -> tuple[Font, bool]:
    """Return an installed font that has every character of the text, if there is one, and whether it is bold.

    Args:
        text: The text to draw.
        size_px: The font size in pixels.
        family: The requested typeface; a substitute or Pillow's own sans-serif is used if it is not installed.
        bold: Whether to prefer a bold face.
    """
    family = family.lower()
    for name in (family, *_SUBSTITUTES.get(family, ())):
        for is_bold in (bold, False):
            file = family_file(name, is_bold)
            if file is not None and all(_covers(file, char) for char in text):
                return ImageFont.truetype(str(file), size_px), is_bold
    if all(_covers(None, char) for char in text):
        return _builtin(size_px), False
    path = system_font(text)
    return (_builtin(size_px) if path is None else ImageFont.truetype(str(path), size_px)), False


def drawable(text: str) -> str:
    """Return the text with letters that no installed font has replaced by their unaccented form."""
    if all(_covers(None, char) for char in text) or system_font(text) is not None:
        return text
    return "".join(_plain(char) for char in text)


def system_font(text: str) -> Path | None:
    """Return the first well-known installed font that has every character of the text, or None."""
    for path in _system_fonts():
        if all(_covers(path, char) for char in text):
            return path
    return None


def installed_fonts() -> Iterator[Path]:
    """Yield the files of installed fonts, each once: well-known ones first, then all others that are upright."""
    yield from dict.fromkeys((*_system_fonts(), *(path for (_, bold), path in _families().items() if not bold)))


def _plain(char: str) -> str:
    if _covers(None, char):
        return char
    plain = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    return {"\u2013": "-", "\u2014": "-"}.get(char, plain or char)


@lru_cache(maxsize=64)
def _builtin(size_px: float) -> Font:
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this Pillow was built without FreeType; install the wheel from PyPI: pip install pillow")
    return font


def _covers(path: Path | None, char: str) -> bool:
    """Return whether a font has a glyph for a character; spaces and format characters need none."""
    return char.isspace() or unicodedata.category(char) == "Cf" or ord(char) in _characters(path)


def font_characters(path: Path) -> Collection[int]:
    """Return the code points that a font file has outlines for; none if it is damaged or holds bitmaps."""
    return _characters(path)


@lru_cache(maxsize=16)
def _characters(path: Path | None) -> Collection[int]:
    """Return the code points that a font has outlines for; none if its file is damaged or holds bitmaps."""
    from fontTools.misc import sstruct  # slow to import, and only previews need it
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(io.BytesIO(_builtin(100).font_bytes) if path is None else path, fontNumber=0) as font:
            has_outlines = "glyf" in font or "CFF " in font or "CFF2" in font  # color bitmaps have no sizes
            return frozenset(font.getBestCmap() or () if has_outlines else ())
    except (OSError, TTLibError, sstruct.Error, struct.error):
        return frozenset()


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[Path, ...]:
    found = {path.name: path for path in _font_files()}
    return tuple(found[name] for name in _SYSTEM_FONTS if name in found)


@lru_cache(maxsize=1)
def _families() -> dict[tuple[str, bool], Path]:
    """Return the installed upright fonts by family name in lower case and whether they are bold."""
    found: dict[tuple[str, bool], Path] = {}
    for path in _font_files():
        try:
            family, style = ImageFont.truetype(str(path), _NAME_PX).getname()
        except OSError:  # a damaged or unsupported font file
            continue
        if family and style in ("Regular", "Book", "Roman", "Bold"):
            found.setdefault((family.lower(), style == "Bold"), path)
    return found


@lru_cache(maxsize=1)
def _font_files() -> tuple[Path, ...]:
    folders = [Path(folder).expanduser() for folder in _FONT_DIRECTORIES.get(sys.platform, _FONT_DIRECTORIES["linux"])]
    return tuple(path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*.tt[fc]")))


@lru_cache(maxsize=16)
def _file_font(path: Path) -> Font:
    return ImageFont.truetype(str(path), 100)

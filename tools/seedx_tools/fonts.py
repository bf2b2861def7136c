"""Fonts for measuring text and for drawing previews: Pillow's own sans-serif, and the system's where it has no glyph.

Pillow's font is the same on every machine, so a deck is split at the same words everywhere. Its widths are close to
those of Arial, which the decks name in their theme.
"""

from __future__ import annotations

import sys
import unicodedata
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
_FONT_FOLDERS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}
_MISSING = "\uffff"
_PROBE_PX = 16

Font = ImageFont.FreeTypeFont


def text_width(text: str, size_px: float) -> float:
    """Return the width in pixels of one line of text; full-width characters count as one em."""
    return _em_width(text) * size_px


def font_for(text: str, size_px: float) -> Font:
    """Return a font that has every character of the text, as far as this machine has one."""
    if all(_covers(None, char) for char in text):
        return _builtin(size_px)
    path = system_font(text)
    return _builtin(size_px) if path is None else ImageFont.truetype(str(path), size_px)


def drawable(text: str) -> str:
    """Return the text with letters that no font here has replaced by their unaccented form."""
    if all(_covers(None, char) for char in text) or system_font(text) is not None:
        return text
    return "".join(_plain(char) for char in text)


def system_font(text: str) -> Path | None:
    """Return the first font of this machine that has every character of the text, or None."""
    for path in _system_fonts():
        if all(_covers(path, char) for char in text):
            return path
    return None


@lru_cache(maxsize=8192)
def _em_width(text: str) -> float:
    wide = sum(1 for char in text if unicodedata.east_asian_width(char) in "WF")
    narrow = "".join(char for char in text if unicodedata.east_asian_width(char) not in "WF")
    return wide + (_builtin(100).getlength(narrow) / 100 if narrow else 0.0)


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


@lru_cache(maxsize=16)
def _probe(path: Path | None) -> tuple[Font, bytes]:
    font = _builtin(_PROBE_PX) if path is None else ImageFont.truetype(str(path), _PROBE_PX)
    return font, bytes(font.getmask(_MISSING))


@lru_cache(maxsize=8192)
def _covers(path: Path | None, char: str) -> bool:
    """Whether a font has a glyph for a character: the drawing differs from that of a character no font has."""
    font, missing = _probe(path)
    return char.isspace() or bytes(font.getmask(char)) != missing


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[Path, ...]:
    folders = [Path(folder).expanduser() for folder in _FONT_FOLDERS.get(sys.platform, _FONT_FOLDERS["linux"])]
    found = {path.name: path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*.tt[fc]"))}
    return tuple(found[name] for name in _SYSTEM_FONTS if name in found)

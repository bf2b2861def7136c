"""The colors and typefaces of the built-in themes.

Text meets WCAG AA on every background that a layout puts it on; a test measures it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

DeckTheme: TypeAlias = Literal["paper", "ink", "night"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Palette:
    """The twelve colors of a theme (RRGGBB), its typefaces, and the colors of the cover."""

    colors: Mapping[str, str]
    title_font: str
    text_font: str
    is_dark: bool
    """Whether slides have light text on a dark background: the master then maps the light colors to text."""
    cover_ground: str
    """The scheme color of the background of title, section and closing slides."""
    cover_text: str
    cover_second: str
    """The scheme color of the line under the title there."""


def _colors(base: str, accents: str, links: str) -> Mapping[str, str]:
    names = ["dk1", "lt1", "dk2", "lt2", *(f"accent{number}" for number in range(1, 7)), "hlink", "folHlink"]
    return dict(zip(names, f"{base} {accents} {links}".split(), strict=True))


PALETTES: Mapping[DeckTheme, Palette] = {
    "paper": Palette(  # warm white, navy and vermilion
        colors=_colors("22262E FFFFFF 1F2A44 FBF7F0", "E4572E 2A9D8F F4B942 4F7CAC 8E6C8A 6A994E", "2A6F97 8E6C8A"),
        title_font="Arial",
        text_font="Arial",
        is_dark=False,
        cover_ground="tx2",
        cover_text="bg1",
        cover_second="bg2",
    ),
    "ink": Palette(  # white page, serif titles, one blue
        colors=_colors("1B1B1E FFFFFF 12355B F4F6F8", "1F6FB2 D1495B 3B8E6E E0A030 6C5B9E 5B6770", "1F6FB2 6C5B9E"),
        title_font="Times New Roman",
        text_font="Arial",
        is_dark=False,
        cover_ground="tx2",
        cover_text="bg1",
        cover_second="bg2",
    ),
    "night": Palette(  # light text on deep blue
        colors=_colors("131A2A F3F5F9 1C2538 FFFFFF", "5CC8FF FFB454 7ADBA0 FF7E79 C7A0FF E8E06B", "8AD4FF C7A0FF"),
        title_font="Arial",
        text_font="Arial",
        is_dark=True,
        cover_ground="bg1",
        cover_text="tx2",
        cover_second="tx1",
    ),
}

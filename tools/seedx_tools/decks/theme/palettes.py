"""The colors and typefaces of the built-in themes.

Text meets WCAG AA on every background that a layout puts it on; a test measures it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

DeckTheme: TypeAlias = Literal["paper", "ink", "night", "board", "studio"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Palette:
    """The twelve colors of a theme (RRGGBB) and its typefaces."""

    colors: Mapping[str, str]
    title_font: str
    text_font: str
    is_dark: bool = False
    """Whether slides have light text on a dark background: the master then maps the light colors to text."""


def _colors(base: str, accents: str, links: str) -> Mapping[str, str]:
    names = ["dk1", "lt1", "dk2", "lt2", *(f"accent{number}" for number in range(1, 7)), "hlink", "folHlink"]
    return dict(zip(names, f"{base} {accents} {links}".split(), strict=True))


PALETTES: Mapping[DeckTheme, Palette] = {
    "paper": Palette(  # warm white, navy and vermilion
        colors=_colors("22262E FFFFFF 1F2A44 FBF7F0", "E4572E 2A9D8F F4B942 4F7CAC 8E6C8A 6A994E", "2A6F97 8E6C8A"),
        title_font="Arial",
        text_font="Arial",
    ),
    "ink": Palette(  # a printed page: serif titles, black and one blue
        colors=_colors("1B1B1E FFFFFF 12355B F4F6F8", "1F6FB2 D1495B 3B8E6E E0A030 6C5B9E 5B6770", "1F6FB2 6C5B9E"),
        title_font="Georgia",
        text_font="Arial",
    ),
    "night": Palette(  # light text on deep blue
        colors=_colors("131A2A F3F5F9 1C2538 FFFFFF", "5CC8FF FFB454 7ADBA0 FF7E79 C7A0FF E8E06B", "8AD4FF C7A0FF"),
        title_font="Tahoma",
        text_font="Tahoma",
        is_dark=True,
    ),
    "board": Palette(  # white, petrol and steel, for dense pages
        colors=_colors("262B31 FFFFFF 0B3C49 EEF2F4", "13747D E08E45 5B7B9A A23B47 8A9A5B 7A6C9D", "0E6674 6A5C8D"),
        title_font="Calibri",
        text_font="Calibri",
    ),
    "studio": Palette(  # a plum panel beside a white page
        colors=_colors("2A2430 FFFFFF 44264F F7F3F8", "C8553D 2F8F83 E3A72F 5D6FB4 A05C8B 6F7D3C", "8C3B7A 5D6FB4"),
        title_font="Trebuchet MS",
        text_font="Arial",
    ),
}

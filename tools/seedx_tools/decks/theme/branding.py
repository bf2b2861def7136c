"""Put a brand on a theme: its colors, with enough contrast for text, its fonts and its logo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seedx_tools.decks.ooxml.contrast import AA_NORMAL, contrast
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.designs import Design
from seedx_tools.decks.theme.palettes import Palette

_BLACK, _WHITE = "1A1A1A", "FFFFFF"
_NUM_ACCENTS = 6
_TINTS = (0.45, 0.25, 0.65, 0.15, 0.55, 0.35)


def branded(design: Design, brand: Brand) -> tuple[Design, tuple[str, ...]]:
    """Return a theme in the colors and fonts of a brand, and what was changed so that text can be read."""
    palette = design.palette
    notices: list[str] = []
    names = ("dk1", "lt1", "dk2", "lt2") if palette.is_dark else ("lt1", "dk1", "lt2", "dk2")
    old_ground, old_text, _, old_title = (palette.colors[name] for name in names)
    ground = brand.background or (palette.colors["lt2"] if design.page == "bg2" else old_ground)
    text = brand.text or old_text
    if contrast(text, ground) < AA_NORMAL:
        readable = max(_BLACK, _WHITE, key=lambda color: contrast(color, ground))
        if brand.text is not None:
            notices.append(f"text in #{text} on #{ground} has too little contrast (WCAG AA); #{readable} is used")
        text = readable
    title = _title_color(brand.colors or (old_title,), ground, text, notices)
    is_dark = contrast(ground, "FFFFFF") > contrast(ground, "000000")
    second = ground if design.page == "bg2" else mixed(ground, title, 0.06)
    roles = {"bg1": ground, "tx1": text, "bg2": second, "tx2": title}
    places = {"bg1": "dk1", "tx1": "lt1", "bg2": "dk2", "tx2": "lt2"}
    if not is_dark:
        places = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}
    colors = dict(palette.colors) | {places[role]: color for role, color in roles.items()}
    if brand.colors:
        accents = _accents(brand.colors, title, ground)
        colors |= {f"accent{number}": color for number, color in enumerate(accents, start=1)}
        colors |= {"hlink": title, "folHlink": mixed(title, text, 0.5)}
    fonts = brand.fonts or (palette.title_font, palette.text_font)
    changed = Palette(colors=colors, title_font=fonts[0], text_font=fonts[-1], is_dark=is_dark)
    return replace(design, palette=changed), tuple(notices)


def mixed(color: str, other: str, share: float) -> str:
    """Return a color with this share (0 to 1) of another one in it."""
    pairs = zip(bytes.fromhex(color), bytes.fromhex(other), strict=True)
    return "".join(f"{round(one * (1 - share) + two * share):02X}" for one, two in pairs)


def _title_color(colors: Sequence[str], ground: str, text: str, notices: list[str]) -> str:
    """Return the first color of a brand in which titles can be read, else that of the text."""
    found = next((color for color in colors if contrast(color, ground) >= AA_NORMAL), None)
    if found != colors[0]:
        notices.append(
            f"titles in #{colors[0]} on #{ground} have too little contrast (WCAG AA); #{found or text} is used, and "
            f"#{colors[0]} decorates"
        )
    return found or text


def _accents(colors: Sequence[str], title: str, ground: str) -> list[str]:
    """Return six accents: the colors of a brand besides that of titles, then tints of all of them."""
    others = [color for color in dict.fromkeys(colors) if color != title]
    far = "FFFFFF" if contrast(ground, "000000") > contrast(ground, "FFFFFF") else "000000"
    known = list(dict.fromkeys(colors))
    tints = [mixed(known[number % len(known)], far, share) for number, share in enumerate(_TINTS)]
    if not others:
        return [tints[0], title, *tints[1:]][:_NUM_ACCENTS]
    own = [*others, *([title] if title in colors else [])]
    return [*own, *tints][:_NUM_ACCENTS]

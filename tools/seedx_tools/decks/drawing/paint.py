"""Choose theme colors that can be told apart and read on a slide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.slide import Slide

from seedx_tools.decks.ooxml.contrast import AA_LARGE, AA_NORMAL, contrast
from seedx_tools.decks.ooxml.styles import resolve_color
from seedx_tools.decks.shapes import slide_background

_SHADES = (100, 85, 75, 65, 50, 40)
_SEEN = 1.05
"""The least contrast at which a card is seen on its page; an outline helps it."""


@dataclass(frozen=True, slots=True)
class Paint:
    """A theme color, darkened to a percentage of its luminance, and opaque to a percentage."""

    scheme: str
    shade: int = 100
    opacity: int = 100

    @property
    def xml(self) -> str:
        """The a:solidFill element."""
        changes = f"<a:lumMod val='{self.shade * 1000}'/>" if self.shade != 100 else ""
        changes += f"<a:alpha val='{self.opacity * 1000}'/>" if self.opacity != 100 else ""
        return f"<a:solidFill><a:schemeClr val='{self.scheme}'>{changes}</a:schemeClr></a:solidFill>"


class Pair(NamedTuple):
    """A fill and the color of the text on it."""

    fill: Paint
    text: Paint


class Paints:
    """The colors of the drawings on a slide."""

    def __init__(self, slide: Slide) -> None:
        self._slide = slide
        self._ground = (slide_background(slide) or [self.rgb(Paint("bg1"))])[0]

    def rgb(self, paint: Paint) -> str:
        """Return RRGGBB of a paint as if it were opaque."""
        return resolve_color(
            self._slide, parse_xml(paint.xml.replace("<a:solidFill>", f"<a:solidFill {nsdecls('a')}>"))
        )

    @cached_property
    def text(self) -> Paint:
        """The color of text on the page."""
        return self._readable(self._ground)

    @cached_property
    def line(self) -> Paint:
        """The color of connectors on the page."""
        return Paint(self.text.scheme, opacity=55)

    @cached_property
    def hairline(self) -> Paint:
        """The color of the outlines of cards."""
        return Paint(self.text.scheme, opacity=18)

    @cached_property
    def outline(self) -> Paint:
        """The color of the outlines of boxes that connectors lead to."""
        return Paint(self.text.scheme, opacity=45)

    @cached_property
    def card(self) -> Pair:
        """The fill of cards, which differs from the page, and the text on them."""
        for fill in (Paint("bg1"), Paint("bg2")):
            seen = contrast(self.rgb(fill), self._ground) >= _SEEN
            if seen and contrast(self.rgb(fill), self.rgb(self.text)) >= AA_NORMAL:
                return Pair(fill, self.text)
        same = next((name for name in ("bg1", "bg2", "tx1", "tx2") if self.rgb(Paint(name)) == self._ground), "bg1")
        fill = Paint(same, shade=95)
        return Pair(fill, self._readable(self.rgb(fill)))

    @cached_property
    def figure(self) -> Paint:
        """The color of large figures on cards."""
        return self._accent(self.rgb(self.card.fill), AA_LARGE) or self.card.text

    @cached_property
    def small_figure(self) -> Paint:
        """The color of figures on cards that may be as small as the text beside them."""
        return self._accent(self.rgb(self.card.fill), AA_NORMAL) or self.card.text

    @cached_property
    def figure_on_page(self) -> Paint:
        """The color of large figures on the page."""
        return self._accent(self._ground, AA_LARGE) or self.text

    def solid(self, scheme: str = "accent1", darken: int = 0) -> Pair:
        """Return a strong fill, darkened by a percentage and further until text on it can be read.

        A color that light text almost stands out from is darkened for it, which looks better than dark text.
        """
        light = max((Paint("bg1"), Paint("tx1")), key=lambda paint: contrast(self.rgb(paint), "000000"))
        keeps_light = contrast(self.rgb(Paint(scheme)), self.rgb(light)) >= AA_LARGE
        for shade in _SHADES:
            fill = Paint(scheme, shade * (100 - darken) // 100)
            text = light if keeps_light else self._readable(self.rgb(fill), prefer="bg1")
            if contrast(self.rgb(fill), self.rgb(text)) >= AA_NORMAL:
                return Pair(fill, text)
        return Pair(fill, text)

    def _accent(self, ground: str, least: float) -> Paint | None:
        """Return the accent color in the lightest shade of enough contrast with a ground; None if none has it."""
        paints = (Paint("accent1"), *(Paint("accent1", shade) for shade in _SHADES[1:4]), Paint("tx2"))
        return next((paint for paint in paints if contrast(self.rgb(paint), ground) >= least + 0.2), None)

    def _readable(self, ground: str, prefer: str = "tx1") -> Paint:
        """Return the preferred text color if it can be read on this ground, else the more readable one."""
        paints = sorted((Paint("tx1"), Paint("bg1")), key=lambda paint: paint.scheme != prefer)
        if contrast(self.rgb(paints[0]), ground) >= AA_NORMAL:
            return paints[0]
        return max(paints, key=lambda paint: contrast(self.rgb(paint), ground))

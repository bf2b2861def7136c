"""The built-in themes beyond color: where titles, text and covers are, and the few shapes that decorate pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from seedx_tools.decks.theme.palettes import PALETTES, DeckTheme, Palette

InchBox: TypeAlias = tuple[float, float, float, float]
"""Left, top, width, height in inches."""

Cover: TypeAlias = Literal["ground", "page", "bar", "split", "center"]
"""How title, section and closing slides are composed: on a colored ground with the text at the lower left; on the page,
between two rules; beside a vertical bar; beside a colored panel; centered on a colored ground."""

HEIGHT_INCHES = 7.5


@dataclass(frozen=True, kw_only=True, slots=True)
class ColoredBox:
    """A rectangle that decorates a page."""

    name: str
    box: InchBox
    color: str
    """A scheme color."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """A theme: its palette and its geometry. Lengths are in inches, sizes in points."""

    palette: Palette
    page: str
    """The scheme color of the background of content slides."""
    cover: Cover
    margin: float
    title_top: float
    title_height: float
    title_anchor: Literal["t", "ctr", "b"]
    title_size: float
    title_bold: bool
    body_top: float
    body_bottom: float = 6.6
    text_size: float = 22.0
    footer_top: float = 6.92
    panel: bool = False
    """Whether the title stands on a colored panel at the left of the page, above nothing."""
    rounded: bool = False
    """Whether pictures have rounded corners."""
    logo_width: float = 0.0
    """The width that footers leave free for a logo at their right."""

    @property
    def cover_ground(self) -> str:
        """The scheme color of the background of title, section and closing slides."""
        if self.cover in ("page", "split"):
            return "bg1"
        return "bg1" if self.palette.is_dark else "tx2"

    @property
    def cover_text(self) -> str:
        """The scheme color of the title there."""
        return "tx2" if self.cover_ground == "bg1" else "bg1"

    @property
    def cover_second(self) -> str:
        """The scheme color of the line under the title there."""
        return "tx1" if self.cover_ground == "bg1" else "bg2"

    def panel_width(self, width: float) -> float:
        """Return the width of the panel with the title on a page of this width; 0 without one."""
        return 0.0 if not self.panel else 4.0 if width > 12 else 2.6

    def content(self, width: float) -> tuple[float, float]:
        """Return the left and the right edge of the content of a page of this width."""
        left = self.panel_width(width) + 0.6 if self.panel else self.margin
        return left, width - self.margin

    def page_shapes(self, width: float) -> list[ColoredBox]:
        """Return what decorates the content slides on a page of this width."""
        left, right = self.content(width)
        full = right - left
        if self.panel:
            return [ColoredBox(name="Stripe", box=(self.panel_width(width), 0, 0.09, HEIGHT_INCHES), color="accent1")]
        if self.cover == "ground":
            return [ColoredBox(name="Tab", box=(left, 0.0, 0.9, 0.14), color="accent1")]
        if self.cover == "bar":
            bar = (left - 0.33, self.title_top + 0.05, 0.07, self.title_height - 0.1)
            return [ColoredBox(name="Bar", box=bar, color="accent1")]
        under = self.title_top + self.title_height + 0.08
        if self.cover == "page":
            return [
                ColoredBox(name="Rule", box=(left, under, full, 0.01), color="tx1"),
                ColoredBox(name="Accent", box=(left, under - 0.02, 1.1, 0.05), color="accent1"),
            ]
        return [
            ColoredBox(name="Rule", box=(left, under, full, 0.025), color="accent1"),
            ColoredBox(name="Foot rule", box=(left, self.footer_top - 0.06, full, 0.008), color="tx1"),
        ]


DESIGNS: Mapping[DeckTheme, Design] = {
    "paper": Design(
        palette=PALETTES["paper"],
        page="bg2",
        cover="ground",
        margin=0.75,
        title_top=0.6,
        title_height=1.1,
        title_anchor="t",
        title_size=30,
        title_bold=True,
        body_top=1.95,
        rounded=True,
    ),
    "ink": Design(
        palette=PALETTES["ink"],
        page="bg1",
        cover="page",
        margin=0.9,
        title_top=0.5,
        title_height=1.2,
        title_anchor="b",
        title_size=32,
        title_bold=False,
        body_top=2.15,
    ),
    "night": Design(
        palette=PALETTES["night"],
        page="bg2",
        cover="bar",
        margin=0.95,
        title_top=0.6,
        title_height=1.1,
        title_anchor="ctr",
        title_size=30,
        title_bold=True,
        body_top=2.0,
        rounded=True,
    ),
    "board": Design(
        palette=PALETTES["board"],
        page="bg1",
        cover="split",
        margin=0.55,
        title_top=0.4,
        title_height=1.0,
        title_anchor="b",
        title_size=28,
        title_bold=True,
        body_top=1.75,
        body_bottom=6.7,
        text_size=20,
        footer_top=7.0,
    ),
    "studio": Design(
        palette=PALETTES["studio"],
        page="bg1",
        cover="center",
        margin=0.6,
        title_top=0.8,
        title_height=5.9,
        title_anchor="t",
        title_size=30,
        title_bold=True,
        body_top=0.85,
        text_size=20,
        panel=True,
    ),
}

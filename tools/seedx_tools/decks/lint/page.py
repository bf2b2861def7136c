"""A slide as the checks see it: its shapes where they are shown, with their text laid out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_tools.decks.drawing.geometry import Area, text_margins
from seedx_tools.decks.ooxml.layouts import EmuFrame
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, FOOTERS, TITLES, placeholder_type
from seedx_tools.decks.shapes import Fill, Run, SlideShape, backdrop_shapes, fill_of, runs_in, slide_shapes
from seedx_tools.decks.text.shapes import PlacedText, PointRect, place_text

TOUCH = 2.0
"""Points by which two areas may overlap, or a shape may leave the slide, before it is reported."""

_ADJUST = {"chevron": 50_000, "homePlate": 50_000, "trapezoid": 25_000, "roundRect": 16_667}
"""The first adjustment of preset geometries that write none."""


@dataclass(frozen=True, slots=True)
class Item:
    """A shape on a slide."""

    placed: SlideShape
    area: PointRect
    """Where it is shown: left, top, right, bottom in points, around it if it is rotated."""
    text: PlacedText | None
    """None without text."""
    ink: PointRect | None
    """Where its text is shown; None without text."""
    runs: tuple[Run, ...]
    fill: Fill | None
    role: str
    """Its placeholder type ("title", "body", "ftr"); empty for another shape."""

    @property
    def name(self) -> str:
        """The shape's name."""
        return self.placed.name

    @property
    def is_title(self) -> bool:
        """Whether it is the slide's title."""
        return self.role in TITLES

    @property
    def is_footer(self) -> bool:
        """Whether it is a footer, a date or a slide number."""
        return self.role in FOOTERS

    @property
    def words(self) -> str:
        """The text that it shows, without that of tables and charts."""
        return str(self.placed.shape.text_frame.text) if self.text is not None else ""

    @property
    def geometry(self) -> str:
        """Its preset geometry ("rect", "ellipse"); empty for a freeform or another object."""
        preset = self.placed.shape.element.find(f"{qn('p:spPr')}/{qn('a:prstGeom')}")
        return "" if preset is None else str(preset.get("prst"))


class Page:
    """A slide, its number from 1, and its size in points."""

    def __init__(self, slide: Slide, number: int, size: tuple[float, float]) -> None:
        self.slide = slide
        self.number = number
        self.width, self.height = size

    @cached_property
    def items(self) -> Sequence[Item]:
        """The shapes from back to front, groups expanded."""
        return tuple(self._item(placed) for placed in slide_shapes(self.slide))

    @cached_property
    def backdrop(self) -> Sequence[Item]:
        """What the master and the layout show behind them."""
        return tuple(self._item(placed) for placed in backdrop_shapes(self.slide))

    @property
    def title(self) -> str:
        """The title's text; empty without one."""
        title = self.slide.shapes.title
        return "" if title is None else " ".join(title.text_frame.text.split())

    @property
    def is_hidden(self) -> bool:
        """Whether the slide is left out when the deck is presented."""
        return self.slide.element.get("show") in ("0", "false")

    def _item(self, placed: SlideShape) -> Item:
        shape = placed.shape
        has_text = shape.has_text_frame and shape.text_frame.text.strip()
        text = place_text(self.slide, shape, text_frame(placed), number=self.number) if has_text else None
        turn = _rotation(shape)
        return Item(
            placed=placed,
            area=_turned(placed.area, placed.area, turn),
            text=text,
            ink=None if text is None else _turned(text.ink, placed.area, turn),
            runs=tuple(runs_in(self.slide, placed)),
            fill=fill_of(self.slide, shape.element),
            role=placeholder_type(shape.element) or "",
        )


def pages_of(deck: PresentationObject) -> list[Page]:
    """Return the slides of a deck."""
    size = int(deck.slide_width or 1) / EMU_PER_POINT, int(deck.slide_height or 1) / EMU_PER_POINT
    return [Page(slide, number, size) for number, slide in enumerate(deck.slides, start=1)]


def shared(first: PointRect, second: PointRect) -> tuple[float, float]:
    """Return the width and height of what two areas share, in points; 0 or less if they are apart."""
    return min(first[2], second[2]) - max(first[0], second[0]), min(first[3], second[3]) - max(first[1], second[1])


def share_within(inner: PointRect, outer: PointRect) -> float:
    """Return the share of an area that lies within another one, 0 to 1."""
    wide, high = shared(inner, outer)
    size = (inner[2] - inner[0]) * (inner[3] - inner[1])
    return max(0.0, wide) * max(0.0, high) / size if size > 0 else 0.0


def text_frame(placed: SlideShape) -> EmuFrame:
    """Return the part of a shape that its geometry has for text, in EMU: less than its frame in a chevron."""
    preset = placed.shape.element.find(f"{qn('p:spPr')}/{qn('a:prstGeom')}")
    if preset is None:
        return placed.frame
    name = str(preset.get("prst"))
    guides = {str(guide.get("name")): str(guide.get("fmla")) for guide in preset.iter(qn("a:gd"))}
    written = guides.get("adj", "").removeprefix("val ")
    adjust = {"adj": int(written) if written.lstrip("-").isdigit() else _ADJUST.get(name, 0)}
    left, top, width, height = placed.frame
    margins = text_margins(name, adjust, Area(0.0, 0.0, float(width), float(height)))
    x0, y0, x1, y1 = (round(margin) for margin in margins)
    return left + x0, top + y0, max(0, width - x0 - x1), max(0, height - y0 - y1)


def _rotation(shape: Any) -> float:
    """Return how far a shape is turned, in degrees."""
    transform = shape.element.find(f"{qn('p:spPr')}/{qn('a:xfrm')}")
    return 0.0 if transform is None else int(transform.get("rot", "0")) / 60_000


def _turned(area: PointRect, around: PointRect, degrees: float) -> PointRect:
    """Return the box around an area that is turned about the center of another one."""
    if degrees % 360 == 0:
        return area
    middle = (around[0] + around[2]) / 2, (around[1] + around[3]) / 2
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    corners = [(x - middle[0], y - middle[1]) for x in (area[0], area[2]) for y in (area[1], area[3])]
    xs = [middle[0] + x * cosine - y * sine for x, y in corners]
    ys = [middle[1] + x * sine + y * cosine for x, y in corners]
    return min(xs), min(ys), max(xs), max(ys)

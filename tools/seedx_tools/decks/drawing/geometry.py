"""Rectangles, grids and preset geometries of drawings. Lengths are in points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

GAP = 14.0
"""The space between neighbors on the grid."""

INSET = 10.0
"""The space between the edge of a shape and its text."""

OPTICAL = 0.4
"""The share of free height that is left above a drawing: the optical middle is above the geometric one."""

Side: TypeAlias = Literal["top", "left", "bottom", "right"]


class Area(NamedTuple):
    """A rectangle in points."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The bottom edge."""
        return self.top + self.height

    @property
    def center(self) -> tuple[float, float]:
        """The middle."""
        return self.left + self.width / 2, self.top + self.height / 2


@dataclass(frozen=True, slots=True)
class Node:
    """A drawn shape that connectors can be glued to."""

    shape_id: int
    area: Area


DOWNWARD_TRAPEZOID = "downwardTrapezoid"
"""A shape of `Canvas.box` that is no preset geometry."""


def columns(width: float, count: int, gap: float = GAP) -> list[tuple[float, float]]:
    """Return (left, width) of each of several equal columns."""
    wide = (width - gap * (count - 1)) / count
    return [(number * (wide + gap), wide) for number in range(count)]


def side_point(area: Area, side: Side) -> tuple[float, float]:
    """Return the middle of a side."""
    x, y = area.center
    return {"top": (x, area.top), "bottom": (x, area.bottom), "left": (area.left, y), "right": (area.right, y)}[side]


def preset_xml(shape: str, adjust: Mapping[str, int] | None = None) -> str:
    """Return the geometry element of a preset (ST_ShapeType), or of DOWNWARD_TRAPEZOID."""
    if shape == DOWNWARD_TRAPEZOID:
        return _downward_trapezoid((adjust or {})["adj"])
    guides = "".join(f"<a:gd name='{name}' fmla='val {value}'/>" for name, value in (adjust or {}).items())
    return f"<a:prstGeom prst='{shape}'><a:avLst>{guides}</a:avLst></a:prstGeom>"


def strokes_xml(strokes: Sequence[Sequence[tuple[float, float]]], grid: int) -> str:
    """Return the geometry of lines through points on a square grid of this many units."""
    paths = "".join(
        f"<a:{'lnTo' if number else 'moveTo'}><a:pt x='{round(x * 1000)}' y='{round(y * 1000)}'/>"
        f"</a:{'lnTo' if number else 'moveTo'}>"
        for stroke in strokes
        for number, (x, y) in enumerate(stroke)
    )
    return (
        "<a:custGeom><a:avLst/><a:gdLst/><a:cxnLst/><a:rect l='0' t='0' r='r' b='b'/><a:pathLst>"
        f"<a:path w='{grid * 1000}' h='{grid * 1000}' fill='none'>{paths}</a:path></a:pathLst></a:custGeom>"
    )


def _downward_trapezoid(slope: int) -> str:
    """Return a trapezoid that is wide above, which is no preset; flipping one would turn its text over.

    `slope` is the horizontal part of its sides in 1/100000 of its shorter side.
    """
    return (
        f"<a:custGeom><a:avLst><a:gd name='adj' fmla='val {slope}'/></a:avLst><a:gdLst>"
        "<a:gd name='x1' fmla='*/ ss adj 100000'/><a:gd name='x2' fmla='+- r 0 x1'/></a:gdLst><a:cxnLst/>"
        "<a:rect l='x1' t='t' r='x2' b='b'/><a:pathLst><a:path>"
        "<a:moveTo><a:pt x='l' y='t'/></a:moveTo><a:lnTo><a:pt x='r' y='t'/></a:lnTo>"
        "<a:lnTo><a:pt x='x2' y='b'/></a:lnTo><a:lnTo><a:pt x='x1' y='b'/></a:lnTo><a:close/></a:path></a:pathLst>"
        "</a:custGeom>"
    )


def text_margins(shape: str, adjust: Mapping[str, int], area: Area) -> tuple[float, float, float, float]:
    """Return the space that a preset geometry itself leaves around text: left, top, right, bottom.

    These are the text rectangles of ECMA-376's presetShapeDefinitions.xml; a shape that is not listed leaves none.
    """
    width, height = area.width, area.height
    slope = min(width, height) * adjust.get("adj", 0) / 100000
    if shape == "chevron":
        return slope, 0.0, slope, 0.0
    if shape == "homePlate":
        return 0.0, 0.0, slope / 2, 0.0
    if shape == DOWNWARD_TRAPEZOID:
        return slope, 0.0, slope, 0.0
    if shape == "trapezoid":
        share = slope / (width / 2) / 3
        return width * share, height * share, width * share, 0.0
    if shape == "roundRect":
        corner = slope * 0.29289
        return corner, corner, corner, corner
    if shape == "diamond":
        return width / 4, height / 4, width / 4, height / 4
    if shape == "flowChartTerminator":
        return width * 0.0471, height * 0.1464, width * 0.0471, height * 0.1464
    return (0.0, 0.0, 0.0, height * 0.198) if shape == "flowChartDocument" else (0.0, 0.0, 0.0, 0.0)

"""Draw native shapes into one group on a slide. Lengths are in points from the top left of the drawing's frame.

A drawing in a right-to-left language is mirrored: the first item is then on the right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias
from xml.sax.saxutils import quoteattr

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide

from seedx_tools.decks.drawing.paint import Paint, Paints
from seedx_tools.decks.drawing.paragraphs import Paragraph, height_needed, paragraph_xml, shortened
from seedx_tools.decks.ooxml.layouts import EmuFrame, next_shape_id
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, text_style
from seedx_tools.decks.text.inline import plain_text

GAP = 14.0
"""The space between neighbors on the grid."""

INSET = 10.0
"""The space between the edge of a shape and its text."""

OPTICAL = 0.4
"""The share of free height that is left above a drawing: the optical middle is above the geometric one."""

Anchor: TypeAlias = Literal["t", "ctr", "b"]
Side: TypeAlias = Literal["top", "left", "bottom", "right"]
_SITES: Mapping[Side, int] = {"top": 0, "left": 1, "bottom": 2, "right": 3}
"""The connection sites of rectangles, rounded rectangles, diamonds and other symmetric shapes."""
_MIRRORED: Mapping[Side, Side] = {"left": "right", "right": "left"}


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


class Canvas:
    """One drawing: a group of shapes in a frame on a slide.

    Args:
        slide: The slide to draw on.
        frame: Where the drawing goes, in EMU.
        name: The group's name, with its number.
        alt: What a screen reader says in its place.
        mirrored: Whether the drawing runs from right to left.
    """

    def __init__(self, slide: Slide, frame: EmuFrame, *, name: str, alt: str, mirrored: bool = False) -> None:
        self._slide, self._frame, self._mirrored = slide, frame, mirrored
        self.width, self.height = frame[2] / EMU_PER_POINT, frame[3] / EMU_PER_POINT
        self.paints = Paints(slide)
        self.shortened: list[str] = []
        """The full texts that did not fit."""
        self._next_id = next_shape_id(slide)
        self.group: Any = parse_xml(
            f"<p:grpSp {nsdecls('p', 'a', 'r')}><p:nvGrpSpPr><p:cNvPr id='{self._take_id()}' name={quoteattr(name)} "
            f"descr={quoteattr(alt)}/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x='0' y='0'/>"
            "<a:ext cx='0' cy='0'/><a:chOff x='0' y='0'/><a:chExt cx='0' cy='0'/></a:xfrm></p:grpSpPr></p:grpSp>"
        )
        slide.shapes._spTree.append(self.group)

    @cached_property
    def family(self) -> str:
        """The typeface of the theme's text."""
        probe = parse_xml(f"<p:sp {nsdecls('p', 'a')}><p:nvSpPr><p:cNvPr id='0' name=''/><p:nvPr/></p:nvSpPr></p:sp>")
        return text_style(self._slide, probe, None, 0).family

    def box(
        self,
        area: Area,
        name: str,
        *,
        shape: str = "rect",
        adjust: Mapping[str, int] | None = None,
        fill: Paint | None = None,
        line: Paint | None = None,
        paragraphs: Sequence[Paragraph] = (),
        anchor: Anchor = "ctr",
        inset: float = INSET,
        text_area: Area | None = None,
    ) -> Node:
        """Draw a shape with text, which is shortened if it does not fit.

        Args:
            area: Its place.
            name: Its name in the selection pane.
            shape: The preset geometry (ST_ShapeType).
            adjust: The geometry's adjustments by name.
            fill: The fill; None: none.
            line: The outline; None: none.
            paragraphs: The text.
            anchor: Where the text is, from top to bottom.
            inset: The space between edge and text.
            text_area: The part of `area` that text may use in a shape that is not a rectangle; None: all of it.
        """
        number = self._take_id()
        room = text_area or area
        before, after = room.left - area.left + inset, area.right - room.right + inset
        insets = (before, room.top - area.top + inset / 2, after, area.bottom - room.bottom + inset / 2)
        if self._mirrored:
            insets = (after, insets[1], before, insets[3])
        width, height = area.width - before - after, area.height - insets[1] - insets[3]
        kept = shortened(paragraphs, width, height, self.family)
        self.shortened += [
            plain_text(one.text) for one in paragraphs if plain_text(one.text) not in {plain_text(k.text) for k in kept}
        ]
        flip = " flipH='1'" if self._mirrored and shape in _DIRECTED else ""
        self._append(
            f"<p:sp {nsdecls('p', 'a', 'r')}><p:nvSpPr><p:cNvPr id='{number}' name={quoteattr(name)}/><p:cNvSpPr/>"
            f"<p:nvPr/></p:nvSpPr><p:spPr>{self._place(area, flip)}{_geometry(shape, adjust)}"
            f"{_fill(fill)}{_line(line, 0.75)}</p:spPr>{self._body(kept, insets, anchor)}</p:sp>"
        )
        return Node(number, area)

    def text(self, area: Area, name: str, paragraphs: Sequence[Paragraph], *, anchor: Anchor = "t") -> Node:
        """Write text without a fill, flush with the edges of its area."""
        return self.box(area, name, paragraphs=paragraphs, anchor=anchor, inset=0.0)

    def upright(self, area: Area, name: str, paragraph: Paragraph) -> None:
        """Write one line that runs from the bottom to the top of its area."""
        number = self._take_id()
        upward = "vert='vert270' wrap='square' lIns='0' tIns='0' rIns='0' bIns='0' anchor='t'"
        self._append(
            f"<p:sp {nsdecls('p', 'a', 'r')}><p:nvSpPr><p:cNvPr id='{number}' name={quoteattr(name)}/>"
            f"<p:cNvSpPr txBox='1'/><p:nvPr/></p:nvSpPr><p:spPr>{self._place(area)}{_geometry('rect', None)}"
            f"<a:noFill/></p:spPr><p:txBody><a:bodyPr {upward}><a:normAutofit/></a:bodyPr>"
            f"<a:lstStyle/>{paragraph_xml(self._slide, paragraph, mirrored=False)}</p:txBody></p:sp>"
        )

    def bar(self, area: Area, name: str, fill: Paint, *, shape: str = "rect") -> Node:
        """Draw a filled shape without text."""
        return self.box(area, name, shape=shape, fill=fill)

    def rule(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        name: str,
        paint: Paint,
        width: float,
        *,
        arrow: bool = False,
    ) -> None:
        """Draw a straight line of this width in points, with an arrowhead at its end if wanted."""
        self._connector(start, end, name, paint, width, arrow=arrow)

    def connect(
        self,
        first: Node,
        first_side: Side,
        second: Node,
        second_side: Side,
        name: str,
        *,
        arrow: bool = True,
        bent: bool = False,
    ) -> None:
        """Draw a connector that stays glued to two shapes when they are moved."""
        ends = _point(first.area, first_side), _point(second.area, second_side)
        sites = tuple(
            _SITES[_MIRRORED.get(side, side) if self._mirrored else side] for side in (first_side, second_side)
        )
        glue = f"<a:stCxn id='{first.shape_id}' idx='{sites[0]}'/><a:endCxn id='{second.shape_id}' idx='{sites[1]}'/>"
        self._connector(*ends, name, self.paints.line, 1.75, arrow=arrow, glue=glue, bent=bent, side=first_side)

    def connect_nearest(self, first: Node, second: Node, name: str) -> None:
        """Draw a straight connector between the sides of two shapes that are closest."""
        sides = min(
            ((one, other) for one in _SITES for other in _SITES),
            key=lambda pair: math.dist(_point(first.area, pair[0]), _point(second.area, pair[1])),
        )
        self.connect(first, sides[0], second, sides[1], name)

    def picture(self, area: Area, element: Any) -> None:
        """Add a p:pic element, whose place and id are set here."""
        element.nvPicPr.cNvPr.set("id", str(self._take_id()))
        old = element.spPr.find(qn("a:xfrm"))
        new = parse_xml(self._place(area).replace("<a:xfrm>", f"<a:xfrm {nsdecls('a')}>"))
        if old is None:
            element.spPr.insert(0, new)
        else:
            element.spPr.replace(old, new)
        self.group.append(element)

    def needs(self, paragraphs: Sequence[Paragraph], width: float) -> float:
        """Return the height of paragraphs in a shape of this width, with the standard inset."""
        return height_needed(paragraphs, width - 2 * INSET, self.family) + INSET

    def finish(self) -> None:
        """Set the group's frame to the smallest around its shapes."""
        corners: list[tuple[int, int, int, int]] = []
        for transform in self.group.iter(qn("a:xfrm")):
            if transform.getparent().tag != qn("p:grpSpPr"):
                place, size = transform.find(qn("a:off")), transform.find(qn("a:ext"))
                x, y, wide, high = (int(v) for v in (place.get("x"), place.get("y"), size.get("cx"), size.get("cy")))
                if transform.get("rot") in ("5400000", "16200000"):
                    x, y, wide, high = x + (wide - high) // 2, y + (high - wide) // 2, high, wide
                corners.append((x, y, x + wide, y + high))
        left, top = min(c[0] for c in corners), min(c[1] for c in corners)
        right, bottom = max(c[2] for c in corners), max(c[3] for c in corners)
        own = self.group.find(f"{qn('p:grpSpPr')}/{qn('a:xfrm')}")
        for name in ("a:off", "a:chOff"):
            own.find(qn(name)).set("x", str(left))
            own.find(qn(name)).set("y", str(top))
        for name in ("a:ext", "a:chExt"):
            own.find(qn(name)).set("cx", str(right - left))
            own.find(qn(name)).set("cy", str(bottom - top))

    def remove(self) -> None:
        """Remove the drawing."""
        self.group.getparent().remove(self.group)

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _append(self, xml: str) -> None:
        self.group.append(parse_xml(xml))

    def _x(self, x: float) -> float:
        return self.width - x if self._mirrored else x

    def _place(self, area: Area, attributes: str = "") -> str:
        left = min(self._x(area.left), self._x(area.right))
        x, y = self._frame[0] + _emu(left), self._frame[1] + _emu(area.top)
        return (
            f"<a:xfrm{attributes}><a:off x='{x}' y='{y}'/><a:ext cx='{_emu(area.width)}' cy='{_emu(area.height)}'/>"
            "</a:xfrm>"
        )

    def _body(self, paragraphs: Sequence[Paragraph], insets: Sequence[float], anchor: Anchor) -> str:
        names = ("lIns", "tIns", "rIns", "bIns")
        margins = " ".join(f"{name}='{_emu(value)}'" for name, value in zip(names, insets, strict=True))
        lines = "".join(paragraph_xml(self._slide, one, mirrored=self._mirrored) for one in paragraphs)
        return (
            f"<p:txBody><a:bodyPr wrap='square' {margins} rtlCol='0' anchor='{anchor}'><a:normAutofit/></a:bodyPr>"
            f"<a:lstStyle/>{lines or '<a:p/>'}</p:txBody>"
        )

    def _connector(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        name: str,
        paint: Paint,
        width: float,
        *,
        arrow: bool,
        glue: str = "",
        bent: bool = False,
        side: Side = "right",
    ) -> None:
        (x0, y0), (x1, y1) = (self._x(start[0]), start[1]), (self._x(end[0]), end[1])
        straight = abs(x0 - x1) < 0.5 or abs(y0 - y1) < 0.5
        geometry = "bentConnector3" if bent and not straight else "straightConnector1"
        flips = (" flipH='1'" if x1 < x0 - 0.01 else "") + (" flipV='1'" if y1 < y0 - 0.01 else "")
        left, top, wide, high = min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)
        if geometry == "bentConnector3" and side in ("top", "bottom"):
            # it leaves along the height: the frame is turned by a quarter around its middle
            left, top, wide, high = left + (wide - high) / 2, top + (high - wide) / 2, high, wide
            flips = " rot='5400000'" if y1 > y0 else " rot='16200000'"
            flips += " flipV='1'" if (x1 > x0) == (y1 > y0) else ""
        head = "<a:tailEnd type='triangle' w='med' len='med'/>" if arrow else ""
        x, y = self._frame[0] + _emu(left), self._frame[1] + _emu(top)
        self._append(
            f"<p:cxnSp {nsdecls('p', 'a')}><p:nvCxnSpPr><p:cNvPr id='{self._take_id()}' name={quoteattr(name)}/>"
            f"<p:cNvCxnSpPr>{glue}</p:cNvCxnSpPr><p:nvPr/></p:nvCxnSpPr><p:spPr><a:xfrm{flips}>"
            f"<a:off x='{x}' y='{y}'/><a:ext cx='{_emu(wide)}' cy='{_emu(high)}'/></a:xfrm>"
            f"{_geometry(geometry, None)}<a:ln w='{_emu(width)}'>{paint.xml}<a:round/>{head}</a:ln></p:spPr></p:cxnSp>"
        )


DOWNWARD_TRAPEZOID = "downwardTrapezoid"
"""A shape of `Canvas.box` that is no preset geometry."""

_DIRECTED = ("chevron", "homePlate", "rightArrow")
"""Shapes that point in the direction of reading."""


def columns(width: float, count: int, gap: float = GAP) -> list[tuple[float, float]]:
    """Return (left, width) of each of several equal columns."""
    wide = (width - gap * (count - 1)) / count
    return [(number * (wide + gap), wide) for number in range(count)]


def _point(area: Area, side: Side) -> tuple[float, float]:
    x, y = area.center
    return {"top": (x, area.top), "bottom": (x, area.bottom), "left": (area.left, y), "right": (area.right, y)}[side]


def _emu(points: float) -> int:
    return round(points * EMU_PER_POINT)


def _geometry(shape: str, adjust: Mapping[str, int] | None) -> str:
    if shape == DOWNWARD_TRAPEZOID:
        return _downward_trapezoid((adjust or {})["adj"])
    guides = "".join(f"<a:gd name='{name}' fmla='val {value}'/>" for name, value in (adjust or {}).items())
    return f"<a:prstGeom prst='{shape}'><a:avLst>{guides}</a:avLst></a:prstGeom>"


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


def _fill(paint: Paint | None) -> str:
    return "<a:noFill/>" if paint is None else paint.xml


def _line(paint: Paint | None, width: float) -> str:
    return "<a:ln><a:noFill/></a:ln>" if paint is None else f"<a:ln w='{_emu(width)}'>{paint.xml}</a:ln>"

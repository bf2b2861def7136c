"""Draw native shapes on a slide. Lengths are in points from the top left of the drawing's frame.

A drawing in a right-to-left language is mirrored: the first item is then on the right.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias
from xml.sax.saxutils import quoteattr

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide

from seedx_tools.decks.drawing.geometry import INSET, Area, Node, Side, preset_xml, side_point, text_margins
from seedx_tools.decks.drawing.icons import icon_png, icon_svg
from seedx_tools.decks.drawing.paint import Paint, Paints
from seedx_tools.decks.drawing.paragraphs import Paragraph, paragraph_xml, shortened
from seedx_tools.decks.ooxml.layouts import EmuFrame, next_shape_id
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, text_style
from seedx_tools.decks.ooxml.vector import embed_svg
from seedx_tools.decks.text.inline import plain_text

Anchor: TypeAlias = Literal["t", "ctr", "b"]
ArrowEnd: TypeAlias = Literal["", "start", "end"]
_LINE = 1.75
"""The width of connectors in points."""
_SITES: Mapping[Side, int] = {"top": 0, "left": 1, "bottom": 2, "right": 3}
"""The connection sites of rectangles, rounded rectangles, diamonds and other symmetric shapes."""
_MIRRORED: Mapping[Side, Side] = {"left": "right", "right": "left"}


class Canvas:
    """One drawing: shapes in a frame on a slide.

    Args:
        slide: The slide to draw on.
        frame: Where the drawing goes, in EMU.
        name: What the names of its shapes begin with.
        mirrored: Whether the drawing runs from right to left.
    """

    def __init__(self, slide: Slide, frame: EmuFrame, name: str, *, mirrored: bool = False) -> None:
        self._slide, self._frame, self._name, self._mirrored = slide, frame, name, mirrored
        self.width, self.height = frame[2] / EMU_PER_POINT, frame[3] / EMU_PER_POINT
        self.paints = Paints(slide)
        self.shortened: list[str] = []
        """The full texts that did not fit."""
        self.unknown_icons: list[str] = []
        """Words that name no icon."""
        self._next_id = next_shape_id(slide)
        self._tree: Any = slide.shapes._spTree
        self._first = len(self._tree)
        self._lines = 0

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
        own = text_margins(shape, adjust or {}, area)
        wanted = (
            room.left - area.left + inset,
            room.top - area.top + inset / 2,
            area.right - room.right + inset,
            area.bottom - room.bottom + inset / 2,
        )
        insets = [max(0.0, total - given) for total, given in zip(wanted, own, strict=True)]
        taken = [margin + given for margin, given in zip(insets, own, strict=True)]
        width, height = area.width - taken[0] - taken[2], area.height - taken[1] - taken[3]
        if self._mirrored:
            insets[0], insets[2] = insets[2], insets[0]
        kept = shortened(paragraphs, width, height, self.family)
        self.shortened += [
            plain_text(one.text) for one in paragraphs if plain_text(one.text) not in {plain_text(k.text) for k in kept}
        ]
        flip = " flipH='1'" if self._mirrored and shape in _DIRECTED else ""
        self._append(
            f"<p:sp {nsdecls('p', 'a', 'r')}><p:nvSpPr>{self._about(number, name, decorative=not kept)}<p:cNvSpPr/>"
            f"<p:nvPr/></p:nvSpPr><p:spPr>{self._place(area, flip)}{preset_xml(shape, adjust)}"
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
            f"<p:sp {nsdecls('p', 'a', 'r')}><p:nvSpPr>{self._about(number, name)}"
            f"<p:cNvSpPr txBox='1'/><p:nvPr/></p:nvSpPr><p:spPr>{self._place(area)}{preset_xml('rect', None)}"
            f"<a:noFill/></p:spPr><p:txBody><a:bodyPr {upward}><a:normAutofit/></a:bodyPr>"
            f"<a:lstStyle/>{paragraph_xml(self._slide, paragraph, mirrored=False)}</p:txBody></p:sp>"
        )

    def bar(self, area: Area, name: str, fill: Paint, *, shape: str = "rect") -> Node:
        """Draw a filled shape without text."""
        return self.box(area, name, shape=shape, fill=fill)

    def symbol(
        self,
        area: Area,
        name: str,
        geometry: str,
        *,
        fill: Paint | None = None,
        line: Paint | None = None,
        width: float = 0.0,
        alt: str = "",
    ) -> None:
        """Draw a shape that holds no text from its geometry element; one without alt text is decorative."""
        self._append(
            f"<p:sp {nsdecls('p', 'a')}><p:nvSpPr>{self._about(self._take_id(), name, alt, decorative=not alt)}"
            f"<p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr>{self._place(area)}{geometry}{_fill(fill)}{_line(line, width)}"
            "</p:spPr></p:sp>"
        )

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
        self._connector(start, end, name, paint, width, arrow="end" if arrow else "")

    def connect(
        self,
        first: Node,
        first_side: Side,
        second: Node,
        second_side: Side,
        name: str,
        *,
        arrow: bool = True,
        via: float | None = None,
        alt: str = "",
    ) -> None:
        """Draw a connector that stays glued to two shapes when they are moved.

        Args:
            first: Where it starts.
            first_side: The side that it leaves.
            second: Where it ends.
            second_side: The side that it reaches.
            name: Its name.
            arrow: Whether it ends in an arrowhead.
            via: Where its middle part runs, if it has corners: an x for sides, a y for top and bottom; None: straight.
            alt: What a screen reader says; empty: nothing.
        """
        ends = side_point(first.area, first_side), side_point(second.area, second_side)
        glue = self._glue(first, first_side, second, second_side)
        geometry = None if via is None else self._bent(*ends, via, upright=first_side in ("top", "bottom"))
        self._connector(
            *ends, name, self.paints.line, _LINE, arrow="end" if arrow else "", glue=glue, geometry=geometry, alt=alt
        )

    def connect_around(
        self, first: Node, second: Node, name: str, *, at: tuple[float, float], below: bool, alt: str
    ) -> None:
        """Draw an arrow that runs around the boxes between two shapes, below them or on their right.

        It is two connectors that meet in a dot, which can be moved, and which keeps programs that route connectors
        themselves from drawing it through the boxes.
        """
        dot = Area(at[0] - 1.5, at[1] - 1.5, 3.0, 3.0)
        turn = self.box(dot, f"{name} turn", fill=self.paints.line)
        head: ArrowEnd = "end" if below else "start"
        ends: tuple[tuple[Node, ArrowEnd, str], ...] = ((first, "", ""), (second, head, alt))
        for node, arrow, said in ends:
            near = node.area.center
            if below:
                self._corner((turn, "left" if near[0] < at[0] else "right", node, "bottom"), name, arrow, said)
            else:
                self._corner((node, "right", turn, "top" if near[1] < at[1] else "bottom"), name, arrow, said)

    def connect_curved(self, first: Node, first_side: Side, second: Node, second_side: Side, name: str) -> None:
        """Draw a quarter of an arc with an arrowhead between sides at right angles of two shapes."""
        if first_side in ("left", "right"):
            self._corner((first, first_side, second, second_side), name, "end", "", "curvedConnector2")
        else:  # the preset leaves along its width
            self._corner((second, second_side, first, first_side), name, "start", "", "curvedConnector2")

    def icon(self, area: Area, name: str, icon: str, paint: Paint) -> None:
        """Draw an icon in a color, as an SVG with an image for programs that show none."""
        rgb = self.paints.rgb(paint)
        shapes: Any = self._slide.shapes
        picture = shapes.add_picture(io.BytesIO(icon_png(icon, rgb)), 0, 0)
        embed_svg(picture, icon_svg(icon, rgb))
        element = picture._element
        properties = element.nvPicPr.cNvPr
        properties.set("id", str(self._take_id()))
        properties.set("name", f"{self._name}, {name}")
        properties.attrib.pop("descr", None)
        properties.append(parse_xml(_DECORATIVE.replace("<a:extLst>", f"<a:extLst {nsdecls('a')}>")))
        place = parse_xml(self._place(area).replace("<a:xfrm>", f"<a:xfrm {nsdecls('a')}>"))
        element.spPr.replace(element.spPr.find(qn("a:xfrm")), place)

    def order_from_top(self) -> None:
        """Put the shapes in the order of reading, from the top down; connectors stay behind them."""
        shapes = list(self._tree)[self._first + self._lines :]
        shapes.sort(key=lambda element: int(element.find(f".//{qn('a:off')}").get("y")))
        for element in shapes:
            self._tree.append(element)

    def remove(self) -> None:
        """Remove the drawing."""
        for element in list(self._tree)[self._first :]:
            self._tree.remove(element)

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _about(self, number: int, name: str, alt: str = "", *, decorative: bool = False) -> str:
        """Return the p:cNvPr of a shape."""
        attributes = f"id='{number}' name={quoteattr(f'{self._name}, {name}')}" + (
            f" descr={quoteattr(alt)}" if alt else ""
        )
        return f"<p:cNvPr {attributes}>{_DECORATIVE if decorative else ''}</p:cNvPr>"

    def _append(self, xml: str) -> None:
        self._tree.append(parse_xml(xml))

    def _x(self, x: float) -> float:
        return self.width - x if self._mirrored else x

    def _place(self, area: Area, attributes: str = "") -> str:
        left = min(self._x(area.left), self._x(area.right))
        return self._frame_xml(left, area.top, area.width, area.height, attributes)

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
        arrow: ArrowEnd,
        glue: str = "",
        geometry: str | None = None,
        alt: str = "",
    ) -> None:
        head = _ARROWHEADS[arrow]
        connector = parse_xml(
            f"<p:cxnSp {nsdecls('p', 'a')}><p:nvCxnSpPr>{self._about(self._take_id(), name, alt, decorative=not alt)}"
            f"<p:cNvCxnSpPr>{glue}</p:cNvCxnSpPr><p:nvPr/></p:nvCxnSpPr><p:spPr>"
            f"{geometry or self._straight(start, end)}<a:ln w='{_emu(width)}'>{paint.xml}<a:round/>{head}</a:ln>"
            "</p:spPr></p:cxnSp>"
        )
        self._tree.insert(self._first + self._lines, connector)  # behind the shapes
        self._lines += 1

    def _corner(
        self, ends: tuple[Node, Side, Node, Side], name: str, arrow: ArrowEnd, alt: str, shape: str = "bentConnector2"
    ) -> None:
        """Draw a glued connector with one corner, first along its width."""
        first, first_side, second, second_side = ends
        (x0, y0), (x1, y1) = side_point(first.area, first_side), side_point(second.area, second_side)
        x0, x1 = self._x(x0), self._x(x1)
        flips = (" flipH='1'" if x1 < x0 else "") + (" flipV='1'" if y1 < y0 else "")
        place = self._frame_xml(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0), flips)
        glue = self._glue(first, first_side, second, second_side)
        geometry = place + preset_xml(shape)
        self._connector(
            (0, 0), (0, 0), name, self.paints.line, _LINE, arrow=arrow, glue=glue, geometry=geometry, alt=alt
        )

    def _glue(self, first: Node, first_side: Side, second: Node, second_side: Side) -> str:
        sides = (_MIRRORED.get(side, side) if self._mirrored else side for side in (first_side, second_side))
        one, other = (_SITES[side] for side in sides)
        return f"<a:stCxn id='{first.shape_id}' idx='{one}'/><a:endCxn id='{second.shape_id}' idx='{other}'/>"

    def _straight(self, start: tuple[float, float], end: tuple[float, float]) -> str:
        (x0, y0), (x1, y1) = (self._x(start[0]), start[1]), (self._x(end[0]), end[1])
        flips = (" flipH='1'" if x1 < x0 else "") + (" flipV='1'" if y1 < y0 else "")
        return self._frame_xml(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0), flips) + preset_xml(
            "straightConnector1", None
        )

    def _bent(self, start: tuple[float, float], end: tuple[float, float], via: float, *, upright: bool) -> str:
        """Return place and geometry of a connector with two corners, whose middle part runs through `via`.

        The preset runs from the top left to the bottom right, first along its width. Other directions are flipped; one
        that leaves along the height is also turned by a quarter around its middle (ECMA-376 part 1, 20.1.7.6).
        """
        (x0, y0), (x1, y1) = (self._x(start[0]), start[1]), (self._x(end[0]), end[1])
        along = (y0, y1, via) if upright else (x0, x1, self._x(via))
        span = max(abs(along[1] - along[0]), _LEAST_SPAN)
        forward = along[1] >= along[0]
        bend = (along[2] - along[0]) / span * (1 if forward else -1)
        geometry = preset_xml("bentConnector3", {"adj1": round(bend * 100000)})
        if not upright:
            flips = ("" if forward else " flipH='1'") + (" flipV='1'" if y1 < y0 else "")
            return self._frame_xml(min(x0, x1), min(y0, y1), span, abs(y1 - y0), flips) + geometry
        across = abs(x1 - x0)
        left, top = min(x0, x1) + (across - span) / 2, min(y0, y1) + (span - across) / 2
        turn = " rot='5400000'" if forward else " rot='16200000'"
        flips = turn + (" flipV='1'" if (x1 > x0) == forward else "")
        return self._frame_xml(left, top, span, across, flips) + geometry

    def _frame_xml(self, left: float, top: float, width: float, height: float, attributes: str) -> str:
        """Return the a:xfrm of a place whose left edge is already mirrored."""
        x, y = self._frame[0] + _emu(left), self._frame[1] + _emu(top)
        return f"<a:xfrm{attributes}><a:off x='{x}' y='{y}'/><a:ext cx='{_emu(width)}' cy='{_emu(height)}'/></a:xfrm>"


_DECORATIVE = (
    "<a:extLst><a:ext uri='{C183D7F6-B498-43B3-948B-1728B52AA6E4}'><adec:decorative "
    "xmlns:adec='http://schemas.microsoft.com/office/drawing/2017/decorative' val='1'/></a:ext></a:extLst>"
)
"""Marks a shape that screen readers pass over."""

_ARROWHEADS: Mapping[ArrowEnd, str] = {
    "": "",
    "start": "<a:headEnd type='triangle' w='med' len='med'/>",
    "end": "<a:tailEnd type='triangle' w='med' len='med'/>",
}
_LEAST_SPAN = 1.0
"""The least width in points of a connector with corners, whose bend is a share of it."""

_DIRECTED = ("chevron", "homePlate", "rightArrow")
"""Shapes that point in the direction of reading."""


def _emu(points: float) -> int:
    return round(points * EMU_PER_POINT)


def _fill(paint: Paint | None) -> str:
    return "<a:noFill/>" if paint is None else paint.xml


def _line(paint: Paint | None, width: float) -> str:
    return "<a:ln><a:noFill/></a:ln>" if paint is None else f"<a:ln w='{_emu(width)}'>{paint.xml}</a:ln>"

"""The shapes of a slide as one flat list, groups opened, each with what it holds and what lies under it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.layouts import Frame, frame_of
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, inherited, placeholder_type, resolve_color
from seedx_tools.decks.text.shapes import Rect, font_scale, runs_of
from seedx_tools.decks.text.tables import cell_runs, table_height

Holds: TypeAlias = Literal["text", "picture", "chart", "table", "other"]

_FOOTERS = ("dt", "ftr", "sldNum", "hdr")
_WHITE = "FFFFFF"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of text as it looks."""

    text: str
    size: float
    """In points, as it is shown."""
    bold: bool
    color: str
    """RRGGBB."""
    ground: str | None
    """The colour behind it, where its table cell has one; None: look under the shape."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A shape and where it is on the slide."""

    shape: Any
    frame: Frame
    holds: Holds
    needs_height: float
    """The height in points that a table needs for its text; 0 for everything else."""

    @property
    def name(self) -> str:
        """The shape's name."""
        return str(self.shape.name)

    @property
    def area(self) -> Rect:
        """Where it is: left, top, right, bottom in points."""
        left, top, width, height = (value / EMU_PER_POINT for value in self.frame)
        return left, top, left + width, top + height

    @property
    def alt_text(self) -> str:
        """What a screen reader says in its place; "decorative" for a shape that is marked so."""
        properties = next(self.shape.element.iter(qn("p:cNvPr")))
        decorative = any(child.get("val") == "1" for child in properties.iter() if child.tag.endswith("}decorative"))
        return "decorative" if decorative else str(properties.get("descr") or "").strip()

    def covers(self, other: Placed) -> bool:
        """Whether another shape lies within this one, give or take a point."""
        mine, theirs = self.area, other.area
        return all(mine[i] <= theirs[i] + 1 for i in (0, 1)) and all(mine[i] >= theirs[i] - 1 for i in (2, 3))


def placed_shapes(slide: Slide) -> Iterator[Placed]:
    """Yield every shape of a slide from the back to the front; the members of a group in place of the group."""
    yield from _walk(slide, slide.shapes, (0.0, 0.0, 1.0, 1.0))


def is_empty_placeholder(shape: Any) -> bool:
    """Whether a shape is a placeholder that nothing was put into; footers and dates may be empty."""
    kind = placeholder_type(shape.element)
    if kind is None or kind in _FOOTERS or shape.element.tag != qn("p:sp"):
        return False
    return not (shape.has_text_frame and shape.text_frame.text.strip())


def runs_in(slide: Slide, placed: Placed) -> Iterator[Run]:
    """Yield all text that a shape shows, run by run; a chart's text by its smallest size."""
    shape = placed.shape
    if placed.holds == "table":
        for text, style, ground in cell_runs(slide, shape):
            yield Run(text, style.size, style.bold, style.color, ground)
    elif placed.holds == "chart":
        space = shape.chart._chartSpace
        sizes = [
            int(element.get("sz")) / 100 for element in space.iter() if element.get("sz") and "sz" in element.attrib
        ]
        colors = [resolve_color(slide, fill) for fill in space.findall(f"{qn('c:txPr')}//{qn('a:solidFill')}")]
        if sizes:
            yield Run("the chart's text", min(sizes), False, colors[0] if colors else "000000", None)
    elif shape.has_text_frame:
        scale = font_scale(shape.element)
        for text, style in runs_of(slide, shape):
            yield Run(text, style.size * scale, style.bold, style.color, None)


def background_under(slide: Slide, placed: Placed, below: Sequence[Placed]) -> list[str]:
    """Return the colours that text in a shape may stand on; none if a picture or pattern is behind it.

    Args:
        slide: The slide.
        placed: The shape.
        below: The shapes that it lies on, from the back to the front.
    """
    for shape in (placed, *reversed(below)):
        if shape.holds == "picture":
            return []
        for source in inherited(slide, shape.shape.element):
            properties = source.find(qn("p:spPr"))
            filled = None if properties is None else _fill_colors(slide, properties)
            if filled is not None:
                if filled == ["none"]:
                    break
                return filled
    return slide_background(slide)


def slide_background(slide: Slide) -> list[str]:
    """Return the colour of a slide's background, several for a gradient, none for a picture or pattern."""
    layout = slide.slide_layout
    for sheet in (slide, layout, layout.slide_master):
        background = sheet.element.find(f"{qn('p:cSld')}/{qn('p:bg')}")
        if background is None:
            continue
        properties, reference = background.find(qn("p:bgPr")), background.find(qn("p:bgRef"))
        if properties is not None:
            return [color for color in _fill_colors(slide, properties) or [] if color != "none"]
        if reference is not None and len(reference):
            return [resolve_color(slide, reference)]
    return [_WHITE]


def _fill_colors(slide: Slide, properties: Any) -> list[str] | None:
    """The colours of a fill; ["none"] for no fill, [] for a picture or pattern, None where nothing is said."""
    for child in properties:
        if child.tag == qn("a:solidFill"):
            return [resolve_color(slide, child)]
        if child.tag == qn("a:gradFill"):
            return [resolve_color(slide, stop) for stop in child.iter(qn("a:gs"))]
        if child.tag == qn("a:noFill"):
            return ["none"]
        if child.tag in (qn("a:blipFill"), qn("a:pattFill")):
            return []
    return None


def _walk(slide: Slide, shapes: Any, move: tuple[float, float, float, float]) -> Iterator[Placed]:
    """Shapes with a shift and a scale (x, y) that bring a group's own coordinates on to the slide."""
    for shape in shapes:
        left, top, width, height = frame_of(shape)
        frame = (
            round(move[0] + left * move[2]),
            round(move[1] + top * move[3]),
            round(width * move[2]),
            round(height * move[3]),
        )
        if shape.element.tag == qn("p:grpSp"):
            yield from _walk(slide, shape.shapes, _inside(shape, frame))
        else:
            holds = _holds(shape)
            yield Placed(shape, frame, holds, table_height(slide, shape) if holds == "table" else 0.0)


def _inside(group: Any, frame: Frame) -> tuple[float, float, float, float]:
    transform = group.element.find(f"{qn('p:grpSpPr')}/{qn('a:xfrm')}")
    offset = None if transform is None else transform.find(qn("a:chOff"))
    extent = None if transform is None else transform.find(qn("a:chExt"))
    if offset is None or extent is None or not int(extent.get("cx")) or not int(extent.get("cy")):
        return 0.0, 0.0, 1.0, 1.0
    wide, high = frame[2] / int(extent.get("cx")), frame[3] / int(extent.get("cy"))
    return frame[0] - int(offset.get("x")) * wide, frame[1] - int(offset.get("y")) * high, wide, high


def _holds(shape: Any) -> Holds:
    if shape.element.tag == qn("p:pic"):
        return "picture"
    if shape.element.tag == qn("p:graphicFrame"):
        return "chart" if shape.has_chart else "table" if shape.has_table else "other"
    return "text" if shape.has_text_frame else "other"

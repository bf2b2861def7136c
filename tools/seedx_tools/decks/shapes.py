"""The shapes of a slide as a flat list, groups expanded, with their content and background."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pptx.oxml.ns import qn
from pptx.slide import Slide, SlideLayout

from seedx_tools.decks.ooxml.layouts import EmuFrame, frame_of
from seedx_tools.decks.ooxml.styles import (
    EMU_PER_POINT,
    FOOTERS,
    inherited,
    layout_of,
    master_of,
    placeholder_type,
    resolve_color,
)
from seedx_tools.decks.text.shapes import PointRect, font_scale, runs_of
from seedx_tools.decks.text.tables import cell_runs, table_height

ShapeKind: TypeAlias = Literal["text", "picture", "chart", "table", "other"]

_FOOTERS = (*FOOTERS, "hdr")
_WHITE = "FFFFFF"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of text and its effective style."""

    text: str
    size: float
    """In points, as displayed."""
    bold: bool
    color: str
    """RRGGBB."""
    ground: str | None
    """RRGGBB of its table cell; None: see what lies under the shape."""
    family: str = ""
    """The typeface; empty for a chart's."""


@dataclass(frozen=True, slots=True)
class SlideShape:
    """A shape, its position on the slide and its kind of content."""

    shape: Any
    frame: EmuFrame
    kind: ShapeKind
    needs_height: float
    """The height in points that a table needs for its text; 0 for other shapes."""

    @property
    def name(self) -> str:
        """The shape's name."""
        return str(self.shape.name)

    @property
    def area(self) -> PointRect:
        """Its position: left, top, right, bottom in points."""
        left, top, width, height = (value / EMU_PER_POINT for value in self.frame)
        return left, top, left + width, top + height

    @property
    def alt_text(self) -> str:
        """What a screen reader reads in its place; "decorative" for a shape that is marked as such."""
        properties = next(self.shape.element.iter(qn("p:cNvPr")))
        decorative = any(child.get("val") == "1" for child in properties.iter() if child.tag.endswith("}decorative"))
        return "decorative" if decorative else str(properties.get("descr") or "").strip()

    def covers(self, other: SlideShape) -> bool:
        """Return whether another shape lies within this one, to within a point."""
        mine, theirs = self.area, other.area
        return all(mine[i] <= theirs[i] + 1 for i in (0, 1)) and all(mine[i] >= theirs[i] - 1 for i in (2, 3))


def slide_shapes(slide: Slide) -> Iterator[SlideShape]:
    """Yield every shape of a slide from back to front, with the members of a group in place of the group."""
    yield from _walk(slide, slide.shapes, (0.0, 0.0, 1.0, 1.0))


def is_empty_placeholder(shape: Any) -> bool:
    """Return whether a shape is an empty placeholder; footers and dates may be empty and do not count."""
    kind = placeholder_type(shape.element)
    if kind is None or kind in _FOOTERS or shape.element.tag != qn("p:sp"):
        return False
    return not (shape.has_text_frame and shape.text_frame.text.strip())


def runs_in(slide: Slide, placed: SlideShape) -> Iterator[Run]:
    """Yield the runs of text in a shape; a chart yields one run with its smallest size."""
    shape = placed.shape
    if placed.kind == "table":
        for text, style, ground in cell_runs(slide, shape):
            yield Run(text, style.size, style.bold, style.color, ground, style.family)
    elif placed.kind == "chart":
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
            yield Run(text, style.size * scale, style.bold, style.color, None, style.family)


def backdrop_shapes(slide: Slide) -> Iterator[SlideShape]:
    """Yield what a slide shows of its master and layout, from back to front: all shapes but placeholders."""
    layout = layout_of(slide)
    shows_layout = slide.element.get("showMasterSp", "1") not in ("0", "false")
    shows_master = shows_layout and layout.element.get("showMasterSp", "1") not in ("0", "false")
    for sheet, shown in ((master_of(layout), shows_master), (layout, shows_layout)):
        if shown:
            shapes = (placed for placed in _walk(slide, sheet.shapes, (0.0, 0.0, 1.0, 1.0)))
            yield from (placed for placed in shapes if placeholder_type(placed.shape.element) is None)


@dataclass(frozen=True, slots=True)
class Fill:
    """What a shape is filled with."""

    colors: tuple[str, ...]
    """RRGGBB: one, the stops of a gradient, or none for a picture or pattern."""
    opacity: float
    """0 to 1."""


def fill_of(slide: Slide, element: Any) -> Fill | None:
    """Return the fill of a shape, its own, inherited or of its style; None if it has none."""
    for source in inherited(slide, element):
        properties = source.find(qn("p:spPr"))
        colors = None if properties is None else _fill_colors(slide, properties)
        if properties is not None and colors is not None:
            alpha = properties.find(f"{qn('a:solidFill')}/*/{qn('a:alpha')}")
            opacity = 1.0 if alpha is None else int(str(alpha.get("val")).rstrip("%")) / 100_000
            return None if colors == ["none"] else Fill(tuple(colors), opacity)
    reference = element.find(f"{qn('p:style')}/{qn('a:fillRef')}")
    if reference is None or reference.get("idx", "0") == "0" or not len(reference):
        return None
    return Fill((resolve_color(slide, reference),), 1.0)


def slide_background(slide: Slide | SlideLayout) -> list[str]:
    """Return the color of a slide's or layout's background, several for a gradient, none for a picture or pattern."""
    for sheet in (slide, layout_of(slide), master_of(slide)):
        background = sheet.element.find(f"{qn('p:cSld')}/{qn('p:bg')}")
        if background is None:
            continue
        properties, reference = background.find(qn("p:bgPr")), background.find(qn("p:bgRef"))
        if properties is not None:
            return [color for color in _fill_colors(slide, properties) or [] if color != "none"]
        if reference is not None and len(reference):
            return [resolve_color(slide, reference)]
    return [_WHITE]


def _fill_colors(slide: Slide | SlideLayout, properties: Any) -> list[str] | None:
    """Return the colors of a fill; ["none"] for no fill, [] for a picture or pattern, None if unspecified."""
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


def _walk(slide: Slide, shapes: Any, move: tuple[float, float, float, float]) -> Iterator[SlideShape]:
    """Yield shapes; `move` is the shift and scale (x, y) from a group's coordinates to the slide's."""
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
            kind = _kind(shape)
            yield SlideShape(shape, frame, kind, table_height(slide, shape) if kind == "table" else 0.0)


def _inside(group: Any, frame: EmuFrame) -> tuple[float, float, float, float]:
    transform = group.element.find(f"{qn('p:grpSpPr')}/{qn('a:xfrm')}")
    offset = None if transform is None else transform.find(qn("a:chOff"))
    extent = None if transform is None else transform.find(qn("a:chExt"))
    if offset is None or extent is None or not int(extent.get("cx")) or not int(extent.get("cy")):
        return 0.0, 0.0, 1.0, 1.0
    wide, high = frame[2] / int(extent.get("cx")), frame[3] / int(extent.get("cy"))
    return frame[0] - int(offset.get("x")) * wide, frame[1] - int(offset.get("y")) * high, wide, high


def _kind(shape: Any) -> ShapeKind:
    if shape.element.tag == qn("p:pic"):
        return "picture"
    if shape.element.tag == qn("p:graphicFrame"):
        return "chart" if shape.has_chart else "table" if shape.has_table else "other"
    return "text" if shape.has_text_frame else "other"

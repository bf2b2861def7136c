"""Draw the fills, outlines and connectors of shapes with Pillow; unknown geometries are drawn as rectangles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from PIL import Image, ImageDraw
from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, resolve_color

PixelBox: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

_Point: TypeAlias = tuple[float, float]
_ROUND = {"roundRect": 0.16667, "flowChartTerminator": 0.5}
"""Rounded rectangles, with the default radius as a share of the shorter side."""
_FULL_TURN = 216.0
"""A full turn in the unit of adjustments: 21,600,000 / 100,000."""
_STEPS = 16
"""The straight parts of a curve."""
_HEAD = 4.0
"""The length of an arrowhead in line widths."""


def draw_shape(slide: Slide, shape: Any, box: PixelBox, image: Image.Image, pixels: float) -> None:
    """Draw the fill and the outline of a shape, or a connector.

    Args:
        slide: The slide that the shape is on.
        shape: A shape or connector.
        box: Its place in the image.
        image: The image to draw on.
        pixels: Pixels per point.
    """
    properties = shape.element.find(qn("p:spPr"))
    if properties is None:
        return
    pen = ImageDraw.Draw(image)
    line = properties.find(qn("a:ln"))
    stroke = None if line is None else _color(slide, line.find(qn("a:solidFill")), image, box)
    width = 1.0 if line is None else max(1.0, int(line.get("w", "9525")) / EMU_PER_POINT * pixels)
    name, adjust = _geometry(properties)
    if shape.element.tag == qn("p:cxnSp"):
        if stroke is not None and line is not None:
            _draw_path(pen, _connector(properties, name, adjust, box), line, stroke, width)
        return
    fill = _color(slide, properties.find(qn("a:solidFill")), image, box)
    if fill is None and stroke is None:
        return
    edge = round(width) if stroke is not None else 0
    short = min(box[2] - box[0], box[3] - box[1])
    strokes = _strokes(properties, box)
    if strokes:
        for path in strokes:
            pen.line(path, fill=stroke, width=edge, joint="curve")
    elif name == "pie":
        start, end = (adjust.get(key, 0.0) / _FULL_TURN * 360 for key in ("adj1", "adj2"))
        pen.pieslice(box, start, end if end > start else end + 360, fill=fill)
    elif name == "ellipse":
        pen.ellipse(box, fill=fill, outline=stroke, width=edge)
    elif name in _ROUND:
        radius = short * adjust.get("adj", _ROUND[name])
        pen.rounded_rectangle(box, radius=min(radius, short / 2), fill=fill, outline=stroke, width=edge)
    else:
        corners = [_mirror(point, properties, box) for point in _corners(name, adjust, box)]
        pen.polygon(corners, fill=fill)
        if stroke is not None:
            pen.line([*corners, corners[0]], fill=stroke, width=edge)


def _geometry(properties: Any) -> tuple[str, dict[str, float]]:
    """Return the name of a shape's geometry and its adjustments as shares; "custom" if it is no preset."""
    preset, own = properties.find(qn("a:prstGeom")), properties.find(qn("a:custGeom"))
    source = preset if preset is not None else own
    guides = () if source is None else source.findall(f"{qn('a:avLst')}/{qn('a:gd')}")
    adjust = {guide.get("name"): int(guide.get("fmla").split()[-1]) / 100000 for guide in guides}
    return ("rect" if source is None else "custom" if preset is None else str(preset.get("prst"))), adjust


def _color(slide: Slide, fill: Any, image: Image.Image, box: PixelBox) -> str | None:
    """Return the color of a fill over what is at the middle of its place; None if there is no fill."""
    if fill is None:
        return None
    rgb = resolve_color(slide, fill)
    alpha = fill.find(f".//{qn('a:alpha')}")
    if alpha is None:
        return f"#{rgb}"
    share = int(str(alpha.get("val")).rstrip("%")) / 100000
    x = min(max(0, round((box[0] + box[2]) / 2)), image.width - 1)
    y = min(max(0, round((box[1] + box[3]) / 2)), image.height - 1)
    under: Any = image.getpixel((x, y))
    over = (int(rgb[index : index + 2], 16) for index in (0, 2, 4))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02X}" for a, b in zip(over, under, strict=False))


def _strokes(properties: Any, box: PixelBox) -> list[list[_Point]]:
    """Return the lines of a custom geometry that is not filled."""
    lines: list[list[_Point]] = []
    for path in properties.findall(f"{qn('a:custGeom')}/{qn('a:pathLst')}/{qn('a:path')}[@fill='none']"):
        for step in path:
            if step.tag == qn("a:moveTo"):
                lines.append([])
            elif step.tag != qn("a:lnTo"):
                return []
            point = step.find(qn("a:pt"))
            x, y = (int(point.get(key)) / int(path.get(size)) for key, size in (("x", "w"), ("y", "h")))
            lines[-1].append((box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1])))
    return lines


def _corners(name: str, adjust: dict[str, float], box: PixelBox) -> list[_Point]:
    left, top, right, bottom = box
    slope = min(right - left, bottom - top) * adjust.get("adj", 0.25 if name == "trapezoid" else 0.5)
    x, y = (left + right) / 2, (top + bottom) / 2
    if name == "homePlate":
        return [(left, top), (right - slope, top), (right, y), (right - slope, bottom), (left, bottom)]
    if name == "chevron":
        return [
            *((left, top), (right - slope, top), (right, y)),
            *((right - slope, bottom), (left, bottom), (left + slope, y)),
        ]
    if name == "diamond":
        return [(x, top), (right, y), (x, bottom), (left, y)]
    if name == "triangle":
        return [(x, top), (right, bottom), (left, bottom)]
    if name == "trapezoid":
        return [(left + slope, top), (right - slope, top), (right, bottom), (left, bottom)]
    if name == "custom" and "adj" in adjust:
        return [(left, top), (right, top), (right - slope, bottom), (left + slope, bottom)]
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _connector(properties: Any, name: str, adjust: dict[str, float], box: PixelBox) -> list[_Point]:
    """Return the corners of a connector from its start to its end."""
    left, top, right, bottom = box
    if name == "bentConnector2":
        path = [(left, top), (right, top), (right, bottom)]
    elif name == "curvedConnector2":
        path = [
            (left + (right - left) * (1.5 * t - 0.5 * t**3), top + (bottom - top) * (1.5 * t**2 - 0.5 * t**3))
            for t in (step / _STEPS for step in range(_STEPS + 1))
        ]
    elif name == "bentConnector3":
        bend = left + (right - left) * adjust.get("adj1", 0.5)
        path = [(left, top), (bend, top), (bend, bottom), (right, bottom)]
    else:
        path = [(left, top), (right, bottom)]
    path = [_mirror(point, properties, box) for point in path]
    turns = int(properties.find(qn("a:xfrm")).get("rot", "0")) // 5400000 % 4
    x, y = (left + right) / 2, (top + bottom) / 2
    for _ in range(turns):
        path = [(x - (b - y), y + (a - x)) for a, b in path]
    return path


def _mirror(point: _Point, properties: Any, box: PixelBox) -> _Point:
    transform = properties.find(qn("a:xfrm"))
    flips = [transform is not None and transform.get(name) in ("1", "true") for name in ("flipH", "flipV")]
    x = box[0] + box[2] - point[0] if flips[0] else point[0]
    y = box[1] + box[3] - point[1] if flips[1] else point[1]
    return x, y


def _draw_path(pen: ImageDraw.ImageDraw, path: Sequence[_Point], line: Any, stroke: str, width: float) -> None:
    pen.line(list(path), fill=stroke, width=round(width), joint="curve")
    for tag, tip, before in (("a:headEnd", path[0], path[1]), ("a:tailEnd", path[-1], path[-2])):
        end = line.find(qn(tag))
        if end is not None and end.get("type", "none") != "none":
            length = math.dist(tip, before) or 1.0
            along = ((tip[0] - before[0]) / length, (tip[1] - before[1]) / length)
            size = _HEAD * width
            foot = (tip[0] - along[0] * size, tip[1] - along[1] * size)
            across = (-along[1] * size / 2, along[0] * size / 2)
            corners = [tip, (foot[0] + across[0], foot[1] + across[1]), (foot[0] - across[0], foot[1] - across[1])]
            pen.polygon(corners, fill=stroke)

"""Steps in order, as chevrons in rows, and steps that return to the first, as boxes around a circle."""

from __future__ import annotations

import math
from itertools import pairwise, product

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.geometry import GAP, INSET, OPTICAL, Area, Node, Side, side_point
from seedx_tools.decks.drawing.names import item_name
from seedx_tools.decks.drawing.paragraphs import SIZES, Paragraph, fitting_size, height_needed
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.visuals import Visual, VisualItem

_MOST_ACROSS = 6
_POINT = 16.0
"""How far a chevron's tip sticks out, in points."""
_QUARTERS: tuple[tuple[Side, Side], ...] = (("right", "top"), ("bottom", "right"), ("left", "bottom"), ("top", "left"))
"""The sides that an arrow leaves and reaches in each quarter of a circle, clockwise from the top."""
_LEAST_ARC = 12.0
"""A flatter arrow is straight, in points."""
_APART = 24.0
"""The least space between the boxes of a cycle."""
_HEAD, _HIGHEST = 64.0, 100.0
"""The least height of a chevron, and the most that it takes where there is room."""


def draw_process(canvas: Canvas, visual: Visual) -> None:
    """Draw steps as chevrons with their labels, and their texts under them; more than six wrap into rows."""
    items = visual.items
    rows = -(-len(items) // _MOST_ACROSS)
    across = -(-len(items) // rows)
    room = (canvas.height - GAP * (rows - 1)) / rows
    has_text = any(item.text for item in items)
    width = (canvas.width + (across - 1) * (_POINT - 4)) / across
    inner = width - 2 * _POINT - INSET
    solid = canvas.paints.solid()

    def label(item: VisualItem, size: float) -> list[Paragraph]:
        return [Paragraph(item.label, size, solid.text, bold=True, align="ctr")]

    def text(item: VisualItem, size: float) -> list[Paragraph]:
        return [Paragraph(item.text, size, canvas.paints.text)]

    most = room * 0.45 if has_text else room
    size = fitting_size(items, label, (inner, most - INSET), canvas.family)
    size = size or MIN_POINTS
    head = max(height_needed(label(item, size), inner, canvas.family) for item in items) + 2 * INSET
    head = min(most, max(_HEAD, head, min(_HIGHEST, room * 0.24)))
    below = width - _POINT - INSET
    texts = [item for item in items if item.text]
    text_size = min(size, 18.0)
    rest = 0.0
    if texts:
        sizes = [one for one in SIZES if one <= text_size]
        fitted = fitting_size(
            texts,
            text,
            (below, room - head - GAP),
            canvas.family,
            sizes,
        )
        text_size = fitted or MIN_POINTS
        rest = max(height_needed(text(item, text_size), below, canvas.family) for item in texts) + 2
        rest = min(rest, room - head - GAP) + GAP
    top = (canvas.height - rows * (head + rest) - (rows - 1) * GAP) * OPTICAL
    for number, item in enumerate(items):
        left = number % across * (width - _POINT + 4)
        start = top + number // across * (head + rest + GAP)
        area = Area(left, start, width, head)
        first = number % across == 0
        canvas.box(
            area,
            item_name(number, ["label"]),
            shape="homePlate" if first else "chevron",
            adjust={"adj": round(_POINT / min(head, width) * 100000)},
            fill=solid.fill,
            paragraphs=label(item, size),
            inset=INSET / 2,
            text_area=Area(left + (0 if first else _POINT), start, width - _POINT * (1 if first else 2), head),
        )
        if item.text:
            place = Area(left + (0 if first else _POINT), start + head + GAP, below, rest - GAP)
            canvas.text(place, item_name(number, ["text"]), text(item, text_size))


def draw_cycle(canvas: Canvas, visual: Visual) -> None:
    """Draw steps as boxes around an ellipse, each with an arrow to the next."""
    items = visual.items
    count = len(items)
    solid = canvas.paints.solid()
    box, across, down = _circle(canvas, count)

    def paragraphs(item: VisualItem, size: float) -> list[Paragraph]:
        lines = [Paragraph(item.label, size, solid.text, bold=True, align="ctr")]
        return (
            [*lines, Paragraph(item.text, max(MIN_POINTS, size - 2), solid.text, align="ctr")] if item.text else lines
        )

    size = fitting_size(
        items,
        paragraphs,
        (box[0] - 2 * INSET, box[1] - INSET),
        canvas.family,
    )
    nodes: list[Node] = []
    for number, item in enumerate(items):
        angle = 2 * math.pi * number / count - math.pi / 2
        x = canvas.width / 2 + across * math.cos(angle) - box[0] / 2
        y = canvas.height / 2 + down * math.sin(angle) - box[1] / 2
        nodes.append(
            canvas.box(
                Area(x, y, *box),
                item_name(number, ["label", "text"] if item.text else ["label"]),
                shape="roundRect",
                adjust={"adj": 12000},
                fill=solid.fill,
                paragraphs=paragraphs(item, size or MIN_POINTS),
            )
        )
    for number, node in enumerate(nodes):
        following = nodes[(number + 1) % count]
        _connect_around(canvas, node, following, (number + 0.5) / count, f"arrow {number + 1}")


def _circle(canvas: Canvas, count: int) -> tuple[tuple[float, float], float, float]:
    """Return the size of the boxes around an ellipse, the largest that stand apart, and the ellipse's radii."""
    wide = min(190.0, canvas.width / (3.2 if count <= 4 else 4.2))
    highest = min(84.0, canvas.height / (3.4 if count > 4 else 3.2))
    for share, stretch in product((1.0, 0.85, 0.72, 0.6), (2.1, 2.6, 3.2)):
        high = highest * share
        down = (canvas.height - high) / 2
        across = min((canvas.width - wide) / 2, down * stretch)
        angles = [2 * math.pi * number / count for number in range(count + 1)]
        apart = min(
            max(
                across * abs(math.sin(two) - math.sin(one)) - wide,
                down * abs(math.cos(two) - math.cos(one)) - high,
            )
            for one, two in pairwise(angles)
        )
        if apart >= _APART:
            break
    return (wide, high), across, down


def _connect_around(canvas: Canvas, first: Node, second: Node, turn: float, name: str) -> None:
    """Draw an arrow between neighbors on a circle: an arc, or a straight line where both are on one side.

    `turn` is where the middle between them is, as a share of the circle clockwise from the top.
    """
    sides = _QUARTERS[int(turn * 4) % 4]
    (x0, y0), (x1, y1) = side_point(first.area, sides[0]), side_point(second.area, sides[1])
    right, down = sides[0] in ("right", "top"), sides[0] in ("right", "bottom")
    is_arc = (x1 - x0 if right else x0 - x1) >= _LEAST_ARC and (y1 - y0 if down else y0 - y1) >= _LEAST_ARC
    if is_arc and turn * 4 % 1:
        canvas.connect_curved(first, sides[0], second, sides[1], name)
    elif max(first.area.top, second.area.top) >= min(first.area.bottom, second.area.bottom):
        facing: tuple[Side, Side] = ("bottom", "top") if first.area.top < second.area.top else ("top", "bottom")
        canvas.connect(first, facing[0], second, facing[1], name)
    else:
        facing = ("right", "left") if first.area.left < second.area.left else ("left", "right")
        canvas.connect(first, facing[0], second, facing[1], name)

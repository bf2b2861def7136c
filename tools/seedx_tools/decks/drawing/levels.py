"""Levels of a pyramid or a funnel, with their texts beside them."""

from __future__ import annotations

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.geometry import DOWNWARD_TRAPEZOID, GAP, Area
from seedx_tools.decks.drawing.names import FieldName, item_name
from seedx_tools.decks.drawing.paragraphs import Paragraph, fitting_size
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.visuals import Visual, VisualItem

_STEP_GAP = 4.0
_SHAPES = ("trapezoid", DOWNWARD_TRAPEZOID)
_NARROW = 0.3
"""The shortest edge as a share of the longest."""


def draw_pyramid(canvas: Canvas, visual: Visual) -> None:
    """Draw levels that grow from the top down."""
    count = len(visual.items)
    _draw(canvas, visual, [_NARROW + (1 - _NARROW) * number / count for number in range(count + 1)], upside_down=False)


def draw_funnel(canvas: Canvas, visual: Visual) -> None:
    """Draw levels that shrink from the top down."""
    count = len(visual.items)
    _draw(canvas, visual, [1 - (1 - _NARROW) * number / count for number in range(count + 1)], upside_down=True)


def _draw(canvas: Canvas, visual: Visual, shares: list[float], *, upside_down: bool) -> None:
    """Draw a trapezoid for each level; `shares` are the widths of its edges from the top, of the widest."""
    items = visual.items
    paints = canvas.paints
    pair = paints.solid()
    beside = any(item.text for item in items)
    full = min(canvas.width * (0.5 if beside else 0.8), canvas.height * 1.7)
    left = 0.0 if beside else (canvas.width - full) / 2
    height = (canvas.height - _STEP_GAP * (len(items) - 1)) / len(items)
    inner = [full * min(shares[number], shares[number + 1]) for number in range(len(items))]
    texts_left = left + full + 2 * GAP

    def head(item: VisualItem, size: float) -> list[Paragraph]:
        lines = [Paragraph(item.value, size, pair.text, bold=True, align="ctr")] if item.value else []
        return [*lines, Paragraph(item.label, size, pair.text, bold=True, align="ctr")]

    def text(item: VisualItem, size: float) -> list[Paragraph]:
        return [Paragraph(item.text, size, paints.text)]

    rest = canvas.width - texts_left
    size = fitting_size(items, head, (min(inner), height * 0.8), canvas.family) or MIN_POINTS
    text_size = fitting_size([item for item in items if item.text], text, (rest, height - 4), canvas.family)
    for number, item in enumerate(items):
        wide = full * max(shares[number], shares[number + 1])
        slope = (wide - inner[number]) / 2
        area = Area(left + (full - wide) / 2, number * (height + _STEP_GAP), wide, height)
        fields: list[FieldName] = ["value", "label"] if item.value else ["label"]
        canvas.box(
            area,
            item_name(number, fields),
            shape=_SHAPES[upside_down],
            adjust={"adj": round(slope / min(wide, height) * 100000)},
            fill=pair.fill,
            paragraphs=head(item, size),
            inset=2.0,
        )
        if item.text:
            place = Area(texts_left, area.top, rest, height)
            canvas.text(place, item_name(number, ["text"]), text(item, text_size or MIN_POINTS), anchor="ctr")

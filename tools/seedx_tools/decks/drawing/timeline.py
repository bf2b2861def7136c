"""Dated events along a line."""

from __future__ import annotations

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.geometry import GAP, OPTICAL, Area
from seedx_tools.decks.drawing.names import FieldName, item_name
from seedx_tools.decks.drawing.paragraphs import Paragraph, fitting_size, height_needed
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.visuals import Visual, VisualItem

_DOT = 16.0
_ALTERNATE = 5
"""From this many events on, texts stand above and below the line in turns, which gives each twice the width."""


def draw_timeline(canvas: Canvas, visual: Visual) -> None:
    """Draw a line with a dot for each event: its date above, its label and text below, or both in turns."""
    items = visual.items
    in_turns = len(items) >= _ALTERNATE
    step = (canvas.width + GAP) / (len(items) + in_turns)
    width = (2 * step if in_turns else step) - GAP
    paints = canvas.paints

    def date(item: VisualItem, size: float) -> list[Paragraph]:
        return [Paragraph(item.value, size + 2, paints.figure_on_page, bold=True)] if item.value else []

    def words(item: VisualItem, size: float) -> list[Paragraph]:
        lines = [Paragraph(item.label, size, paints.text, bold=True)]
        return [*lines, Paragraph(item.text, max(MIN_POINTS, size - 2), paints.text)] if item.text else lines

    def both(item: VisualItem, size: float) -> list[Paragraph]:
        return [*date(item, size), *words(item, size)]

    half = (canvas.height - _DOT) / 2 - GAP
    room = half if in_turns else canvas.height - _DOT - 2 * GAP
    found = fitting_size(items, both, (width, room), canvas.family)
    size = found or MIN_POINTS
    dates = max(height_needed(date(item, size), width, canvas.family) for item in items)
    below = max(height_needed(words(item, size), width, canvas.family) for item in items) + 2
    if in_turns:
        half = min(half, max(height_needed(both(item, size), width, canvas.family) for item in items) + 2)
        line = (canvas.height - 2 * half - _DOT - 2 * GAP) * OPTICAL + half + GAP + _DOT / 2
    else:
        below = min(below, canvas.height - dates - _DOT - 2 * GAP)
        line = (canvas.height - dates - below - _DOT - 2 * GAP) * OPTICAL + dates + GAP + _DOT / 2
    canvas.rule((0, line), (canvas.width, line), "line", paints.line, 2.5, arrow=True)
    for number, item in enumerate(items):
        left = number * step
        canvas.bar(Area(left, line - _DOT / 2, _DOT, _DOT), f"dot {number + 1}", paints.solid().fill, shape="ellipse")
        fields: list[FieldName] = ["label", "text"] if item.text else ["label"]
        over, under = line - _DOT / 2 - GAP, line + _DOT / 2 + GAP
        if in_turns:
            fields = ["value", *fields] if item.value else fields
            is_over = number % 2 == 0
            area = Area(left, over - half if is_over else under, width, half)
            canvas.text(area, item_name(number, fields), both(item, size), anchor="b" if is_over else "t")
            continue
        if item.value:
            canvas.text(
                Area(left, over - dates, width, dates), item_name(number, ["value"]), date(item, size), anchor="b"
            )
        canvas.text(Area(left, under, width, below), item_name(number, fields), words(item, size))

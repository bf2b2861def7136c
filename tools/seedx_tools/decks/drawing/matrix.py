"""Four quadrants with the titles of their axes."""

from __future__ import annotations

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.cards import fields_of, labelled
from seedx_tools.decks.drawing.geometry import GAP, INSET, Area
from seedx_tools.decks.drawing.names import item_name
from seedx_tools.decks.drawing.paint import Pair
from seedx_tools.decks.drawing.paragraphs import Paragraph, fitting_size
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.visuals import Visual, VisualItem

_AXIS_POINTS = 14.0
_AXIS = 22.0
"""The height of the horizontal axis' title, and the width that the vertical axis takes."""


def draw_matrix(canvas: Canvas, visual: Visual) -> None:
    """Draw up to four quadrants, in the order of reading; the last one of four stands out least."""
    items = visual.items
    paints = canvas.paints
    across, down = (*visual.axes, "", "")[:2]
    left = _AXIS + GAP / 2 if down else 0.0
    bottom = _AXIS + GAP / 2 if across else 0.0
    rows = -(-len(items) // 2)
    width = (canvas.width - left - GAP) / 2
    height = (canvas.height - bottom - GAP * (rows - 1)) / rows
    strong, plain = paints.solid(), paints.card

    def pair_of(number: int) -> Pair:
        return strong if number == visual.highlight - 1 else plain

    def text_of(number: int, size: float) -> list[Paragraph]:
        item: VisualItem = items[number]
        pair = pair_of(number)
        return labelled(item, size, pair.text, paints.small_figure if pair is plain else pair.text)

    inner = (width - 2 * INSET, height - 2 * INSET)
    size = fitting_size(range(len(items)), text_of, inner, canvas.family)
    for number, item in enumerate(items):
        area = Area(left + number % 2 * (width + GAP), number // 2 * (height + GAP), width, height)
        canvas.box(
            area,
            item_name(number, fields_of(item)),
            fill=pair_of(number).fill,
            line=paints.hairline,
            paragraphs=text_of(number, size or MIN_POINTS),
            anchor="t",
            text_area=Area(area.left, area.top + INSET / 2, width, height - INSET),
        )
    if across:
        end = canvas.height - _AXIS
        canvas.rule((left, end), (canvas.width, end), "horizontal axis", paints.line, 1.75, arrow=True)
        title = Paragraph(across, _AXIS_POINTS, paints.text, bold=True, align="ctr")
        canvas.text(Area(left, end, canvas.width - left, _AXIS), "horizontal title", [title], anchor="b")
    if down:
        canvas.rule((_AXIS, canvas.height - bottom), (_AXIS, 0), "vertical axis", paints.line, 1.75, arrow=True)
        title = Paragraph(down, _AXIS_POINTS, paints.text, bold=True, align="ctr")
        canvas.upright(Area(0, 0, _AXIS, canvas.height - bottom), "vertical title", title)

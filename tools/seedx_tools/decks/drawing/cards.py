"""Key figures, topic cards and one big number: equal cards on one grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.geometry import GAP, INSET, OPTICAL, Area, columns
from seedx_tools.decks.drawing.icons import find_icon
from seedx_tools.decks.drawing.names import FieldName, item_name
from seedx_tools.decks.drawing.paint import Paint
from seedx_tools.decks.drawing.paragraphs import Paragraph, fitting_size, height_needed, line_width
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.visuals import Visual, VisualItem

FIGURE_SIZES = (60.0, 54.0, 48.0, 44.0, 40.0, 36.0)
"""The type sizes of key figures in points, the largest first."""

_BIG_SIZES = (166.0, 138.0, 115.0, 96.0, 80.0, 66.0, 54.0)
_BAR = 4.0
_ICON = 36.0


def draw_kpis(canvas: Canvas, visual: Visual) -> None:
    """Draw figures in cards: value, label and text."""
    items = visual.items
    across = _across(len(items), canvas, lambda width: _figure_fits(canvas, items, width))
    rows = -(-len(items) // across)
    width = columns(canvas.width, across)[0][1]
    room = (canvas.height - GAP * (rows - 1)) / rows
    inner = (width - 2 * INSET, room - 3 * INSET)
    figures = [one for one in FIGURE_SIZES if _widest(canvas, items, one) <= inner[0]] or [FIGURE_SIZES[-1]]
    figure, size = next(
        ((big, size) for big in figures if (size := _size_beside(canvas, items, big, inner)) is not None),
        (FIGURE_SIZES[-1], MIN_POINTS),
    )
    texts = [_kpi(canvas, item, figure, size) for item in items]
    tallest = max(height_needed(text, inner[0], canvas.family) for text in texts)
    height = min(room, max(tallest + 4 * INSET, room * 0.5 if rows == 1 else 0.0))
    _grid(canvas, items, across, height, texts, above=max(0.0, (height - tallest) / 2))


def draw_cards(canvas: Canvas, visual: Visual) -> None:
    """Draw topics in cards: an icon where the topics have them, label and text."""
    items = visual.items
    icons = _icons(canvas, items)
    above = _ICON + INSET * 2 if any(icons) else INSET * 1.5
    across = _across(len(items), canvas, lambda width: width >= 150)
    rows = -(-len(items) // across)
    width = columns(canvas.width, across)[0][1]
    room = (canvas.height - GAP * (rows - 1)) / rows

    def text_of(item: VisualItem, size: float) -> list[Paragraph]:
        return labelled(item, size, canvas.paints.card.text, canvas.paints.small_figure)

    inner = (width - 2 * INSET, room - above - 1.5 * INSET)
    size = fitting_size(items, text_of, inner, canvas.family) or MIN_POINTS
    texts = [text_of(item, size) for item in items]
    tallest = max(height_needed(text, inner[0], canvas.family) for text in texts)
    height = min(room, max(tallest + above + 2 * INSET, room * 0.5 if rows == 1 else 0.0))
    areas = _grid(canvas, items, across, height, texts, above=above)
    for number, (icon, area) in enumerate(zip(icons, areas, strict=True)):
        if icon is not None:
            place = Area(area.left + INSET, area.top + _BAR + INSET, _ICON, _ICON)
            canvas.icon(place, f"icon {number + 1}: {icon}", icon, canvas.paints.figure)


def draw_big_number(canvas: Canvas, visual: Visual) -> None:
    """Draw one figure as large as its frame allows, and what it means under it."""
    item = visual.items[0]
    value = item.value or item.label
    paints = canvas.paints
    size = next(
        (
            size
            for size in _BIG_SIZES
            if line_width(_figure(value, size, paints.text), canvas.family) <= canvas.width
            and size * 1.2 <= canvas.height * 0.55
        ),
        _BIG_SIZES[-1],
    )
    figure = [_figure(value, size, paints.figure_on_page)]
    below: list[Paragraph] = []
    fields: list[FieldName] = []
    if item.value:
        below.append(Paragraph(item.label, 28, paints.text, bold=True))
        fields.append("label")
    if item.text:
        below.append(Paragraph(item.text, 20, paints.text, space_before=6))
        fields.append("text")
    high = height_needed(figure, canvas.width, canvas.family)
    rest = height_needed(below, canvas.width, canvas.family) if below else 0.0
    top = max(0.0, (canvas.height - high - rest) * OPTICAL)
    canvas.text(Area(0, top, canvas.width, high), item_name(0, ["value" if item.value else "label"]), figure)
    if below:
        room = canvas.height - top - high
        canvas.text(Area(0, top + high, canvas.width, max(room, 1.0)), item_name(0, fields), below)


def _icons(canvas: Canvas, items: Sequence[VisualItem]) -> list[str | None]:
    """Return the icon of each item: those that are asked for, else one for each label if every label has its own."""
    if any(item.icon for item in items):
        canvas.unknown_icons += [item.icon for item in items if item.icon and find_icon(item.icon) is None]
        return [find_icon(item.icon) if item.icon else None for item in items]
    found = [find_icon(plain_text(item.label)) for item in items]
    return found if len(set(found) - {None}) == len(items) else [None] * len(items)


def labelled(item: VisualItem, size: float, text: Paint, value: Paint) -> list[Paragraph]:
    """Return the paragraphs of an item in a card: its value, label and text, as far as it has them."""
    lines = [Paragraph(item.value, size, value, bold=True)] if item.value else []
    lines.append(Paragraph(item.label, size, text, bold=True))
    if item.text:
        lines.append(Paragraph(item.text, max(MIN_POINTS, size - 2), text, space_before=4))
    return lines


def fields_of(item: VisualItem) -> list[FieldName]:
    """Return the fields that `labelled` shows of an item, in order."""
    fields: list[FieldName] = ["value"] if item.value else []
    fields.append("label")
    return [*fields, "text"] if item.text else fields


def _kpi(canvas: Canvas, item: VisualItem, figure: float, size: float) -> list[Paragraph]:
    paints = canvas.paints
    lines = [_figure(item.value, figure, paints.figure)] if item.value else []
    lines.append(Paragraph(item.label, size, paints.card.text, bold=True))
    if item.text:
        lines.append(Paragraph(item.text, max(MIN_POINTS, size - 2), paints.card.text, space_before=4))
    return lines


def _size_beside(canvas: Canvas, items: Sequence[VisualItem], figure: float, room: tuple[float, float]) -> float | None:
    """Return the largest size of labels under figures of this size; None if nothing fits."""
    return fitting_size(items, lambda item, size: _kpi(canvas, item, figure, size), room, canvas.family)


def _figure(value: str, size: float, color: Paint) -> Paragraph:
    return Paragraph(value, size, color, bold=True)


def _widest(canvas: Canvas, items: Sequence[VisualItem], size: float) -> float:
    """Return the width of the widest figure on one line."""
    return max(line_width(_figure(item.value, size, canvas.paints.text), canvas.family) for item in items)


def _figure_fits(canvas: Canvas, items: Sequence[VisualItem], width: float) -> bool:
    return _widest(canvas, items, FIGURE_SIZES[-1]) <= width - 2 * INSET


def _across(count: int, canvas: Canvas, fits: Callable[[float], bool]) -> int:
    """Return how many cards stand side by side: as many as fit in the fewest equal rows."""
    for rows in range(1 if count <= 4 else 2, count + 1):
        across = -(-count // rows)
        if fits(columns(canvas.width, across)[0][1]):
            return across
    return 1


def _grid(
    canvas: Canvas,
    items: Sequence[VisualItem],
    across: int,
    height: float,
    texts: Sequence[Sequence[Paragraph]],
    *,
    above: float,
) -> list[Area]:
    """Draw the cards, their texts starting this far below their top; return their places."""
    rows = -(-len(items) // across)
    top = (canvas.height - rows * height - (rows - 1) * GAP) * OPTICAL
    areas: list[Area] = []
    for number, (item, text) in enumerate(zip(items, texts, strict=True)):
        in_row = min(across, len(items) - number // across * across)
        left, width = columns(canvas.width, in_row)[number % across]
        area = Area(left, top + number // across * (height + GAP), width, height)
        canvas.box(
            area,
            item_name(number, fields_of(item)),
            fill=canvas.paints.card.fill,
            line=canvas.paints.hairline,
            paragraphs=text,
            anchor="t",
            text_area=Area(left, area.top + above - INSET / 2, width, height - above + INSET / 2),
        )
        canvas.bar(Area(left, area.top, width, _BAR), f"bar {number + 1}", canvas.paints.solid().fill)
        areas.append(area)
    return areas

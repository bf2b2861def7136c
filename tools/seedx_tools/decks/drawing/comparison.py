"""A comparison: criteria down the page, options across it, and a mark or a few words for each pair."""

from __future__ import annotations

from itertools import product

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.geometry import INSET, OPTICAL, Area
from seedx_tools.decks.drawing.marks import draw_mark, mark_of
from seedx_tools.decks.drawing.names import FieldName, item_name
from seedx_tools.decks.drawing.paint import Paint
from seedx_tools.decks.drawing.paragraphs import SIZES, Paragraph, height_needed, longest_word
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.visuals import Visual, VisualItem

_SHARES = (0.26, 0.32, 0.38, 0.44)
"""The share of the width that the criteria may take, the least first."""
_LARGEST = 18.0
_PAD = 6.0
_ROWS = (56.0, 50.0, 44.0, 38.0, 34.0, 30.0)
"""The least heights of a row, the airiest first."""
_MARK, _STROKES = 22.0, 28.0
"""The sizes of balls, and of checks and crosses with the space around them."""


def draw_comparison(canvas: Canvas, visual: Visual) -> None:
    """Draw a grid of rules: options as headings, a row for each criterion; the one that stands out has a card."""
    grid = _Grid(canvas, visual)
    paints, options = canvas.paints, visual.options
    top = (canvas.height - grid.head - sum(grid.rows)) * OPTICAL
    bottom = top + grid.head + sum(grid.rows)
    chosen = visual.highlight - 1 if 0 < visual.highlight <= len(options) else None
    if chosen is not None:
        column = Area(grid.left(chosen), top + grid.head, grid.wide, bottom - top - grid.head)
        canvas.bar(column, "column", paints.card.fill)
    if visual.axes and visual.axes[0]:
        heading = [grid.words(visual.axes[0], paints.text, bold=True, align="l")]
        canvas.text(Area(0.0, top, grid.first - INSET, grid.head), "criteria title", heading, anchor="ctr")
    for number, option in enumerate(options):
        title = Area(grid.left(number), top, grid.wide, grid.head)
        pair = paints.solid() if number == chosen else None
        heading = [grid.words(option, pair.text if pair else paints.text, bold=True)]
        canvas.box(title, f"option {number + 1}", fill=pair and pair.fill, paragraphs=heading, inset=_PAD)
    line = top + grid.head
    canvas.rule((0.0, line), (canvas.width, line), "rule 0", paints.line, 1.5)
    for number, (item, height) in enumerate(zip(visual.items, grid.rows, strict=True)):
        fields: list[FieldName] = ["label", "text"] if item.text else ["label"]
        criterion = Area(0.0, line, grid.first - INSET, height)
        canvas.text(criterion, item_name(number, fields), grid.criterion(item), anchor="ctr")
        for place, cell in enumerate(item.cells):
            _draw_cell(canvas, grid, (number, place), cell, Area(grid.left(place), line, grid.wide, height), visual)
        line += height
        canvas.rule((0.0, line), (canvas.width, line), f"rule {number + 1}", paints.hairline, 1.0)


def _draw_cell(canvas: Canvas, grid: _Grid, place: tuple[int, int], cell: str, area: Area, visual: Visual) -> None:
    """Draw what an option has of a criterion: a mark, words, or nothing."""
    row, column = place
    mark = mark_of(cell)
    if mark is None:
        if cell.strip():
            color = canvas.paints.card.text if column == visual.highlight - 1 else canvas.paints.text
            name = f"words {row + 1} {column + 1}"
            canvas.box(area, name, paragraphs=[grid.words(cell, color)], inset=_PAD)
        return
    x, y = area.center
    side = _MARK if isinstance(mark, int) else _STROKES
    square = Area(x - side / 2, y - side / 2, side, side)
    said = f"{plain_text(visual.items[row].label)}, {plain_text(visual.options[column])}: {plain_text(cell)}"
    draw_mark(canvas, mark, square, f"mark {row + 1} {column + 1}: {cell.strip()}", said)


class _Grid:
    """The columns and rows of a comparison, with the largest type that fits them."""

    def __init__(self, canvas: Canvas, visual: Visual) -> None:
        self._canvas, self._visual = canvas, visual
        sizes = [size for size in SIZES if size <= _LARGEST]
        fitting = (pair for pair in product(sizes, _SHARES) if self._fits(*pair))
        size, share = next(fitting, (MIN_POINTS, _SHARES[1]))
        self._set(size, share)
        least = next((low for low in _ROWS if self.head + sum(self._rows(low)) <= canvas.height), 0.0)
        self.rows = self._rows(least)
        """The height of each row."""
        room = canvas.height - self.head
        if sum(self.rows) > room:  # nothing fits: texts are shortened
            self.rows = [height * room / sum(self.rows) for height in self.rows]

    def left(self, option: int) -> float:
        """Return the left edge of an option's column."""
        return self.first + option * self.wide

    def words(self, text: str, color: Paint, *, bold: bool = False, align: str = "ctr") -> Paragraph:
        """Return the paragraph of a heading or a cell."""
        return Paragraph(text, self.size, color, bold=bold, align="l" if align == "l" else "ctr")

    def criterion(self, item: VisualItem) -> list[Paragraph]:
        """Return the paragraphs of a criterion: its label, and its text if it has one."""
        color = self._canvas.paints.text
        lines = [Paragraph(item.label, self.size, color, bold=True)]
        return [*lines, Paragraph(item.text, max(MIN_POINTS, self.size - 2), color)] if item.text else lines

    def _set(self, size: float, share: float) -> None:
        self.size = size
        self.first = self._canvas.width * share
        """The width of the criteria."""
        self.wide = (self._canvas.width - self.first) / len(self._visual.options)
        """The width of an option."""
        color = self._canvas.paints.text
        titles = [[self.words(option, color, bold=True)] for option in self._visual.options]
        self.head = max(self._high(title, self.wide - 2 * _PAD) for title in titles) + 2 * _PAD
        """The height of the headings."""

    def _fits(self, size: float, share: float) -> bool:
        self._set(size, share)
        color, family = self._canvas.paints.text, self._canvas.family
        words = [self.words(text, color, bold=True) for text in self._visual.options]
        words += [self.words(cell, color) for item in self._visual.items for cell in item.cells]
        broken = longest_word(words, family) > self.wide - 2 * _PAD
        broken |= any(longest_word(self.criterion(item), family) > self.first - INSET for item in self._visual.items)
        return not broken and self.head + sum(self._rows(_ROWS[-1])) <= self._canvas.height

    def _rows(self, least: float) -> list[float]:
        color = self._canvas.paints.text
        return [
            max(
                least,
                self._high(self.criterion(item), self.first - INSET) + _PAD,
                *(
                    self._high([self.words(cell, color)], self.wide - 2 * _PAD) + _PAD
                    for cell in item.cells
                    if mark_of(cell) is None
                ),
            )
            for item in self._visual.items
        ]

    def _high(self, paragraphs: list[Paragraph], width: float) -> float:
        return height_needed(paragraphs, width, self._canvas.family)

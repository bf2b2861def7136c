"""Org charts: boxes under the ones they report to."""

from __future__ import annotations

from collections.abc import Sequence

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.flow import BOX_SIZES, box_fields, box_text
from seedx_tools.decks.drawing.geometry import GAP, INSET, OPTICAL, Area
from seedx_tools.decks.drawing.names import item_name
from seedx_tools.decks.drawing.paint import Pair
from seedx_tools.decks.drawing.paragraphs import Paragraph, fitting_size
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.visuals import Visual

_LEAST_WIDTH = 96.0
_BOX = (190.0, 64.0)
_ROW_GAP = 30.0
_HUNG_GAP = 10.0
_INDENT = 18.0
"""How far boxes that stand below each other are indented: their lines run in front of them."""


def draw_org_chart(canvas: Canvas, visual: Visual) -> None:
    """Draw boxes in rows by rank; where a row would be too long, those without reports stand below each other."""
    items = visual.items
    parents = parent_numbers(visual)
    tree = _Tree(parents, hung=False)
    if (canvas.width + GAP) / tree.columns - GAP < _LEAST_WIDTH:
        tree = _Tree(parents, hung=True)
    areas = _areas(canvas, tree)
    paints = canvas.paints

    def pair(number: int) -> Pair:
        return paints.solid() if parents[number] is None else paints.card

    def text(number: int, size: float) -> list[Paragraph]:
        return box_text(items[number], size, pair(number))

    room = (min(area.width for area in areas) - INSET, areas[0].height - INSET / 2)
    size = fitting_size(range(len(items)), text, room, canvas.family, BOX_SIZES) or MIN_POINTS
    nodes = [
        canvas.box(
            area,
            item_name(number, box_fields(items[number])),
            fill=pair(number).fill,
            line=paints.outline,
            paragraphs=text(number, size),
            inset=INSET / 2,
        )
        for number, area in enumerate(areas)
    ]
    for child, parent in enumerate(parents):
        if parent is None:
            continue
        name = f"line {child + 1}"
        alt = plain_text(f"Line from {items[parent].label} to {items[child].label}")
        if child in tree.hung:
            via = areas[parent].left + _INDENT / 2
            canvas.connect(nodes[parent], "left", nodes[child], "left", name, arrow=False, via=via, alt=alt)
        else:
            via = (areas[parent].bottom + areas[child].top) / 2
            canvas.connect(nodes[parent], "bottom", nodes[child], "top", name, arrow=False, via=via, alt=alt)


def parent_numbers(visual: Visual) -> list[int | None]:
    """Return the number of each item's parent; None for one without, or whose parents lead back to itself."""
    places = {item.label: number for number, item in reversed(list(enumerate(visual.items)))}
    parents = [places.get(item.parent) if item.parent else None for item in visual.items]
    for number in range(len(parents)):
        seen, at = {number}, parents[number]
        while at is not None and at not in seen:
            seen.add(at)
            at = parents[at]
        if at == number:
            parents[number] = None
    return parents


class _Tree:
    """The column and row of each box."""

    def __init__(self, parents: Sequence[int | None], *, hung: bool) -> None:
        self._children: dict[int, list[int]] = {number: [] for number in range(len(parents))}
        for child, parent in enumerate(parents):
            if parent is not None:
                self._children[parent].append(child)
        self._hangs = hung
        self.hung: set[int] = set()
        """The boxes that stand below each other under their parent."""
        self.places: dict[int, tuple[float, int]] = {}
        self.columns = 0
        for root in (number for number, parent in enumerate(parents) if parent is None):
            self.columns += self._place(root, self.columns, 0)

    def _place(self, node: int, column: int, row: int) -> int:
        """Place a box and those under it from a column on; return how many columns they take."""
        children = self._children[node]
        if self._hangs and children and not any(self._children[child] for child in children):
            self.places[node] = column, row
            for number, child in enumerate(children, 1):
                self.places[child] = column, row + number
                self.hung.add(child)
            return 1
        used = 0
        for child in children:
            used += self._place(child, column + used, row + 1)
        ends = [self.places[child][0] for child in (*children[:1], *children[-1:])] or [column]
        self.places[node] = (ends[0] + ends[-1]) / 2, row
        return max(1, used)


def _areas(canvas: Canvas, tree: _Tree) -> list[Area]:
    rows = 1 + max(row for _, row in tree.places.values())
    gap = GAP
    pitch = (canvas.width + gap) / tree.columns
    width = min(_BOX[0], pitch - gap)
    pitch = min(pitch, width + 3 * gap)
    hung_rows = {row for node, (_, row) in tree.places.items() if node in tree.hung}
    hung_rows -= {row for node, (_, row) in tree.places.items() if node not in tree.hung}
    gaps = [_HUNG_GAP if row in hung_rows else _ROW_GAP for row in range(1, rows)]
    height = min(_BOX[1], (canvas.height - sum(gaps)) / rows)
    left = (canvas.width - (tree.columns - 1) * pitch - width) / 2
    top = (canvas.height - rows * height - sum(gaps)) * OPTICAL
    areas = []
    for node, (column, row) in sorted(tree.places.items()):
        indent = _INDENT if node in tree.hung else 0.0
        y = top + row * height + sum(gaps[:row])
        areas.append(Area(left + column * pitch + indent, y, width - indent, height))
    return areas

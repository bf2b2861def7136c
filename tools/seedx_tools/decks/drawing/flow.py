"""Flow charts: boxes in the layers of their arrows, with connectors glued to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.geometry import INSET, OPTICAL, Area, Node, Side
from seedx_tools.decks.drawing.layering import Layering, layered
from seedx_tools.decks.drawing.names import FieldName, item_name
from seedx_tools.decks.drawing.paint import Pair
from seedx_tools.decks.drawing.paragraphs import Paragraph, fitting_size, height_needed, line_width, longest_word
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.visuals import BoxShape, Visual, VisualItem

BOX_SIZES = (20.0, 18.0, 16.0, 14.0, 13.0, MIN_POINTS)
"""The type sizes of boxes in points, the largest first."""

SHAPES: Mapping[BoxShape, str] = {
    "box": "rect",
    "round": "roundRect",
    "decision": "diamond",
    "end": "flowChartTerminator",
    "data": "flowChartDocument",
}
"""The preset geometry of each kind of box."""

_WIDEST, _TALLEST, _LOWEST = 210.0, 110.0, 52.0
_ROW = 84.0
"""The height of boxes in one row."""
_DIAMOND = 44.0
"""How much wider the box of a decision may be than others."""
_SLACK = 1.06
"""What a word may be wider where its font is not installed, as a multiple."""
_CHAIN_ROWS = (5, 4, 3)
"""The boxes in a row of a chain that wraps."""
_EASY = 16.0
"""Type of this size is read easily; a flow that may run either way takes the way that gives it that."""
_LANE = 20.0
"""The space between arrows that run around the boxes."""


class FlowLink(NamedTuple):
    """An arrow between two items, by their numbers."""

    source: int
    target: int
    label: str


class _Plan(NamedTuple):
    """Where the boxes are."""

    areas: list[Area]
    across: bool
    """Whether the layers stand beside each other."""


def draw_flow(canvas: Canvas, visual: Visual) -> None:
    """Draw boxes in the layers of their arrows, across or down the page; a long chain wraps into rows."""
    items, links = visual.items, flow_links(visual)
    layering = layered(len(items), [(link.source, link.target) for link in links])
    plan, size = _chosen(canvas, visual, links, layering)
    nodes = [_box(canvas, number, items[number], area, size) for number, area in enumerate(plan.areas)]
    lanes = 0
    for number, link in enumerate(links):
        lanes += _connect(canvas, nodes, items, link, number, lanes, across=plan.across)
    if not plan.across:
        canvas.order_from_top()


def flow_links(visual: Visual) -> list[FlowLink]:
    """Return the arrows of a flow between its items; one to an unknown box is left out."""
    places: dict[str, int] = {}
    for number, item in enumerate(visual.items):
        places[item.key or item.label] = number
    for number, item in enumerate(visual.items):
        places.setdefault(item.label, number)
    return [
        FlowLink(places[link.source], places[link.target], link.label)
        for link in visual.links
        if link.source in places and link.target in places
    ]


def box_text(item: VisualItem, size: float, pair: Pair) -> list[Paragraph]:
    """Return the paragraphs in a box: the label, and the text if there is one."""
    label = Paragraph(item.label, size, pair.text, bold=True, align="ctr")
    return [label, Paragraph(item.text, max(MIN_POINTS, size - 2), pair.text, align="ctr")] if item.text else [label]


def box_fields(item: VisualItem) -> list[FieldName]:
    """Return the fields that `box_text` shows."""
    return ["label", "text"] if item.text else ["label"]


def _chosen(canvas: Canvas, visual: Visual, links: Sequence[FlowLink], layering: Layering) -> tuple[_Plan, float]:
    """Return the places of the boxes and their type: of the ways that fit, the wanted or the most readable one."""
    depth = len(layering.layers)
    across = visual.direction == "right" or (visual.direction == "auto" and depth > 1)
    goes_on = all(layering.depth_of(link.target) - layering.depth_of(link.source) == 1 for link in links)
    is_chain = layering.widest == 1 and depth > (_CHAIN_ROWS[-1] if goes_on else _CHAIN_ROWS[0] + 1)
    rows = [_rows(canvas, layering, links, count) for count in _CHAIN_ROWS if is_chain and count < depth]
    in_layers = [
        _with_diamonds(canvas, visual.items, _layers(canvas, visual.items, layering, links, across=way))
        for way in (across, not across)
    ]
    if is_chain and across:  # rows read on as lines of text do
        plans = [*(in_layers[:1] if depth <= _CHAIN_ROWS[0] + 1 else []), *rows, in_layers[1]]
    else:
        plans = [*in_layers, *rows]
    slack = _SLACK if visual.direction == "auto" else 1.0
    fitted = [(plan, *_size(canvas, visual.items, plan.areas, slack)) for plan in plans]
    readable = [(plan, size) for plan, size, fits in fitted if fits]
    easy = _EASY if visual.direction == "auto" else MIN_POINTS
    best = max(readable, key=lambda pair: pair[1], default=(fitted[0][0], fitted[0][1]))
    plan, size = next((pair for pair in readable if pair[1] >= easy), best)
    return (plan if plan in rows else _lowered(canvas, visual.items, plan, size)), size


def _layers(
    canvas: Canvas, items: Sequence[VisualItem], layering: Layering, links: Sequence[FlowLink], *, across: bool
) -> _Plan:
    """Return boxes with the layers beside each other, or below each other."""
    depth, widest = len(layering.layers), layering.widest
    spans = [(layering.depth_of(link.target) - layering.depth_of(link.source), link.label) for link in links]
    longest = max((_label_width(canvas, label) for span, label in spans if span == 1), default=0.0)
    around = sum(span != 1 for span, _ in spans)
    length, breadth = (canvas.width, canvas.height) if across else (canvas.height, canvas.width)
    breadth -= (around * _LANE + 20.0) if around else 0.0
    gap = max(40.0, longest + 40 if across else 26.0)
    if any(items[link.source].shape == items[link.target].shape == "decision" for link in links):
        gap += _DIAMOND if across else _DIAMOND / 2
    gap = min(gap, length / depth * 0.6)
    side_gap = 22.0 if across else max(24.0, longest)
    pitch, side_pitch = (length + gap) / depth, (breadth + side_gap) / widest
    most = (_WIDEST, _TALLEST) if across else (_TALLEST, _WIDEST)
    long, broad = min(most[0], pitch - gap), min(most[1], max(8.0, side_pitch - side_gap))
    pitch = min(pitch, long + max(gap, 90.0))
    side_pitch = min(side_pitch, broad + 70.0)
    start = (length - (depth - 1) * pitch - long) / 2
    middle = breadth * (OPTICAL + 0.5) / 2 if across and widest == 1 else breadth / 2
    areas: dict[int, Area] = {}
    for layer, nodes in enumerate(layering.layers):
        first = middle - (len(nodes) - 1) / 2 * side_pitch - broad / 2
        for slot, node in enumerate(nodes):
            x, y = start + layer * pitch, first + slot * side_pitch
            areas[node] = Area(x, y, long, broad) if across else Area(y, x, broad, long)
    return _Plan([areas[number] for number in range(len(areas))], across)


def _rows(canvas: Canvas, layering: Layering, links: Sequence[FlowLink], most: int) -> _Plan:
    """Return the boxes of a chain in rows of equal length, and at most so many boxes."""
    order = [node for layer in layering.layers for node in layer]
    rows = -(-len(order) // most)
    per_row = -(-len(order) // rows)
    gap, row_gap = max([40.0, *(_label_width(canvas, link.label) + 30 for link in links if link.label)]), 44.0
    width = (canvas.width - gap * (per_row - 1)) / per_row
    height = min(84.0, (canvas.height - row_gap * (rows - 1)) / rows)
    top = (canvas.height - rows * height - (rows - 1) * row_gap) * OPTICAL
    areas = {
        node: Area(place % per_row * (width + gap), top + place // per_row * (height + row_gap), width, height)
        for place, node in enumerate(order)
    }
    return _Plan([areas[number] for number in sorted(areas)], across=True)


def _size(canvas: Canvas, items: Sequence[VisualItem], areas: Sequence[Area], slack: float) -> tuple[float, bool]:
    """Return the largest type for every box, and whether it fits; text has half the width and height of a diamond.

    A word must fit a box at `slack` times its width.
    """
    pair = canvas.paints.card
    sizes = []
    fits = True
    for share in (1.0, 0.5):
        found = [number for number, item in enumerate(items) if (item.shape == "decision") == (share < 1)]
        if found:
            room = (areas[found[0]].width * share - INSET / 2, areas[found[0]].height * share - INSET / 2)
            texts = [items[number] for number in found]
            size = fitting_size(texts, lambda item, size: box_text(item, size, pair), room, canvas.family, BOX_SIZES)
            sizes.append(size or MIN_POINTS)
            widest = max(longest_word(box_text(item, sizes[-1], pair), canvas.family) for item in texts)
            fits &= size is not None and widest * slack <= room[0]
    return min(sizes), fits


def _with_diamonds(canvas: Canvas, items: Sequence[VisualItem], plan: _Plan) -> _Plan:
    """Return the boxes with those of decisions enlarged, as far as the space around them allows."""
    areas = []
    for item, area in zip(items, plan.areas, strict=True):
        wide, high = (1.35, 1.5) if plan.across else (1.3, 1.2)
        width, height = min(area.width * wide, area.width + _DIAMOND), min(area.height * wide * high, area.height + 20)
        width = 2 * min(width / 2, area.center[0], canvas.width - area.center[0])
        low, high = max(0.0, area.center[1] - height / 2), min(canvas.height, area.center[1] + height / 2)
        height = 2 * min(area.center[1] - low, high - area.center[1])
        grown = Area(area.center[0] - width / 2, area.center[1] - height / 2, width, height)
        areas.append(grown if item.shape == "decision" else area)
    return _Plan(areas, plan.across)


def _lowered(canvas: Canvas, items: Sequence[VisualItem], plan: _Plan, size: float) -> _Plan:
    """Return the boxes as low as their text allows, around the same middles; diamonds stay."""
    pair = canvas.paints.card
    boxes = [number for number, item in enumerate(items) if item.shape != "decision"]
    if not boxes:
        return plan
    area = plan.areas[boxes[0]]
    texts = [box_text(items[number], size, pair) for number in boxes]
    needed = max(height_needed(text, area.width - INSET, canvas.family) for text in texts) + INSET * 1.5
    is_row = plan.across and len({one.center[1] for one in plan.areas}) == 1
    height = min(area.height, max(_ROW if is_row else _LOWEST, needed))
    shift = (area.height - height) / 2
    areas = [
        one if item.shape == "decision" else Area(one.left, one.top + shift, one.width, height)
        for item, one in zip(items, plan.areas, strict=True)
    ]
    return _Plan(areas, plan.across)


def _box(canvas: Canvas, number: int, item: VisualItem, area: Area, size: float) -> Node:
    strong = item.shape in ("end", "decision")
    pair = canvas.paints.solid() if strong else canvas.paints.card
    return canvas.box(
        area,
        item_name(number, box_fields(item)),
        shape=SHAPES[item.shape],
        fill=pair.fill,
        line=None if strong else canvas.paints.outline,
        paragraphs=box_text(item, size, pair),
        inset=INSET / 2,
    )


def _connect(
    canvas: Canvas,
    nodes: Sequence[Node],
    items: Sequence[VisualItem],
    link: FlowLink,
    number: int,
    lanes: int,
    *,
    across: bool,
) -> int:
    """Draw an arrow and its label; return 1 if it runs around the boxes."""
    first, second = nodes[link.source], nodes[link.target]
    one, other = first.area, second.area
    name = f"arrow {number + 1}"
    alt = f"Arrow from {items[link.source].label} to {items[link.target].label}"
    alt = plain_text(f"{alt}: {link.label}" if link.label else alt)
    forward = other.left > one.right if across else other.top > one.bottom
    if across and not forward and other.top > one.bottom and other.left <= one.left and link.source + 1 == link.target:
        canvas.connect(first, "bottom", second, "top", name, via=(one.bottom + other.top) / 2, alt=alt)
        return 0
    if forward:
        via = _clear_bend(nodes, one, other, across=across)
        if via is not None:
            aligned = abs((one.center[1] - other.center[1]) if across else (one.center[0] - other.center[0])) < 0.5
            sides: tuple[Side, Side] = ("right", "left") if across else ("bottom", "top")
            canvas.connect(first, sides[0], second, sides[1], name, via=None if aligned else via, alt=alt)
            _label(canvas, link, number, other, via, across=across)
            return 0
    edge = max((node.area.bottom if across else node.area.right) for node in nodes) + _LANE * (lanes + 1)
    middle = ((one.center[0] + other.center[0]) / 2, (one.center[1] + other.center[1]) / 2)
    turn = (middle[0], edge) if across else (edge, middle[1])
    canvas.connect_around(first, second, name, at=turn, below=across, alt=alt)
    if link.label:
        width = _label_width(canvas, link.label)
        place = (turn[0] - width / 2, edge + 2) if across else (edge + 5, turn[1] - 8)
        _write_label(canvas, link, number, Area(*place, width, 16.0))
    return 1


def _clear_bend(nodes: Sequence[Node], one: Area, other: Area, *, across: bool) -> float | None:
    """Return where an arrow between two boxes can bend without crossing another; None if it cannot."""
    start, end = (one.right, other.left) if across else (one.bottom, other.top)
    for via in (start + min(16.0, (end - start) * 0.4), end - min(24.0, (end - start) * 0.6)):
        levels = (one.center[1], other.center[1]) if across else (one.center[0], other.center[0])
        paths = [(start, via, levels[0]), (via, end, levels[1])]
        if not any(_is_on(node.area, path, across=across) for node in nodes for path in paths):
            return via
    return None


def _is_on(area: Area, path: tuple[float, float, float], *, across: bool) -> bool:
    """Return whether a path along the layers, from and to at this height, runs over a box."""
    low, high, level = path
    sides = (area.left, area.right, area.top, area.bottom) if across else (area.top, area.bottom, area.left, area.right)
    return sides[0] < high - 1 and sides[1] > low + 1 and sides[2] < level < sides[3]


def _label(canvas: Canvas, link: FlowLink, number: int, other: Area, via: float, *, across: bool) -> None:
    """Write the label of an arrow at its last part."""
    if not link.label:
        return
    width = _label_width(canvas, link.label)
    if across:
        left = max(via + 3, min((via + other.left - width) / 2, other.left - width - 4))
        place = Area(left, other.center[1] - 18, width, 16.0)
    else:
        place = Area(other.center[0] + 4, via + max(0.0, other.top - via - 16) / 2, width, 16.0)
    _write_label(canvas, link, number, place)


def _write_label(canvas: Canvas, link: FlowLink, number: int, area: Area) -> None:
    paragraph = Paragraph(link.label, MIN_POINTS, canvas.paints.text, align="ctr")
    canvas.text(area, f"label {number + 1}", [paragraph], anchor="ctr")


def _label_width(canvas: Canvas, label: str) -> float:
    return line_width(Paragraph(label, MIN_POINTS, canvas.paints.text), canvas.family) + 4 if label else 0.0

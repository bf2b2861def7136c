"""Lay out a directed graph in layers, so that arrows point one way and cross little (after Sugiyama et al., 1981).

Nodes are numbers. Layers come from longest paths, after links that would close a cycle are turned around; the order
within a layer from the middle of a node's neighbors, a link over several layers passing through each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

Link = tuple[int, int]
_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Layering:
    """The nodes of a graph, layer by layer."""

    layers: tuple[tuple[int, ...], ...]

    @property
    def widest(self) -> int:
        """The number of nodes in the widest layer."""
        return max(len(layer) for layer in self.layers)

    def depth_of(self, node: int) -> int:
        """Return the number of a node's layer."""
        return next(depth for depth, layer in enumerate(self.layers) if node in layer)


def layered(count: int, links: Sequence[Link]) -> Layering:
    """Return a layering of the nodes 0 to count - 1."""
    forward = _without_cycles(count, [link for link in links if link[0] != link[1]])
    depth = _depths(count, forward)
    slots: list[list[int]] = [[] for _ in range(max(depth) + 1)]
    for node in range(count):
        slots[depth[node]].append(node)
    edges: list[Link] = []
    passing = count
    for first, second in forward:
        last = first
        for layer in range(depth[first] + 1, depth[second]):
            slots[layer].append(passing)
            edges.append((last, passing))
            last, passing = passing, passing + 1
        edges.append((last, second))
    _order(slots, edges)
    return Layering(tuple(tuple(slot for slot in layer if slot < count) for layer in slots))


def _without_cycles(count: int, links: Sequence[Link]) -> list[Link]:
    """Return the links with those turned around that lead back to a node on the way there."""
    after: dict[int, list[int]] = {node: [] for node in range(count)}
    for first, second in links:
        after[first].append(second)
    state = [0] * count
    turned: set[Link] = set()

    def visit(node: int) -> None:
        state[node] = 1
        for following in after[node]:
            if state[following] == 1:
                turned.add((node, following))
            elif state[following] == 0:
                visit(following)
        state[node] = 2

    targets = {second for _, second in links}
    for node in sorted(range(count), key=lambda node: node in targets):
        if state[node] == 0:
            visit(node)
    return list(dict.fromkeys((link[1], link[0]) if link in turned else link for link in links))


def _depths(count: int, links: Sequence[Link]) -> list[int]:
    depth = [0] * count
    for _ in range(count):
        for first, second in links:
            depth[second] = max(depth[second], depth[first] + 1)
    return depth


def _order(slots: list[list[int]], edges: Sequence[Link]) -> None:
    """Sort each layer by the mean position of its nodes' neighbors in the layer before, and after, in turns."""
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    for first, second in edges:
        after.setdefault(first, []).append(second)
        before.setdefault(second, []).append(first)
    best, fewest = [list(layer) for layer in slots], _crossings(slots, edges)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        layers = range(1, len(slots)) if down else range(len(slots) - 2, -1, -1)
        for layer in layers:
            fixed = slots[layer - 1 if down else layer + 1]
            place = {node: (number + 0.5) / len(fixed) for number, node in enumerate(fixed)}
            neighbors = before if down else after
            own = {node: (number + 0.5) / len(slots[layer]) for number, node in enumerate(slots[layer])}
            slots[layer].sort(
                key=lambda node: fmean([place[n] for n in neighbors.get(node, ()) if n in place] or [own[node]])
            )
        crossings = _crossings(slots, edges)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in slots], crossings
    slots[:] = best


def _crossings(slots: Sequence[Sequence[int]], edges: Sequence[Link]) -> int:
    place = {node: (layer, number) for layer, nodes in enumerate(slots) for number, node in enumerate(nodes)}
    spans = [(place[first][0], place[first][1], place[second][1]) for first, second in edges]
    return sum(
        one[0] == other[0] and (one[1] - other[1]) * (one[2] - other[2]) < 0
        for number, one in enumerate(spans)
        for other in spans[number + 1 :]
    )

"""Share the points of one heading out over several slides, as evenly as they can be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

Points = list[str]
POINT_GAP = 4.0
"""The height between one point and the next, in points."""


def share_points(points: Sequence[str], heights: Sequence[float], rooms: Sequence[float]) -> list[Points] | None:
    """Return the points of each slide, in order, so that the fullest slide is as empty as possible.

    A point stays with those indented under it.

    Args:
        points: The points.
        heights: The height that each needs, in any unit.
        rooms: The height that each slide has for points, in the same unit.

    Returns:
        One list for each room; None if the points do not fit them, or there are too few for all.
    """
    starts = [index for index, point in enumerate(points) if index == 0 or not point.startswith("\t")]
    bounds = [*starts, len(points)]
    needs = [sum(heights[start:end]) for start, end in zip(starts, bounds[1:], strict=True)]

    @cache
    def best(first: int, slide: int) -> tuple[float, tuple[int, ...]] | None:
        """Return how full the fullest slide is for the units from `first`, slides from `slide`, and the cuts."""
        if slide == len(rooms):
            return (0.0, ()) if first == len(needs) else None
        found: tuple[float, tuple[int, ...]] | None = None
        used = 0.0
        for end in range(first + 1, len(needs) + 1):
            used += needs[end - 1]
            fill = used / rooms[slide]
            if fill > 1.0:
                break
            rest = best(end, slide + 1)
            if rest is not None and (found is None or max(fill, rest[0]) < found[0]):
                found = max(fill, rest[0]), (end, *rest[1])
        return found

    shared = best(0, 0)
    if shared is None:
        return None
    cuts = [0, *shared[1]]
    return [list(points[bounds[start] : bounds[end]]) for start, end in zip(cuts, cuts[1:], strict=False)]

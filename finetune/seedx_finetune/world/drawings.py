"""The sixteen drawings, as flat polygons that fill a unit box, for `render` and for the shape of boxes in `scene`.

Each drawing is written on its own grid (x to the right, y down, about 100 units) and then fitted to the unit box, so
that a thing's box is tight around it. The body has the thing's color; everything else is a shade of it or neutral.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

Tone = Literal["body", "shade", "tint", "cream", "ink", "stone"]
Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Patch:
    """One filled polygon of a drawing; `outlined` ones get the dark contour."""

    points: tuple[tuple[float, float], ...]
    tone: Tone
    outlined: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """The patches of one kind in painting order, in unit coordinates, and the box's width over height."""

    patches: tuple[Patch, ...]
    aspect: float


@cache
def drawing_of(kind: str) -> Drawing:
    """Return the drawing of a kind, fitted so that its patches touch all four sides of the unit box."""
    patches = _DRAWINGS[kind]()
    xs = [x for patch in patches for x, _ in patch.points]
    ys = [y for patch in patches for _, y in patch.points]
    left, top, width, height = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    fitted = tuple(
        Patch(tuple(((x - left) / width, (y - top) / height) for x, y in patch.points), patch.tone, patch.outlined)
        for patch in patches
    )
    return Drawing(fitted, width / height)


def _shape(points: Sequence[tuple[float, float]], tone: Tone = "body", radius: float = 4.0) -> Patch:
    """Return an outlined polygon with rounded corners."""
    return Patch(tuple(_rounded(points, radius)), tone, True)


def _rect(x0: float, y0: float, x1: float, y1: float, tone: Tone = "body", radius: float = 3.0) -> Patch:
    return _shape([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], tone, radius)


def _oval(cx: float, cy: float, rx: float, ry: float, tone: Tone = "body", outlined: bool = True) -> Patch:
    return Patch(tuple(_arc(cx, cy, rx, ry, 0, 360)[:-1]), tone, outlined)


def _dot(cx: float, cy: float, radius: float, tone: Tone = "ink") -> Patch:
    return _oval(cx, cy, radius, radius, tone, outlined=False)


def _tube(path: Points, width: float, tone: Tone = "ink", outlined: bool = False) -> Patch:
    """Return a stroke along a path, with round ends, as a polygon."""
    left: Points = []
    right: Points = []
    for i, (x, y) in enumerate(path):
        (ax, ay), (bx, by) = path[max(i - 1, 0)], path[min(i + 1, len(path) - 1)]
        length = math.hypot(bx - ax, by - ay)
        nx, ny = (by - ay) / length * width / 2, (ax - bx) / length * width / 2
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    (ax, ay), (bx, by) = path[-2], path[-1]
    end = math.degrees(math.atan2(by - ay, bx - ax))
    (ax, ay), (bx, by) = path[1], path[0]
    start = math.degrees(math.atan2(by - ay, bx - ax))
    half = width / 2
    points = left + _arc(*path[-1], half, half, end - 90, end + 90, 6)
    points += right[::-1] + _arc(*path[0], half, half, start - 90, start + 90, 6)
    return Patch(tuple(points), tone, outlined)


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, stop: float, steps: int = 36) -> Points:
    """Points on an ellipse from one angle to another (degrees, clockwise on the page, 0 = right)."""
    angles = [math.radians(start + (stop - start) * i / steps) for i in range(steps + 1)]
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def _curve(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], steps: int = 10) -> Points:
    """Return a quadratic Bezier curve from a to c, pulled towards b."""
    points = []
    for i in range(steps + 1):
        t = i / steps
        u = 1 - t
        points.append((u * u * a[0] + 2 * u * t * b[0] + t * t * c[0], u * u * a[1] + 2 * u * t * b[1] + t * t * c[1]))
    return points


def _rounded(points: Sequence[tuple[float, float]], radius: float) -> Points:
    out: Points = []
    for i, (x, y) in enumerate(points):
        ends = []
        for qx, qy in (points[i - 1], points[(i + 1) % len(points)]):
            length = math.hypot(qx - x, qy - y)
            share = min(radius / length, 0.5)
            ends.append((x + (qx - x) * share, y + (qy - y) * share))
        out += _curve(ends[0], (x, y), ends[1], 4)
    return out


def _house() -> list[Patch]:
    return [
        _rect(70, 6, 84, 36, "shade"),
        _rect(11, 44, 89, 100),
        _shape([(0, 50), (50, 0), (100, 50)], "shade", 6),
        _rect(41, 66, 61, 100, "ink"),
        _dot(56, 84, 2, "cream"),
        _rect(18, 58, 34, 76, "cream", 2),
        _rect(68, 58, 84, 76, "cream", 2),
        _oval(50, 32, 7, 7, "cream"),
    ]


def _tree() -> list[Patch]:
    crown: Points = []
    for lobe in range(8):
        angle = math.radians(lobe * 45 - 90)
        middle = math.degrees(angle)
        crown += _arc(50 + 30 * math.cos(angle), 42 + 26 * math.sin(angle), 17, 17, middle - 72, middle + 72, 8)
    return [
        _shape([(43, 60), (57, 60), (61, 118), (39, 118)], "stone", 3),
        Patch(tuple(crown), "body", True),
        _dot(36, 30, 5, "shade"),
        _dot(62, 44, 5, "shade"),
        _dot(40, 56, 5, "shade"),
    ]


def _boat() -> list[Patch]:
    return [
        _rect(45, 0, 51, 70, "stone", 2),
        _shape([(55, 4), (94, 58), (55, 58)], "body", 5),
        _shape([(41, 16), (41, 58), (10, 58)], "shade", 5),
        _shape([(0, 66), (100, 66), (82, 98), (18, 98)], "body", 8),
        _dot(34, 81, 4.5, "cream"),
        _dot(50, 81, 4.5, "cream"),
        _dot(66, 81, 4.5, "cream"),
    ]


def _car() -> list[Patch]:
    hull = [(0, 60), (3, 42), (22, 36), (36, 8), (70, 8), (86, 36), (101, 44), (104, 66), (100, 72), (4, 72)]
    return [
        _shape(hull, "body", 8),
        _shape([(31, 36), (41, 16), (51, 16), (51, 36)], "cream", 3),
        _shape([(58, 36), (58, 16), (67, 16), (77, 36)], "cream", 3),
        _tube([(46, 47), (54, 47)], 4),
        _oval(97, 51, 4, 5, "cream"),
        _oval(25, 72, 14, 14, "ink"),
        _oval(79, 72, 14, 14, "ink"),
        _dot(25, 72, 6, "cream"),
        _dot(79, 72, 6, "cream"),
    ]


def _cat() -> list[Patch]:
    tail = _curve((60, 104), (98, 110), (90, 78)) + _curve((90, 78), (85, 64), (96, 60))[1:]
    body = _curve((28, 58), (8, 100), (22, 110)) + _curve((70, 110), (84, 100), (64, 58))
    return [
        _tube(tail, 11, "body", True),
        Patch(tuple(body), "body", True),
        _oval(46, 92, 12, 15, "tint", False),
        _shape([(17, 38), (14, 0), (44, 16)], "body", 5),
        _shape([(75, 38), (78, 0), (48, 16)], "body", 5),
        _oval(46, 38, 33, 28),
        _oval(33, 34, 5, 7, "cream"),
        _oval(59, 34, 5, 7, "cream"),
        _dot(34, 36, 3.5),
        _dot(58, 36, 3.5),
        _shape([(41, 46), (51, 46), (46, 52)], "ink", 2),
        _tube([(20, 46), (2, 42)], 2),
        _tube([(20, 52), (3, 56)], 2),
        _tube([(72, 46), (90, 42)], 2),
        _tube([(72, 52), (89, 56)], 2),
    ]


def _dog() -> list[Patch]:
    return [
        _tube(_curve((14, 54), (-2, 46), (2, 24)), 10, "body", True),
        _rect(26, 66, 37, 100, "shade", 5),
        _rect(66, 66, 77, 100, "shade", 5),
        _shape([(10, 46), (84, 44), (84, 80), (10, 80)], "body", 16),
        _rect(12, 66, 24, 100, "body", 5),
        _rect(54, 66, 66, 100, "body", 5),
        _dot(23, 68, 9.5, "body"),
        _dot(58, 67, 9, "body"),
        _shape([(62, 6), (96, 6), (98, 24), (118, 28), (118, 46), (96, 52), (64, 52)], "body", 12),
        _tube(_curve((70, 50), (80, 60), (94, 53)), 6, "ink"),
        _shape([(56, 8), (72, 6), (74, 42), (58, 46), (52, 30)], "shade", 8),
        _oval(88, 22, 4.5, 5.5, "cream"),
        _dot(89, 23, 3),
        _oval(116, 31, 5, 5, "ink"),
    ]


def _fish() -> list[Patch]:
    return [
        _shape([(34, 40), (0, 12), (8, 40), (0, 68)], "shade", 6),
        _shape([(48, 18), (62, 0), (84, 16)], "shade", 5),
        _oval(70, 40, 46, 28),
        Patch(tuple(_curve((80, 16), (66, 40), (80, 64)) + _curve((76, 66), (60, 40), (76, 14))), "shade", False),
        _shape([(52, 38), (66, 46), (50, 56)], "shade", 5),
        _oval(97, 32, 7, 7, "cream"),
        _dot(98, 33, 3.8),
        _tube(_curve((102, 52), (108, 52), (112, 48)), 2.5),
    ]


def _bird() -> list[Patch]:
    body = (
        _curve((12, 44), (20, 86), (56, 86))
        + _curve((56, 86), (92, 84), (90, 46))
        + _curve((66, 30), (44, 58), (12, 44))
    )
    return [
        _tube([(46, 82), (46, 104), (54, 104)], 3.5),
        _tube([(60, 82), (60, 104), (68, 104)], 3.5),
        _shape([(20, 54), (-6, 34), (-2, 62), (18, 70)], "shade", 5),
        _shape([(88, 18), (112, 28), (88, 38)], "stone", 3),
        Patch(tuple(body), "body", True),
        _oval(72, 28, 24, 24),
        Patch(tuple(_arc(66, 50, 22, 14, 20, 160)), "body", False),
        _oval(78, 23, 6, 6, "cream"),
        _dot(79, 23, 3.4),
        Patch(tuple(_curve((24, 54), (34, 82), (64, 66)) + _curve((64, 66), (50, 46), (24, 54))), "shade", True),
    ]


def _flower() -> list[Patch]:
    petals = []
    for i in range(6):
        angle = math.radians(60 * i - 90)
        petals.append(_oval(50 + 27 * math.cos(angle), 44 + 27 * math.sin(angle), 17, 17))
    return [
        _tube(_curve((50, 50), (54, 90), (48, 124)), 6, "stone", True),
        Patch(tuple(_curve((50, 112), (54, 86), (84, 88)) + _curve((84, 88), (78, 112), (50, 112))), "stone", True),
        *petals,
        _oval(50, 44, 15, 15, "cream"),
        _dot(45, 42, 2.5),
        _dot(55, 42, 2.5),
        _tube(_curve((45, 48), (50, 53), (55, 48)), 2.5),
    ]


def _star() -> list[Patch]:
    corners = []
    for i in range(10):
        radius, angle = (54 if i % 2 == 0 else 26), math.radians(36 * i - 90)
        corners.append((50 + radius * math.cos(angle), 50 + radius * math.sin(angle)))
    return [
        _shape(corners, "body", 6),
        _dot(42, 47, 4),
        _dot(58, 47, 4),
        _tube(_curve((42, 57), (50, 66), (58, 57)), 3.5),
    ]


def _ball() -> list[Patch]:
    band = _curve((30, 4), (56, 50), (30, 96)) + _curve((60, 99), (92, 50), (60, 1))
    return [
        _oval(50, 50, 50, 50),
        Patch(tuple(band), "cream", True),
        Patch(tuple(_curve((42, 3), (76, 50), (42, 97)) + _curve((48, 98), (84, 50), (48, 2))), "shade", False),
    ]


def _balloon() -> list[Patch]:
    return [
        _tube(_curve((50, 92), (36, 108), (50, 120)) + _curve((50, 120), (62, 132), (50, 146))[1:], 3.5),
        _shape([(50, 82), (60, 98), (40, 98)], "shade", 3),
        _oval(50, 44, 38, 44),
        Patch(tuple(_arc(50, 44, 27, 32, 195, 255, 10) + _arc(50, 44, 20, 25, 255, 195, 10)), "cream", False),
    ]


def _hat() -> list[Patch]:
    crown = [(26, 60), *_curve((30, 20), (32, 2), (46, 4), 6), *_curve((54, 8), (78, -4), (80, 20), 6), (84, 60)]
    return [
        _oval(55, 62, 55, 15),
        Patch(tuple(crown + _curve((84, 60), (55, 72), (26, 60))), "body", True),
        Patch(tuple(_curve((27, 48), (55, 60), (83, 48)) + _curve((84, 60), (55, 72), (26, 60))), "ink", True),
    ]


def _cup() -> list[Patch]:
    return [
        _tube(_curve((66, 26), (108, 20), (94, 52)) + _curve((94, 52), (88, 70), (64, 68))[1:], 11, "body", True),
        _shape([(0, 10), (76, 10), (70, 92), (6, 92)], "body", 12),
        _oval(38, 12, 38, 10, "cream"),
        _oval(38, 14, 28, 5, "ink", False),
        Patch(tuple(_curve((3, 44), (38, 52), (73, 44)) + _curve((72, 56), (38, 64), (4, 56))), "shade", False),
    ]


def _mushroom() -> list[Patch]:
    stem = _curve((38, 50), (42, 80), (32, 98)) + _curve((72, 98), (62, 80), (66, 50))
    cap = _arc(52, 54, 52, 54, 180, 360) + _curve((104, 54), (100, 64), (88, 64)) + _curve((16, 64), (4, 64), (0, 54))
    return [
        Patch(tuple(stem), "cream", True),
        Patch(tuple(cap), "body", True),
        _oval(50, 22, 11, 9, "cream", False),
        _oval(24, 42, 8, 8, "cream", False),
        _oval(78, 42, 9, 8, "cream", False),
        _oval(52, 50, 6, 5, "cream", False),
        _dot(46, 76, 2.5),
        _dot(58, 76, 2.5),
    ]


def _umbrella() -> list[Patch]:
    canopy = _arc(55, 54, 55, 46, 180, 360)
    for x in (110.0, 73.4, 36.8):
        canopy += _curve((x, 54), (x - 18.3, 38), (x - 36.6, 54), 8)
    panel = (
        _curve((55, 8), (72, 22), (73.4, 54))
        + _curve((73.4, 54), (55, 38), (36.8, 54))
        + _curve((36.8, 54), (38, 22), (55, 8))
    )
    return [
        _tube([(55, 0), (55, 14)], 5),
        _tube([(55, 40), (55, 92), *_arc(66, 92, 11, 11, 180, 0, 10)], 6, "stone", True),
        Patch(tuple(canopy), "body", True),
        Patch(tuple(panel), "shade", True),
    ]


_DRAWINGS: dict[str, Callable[[], list[Patch]]] = {
    "house": _house,
    "tree": _tree,
    "boat": _boat,
    "car": _car,
    "cat": _cat,
    "dog": _dog,
    "fish": _fish,
    "bird": _bird,
    "flower": _flower,
    "star": _star,
    "ball": _ball,
    "balloon": _balloon,
    "hat": _hat,
    "cup": _cup,
    "mushroom": _mushroom,
    "umbrella": _umbrella,
}

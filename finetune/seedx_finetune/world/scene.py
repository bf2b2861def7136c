"""What is on a page: things with boxes on a background, how pages are sampled, and where things are.

Coordinates are fractions of the page: x to the right, y down, 0..1. A image is a pure function of its scene.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from seedx_finetune.world.drawings import drawing_of
from seedx_finetune.world.vocabulary import BACKGROUNDS, SEEN_PAIRS, SIZES, Pair, SizeName

Box = tuple[float, float, float, float]
"""Corners (x0, y0, x1, y1) as fractions of the page."""
Relation = Literal["left of", "right of", "above", "below"]
T = TypeVar("T")

MARGIN = 0.02
"""Nothing comes nearer to the edge of the page than this."""
_ATTEMPTS = 1000
_GAP = 0.02
_JITTER = 0.05

SPOTS: dict[str, tuple[float, float]] = {
    "at the top left": (0.22, 0.22),
    "at the top": (0.50, 0.22),
    "at the top right": (0.78, 0.22),
    "on the left": (0.22, 0.50),
    "in the middle": (0.50, 0.50),
    "on the right": (0.78, 0.50),
    "at the bottom left": (0.22, 0.78),
    "at the bottom": (0.50, 0.78),
    "at the bottom right": (0.78, 0.78),
}
"""The nine places of a page in text, and the center where an edit puts a thing."""
_REGION_EDGES = (0.37, 0.63)
_REGION_DOUBT = 0.02


@dataclass(frozen=True, slots=True)
class Thing:
    """One drawn thing; `box` is tight around its drawing."""

    kind: str
    color: str
    size: SizeName
    box: Box

    @property
    def pair(self) -> Pair:
        """The (color, kind) pair."""
        return self.color, self.kind

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the box."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, slots=True)
class Scene:
    """One page: a background name and up to a handful of things that don't overlap."""

    background: str
    things: tuple[Thing, ...]


def sample_scene(
    rng: np.random.Generator,
    *,
    num_things: int | None = None,
    pairs: Sequence[Pair] = SEEN_PAIRS,
    background: str | None = None,
) -> Scene:
    """Return a random page of 1 to 4 things, the same for the same state of `rng`.

    About 30 % of the pages hold several equal things (for counting), others one kind in several colors, two groups,
    or things of all sorts.

    Args:
        rng: The only source of randomness.
        num_things: How many things (1 to 4); by default 1, 2, 3 or 4 at random.
        pairs: The (color, kind) pairs that may occur.
        background: A name from `BACKGROUNDS`; by default any.

    Raises:
        ValueError: `num_things` is outside 1..4.
    """
    count = _sample_count(rng) if num_things is None else num_things
    if not 1 <= count <= 4:
        raise ValueError(f"num_things {count} is outside 1..4; use `place` for other pages")
    return place(rng, _sample_contents(rng, count, pairs), background=background)


def sample_arranged_scene(rng: np.random.Generator, *, pairs: Sequence[Pair] = SEEN_PAIRS) -> Scene:
    """Return a random page as one would plan it: like `sample_scene`, but with every thing at one of the nine `SPOTS`.

    Sizes are exact, so a box follows from kind, size and spot. Half of the pages hold two things that have nothing to
    do with each other: which color goes with which kind is what is learned last.

    Args:
        rng: The only source of randomness.
        pairs: The (color, kind) pairs that may occur.
    """
    if rng.random() < 0.5:
        contents = [pick(rng, pairs), pick(rng, pairs)]
    else:
        contents = _sample_contents(rng, _sample_count(rng), pairs)
    background = pick(rng, tuple(BACKGROUNDS))
    while True:
        alike = len(set(contents)) == 1 and rng.random() < 0.7
        sizes = [_sample_size(rng, len(contents)) for _ in contents]
        spots = [tuple(SPOTS.values())[i] for i in rng.permutation(len(SPOTS))]
        things: list[Thing] = []
        for (color, kind), size in zip(contents, sizes[:1] * len(sizes) if alike else sizes, strict=True):
            boxes = [box_around(kind, spot, SIZES[size]) for spot in spots]
            free = next((box for box in boxes if is_free(box, things)), None)
            if free is None:
                break
            things.append(Thing(kind, color, size, free))
        else:
            return Scene(background, tuple(things))


def place(
    rng: np.random.Generator,
    contents: Sequence[Pair],
    *,
    background: str | None = None,
    size: SizeName | None = None,
) -> Scene:
    """Return a page with exactly these things, at random places that don't overlap.

    Args:
        rng: The only source of randomness.
        contents: One (color, kind) pair for each thing, at most 6.
        background: A name from `BACKGROUNDS`; by default any.
        size: One size for all; by default random sizes, smaller on fuller pages.

    Raises:
        ValueError: If the things don't fit on one page.
    """
    background = background or pick(rng, tuple(BACKGROUNDS))
    alike = len(set(contents)) == 1 and rng.random() < 0.7
    for _ in range(_ATTEMPTS):
        shared = size or (_sample_size(rng, len(contents)) if alike else None)
        things: list[Thing] = []
        for color, kind in contents:
            thing = _fit(rng, color, kind, shared or _sample_size(rng, len(contents)), things)
            if thing is None:
                break
            things.append(thing)
        else:
            return Scene(background, tuple(things))
    raise ValueError(f"{len(contents)} things of size {size or 'any'} don't fit on a page; use fewer or smaller ones")


def box_around(kind: str, center: tuple[float, float], side: float) -> Box:
    """Return the box of a kind with this longest side around a center, moved inside the page's margin if need be."""
    aspect = drawing_of(kind).aspect
    width, height = (side, side / aspect) if aspect >= 1 else (side * aspect, side)
    x = min(max(center[0], MARGIN + width / 2), 1 - MARGIN - width / 2)
    y = min(max(center[1], MARGIN + height / 2), 1 - MARGIN - height / 2)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def is_free(box: Box, others: Iterable[Thing]) -> bool:
    """Return whether a box keeps a small gap to all these things."""
    return all(
        box[2] + _GAP <= b[0] or b[2] + _GAP <= box[0] or box[3] + _GAP <= b[1] or b[3] + _GAP <= box[1]
        for b in (other.box for other in others)
    )


def region_of(thing: Thing) -> str:
    """Return where the thing is on the page, in text: one of `SPOTS`."""
    column, row = (sum(c > edge for edge in _REGION_EDGES) for c in thing.center)
    return tuple(SPOTS)[row * 3 + column]


def is_clearly_placed(thing: Thing) -> bool:
    """Return whether the thing's center is far enough from the regions' borders for `region_of` to be beyond doubt."""
    return all(abs(c - edge) > _REGION_DOUBT for c in thing.center for edge in _REGION_EDGES)


def relation_between(a: Thing, b: Thing) -> Relation | None:
    """Return how a lies to b where one direction clearly rules, else None (diagonal or too near)."""
    dx, dy = b.center[0] - a.center[0], b.center[1] - a.center[1]
    if abs(dx) >= max(0.15, 1.3 * abs(dy)):
        return "left of" if dx > 0 else "right of"
    if abs(dy) >= max(0.15, 1.3 * abs(dx)):
        return "above" if dy > 0 else "below"
    return None


def relations(scene: Scene) -> list[tuple[int, Relation, int]]:
    """Return all clear relations as (index, relation, index), both ways round."""
    found = []
    for i, a in enumerate(scene.things):
        for j, b in enumerate(scene.things):
            relation = relation_between(a, b) if i != j else None
            if relation is not None:
                found.append((i, relation, j))
    return found


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Return one of the options, each as likely."""
    return options[int(rng.integers(len(options)))]


def _sample_count(rng: np.random.Generator) -> int:
    return int(rng.choice([1, 2, 3, 4], p=[0.22, 0.34, 0.25, 0.19]))


def _sample_contents(rng: np.random.Generator, count: int, pairs: Sequence[Pair]) -> list[Pair]:
    first = pick(rng, pairs)
    if count == 1:
        return [first]
    mode = rng.random()
    if mode < 0.39:
        return [first] * count
    same_kind = [pair for pair in pairs if pair[1] == first[1]]
    same_color = [pair for pair in pairs if pair[0] == first[0]]
    if mode < 0.54:
        pool: Sequence[Pair] = same_kind
    elif mode < 0.60:
        pool = same_color
    else:
        pool = pairs
    if mode > 0.85 and count > 2:
        repeated = int(rng.integers(2, count))
        contents = [first] * repeated + [pick(rng, pool) for _ in range(count - repeated)]
    else:
        contents = [first] + [pick(rng, pool) for _ in range(count - 1)]
    return contents


def _sample_size(rng: np.random.Generator, count: int) -> SizeName:
    chances = {1: (0.2, 0.4, 0.4), 2: (0.3, 0.45, 0.25), 3: (0.4, 0.45, 0.15)}.get(count, (0.55, 0.4, 0.05))
    return tuple(SIZES)[int(rng.choice(3, p=chances))]


def _fit(rng: np.random.Generator, color: str, kind: str, size: SizeName, others: list[Thing]) -> Thing | None:
    side = SIZES[size] * (1 + _JITTER * float(rng.uniform(-1, 1)))
    for _ in range(20):
        box = box_around(kind, (float(rng.uniform(0.1, 0.9)), float(rng.uniform(0.1, 0.9))), side)
        if is_free(box, others):
            return Thing(kind, color, size, box)
    return None

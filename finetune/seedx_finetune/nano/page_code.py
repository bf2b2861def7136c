"""The code of a page: what the visual encoder is trained to say, and the language model to draw.

A page has 64 features: 16 rows of 4. A feature tells one thing: its kind, its color, its box as the places of numbers
on circles of several frequencies, the columns and rows of a 16 x 16 raster that the box covers, and its number in
reading order; or it says that there is nothing. It tells the background and its own place besides. All codes are
equally long, so sums, averages and layer norms keep the parts apart; kinds and colors never seen together need nothing
new; a language model finds all that there is to say of a thing at once; and a thing that is drawn is of one color.

Of a page that is seen, the feature of the place where a thing has its center tells that thing, and the others nothing.
Of a page that is drawn, all features of column n tell thing n of the plan: a language model only has to look up the
n-th thing that it wrote, and sixteen features that say the same are right when one of them is not.

Shapes: B pages, 256 cells, 64 features of width D.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from seedx_finetune.nano.dialogues import ALIASES, reading_order
from seedx_finetune.nano.dialogues import FEATURE_ROWS as SIDE
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, Scene, Thing
from seedx_sdk.model.lvlm import POOL

WIDTH = 256
"""D."""
COLUMNS = SIDE // POOL
"""Features side by side."""
_ONE = 4.0
"""Length of the one-hot vectors of kinds, colors and backgrounds."""
_RADIUS = 1.4
"""Of the circles of boxes."""
_CENTER_TURNS = (0.5, 1.0, 2.0, 4.0)
_SIZE_TURNS = (1.0, 2.0, 4.0)
"""Turns that a center and a side take on each of their circles while they go from 0 to the side of the page."""
_PLACE_TURNS = (0.25, 0.5, 1.0, 2.0)
"""The same for a place within a box while it goes from one side to the other."""
PLACE_WIDTH = 4 * len(_PLACE_TURNS)
_OVERLAP = 0.1
"""A thing is on a cell when it covers so much of the cell's width and of its height."""
_COVERED = 0.4
"""A column or a row counts as covered for good from this share on."""
_NUM_CIRCLES = 2 * len(_CENTER_TURNS) + 2 * len(_SIZE_TURNS)

KIND = slice(0, len(KINDS) + 1)
"""Dimensions of a thing's code: the kind, the first one for no thing."""
COLOR = slice(KIND.stop, KIND.stop + len(COLORS) + 1)
"""The color, likewise."""
NAMED = ((KIND.start + 1, KINDS), (COLOR.start + 1, tuple(COLORS)))
"""The first dimension of the kinds and of the colors, each with their names in order."""
BOX = slice(COLOR.stop, COLOR.stop + 2 * _NUM_CIRCLES)
"""Centre and size of the box on circles; zero where there is no thing."""
COVER = slice(BOX.stop, BOX.stop + 2 * SIDE)
"""Which columns and which rows the box covers: 1 where it does, -1 where it does not."""
THING_WIDTH = COVER.stop
OWN = slice(THING_WIDTH, THING_WIDTH + 2 * len(_CENTER_TURNS) + COLUMNS)
"""Dimensions of a feature that tell its own row and column."""
BACKGROUND = slice(OWN.stop, OWN.stop + len(BACKGROUNDS))
"""Dimensions of a feature that tell the background."""
NUMBER = slice(BACKGROUND.stop, BACKGROUND.stop + 1 + COLUMNS)
"""Dimensions of a feature that tell the number of its thing on the page in reading order, the first one for none.

There are as many numbers as columns to draw in: a page of the corpus holds no more things.
"""
ALIAS = slice(NUMBER.stop, NUMBER.stop + len(ALIASES))
"""Dimensions for aliases, which no page has by itself."""
USED = ALIAS.stop
"""The dimensions from here on are zero."""


def page_codes(scenes: Sequence[Scene]) -> Tensor:
    """Return the (B, 64, D) features of pages that are seen, in raster order."""
    features = _empty_pages(scenes)
    for feature, scene in zip(features, scenes, strict=True):
        for place, thing, number in zip(feature_places(scene), scene.things, _numbers(scene), strict=True):
            feature[place, :THING_WIDTH] = _thing_code(thing)
            feature[place, NUMBER.start] = 0
            feature[place, NUMBER.start + number] = _ONE
    return features


def drawn_codes(scenes: Sequence[Scene]) -> Tensor:
    """Return the (B, 64, D) features of pages that are drawn: column n tells thing n, up to the fourth.

    No feature has the number of a thing.
    """
    features = _empty_pages(scenes)
    for feature, scene in zip(features.view(-1, SIDE, COLUMNS, WIDTH), scenes, strict=True):
        for column, thing in enumerate(scene.things[:COLUMNS]):
            feature[:, column, :THING_WIDTH] = _thing_code(thing)
    return features


def rename(features: Tensor, renames: Mapping[str, str]) -> None:
    """Give colors and kinds in features (..., D) of a page the names of aliases, in place."""
    dimensions = {name: start + i for start, names in NAMED for i, name in enumerate(names)}
    for name, alias in renames.items():
        to, d = ALIAS.start + ALIASES.index(alias), dimensions[name]
        features[..., to] = features[..., d]
        features[..., d] = 0


def _empty_pages(scenes: Sequence[Scene]) -> Tensor:
    """Return the (B, 64, D) features of pages with their backgrounds and nothing on them."""
    features = torch.zeros(len(scenes), SIDE * COLUMNS, WIDTH)
    place = torch.arange(features.shape[1])
    features[..., :THING_WIDTH] = _nothing()
    row_circles = circles((place // COLUMNS + 0.5) / SIDE, _CENTER_TURNS)
    features[..., OWN] = 2 * torch.cat([row_circles, torch.eye(COLUMNS)[place % COLUMNS]], dim=1)
    features[..., NUMBER.start] = _ONE
    for feature, scene in zip(features, scenes, strict=True):
        feature[:, BACKGROUND.start + tuple(BACKGROUNDS).index(scene.background)] = _ONE
    return features


def _numbers(scene: Scene) -> list[int]:
    """Return the number of each thing in reading order, 0 for those after the last that has one."""
    order = [id(thing) for thing in reading_order(scene.things)]
    numbers = [1 + order.index(id(thing)) for thing in scene.things]
    return [number if number <= COLUMNS else 0 for number in numbers]


def feature_places(scene: Scene) -> list[int]:
    """Return which feature tells each thing: that of its center or, where another thing was first, the nearest."""
    taken: list[int] = []
    for thing in scene.things:
        cx, cy = thing.center

        def distance(place: int, cx: float = cx, cy: float = cy) -> float:
            row, column = divmod(place, COLUMNS)
            return max(abs((column + 0.5) / COLUMNS - cx) * COLUMNS, abs((row + 0.5) / SIDE - cy) * SIDE)

        taken.append(min((place for place in range(SIDE * COLUMNS) if place not in taken), key=distance))
    return taken


def _thing_code(thing: Thing) -> Tensor:
    code = torch.zeros(THING_WIDTH)
    code[KIND.start + 1 + KINDS.index(thing.kind)] = _ONE
    code[COLOR.start + 1 + tuple(COLORS).index(thing.color)] = _ONE
    x0, y0, x1, y1 = thing.box
    center = circles(torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2]), _CENTER_TURNS)
    size = circles(torch.tensor([x1 - x0, y1 - y0]), _SIZE_TURNS)
    code[BOX] = _RADIUS * torch.cat([center.flatten(), size.flatten()])
    shares = torch.tensor(np.concatenate([_covered(x0, x1), _covered(y0, y1)]), dtype=torch.float32)
    code[COVER] = 2 * (shares / _COVERED).clamp(max=1) - 1
    return code


def _covered(low: float, high: float) -> np.ndarray:
    """Return how much of each of the columns, or rows, lies between two places: (16,) of 0..1."""
    edges = np.arange(SIDE + 1) / SIDE
    shares: np.ndarray = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) * SIDE
    return shares


def _nothing() -> Tensor:
    code = torch.zeros(THING_WIDTH)
    code[KIND.start] = (_ONE**2 + _RADIUS**2 * _NUM_CIRCLES) ** 0.5  # as long as a kind and a box together
    code[COLOR.start], code[COVER] = _ONE, -1.0
    return code


def center_codes(scenes: Sequence[Scene]) -> Tensor:
    """Return the (B, 256, THING_WIDTH) codes of cells: the thing whose center lies there, or nothing."""
    codes = _nothing().repeat(len(scenes), SIDE * SIDE, 1)
    for code, scene in zip(codes, scenes, strict=True):
        for thing in scene.things:
            cx, cy = thing.center
            code[int(cy * SIDE) * SIDE + int(cx * SIDE)] = _thing_code(thing)
    return codes


def cell_labels(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor]:
    """Return the kind and the color of the thing on each cell, both (B, 256) in raster order; 0 for no thing."""
    codes = cell_codes(scenes)
    return codes[..., KIND].argmax(-1), codes[..., COLOR].argmax(-1)


def cell_numbers(scenes: Sequence[Scene]) -> Tensor:
    """Return the number in reading order of the thing on each cell, (B, 256) in raster order; 0 for no thing."""
    numbers = torch.zeros(len(scenes), SIDE, SIDE, dtype=torch.long)
    for page, scene in zip(numbers, scenes, strict=True):
        owners = torch.from_numpy(_owners(scene))
        for i, number in enumerate(_numbers(scene)):
            page[owners == i] = number
    return numbers.flatten(1)


def cell_codes(scenes: Sequence[Scene]) -> Tensor:
    """Return for each cell the code of the thing on it, (B, 256, THING_WIDTH); zero where there is nothing."""
    codes = torch.zeros(len(scenes), SIDE * SIDE, THING_WIDTH)
    for code, scene in zip(codes, scenes, strict=True):
        owners = torch.from_numpy(_owners(scene)).flatten()
        for i, thing in enumerate(scene.things):
            code[owners == i] = _thing_code(thing)
    return codes


def places_within(scenes: Sequence[Scene]) -> Tensor:
    """Return where each cell lies within the box of its thing, across and down, on circles: (B, 256, PLACE_WIDTH).

    Zero where there is no thing.
    """
    places = torch.zeros(len(scenes), SIDE, SIDE, PLACE_WIDTH)
    middles = (torch.arange(SIDE) + 0.5) / SIDE
    for page, scene in zip(places, scenes, strict=True):
        owners = torch.from_numpy(_owners(scene))
        for i, thing in enumerate(scene.things):
            x0, y0, x1, y1 = thing.box
            across = circles((middles - x0) / (x1 - x0), _PLACE_TURNS).expand(SIDE, -1, -1)
            down = circles((middles - y0) / (y1 - y0), _PLACE_TURNS)[:, None].expand(-1, SIDE, -1)
            page[owners == i] = torch.cat([across, down], dim=2)[owners == i]
    return places.flatten(1, 2)


def _owners(scene: Scene) -> np.ndarray:
    """Return the number of the thing that covers most of each cell, (16, 16), -1 where there is none."""
    owners, most = np.full((SIDE, SIDE), -1), np.zeros((SIDE, SIDE))
    for i, thing in enumerate(scene.things):
        x0, y0, x1, y1 = thing.box
        across, down = _covered(x0, x1), _covered(y0, y1)
        covered = np.outer(down * (down > _OVERLAP), across * (across > _OVERLAP))
        owners[covered > most] = i
        most = np.maximum(most, covered)
    return owners


def circles(values: Tensor, turns: Sequence[float]) -> Tensor:
    """Return values (N,) as points on one unit circle for each frequency, (N, 2 len(turns))."""
    angles = 2 * torch.pi * values[:, None] * torch.tensor(turns)
    return torch.cat([angles.cos(), angles.sin()], dim=1)

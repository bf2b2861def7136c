"""The code of a page: what the visual encoder is trained to say, and the language model to draw.

A page is a raster of 16 x 16 cells. The code of a cell tells the kind and the colour of the thing on it, the box of
that thing, and whether the centre of the thing lies here. A feature of the page holds the codes of four cells side by
side, the background, and its own place. Everything is a one-hot vector or the place of a number on circles of several
frequencies, and all codes are equally long; so sums, averages and layer norms keep the parts apart, kinds and colours
never seen together need nothing new, and a language model finds in one feature per thing all that there is to say.

Shapes: B pages, 256 cells, 64 features of width D.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from seedx_finetune.dialogues import FEATURE_ROWS as SIDE
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, Scene
from seedx_sdk.model.lvlm import POOL

WIDTH = 256
"""D."""
_ONE = 2.0
"""Length of the one-hot vectors of kinds, colours and backgrounds."""
_RADIUS = 0.7
"""Of the circles of boxes."""
_CENTER_TURNS = (0.5, 1.0, 2.0, 4.0)
_SIZE_TURNS = (1.0, 2.0, 4.0)
"""Turns that a centre and a side take on each of their circles while they go from 0 to the side of the page."""
_PLACE_TURNS = (0.25, 0.5, 1.0, 2.0)
"""The same for a place within a box while it goes from one side to the other."""
PLACE_WIDTH = 4 * len(_PLACE_TURNS)
_OVERLAP = 0.1
"""A thing is on a cell when it covers so much of the cell's width and of its height."""
_NUM_CIRCLES = 2 * len(_CENTER_TURNS) + 2 * len(_SIZE_TURNS)

KIND = slice(0, len(KINDS) + 1)
"""Dimensions of a cell's code: the kind, the first one for no thing."""
COLOR = slice(KIND.stop, KIND.stop + len(COLORS) + 1)
"""The colour, likewise."""
CENTER = slice(COLOR.stop, COLOR.stop + 2)
"""Whether the centre of the thing lies elsewhere or here."""
BOX = slice(CENTER.stop, CENTER.stop + 2 * _NUM_CIRCLES)
"""Centre and size of the box on circles; zero where there is no thing."""
CELL_WIDTH = BOX.stop
_OWN = 2 * len(_CENTER_TURNS) + SIDE // POOL
BACKGROUND = slice(POOL * CELL_WIDTH + _OWN, POOL * CELL_WIDTH + _OWN + len(BACKGROUNDS))
"""Dimensions of a feature: its cells' codes, its own row and column, then the background."""


def cell_dimensions(cell: int) -> list[int]:
    """Returns the dimensions of a feature that tell about one of its cells, 0..3: the cell's code, the background."""
    return [*range(cell * CELL_WIDTH, (cell + 1) * CELL_WIDTH), *range(BACKGROUND.start, BACKGROUND.stop)]


def cell_codes(scenes: Sequence[Scene]) -> Tensor:
    """Returns the (B, 256, CELL_WIDTH) codes of the cells in raster order."""
    codes = np.zeros((len(scenes), SIDE, SIDE, CELL_WIDTH), np.float32)
    nothing = (_ONE**2 + _RADIUS**2 * _NUM_CIRCLES) ** 0.5  # as long as a kind and a box together
    codes[..., KIND.start], codes[..., COLOR.start], codes[..., CENTER.start] = nothing, _ONE, 1.0
    for page, scene in zip(codes, scenes, strict=True):
        owners = _owners(scene)
        for i, thing in enumerate(scene.things):
            code = np.zeros(CELL_WIDTH, np.float32)
            code[KIND.start + 1 + KINDS.index(thing.kind)] = _ONE
            code[COLOR.start + 1 + tuple(COLORS).index(thing.color)] = _ONE
            code[CENTER.start] = 1.0
            code[BOX] = _box_circles(thing.box)
            page[owners == i] = code
            cx, cy = thing.center
            page[int(cy * SIDE), int(cx * SIDE), CENTER] = 0.0, 1.0
    return torch.from_numpy(codes).flatten(1, 2)


def places_within(scenes: Sequence[Scene]) -> Tensor:
    """Returns where each cell lies within the box of its thing, across and down, on circles: (B, 256, PLACE_WIDTH).

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
    """Returns the number of the thing that covers most of each cell, (16, 16), -1 where there is none."""
    edges = np.arange(SIDE + 1) / SIDE
    owners, most = np.full((SIDE, SIDE), -1), np.zeros((SIDE, SIDE))
    for i, thing in enumerate(scene.things):
        x0, y0, x1, y1 = thing.box
        across = np.clip(np.minimum(edges[1:], x1) - np.maximum(edges[:-1], x0), 0, None) * SIDE
        down = np.clip(np.minimum(edges[1:], y1) - np.maximum(edges[:-1], y0), 0, None) * SIDE
        covered = np.outer(down * (down > _OVERLAP), across * (across > _OVERLAP))
        owners[covered > most] = i
        most = np.maximum(most, covered)
    return owners


def page_codes(scenes: Sequence[Scene]) -> Tensor:
    """Returns the (B, 64, D) features of pages; feature k holds the cells 4 k to 4 k + 3."""
    cells = cell_codes(scenes)
    features = torch.zeros(len(scenes), cells.shape[1] // POOL, WIDTH)
    used = POOL * CELL_WIDTH
    features[..., :used] = cells.reshape(len(scenes), -1, used)
    place = torch.arange(features.shape[1])
    rows, columns = place // (SIDE // POOL), place % (SIDE // POOL)
    own = torch.cat([circles((rows + 0.5) / SIDE, _CENTER_TURNS), torch.eye(SIDE // POOL)[columns]], dim=1)
    features[..., used : BACKGROUND.start] = own
    for feature, scene in zip(features, scenes, strict=True):
        feature[:, BACKGROUND.start + tuple(BACKGROUNDS).index(scene.background)] = _ONE
    return features


def circles(values: Tensor, turns: Sequence[float]) -> Tensor:
    """Returns values (N,) as points on one unit circle for each frequency, (N, 2 len(turns))."""
    angles = 2 * torch.pi * values[:, None] * torch.tensor(turns)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _box_circles(box: tuple[float, float, float, float]) -> np.ndarray:
    x0, y0, x1, y1 = box
    center = circles(torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2]), _CENTER_TURNS)
    size = circles(torch.tensor([x1 - x0, y1 - y0]), _SIZE_TURNS)
    both: np.ndarray = _RADIUS * torch.cat([center.flatten(), size.flatten()]).numpy()
    return both

"""The judge: a small detector of picture-book things that shares nothing with the models that it measures.

It has its own network, its own training pages (`judge_pages`) and its own training script (`train_judge`), and it has
seen all 128 color-kind pairs, because it must recognize the ones that the measured model has never seen. The scores
call it through `Judge.look`; how often it is wrong is measured by `judge_check` and reported beside every score.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, Box, Pair

WEIGHTS = Path(__file__).with_name("judge.safetensors")
"""The weights that ship, with the thresholds in the file's metadata."""
PAGE_PX = 128
"""Side in pixels of the images that the judge looks at; others are resized."""
STRIDE_PX = 8
"""Side in pixels of one cell of the judge's output grid."""
GRID = PAGE_PX // STRIDE_PX
UNCLEAR = "unclear"
"""The color of a thing whose color the judge can't tell; it matches no name."""
_OVERLAP = 0.55
"""Two finds that overlap more than this (intersection over union) are one thing."""


@dataclass(frozen=True, slots=True)
class DetectedThing:
    """One thing that the judge sees."""

    kind: str
    color: str
    """A name from the world's colors, or `UNCLEAR`."""
    box: Box
    score: float
    """0..1: how sure the judge is that a whole thing of this kind is here."""

    @property
    def pair(self) -> Pair:
        """The (color, kind) pair."""
        return self.color, self.kind

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the box, in fractions of the page."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, slots=True)
class Observation:
    """What the judge sees in one image."""

    background: str
    things: tuple[DetectedThing, ...]
    """Best first; only those over the judge's threshold."""

    @property
    def facts(self) -> Counter[Pair]:
        """How many things of each (color, kind) there are."""
        return Counter(thing.pair for thing in self.things)


@dataclass(frozen=True, slots=True)
class Maps:
    """The network's raw output for a batch: B pages, a GRID x GRID grid of cells."""

    center: Tensor
    """(B, GRID, GRID) logits: the middle of a whole thing lies in this cell."""
    kind: Tensor
    """(B, 16, GRID, GRID) logits."""
    color: Tensor
    """(B, 8, GRID, GRID) logits."""
    box: Tensor
    """(B, 4, GRID, GRID): offset of the middle from the cell's own (in cells, x and y), log width and log height."""
    background: Tensor
    """(B, 5) logits."""


class JudgeNet(nn.Module):
    """A fully convolutional detector in the manner of CenterNet, about 0.27 million parameters.

    Source: "Objects as Points" (arXiv:1904.07850) for centers as peaks of a heat map with sizes read off at the peak.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _conv(3, width // 4, stride=2),
            _conv(width // 4, width // 2, stride=2),
            _conv(width // 2, width // 2),
            _conv(width // 2, width, stride=2),
        )
        self.blocks = nn.Sequential(*(_Block(width, dilation) for dilation in (1, 2, 1)))
        self.heads = nn.Conv2d(width, 1 + len(KINDS) + len(COLORS) + 4, 1)
        self.background = nn.Linear(2 * width, len(BACKGROUNDS))
        nn.init.constant_(self.heads.bias[:1], -3.0)  # type: ignore[index]  # most cells are empty: start from "nothing here"

    def forward(self, pages: Tensor) -> Maps:
        """Return the maps of pages (B, 3, 128, 128), float 0..1."""
        features = self.blocks(self.stem(pages * 2 - 1))
        center, kind, color, box = self.heads(features).split([1, len(KINDS), len(COLORS), 4], dim=1)
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], dim=1)
        return Maps(center.squeeze(1), kind, color, box, self.background(pooled))


class Judge:
    """The detector with its calibrated thresholds."""

    def __init__(self, network: JudgeNet, *, min_score: float, min_color: float) -> None:
        """Wrap a trained network.

        Args:
            network: Trained weights; put into evaluation mode.
            min_score: A find counts from this score on (center probability times kind probability, 0..1).
            min_color: A color counts from this probability on, otherwise it is `UNCLEAR`.
        """
        self.network = network.eval()
        self.min_score = min_score
        self.min_color = min_color

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Judge:
        """Return the judge that ships with the package, or another one that `train_judge` wrote."""
        network = JudgeNet()
        with safe_open(path, framework="pt") as file:
            network.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
            thresholds = file.metadata()
        return cls(network, min_score=float(thresholds["min_score"]), min_color=float(thresholds["min_color"]))

    def look(self, image: Image.Image) -> Observation:
        """Return what is in one image of any size; other shapes than a square are squeezed to one."""
        return self.look_many([image])[0]

    def look_many(self, images: list[Image.Image]) -> list[Observation]:
        """Return what is in each of the images."""
        return self.read(self.maps(images))

    @torch.no_grad()
    def maps(self, images: list[Image.Image]) -> Maps:
        """Return the raw output for the images, which `read` turns into sights."""
        maps: Maps = self.network(to_pages(images))
        return maps

    def read(self, maps: Maps) -> list[Observation]:
        """Return what the maps of each page say, under this judge's thresholds."""
        names = maps.background.argmax(1).tolist()
        return [Observation(tuple(BACKGROUNDS)[name], tuple(self._things(maps, i))) for i, name in enumerate(names)]

    def _things(self, maps: Maps, index: int) -> list[DetectedThing]:
        """Return the finds of one page, best first."""
        center = maps.center[index].sigmoid()
        peak = F.max_pool2d(center[None], 3, 1, 1)[0] == center
        found: list[DetectedThing] = []
        for y, x in (peak & (center >= self.min_score)).nonzero().tolist():
            kind = maps.kind[index, :, y, x].softmax(0)
            color = maps.color[index, :, y, x].softmax(0)
            score = float(center[y, x] * kind.max())
            dx, dy, log_w, log_h = maps.box[index, :, y, x].tolist()
            cx, cy = (x + 0.5 + dx) / GRID, (y + 0.5 + dy) / GRID
            w, h = float(np.exp(log_w)), float(np.exp(log_h))
            box = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
            name = tuple(COLORS)[int(color.argmax())] if float(color.max()) >= self.min_color else UNCLEAR
            if score >= self.min_score:
                found.append(DetectedThing(KINDS[int(kind.argmax())], name, box, score))
        kept: list[DetectedThing] = []
        for thing in sorted(found, key=lambda f: -f.score):
            if all(iou(thing.box, other.box) <= _OVERLAP for other in kept):
                kept.append(thing)
        return kept


def to_pages(images: list[Image.Image]) -> Tensor:
    """Images as the network's input: (B, 3, 128, 128), float 0..1."""
    arrays = []
    for image in images:
        rgb = image.convert("RGB")
        if rgb.size != (PAGE_PX, PAGE_PX):
            rgb = rgb.resize((PAGE_PX, PAGE_PX), Image.Resampling.LANCZOS)
        arrays.append(np.asarray(rgb))
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 255


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = _conv(width, width, dilation=dilation)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


def _conv(inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )

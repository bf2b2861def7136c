"""Pre-training of the visual encoder by dense supervision: every output token says what it looks at.

The 256 output features are read by small linear heads that are thrown away afterwards. Each feature must tell the kind
and the colour of the thing under its cell (two separate heads, so a pair never seen together is still a known kind and
a known colour), the corners of that thing, the background, its own position, and the pixels of its cell; the averages
of four neighbouring features, which the language model learns to predict, must tell the pixels as well. The heads read
the features through noise, so what is said is said with a margin that a regression can stay within. The patches before
the pool are taught kind, colour and corners directly as well, which brings the transformer on its way much sooner.

Shapes: B batch, Q output tokens (a square of cells), D feature width.
"""

from __future__ import annotations

import numpy as np
import torch
from einops import rearrange, reduce
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_finetune.data import random_scenes, to_pixels
from seedx_finetune.trainer import TrainConfig
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, Scene
from seedx_sdk.model.visual_encoder import VisualEncoder

NOISE = 0.3
"""Standard deviation of the noise that the heads read through; the features themselves are kept near unit variance."""


class DensePretraining(nn.Module):
    """A visual encoder with its pre-training heads."""

    def __init__(self, encoder: VisualEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        width, cell = encoder.config.output_dim, encoder.config.image_size // 16
        self.kind = nn.Linear(width, len(KINDS) + 1)
        self.color = nn.Linear(width, len(COLORS) + 1)
        self.background = nn.Linear(width, len(BACKGROUNDS))
        self.corners = nn.Linear(width, 4)
        self.position = nn.Linear(width, 2)
        self.patch_kind = nn.Linear(encoder.config.width, len(KINDS) + 1)
        self.patch_color = nn.Linear(encoder.config.width, len(COLORS) + 1)
        self.patch_corners = nn.Linear(encoder.config.width, 4)
        self.pixels = _head(width, cell * cell * 3)
        self.pooled_pixels = _head(width, 4 * cell * cell * 3)

    def forward(self, pixels: Tensor, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the loss and its terms.

        Args:
            pixels: (B, 3, H, W) normalised as the encoder wants them.
            targets: What `dense_targets` returns.
        """
        patches = self.encoder.patch_features(pixels)
        clean = self.encoder.pool_patches(patches)
        features = clean + NOISE * torch.randn_like(clean)
        pooled = reduce(clean, "b (q four) d -> b q d", "mean", four=4)
        pooled = pooled + NOISE * torch.randn_like(pooled)
        covered = targets["kind"] > 0
        corners = (self.corners(features).float() - targets["corners"]).abs().sum(-1)
        patch_corners = (self.patch_corners(patches).float() - targets["corners"]).abs().sum(-1)
        terms = {
            "kind": F.cross_entropy(self.kind(features).float().flatten(0, 1), targets["kind"].flatten()),
            "color": F.cross_entropy(self.color(features).float().flatten(0, 1), targets["color"].flatten()),
            "background": F.cross_entropy(
                self.background(features).float().flatten(0, 1), targets["background"].repeat_interleave(clean.shape[1])
            ),
            "corners": (corners * covered).sum() / covered.sum().clamp(min=1),
            "position": F.l1_loss(self.position(features).float(), targets["position"].expand(len(clean), -1, -1)),
            "patch_kind": F.cross_entropy(self.patch_kind(patches).float().flatten(0, 1), targets["kind"].flatten()),
            "patch_color": F.cross_entropy(self.patch_color(patches).float().flatten(0, 1), targets["color"].flatten()),
            "patch_corners": (patch_corners * covered).sum() / covered.sum().clamp(min=1),
            "pixels": F.mse_loss(self.pixels(features).float(), targets["pixels"]),
            "pooled_pixels": F.mse_loss(self.pooled_pixels(pooled).float(), targets["pooled_pixels"]),
            "power": (clean.float().square().mean() - 1).relu(),
        }
        weights = {"kind": 2.0, "color": 2.0, "background": 0.2, "corners": 2.0, "position": 0.5, "power": 0.1}
        loss = sum(weights.get(name, 1.0) * value for name, value in terms.items())
        with torch.no_grad():
            hit = (self.kind(features).argmax(-1) == targets["kind"])[covered].float().mean()
        return {"loss": torch.as_tensor(loss)} | terms | {"kind_accuracy": hit}


def _head(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, out))


def dense_targets(scenes: list[Scene], pixels: Tensor) -> dict[str, Tensor]:
    """Returns what every cell of the 16x16 grid should say.

    Args:
        scenes: B scenes.
        pixels: (B, 3, H, W) their normalised pictures.

    Returns:
        kind, color: (B, 256) with 0 for no thing; corners (B, 256, 4) in 0..1; background (B,); position (1, 256, 2);
        pixels (B, 256, cell * cell * 3); pooled_pixels (B, 64, 4 * cell * cell * 3).
    """
    centres = (np.arange(16) + 0.5) / 16
    kind = np.zeros((len(scenes), 16, 16), np.int64)
    color = np.zeros_like(kind)
    corners = np.zeros((len(scenes), 16, 16, 4), np.float32)
    for b, scene in enumerate(scenes):
        for thing in scene.things:
            x0, y0, x1, y1 = thing.box
            inside = np.ix_((centres > y0) & (centres < y1), (centres > x0) & (centres < x1))
            kind[b][inside] = KINDS.index(thing.kind) + 1
            color[b][inside] = tuple(COLORS).index(thing.color) + 1
            corners[b][inside] = thing.box
    grid = np.stack(np.meshgrid(centres, centres), -1).reshape(1, 256, 2)
    cells = rearrange(pixels, "b c (h p) (w q) -> b (h w) (p q c)", h=16, w=16)
    strips = rearrange(pixels, "b c (h p) (w q) -> b (h w) (p q c)", h=16, w=4)
    return {
        "kind": torch.from_numpy(kind).flatten(1),
        "color": torch.from_numpy(color).flatten(1),
        "corners": torch.from_numpy(corners).flatten(1, 2),
        "background": torch.tensor([tuple(BACKGROUNDS).index(scene.background) for scene in scenes]),
        "position": torch.from_numpy(grid).float(),
        "pixels": cells,
        "pooled_pixels": strips,
    }


def loss(model: DensePretraining, config: TrainConfig, step: int) -> dict[str, Tensor]:
    """Returns the loss terms on the batch of this update."""
    scenes = random_scenes(config.batch_size, seed=(config.seed, step))
    pixels = to_pixels(scenes, model.encoder.config.image_size)
    with torch.autocast("cpu", torch.bfloat16):
        terms: dict[str, Tensor] = model(pixels, dense_targets(scenes, pixels))
    return terms

"""Pre-training of the visual encoder by dense supervision: every output token says what it looks at.

The 256 output features are read by linear heads that are thrown away afterwards. Each feature must tell the kind and
the colour of the thing under its cell (two separate heads, so a pair never seen together is still a known kind and a
known colour), the corners of that thing, which thing of the page it is and how many there are like it, the background,
and its own row and column. The averages of four neighbouring features, which the language model learns to predict and
the de-tokenizer to draw from, must tell the VAE's latents of their cells. The heads read the features through noise,
so what is said is said with a margin that a regression can stay within. The patches before the pool are taught the
same things about the things directly as well, which brings the transformer on its way much sooner.

Shapes: B batch, Q output tokens (a square of cells), D feature width, C latent channels.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_finetune.data import normalise, random_scenes, signed, to_bytes
from seedx_finetune.dialogues import layout_order
from seedx_finetune.trainer import TrainConfig
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, Scene
from seedx_sdk.model.lvlm import POOL, pool_features
from seedx_sdk.model.visual_encoder import VisualEncoder

NOISE = 0.3
"""Standard deviation of the noise that the heads read through; the features themselves are kept near unit variance."""
SIDE = 16
"""Cells along one side of the page; the VAE's latents have as many."""
MOST = 6
"""Classes of a small number: no thing, then 1 to 5."""
CLASSES = {"kind": len(KINDS) + 1, "color": len(COLORS) + 1, "rank": MOST, "alike": MOST, "kin": MOST}
"""What a cell says about its thing, and in how many classes; see `dense_targets`."""


class DensePretraining(nn.Module):
    """A visual encoder with its pre-training heads.

    Args:
        encoder: What is trained.
        latent_channels: C of the VAE.
    """

    def __init__(self, encoder: VisualEncoder, latent_channels: int) -> None:
        super().__init__()
        self.encoder = encoder
        width, inner = encoder.config.output_dim, encoder.config.width
        self.thing = nn.ModuleDict({name: nn.Linear(width, count) for name, count in CLASSES.items()})
        self.patch_thing = nn.ModuleDict({name: nn.Linear(inner, count) for name, count in CLASSES.items()})
        self.corners = nn.Linear(width, 4)
        self.patch_corners = nn.Linear(inner, 4)
        self.background = nn.Linear(width, len(BACKGROUNDS))
        self.row = nn.Linear(width, SIDE)
        self.column = nn.Linear(width, SIDE)
        self.latents = nn.Linear(width, POOL * latent_channels)

    def forward(self, pixels: Tensor, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the loss and its terms.

        Args:
            pixels: (B, 3, H, W) normalised as the encoder wants them.
            targets: What `dense_targets` returns, and `latents` (B, Q / 4, 4 C).
        """
        patches = self.encoder.patch_features(pixels)
        clean = self.encoder.pool_patches(patches)
        features = clean + NOISE * torch.randn_like(clean)
        pooled = pool_features(clean)
        pooled = pooled + NOISE * torch.randn_like(pooled)
        covered = targets["kind"] > 0
        terms: dict[str, Tensor] = {}
        for name in CLASSES:
            kept = covered if name in ("rank", "alike", "kin") else torch.ones_like(covered)
            target = targets[name][kept]
            terms[name] = F.cross_entropy(self.thing[name](features[kept]).float(), target)
            terms[f"patch_{name}"] = F.cross_entropy(self.patch_thing[name](patches[kept]).float(), target)
        corners = targets["corners"][covered]
        terms["corners"] = (self.corners(features[covered]).float() - corners).abs().sum(-1).mean()
        terms["patch_corners"] = (self.patch_corners(patches[covered]).float() - corners).abs().sum(-1).mean()
        place = torch.arange(clean.shape[1]).expand(len(clean), -1).flatten()
        terms["row"] = F.cross_entropy(self.row(features).float().flatten(0, 1), place // SIDE)
        terms["column"] = F.cross_entropy(self.column(features).float().flatten(0, 1), place % SIDE)
        background = targets["background"].repeat_interleave(clean.shape[1])
        terms["background"] = F.cross_entropy(self.background(features).float().flatten(0, 1), background)
        terms["latents"] = F.mse_loss(self.latents(pooled).float(), targets["latents"])
        terms["power"] = (clean.float().square().mean() - 1).relu()
        weights = {"kind": 2.0, "color": 2.0, "corners": 3.0, "background": 0.2, "row": 0.2, "column": 0.2}
        weights |= {"latents": 4.0, "power": 0.1}
        loss = sum(weights.get(name, 1.0) * value for name, value in terms.items())
        with torch.no_grad():
            hits = {
                f"{name}_accuracy": (self.thing[name](features).argmax(-1) == targets[name])[covered].float().mean()
                for name in CLASSES
            }
        return {"loss": torch.as_tensor(loss)} | terms | hits


def dense_targets(scenes: list[Scene]) -> dict[str, Tensor]:
    """Returns what every cell of the 16x16 grid should say.

    Returns:
        kind, color: (B, 256) with 0 for no thing; rank (B, 256): which thing of the page it is, counted in the order
        in which layouts name them, from 1; alike, kin (B, 256): how many things of the page have the same kind and
        colour, and the same kind; corners (B, 256, 4) in 0..1; background (B,).
    """
    centres = (np.arange(SIDE) + 0.5) / SIDE
    classes = {name: np.zeros((len(scenes), SIDE, SIDE), np.int64) for name in CLASSES}
    corners = np.zeros((len(scenes), SIDE, SIDE, 4), np.float32)
    for b, scene in enumerate(scenes):
        alike = Counter(thing.pair for thing in scene.things)
        kin = Counter(thing.kind for thing in scene.things)
        for rank, thing in enumerate(layout_order(scene), start=1):
            x0, y0, x1, y1 = thing.box
            inside = np.ix_((centres > y0) & (centres < y1), (centres > x0) & (centres < x1))
            classes["kind"][b][inside] = KINDS.index(thing.kind) + 1
            classes["color"][b][inside] = tuple(COLORS).index(thing.color) + 1
            for name, number in (("rank", rank), ("alike", alike[thing.pair]), ("kin", kin[thing.kind])):
                classes[name][b][inside] = min(number, MOST - 1)
            corners[b][inside] = thing.box
    return {
        **{name: torch.from_numpy(value).flatten(1) for name, value in classes.items()},
        "corners": torch.from_numpy(corners).flatten(1, 2),
        "background": torch.tensor([tuple(BACKGROUNDS).index(scene.background) for scene in scenes]),
    }


def loss(
    model: DensePretraining, vae: AutoencoderKL, scaling_factor: float, config: TrainConfig, step: int
) -> dict[str, Tensor]:
    """Returns the loss terms on the batch of this update.

    Args:
        model: The encoder with its heads.
        vae: The trained VAE, frozen.
        scaling_factor: Brings its latents to unit variance.
        config: Gives the batch its size and seed.
        step: Number of the update.
    """
    scenes = random_scenes(config.batch_size, seed=(config.seed, step))
    pixels = to_bytes(scenes, model.encoder.config.image_size)
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            latents = vae.encode(signed(pixels)).latent_dist.mode().float() * scaling_factor
        targets = dense_targets(scenes)
        targets["latents"] = rearrange(latents, "b c h (w four) -> b (h w) (four c)", four=POOL)
        terms: dict[str, Tensor] = model(normalise(pixels), targets)
    return terms

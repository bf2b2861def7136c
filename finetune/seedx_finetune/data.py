"""From scenes of the picture book to the tensors that the training stages read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from seedx_finetune.world.render import render
from seedx_finetune.world.scene import Scene, sample_scene

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def random_scenes(count: int, *, seed: Sequence[int]) -> list[Scene]:
    """Returns `count` training scenes that depend on the seed alone."""
    rng = np.random.default_rng(seed)
    return [sample_scene(rng) for _ in range(count)]


def to_bytes(scenes: Sequence[Scene], size: int) -> Tensor:
    """Renders scenes; returns (B, 3, size, size) uint8."""
    return torch.from_numpy(np.stack([np.asarray(render(s, size)) for s in scenes])).permute(0, 3, 1, 2)


def to_pixels(scenes: Sequence[Scene], size: int) -> Tensor:
    """Renders scenes for the visual encoder; returns (B, 3, size, size) with CLIP's normalisation."""
    return normalise(to_bytes(scenes, size))


def normalise(image: Tensor) -> Tensor:
    """Returns uint8 pictures (B, 3, H, W) as the visual encoder reads them."""
    mean, std = torch.tensor(CLIP_MEAN).view(3, 1, 1), torch.tensor(CLIP_STD).view(3, 1, 1)
    return (image.float() / 255 - mean) / std


def to_signed(scenes: Sequence[Scene], size: int) -> Tensor:
    """Renders scenes for the VAE; returns (B, 3, size, size) in -1..1."""
    return to_bytes(scenes, size).float() / 127.5 - 1

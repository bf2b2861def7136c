"""From scenes of the picture book to the tensors that the training stages read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from seedx_finetune.world import Scene, render, sample_scene
from seedx_sdk.model.transforms import CLIP_MEAN, CLIP_STD


def random_scenes(count: int, *, seed: Sequence[int]) -> list[Scene]:
    """Return `count` training scenes that depend on the seed alone."""
    rng = np.random.default_rng(seed)
    return [sample_scene(rng) for _ in range(count)]


def to_bytes(scenes: Sequence[Scene], size: int) -> Tensor:
    """Return the images of scenes, (B, 3, size, size) uint8."""
    return torch.from_numpy(np.stack([np.asarray(render(s, size)) for s in scenes])).permute(0, 3, 1, 2)


def to_pixels(scenes: Sequence[Scene], size: int) -> Tensor:
    """Return the images of scenes for the visual encoder, (B, 3, size, size) with CLIP's normalization."""
    return normalise(to_bytes(scenes, size))


def normalise(image: Tensor) -> Tensor:
    """Return uint8 images (B, 3, H, W) as the visual encoder reads them."""
    mean, std = torch.tensor(CLIP_MEAN).view(3, 1, 1), torch.tensor(CLIP_STD).view(3, 1, 1)
    return (image.float() / 255 - mean) / std


def to_signed(scenes: Sequence[Scene], size: int) -> Tensor:
    """Return the images of scenes for the VAE, (B, 3, size, size) in -1..1."""
    return signed(to_bytes(scenes, size))


def signed(image: Tensor) -> Tensor:
    """Return uint8 images (B, 3, H, W) as the VAE reads them: -1..1, channels last, which is faster on a CPU."""
    return (image.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)

"""Pages, their features, and what the U-Net sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from PIL import Image
from torch import Tensor

from seedx_finetune.world import Scene, box_around, render
from seedx_finetune.world.scene import Thing
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.model.lvlm import pool_features
from seedx_sdk.model.transforms import ImageTransform


@pytest.fixture(scope="module")
def pages() -> list[Image.Image]:
    kinds = (("house", "red"), ("tree", "green"), ("boat", "blue"), ("star", "yellow"))
    boxes = [box_around(kind, (0.3 + 0.1 * n, 0.6), 0.4) for n, (kind, _) in enumerate(kinds)]
    return [
        render(Scene("meadow", (Thing(kind, color, "medium", box),)))
        for (kind, color), box in zip(kinds, boxes, strict=True)
    ]


@pytest.fixture(scope="module")
def features(parts: ModelParts, pages: list[Image.Image]) -> list[Tensor]:
    """What the language model would regress for the pages, were it perfect: (1, 64, 256) each."""
    transform = ImageTransform("clip", 128)
    with torch.inference_mode():
        pooled = pool_features(parts.visual_encoder(torch.stack([transform(p) for p in pages])))
        return list(torch.split(pooled, 1))


@pytest.fixture
def unet_batches(parts: ModelParts) -> Iterator[list[int]]:
    """The batch sizes that the U-Net sees."""
    sizes: list[int] = []
    hook = parts.detokenizer.unet.register_forward_hook(lambda _m, args, _o: sizes.append(args[0].shape[0]))
    yield sizes
    hook.remove()

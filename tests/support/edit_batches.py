"""Batches of edits of the picture book, as the de-tokenizer reads them."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seedx_finetune.data.batches import DenoisingBatch, Position
from seedx_finetune.world import render, sample_edit


def edit_batch(count: int, *, size: int = 16, cell: int = 64, seed: int = 0) -> DenoisingBatch:
    """Return a batch whose odd rows are edits, and whose even rows are pages without a condition image."""
    rng = np.random.default_rng(seed)
    edits = [sample_edit(rng) for _ in range(count)]
    edited = torch.arange(count) % 2 == 1
    condition = _pixels([render(edit.source, size) for edit in edits])
    condition[~edited] = 0
    return DenoisingBatch(
        after=Position(batch=1),
        names=tuple(f"book:{row}" for row in range(count)),
        sources=tuple("edits" if row % 2 else "pages" for row in range(count)),
        skipped=(),
        target=_pixels([render(edit.target, size) for edit in edits]),
        condition=condition,
        has_condition=edited,
        encoder_view=_pixels([render(edit.target, cell) for edit in edits]),
        sizes=torch.full((count, 2), 2 * size),
        crops=torch.tensor([[0, size // 2]]).repeat(count, 1),
    )


def _pixels(images: list[Image.Image]) -> Tensor:
    stacked: Tensor = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    return stacked.permute(0, 3, 1, 2).contiguous()

"""Images for the de-tokenizer to draw, each with the image that it begins from, if any.

Shapes: as in batches.py; H = W, the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from seedx_finetune.data.batches import DenoisingBatch, Position, Skipped
from seedx_finetune.data.documents import Document, DrawImage, ImageRef, ReadImage
from seedx_finetune.data.images import to_pixels
from seedx_sdk.model.transforms import ImageTransform

__all__ = ["DenoisingRow", "Pair", "denoising_batch", "denoising_row", "pairs_of"]


@dataclass(frozen=True, slots=True)
class Pair:
    """An image to draw, not opened yet."""

    target: ImageRef
    condition: ImageRef | None = None


@dataclass(frozen=True, slots=True)
class DenoisingRow:
    """A row of a `DenoisingBatch`, whose fields say more."""

    name: str
    source: str
    target: Tensor
    condition: Tensor | None
    encoder_view: Tensor
    size: tuple[int, int]
    crop: tuple[int, int]


def pairs_of(document: Document) -> list[Pair]:
    """Return the images that a document draws or, if it draws none, those that it reads."""
    drawn = [Pair(segment.image, segment.condition) for segment in document if isinstance(segment, DrawImage)]
    return drawn or [Pair(segment.image) for segment in document if isinstance(segment, ReadImage)]


def denoising_row(
    target: Image.Image, condition: Image.Image | None, *, name: str, source: str, size: int, cell: int
) -> DenoisingRow:
    """Return the pixels of a pair.

    Without a condition: the shorter side to the size and the center (transform "sd" of the reference's transforms.py,
    and train_sdxl_img2img_llm.py). With one, both are squeezed to the size, as a condition is at inference.

    Args:
        target: The image to draw.
        condition: What it begins from.
        name: Of the record.
        source: Its source.
        size: Side of the image that the de-tokenizer draws, in pixels.
        cell: S.
    """
    crops = condition is None
    transform = ImageTransform("sd", size, keep_ratio=crops)
    view = ImageTransform("clip", cell, keep_ratio=crops)
    width, height = target.size
    # of the scaled image, as `ImageTransform.resize` rounds them
    scaled_height, scaled_width = max(size, int(size * height / width)), max(size, int(size * width / height))
    return DenoisingRow(
        name,
        source,
        to_pixels(transform.resize(target)),
        None if condition is None else to_pixels(transform.resize(condition)),
        to_pixels(view.resize(target)),
        (height, width),
        (round((scaled_height - size) / 2), round((scaled_width - size) / 2)) if crops else (0, 0),
    )


def denoising_batch(
    rows: Sequence[DenoisingRow], after: Position, skipped: tuple[Skipped, ...], *, size: int, cell: int
) -> DenoisingBatch:
    """Return rows as one batch; it may have none."""
    target, condition = torch.zeros((2, len(rows), 3, size, size), dtype=torch.uint8)
    views = torch.zeros((len(rows), 3, cell, cell), dtype=torch.uint8)
    for i, row in enumerate(rows):
        target[i], views[i] = row.target, row.encoder_view
        if row.condition is not None:
            condition[i] = row.condition
    return DenoisingBatch(
        after=after,
        names=tuple(row.name for row in rows),
        sources=tuple(row.source for row in rows),
        skipped=skipped,
        target=target,
        condition=condition,
        has_condition=torch.tensor([row.condition is not None for row in rows], dtype=torch.bool),
        encoder_view=views,
        sizes=torch.tensor([row.size for row in rows], dtype=torch.int64).reshape(-1, 2),
        crops=torch.tensor([row.crop for row in rows], dtype=torch.int64).reshape(-1, 2),
    )

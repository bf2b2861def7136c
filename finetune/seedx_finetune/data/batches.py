"""What one forward pass reads: examples packed into one row for the language model, images for the de-tokenizer.

Shapes: L tokens of the row, E examples, C cells to encode, R blocks of image tokens to read, G images to draw,
S side of a cell in pixels, B images to denoise, H W their size in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

__all__ = ["DenoisingBatch", "PackedBatch", "Position", "Skipped"]


class Position(NamedTuple):
    """Where in the endless stream of batches training stands; all that a loader needs to resume."""

    batch: int = 0
    """Number of the batch, over all ranks."""
    window: int = 0
    """Window of samples that it was packed from."""
    offset: int = 0
    """Number of the batch within the window."""


class Skipped(NamedTuple):
    """A record that was left out."""

    name: str
    """Of the record, such as "train.jsonl:17"."""
    reason: str


@dataclass(frozen=True, slots=True)
class DenoisingBatch:
    """Images that the de-tokenizer learns to draw."""

    after: Position
    """The position of the batch that follows this one, over all ranks."""
    names: tuple[str, ...]
    """(B) records."""
    sources: tuple[str, ...]
    """(B) their sources."""
    skipped: tuple[Skipped, ...]
    """Records that this batch would have held, were they not damaged; others stand in their rows."""
    target: Tensor
    """(B, 3, H, W) uint8 images to draw, resized bicubically: to the shorter side and the center cropped; without
    keeping the ratio where there is a condition image, so that the two fit one another."""
    condition: Tensor
    """(B, 3, H, W) uint8 images to start from, resized to H x W without keeping the ratio, as at inference; zeros
    where there is none."""
    has_condition: Tensor
    """(B) bool."""
    encoder_view: Tensor
    """(B, 3, S, S) uint8: what `target` shows, as the visual encoder sees it."""
    sizes: Tensor
    """(B, 2) int64 height and width of the original."""
    crops: Tensor
    """(B, 2) int64 top and left of the crop in the resized original; zeros where it was not cropped."""


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """One row of examples, each with positions of its own; none sees another."""

    after: Position
    """The position of the batch that follows this one, over all ranks."""
    names: tuple[str, ...]
    """(E) records."""
    sources: tuple[str, ...]
    """(E) their sources."""
    skipped: tuple[Skipped, ...]
    """Records that this batch would have held, were they not too long or damaged. A batch that would be empty holds
    another record instead."""
    input_ids: Tensor
    """(1, L) int64; the examples one behind the other, nothing behind the last."""
    labels: Tensor
    """(1, L) int64, -100 where nothing is learned and at the first token of each example."""
    position_ids: Tensor
    """(1, L) int64: 0, 1, ... within each example."""
    boundaries: Tensor
    """(E + 1) int32: where each example begins, then L."""
    read_mask: Tensor
    """(1, L) bool."""
    draw_mask: Tensor
    """(1, L) bool."""
    pixels: Tensor | None
    """(C, 3, S, S) uint8, each cell once; None if every cell has cached features, or there is none."""
    features: Tensor | None
    """(C, 256, D) cached features of the visual encoder; None if they are to be computed."""
    cell_keys: tuple[str, ...]
    """(C) what `FeatureStore.put` stores the features of each cell under."""
    read_cells: Tensor
    """(R) int64 into the cells, in the order of the blocks; an image of one cell stands twice."""
    read_positions: Tensor
    """(R, 2) center of each block in its image, 0..1."""
    draw_cells: Tensor
    """(G) int64 into the cells."""
    drawn: DenoisingBatch | None = None
    """(G) the images to draw at the de-tokenizer's size, in the order of `draw_cells`; None if it is not trained."""

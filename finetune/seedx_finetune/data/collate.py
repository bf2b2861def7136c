"""Packs as tensors: here the images that the language model reads and draws are opened.

Shapes: as in batches.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seedx_finetune.data.batches import PackedBatch, Position, Skipped
from seedx_finetune.data.examples import Example
from seedx_finetune.data.features import FeatureStore
from seedx_finetune.data.images import StoredImage, cell_keys, cell_pixels
from seedx_finetune.data.packing import Pack, Packer
from seedx_finetune.data.pairs import DenoisingRow, denoising_batch, denoising_row
from seedx_finetune.errors import DataError
from seedx_sdk.model.grids import patch_positions

__all__ = ["Collator"]


@dataclass(frozen=True)
class Collator:
    """Makes the batches of packs."""

    packer: Packer
    features: FeatureStore | None = None
    """Used for batches all of whose cells it has; the stage fills it."""
    draw_size: int | None = None
    """Side of the images of `PackedBatch.drawn` in pixels; None leaves them out."""

    def batch(self, pack: Pack, after: Position, skipped: Iterable[Skipped]) -> PackedBatch:
        """Return the tensors of a pack, without the records whose images can no longer be read.

        Args:
            pack: The pack; if none of its records can be read, another record takes their place.
            after: The position of the next batch.
            skipped: What has been skipped before.

        Raises:
            DataError: If no other record can be read either.
        """
        lost = list(skipped)
        loaded = self._load(pack.examples, lost)
        substitutes = self.packer.mixture.substitutes(pack.position)
        while not loaded:
            example = self.packer.example(next(substitutes))
            if isinstance(example, Skipped):
                lost.append(example)
            else:
                loaded = self._load([example], lost)
        return self._stack(loaded, after, tuple(lost))

    def _load(self, examples: Sequence[Example], lost: list[Skipped]) -> list[_Loaded]:
        """Load the images of examples; those that fail are added to `lost`."""
        opened: list[_Loaded] = []
        for example in examples:
            try:
                opened.append(_Loaded(example, self.packer.cell, self.draw_size))
            except DataError as error:
                lost.append(Skipped(example.name, str(error)))
        keys = {key for item in opened for blocks in item.keys for key in blocks}
        cached = self.features.get_all(sorted(keys)) if self.features and keys else None
        loaded: list[_Loaded] = []
        for item in opened:
            try:
                item.load(cached)
                loaded.append(item)
            except DataError as error:
                lost.append(Skipped(item.example.name, str(error)))
        return loaded

    def _stack(self, loaded: Sequence[_Loaded], after: Position, skipped: tuple[Skipped, ...]) -> PackedBatch:
        examples = [item.example for item in loaded]
        lengths = torch.tensor([0, *(len(example.input_ids) for example in examples)])
        cells = {key: cell for item in loaded for key, cell in item.cells.items()}
        index = {key: number for number, key in enumerate(cells)}
        uses = [(use, keys) for item in loaded for use, keys in zip(item.example.images, item.keys, strict=True)]
        reads = [(use, keys) for use, keys in uses if use.role == "read"]
        centers = [center for use, _ in reads for center in patch_positions(use.columns, use.rows)]
        stacked = torch.stack(list(cells.values())) if cells else None
        is_pixels = stacked is not None and stacked.dtype == torch.uint8
        names, sources = tuple(example.name for example in examples), tuple(example.source for example in examples)
        return PackedBatch(
            after=after,
            names=names,
            sources=sources,
            skipped=skipped,
            input_ids=_row(torch.int64, *(example.input_ids for example in examples)),
            labels=_row(torch.int64, *(example.labels for example in examples)),
            position_ids=_row(torch.int64, *(range(len(example.input_ids)) for example in examples)),
            boundaries=lengths.cumsum(0, dtype=torch.int32),
            read_mask=_row(torch.bool, *(example.read_mask for example in examples)),
            draw_mask=_row(torch.bool, *(example.draw_mask for example in examples)),
            pixels=stacked if is_pixels else None,
            features=None if is_pixels else stacked,
            cell_keys=tuple(cells),
            read_cells=torch.tensor([index[key] for _, keys in reads for key in keys], dtype=torch.int64),
            read_positions=torch.tensor(centers, dtype=torch.float32).reshape(-1, 2),
            draw_cells=torch.tensor([index[keys[0]] for use, keys in uses if use.role == "draw"], dtype=torch.int64),
            drawn=None
            if self.draw_size is None
            else denoising_batch(
                [row for item in loaded for row in item.drawn],
                after,
                skipped,
                size=self.draw_size,
                cell=self.packer.cell,
            ),
        )


class _Loaded:
    """An example and its images; made, their bytes have been read.

    Raises:
        DataError: If an image cannot be read.
    """

    def __init__(self, example: Example, side: int, draw_size: int | None) -> None:
        self.example, self.side, self.draw_size = example, side, draw_size
        refs = [use.image for use in example.images]
        if draw_size is not None:
            refs += [use.condition for use in example.images if use.condition is not None]
        self.images = {ref: StoredImage(ref) for ref in refs}
        self.keys = [
            cell_keys(self.images[use.image], use.columns, use.rows, side)[-use.blocks :] for use in example.images
        ]
        """Of the cell of each block of each image."""
        self.cells: dict[str, Tensor] = {}
        """Pixels or features of each cell, by key."""
        self.drawn: list[DenoisingRow] = []

    def load(self, cached: dict[str, Tensor] | None) -> None:
        """Fill `cells`, with pixels unless features are given, and `drawn`.

        Raises:
            DataError: If an image is damaged or has changed.
        """
        for use, keys in zip(self.example.images, self.keys, strict=True):
            if cached is not None:
                self.cells |= {key: cached[key] for key in keys}
            elif not self.cells.keys() >= set(keys):
                pixels = cell_pixels(self.images[use.image].image, use.columns, use.rows, self.side)
                self.cells |= zip(keys, pixels[-len(keys) :], strict=True)
            if self.draw_size is not None and use.role == "draw":
                row = denoising_row(
                    self.images[use.image].image,
                    None if use.condition is None else self.images[use.condition].image,
                    name=self.example.name,
                    source=self.example.source,
                    size=self.draw_size,
                    cell=self.side,
                )
                self.drawn.append(row)


def _row(dtype: torch.dtype, *parts: Iterable[int]) -> Tensor:
    """Return the (1, L) tensor of parts one behind the other."""
    return torch.tensor([[value for part in parts for value in part]], dtype=dtype)

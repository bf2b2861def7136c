"""The endless stream of all ranks' batches: which ones there are is known without opening an image.

A stream yields functions; called, each makes its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count

from seedx_finetune.data.batches import DenoisingBatch, PackedBatch, Position, Skipped
from seedx_finetune.data.collate import Collator
from seedx_finetune.data.features import FeatureStore
from seedx_finetune.data.images import StoredImage
from seedx_finetune.data.mixture import Mixture
from seedx_finetune.data.packing import WINDOW, Packer
from seedx_finetune.data.pairs import DenoisingRow, Pair, denoising_batch, denoising_row, pairs_of
from seedx_finetune.errors import DataError
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["PackedStream", "PairStream"]


@dataclass(frozen=True)
class PackedStream:
    """Rows for the language model; `loader.packed_batches` describes the fields."""

    mixture: Mixture
    tokenizer: Tokenizer
    pack_length: int
    cell: int
    num_tokens: int
    features: FeatureStore | None
    draw_size: int | None

    def __call__(self, start: Position) -> Iterator[Callable[[], PackedBatch]]:
        """Yield what makes each batch from a position on.

        Raises:
            DataError: If no record makes an example that fits a row.
        """
        packer = Packer(self.mixture, self.tokenizer, self.pack_length, self.cell, self.num_tokens)
        collator = Collator(packer, self.features, self.draw_size)
        number, waiting = start.batch, list[Skipped]()
        for window in count(start.window):
            packs, skipped = packer.packs(window)
            waiting += skipped
            if not packs and len(waiting) >= len(self.mixture) + WINDOW:
                name, reason = waiting[-1]
                raise DataError(f"no record can be used; the last one, {name}: {reason}")
            for offset, pack in enumerate(packs):
                # what a window skips belongs to its first batch, which a later start has passed
                reported, waiting = waiting, []
                if window == start.window and offset < start.offset:
                    continue
                number += 1
                is_last = offset + 1 == len(packs)
                after = Position(number, window + 1, 0) if is_last else Position(number, window, offset + 1)
                yield partial(collator.batch, pack, after, reported)


@dataclass(frozen=True)
class PairStream:
    """Images for the de-tokenizer; `loader.image_pairs` describes the fields.

    A position's window is a position of the mixture here, and its offset the number of a pair in that document.
    """

    mixture: Mixture
    batch_size: int
    size: int
    cell: int

    def __call__(self, start: Position) -> Iterator[Callable[[], DenoisingBatch]]:
        """Yield what makes each batch from a position on.

        Raises:
            DataError: If no record has an image.
        """
        number = start.batch
        pairs, skipped, without = list[_Found](), list[Skipped](), 0
        for position in count(start.window):
            found, sample_skipped = _pairs_at(self.mixture, position)
            begin = start.offset if position == start.window else 0
            if not begin:
                skipped += sample_skipped
            without = 0 if found else without + 1
            if without > len(self.mixture) + WINDOW:
                raise DataError("no record of the sources has an image; the de-tokenizer learns from images alone")
            for offset in range(begin, len(found)):
                pairs.append(found[offset])
                if len(pairs) == self.batch_size:
                    number += 1
                    is_last = offset + 1 == len(found)
                    after = Position(number, position + 1, 0) if is_last else Position(number, position, offset + 1)
                    yield partial(self._batch, pairs, after, skipped)
                    pairs, skipped = [], []

    def _batch(self, pairs: list[_Found], after: Position, skipped: list[Skipped]) -> DenoisingBatch:
        lost = list(skipped)
        rows = [self._row_or_substitute(pair, lost) for pair in pairs]
        return denoising_batch(rows, after, tuple(lost), size=self.size, cell=self.cell)

    def _row_or_substitute(self, found: _Found, lost: list[Skipped]) -> DenoisingRow:
        substitutes = self.mixture.substitutes(found.position)
        while True:
            try:
                return self._row(found)
            except DataError as error:
                lost.append(Skipped(found.name, str(error)))
            others: list[_Found] = []
            while not others:
                others, skipped = _pairs_at(self.mixture, next(substitutes))
                lost += skipped
            found = others[0]

    def _row(self, found: _Found) -> DenoisingRow:
        pair = found.pair
        return denoising_row(
            StoredImage(pair.target).image,
            None if pair.condition is None else StoredImage(pair.condition).image,
            name=found.name,
            source=found.source,
            size=self.size,
            cell=self.cell,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """A pair, and where it was found."""

    pair: Pair
    position: int
    name: str
    source: str


def _pairs_at(mixture: Mixture, position: int) -> tuple[list[_Found], list[Skipped]]:
    """Return the pairs of the sample at a position, or why there is no sample."""
    try:
        sample = mixture.sample(position)
    except DataError as error:
        return [], [Skipped(mixture.name(position), str(error))]
    return [_Found(pair, position, sample.name, sample.source) for pair in pairs_of(sample.document)], []

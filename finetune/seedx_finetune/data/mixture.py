"""The endless stream of samples: which record stands at a position, and the random choices made for it.

Everything is a pure function of the seed and the position, so that any process can begin anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from seedx_finetune.data.documents import Document, RandomDraws
from seedx_finetune.data.index import Source
from seedx_finetune.errors import DataError

__all__ = ["Mixture", "Sample", "permuted"]

_WHOLE = 1 << 32
_ROUNDS = 4
"""Of the shuffle; four of them make a pseudo-random permutation (Luby and Rackoff, 1988)."""
_STRIDE = 1 << 40
"""Positions from a sample to those that can take its place: further than any run goes."""
_ATTEMPTS = 100
"""Unreadable records in a row, drawn at random, that mean that the source itself is gone."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A document of the stream."""

    name: str
    """Of its record."""
    source: str
    document: Document


class Mixture:
    """Sources mixed by weight, each shuffled anew in every epoch of its own.

    Source s stands at every 1/share-th position, so that every stretch of the stream holds them in their shares.

    Args:
        sources: What is mixed.
        seed: Of the order and of the random choices.
    """

    def __init__(self, sources: Sequence[Source], seed: int) -> None:
        self.sources, self.seed = sources, seed
        weights = [source.config.weight for source in sources]
        # of the positions that the sources before it have left, in 2**-32; the last takes all
        self._shares = [round(weight / sum(weights[i:]) * _WHOLE) for i, weight in enumerate(weights)]

    def __len__(self) -> int:
        """Return the number of records of all sources."""
        return sum(map(len, self.sources))

    def locate(self, position: int) -> tuple[int, int]:
        """Return the number of the source, and of the record in it."""
        for number, share in enumerate(self._shares):
            earlier = position * share >> 32
            if (position + 1) * share >> 32 > earlier:
                epoch, index = divmod(earlier, len(self.sources[number]))
                return number, permuted(index, len(self.sources[number]), f"{self.seed}/{number}/{epoch}")
            position -= earlier
        raise AssertionError("the last source takes every position that is left")

    def sample(self, position: int) -> Sample:
        """Return the sample at a position.

        Raises:
            DataError: If its row makes no sample; `name` then tells the record.
        """
        number, index = self.locate(position)
        source = self.sources[number]
        record = source.record(index)
        draws = RandomDraws(np.random.default_rng((self.seed, position)))
        return Sample(record.name, source.config.name, source.format.document(record.row, draws))

    def name(self, position: int) -> str:
        """Return the name of the record at a position."""
        number, index = self.locate(position)
        return self.sources[number].record(index).name

    def substitutes(self, position: int) -> Iterator[int]:
        """Yield positions whose samples can stand in the place of one that cannot be read.

        Raises:
            DataError: If too many have been asked for.
        """
        yield from (position + attempt * _STRIDE for attempt in range(1, _ATTEMPTS + 1))
        raise DataError(
            f"{self.name(position)} and {_ATTEMPTS} records drawn at random cannot be used; "
            "see whether the files are still there, and run seedx data check again"
        )


def permuted(index: int, length: int, key: str) -> int:
    """Return the place of an index 0..length-1 in a permutation that the key chooses; nothing is held in memory.

    A Feistel network permutes the smallest square of a power of two that is not below the length; what falls outside
    is permuted again.
    """
    half = max(1, ((length - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for turn in range(_ROUNDS):
            digest = blake2b(f"{key}/{turn}/{right}".encode(), digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(digest) & mask)
        index = left << half | right
        if index < length:
            return index

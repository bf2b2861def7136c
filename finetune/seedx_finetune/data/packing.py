"""Which examples of the stream share a row: windows of positions, packed best fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedx_finetune.data.batches import Skipped
from seedx_finetune.data.examples import Example, encode
from seedx_finetune.data.mixture import Mixture
from seedx_finetune.errors import DataError
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["WINDOW", "Pack", "Packer", "best_fit"]

WINDOW = 64
"""Positions of the stream that are packed together."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Examples that share a row."""

    position: int
    """Of one of them in the stream."""
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Packer:
    """Makes examples of a mixture's samples, and packs of the examples."""

    mixture: Mixture
    tokenizer: Tokenizer
    pack_length: int
    """Most tokens of a row."""
    cell: int
    """Side of a cell in pixels."""
    num_tokens: int
    """Image tokens of a block."""

    def packs(self, window: int) -> tuple[list[Pack], list[Skipped]]:
        """Return the packs of a window, and its records that make no example or are too long."""
        examples: list[tuple[int, Example]] = []
        skipped: list[Skipped] = []
        for position in range(window * WINDOW, (window + 1) * WINDOW):
            found = self.example(position)
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                examples.append((position, found))
        rows = best_fit([len(example.input_ids) for _, example in examples], self.pack_length)
        # training shall not see the longest examples first
        order = np.random.default_rng((self.mixture.seed, window)).permutation(len(rows))
        packs = [Pack(examples[rows[k][0]][0], tuple(examples[i][1] for i in rows[k])) for k in order]
        return packs, skipped

    def example(self, position: int) -> Example | Skipped:
        """Return the example at a position, never cut; or why there is none."""
        try:
            sample = self.mixture.sample(position)
        except DataError as error:
            return Skipped(self.mixture.name(position), str(error))
        example = encode(
            sample.document,
            self.tokenizer,
            name=sample.name,
            source=sample.source,
            cell=self.cell,
            num_tokens=self.num_tokens,
        )
        if (length := len(example.input_ids)) > self.pack_length:
            return Skipped(sample.name, f"it has {length} tokens, and a row holds at most {self.pack_length}")
        return example


def best_fit(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Return the indices of each row: the longest first, each into the row that it leaves the least room in.

    Args:
        lengths: Each at most the capacity.
        capacity: Most that the lengths of a row add up to.
    """
    rows: list[list[int]] = []
    room: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        fitting = [row for row in range(len(rows)) if room[row] >= lengths[i]]
        if fitting:
            row = min(fitting, key=room.__getitem__)
        else:
            row = len(rows)
            rows.append([])
            room.append(capacity)
        rows[row].append(i)
        room[row] -= lengths[i]
    return rows

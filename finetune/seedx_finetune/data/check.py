"""The check of a source: everything is read once, bad records are listed, good ones indexed and counted."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seedx_finetune.data.documents import RandomDraws
from seedx_finetune.data.examples import encode
from seedx_finetune.data.formats.base import BadRecord, Filtered, Format
from seedx_finetune.data.index import write_index
from seedx_finetune.errors import DataError
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["CheckReport", "check_source"]


@dataclass
class CheckReport:
    """What a source holds."""

    bad: int = 0
    """Records that cannot be used."""
    filtered: Counter[str] = field(default_factory=Counter)
    """Sound records that the options leave out, by reason."""
    images: int = 0
    """Images in the samples, those that stand in several counted as often."""
    lengths: array[int] = field(default_factory=lambda: array("q"))
    """Tokens of each sample, with the random choices of its first epoch."""

    @property
    def samples(self) -> int:
        """Number of records that training will see."""
        return len(self.lengths)

    @property
    def tokens(self) -> int:
        """Tokens of all samples."""
        return sum(self.lengths)

    def histogram(self) -> list[tuple[int, int]]:
        """Return (most tokens, number of samples) of each power of two up to the longest sample."""
        bins = Counter(max(0, length - 1).bit_length() for length in self.lengths)
        return [(1 << bits, bins[bits]) for bits in range(min(bins), max(bins) + 1)] if bins else []


def check_source(
    path: Path,
    format: Format,
    tokenizer: Tokenizer,
    *,
    cell: int,
    num_tokens: int,
    on_bad: Callable[[BadRecord], None],
) -> CheckReport:
    """Read every record of a source, and write the index of the good ones.

    Args:
        path: File or directory.
        format: Its format, with its options.
        tokenizer: For the lengths.
        cell: Side of a cell of the visual encoder in pixels.
        num_tokens: Image tokens of a block.
        on_bad: Called with each bad record, in order.

    Raises:
        DataError: If there is nothing of this format, or the index cannot be written.
    """
    report = CheckReport()
    with write_index(path, format) as index:
        for found in format.scan(path):
            index.saw(found.name)
            if isinstance(found, Filtered):
                report.filtered[found.reason] += 1
                continue
            if not isinstance(found, BadRecord):
                try:
                    document = format.document(found.row, RandomDraws(np.random.default_rng((0, len(index)))))
                    example = encode(
                        document, tokenizer, name=found.name, source=format.name, cell=cell, num_tokens=num_tokens
                    )
                    index.add(found)
                    report.lengths.append(len(example.input_ids))
                    report.images += len(example.images)
                    continue
                except DataError as error:
                    found = BadRecord(found.name, str(error))
            report.bad += 1
            on_bad(found)
        index.counts |= {"records": report.samples, "bad": report.bad, "filtered": report.filtered.total()}
        index.counts |= {"tokens": report.tokens, "images": report.images}
    return report

"""Batches of a mixture, from any position on, for one of any number of ranks, by any number of workers.

Every worker walks the whole stream and makes only the batches that are its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context, parent_process
from typing import Generic, TypeVar

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from seedx_finetune.data.batches import DenoisingBatch, PackedBatch, Position
from seedx_finetune.data.config import LoaderSettings, SourceConfig
from seedx_finetune.data.features import FeatureStore
from seedx_finetune.data.index import Source
from seedx_finetune.data.mixture import Mixture
from seedx_finetune.data.streams import PackedStream, PairStream
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["image_pairs", "packed_batches"]

B = TypeVar("B")
Stream = Callable[[Position], Iterator[Callable[[], B]]]


def packed_batches(
    sources: Sequence[SourceConfig],
    run: LoaderSettings,
    tokenizer: Tokenizer,
    *,
    pack_length: int,
    cell: int,
    num_tokens: int,
    start: Position,
    rank: int,
    world: int,
    features: FeatureStore | None = None,
    draw_size: int | None = None,
) -> Iterator[PackedBatch]:
    """Return this rank's rows for the language model, without an end: those whose number % world == rank.

    Args:
        sources: What is mixed.
        run: The seed and the number of workers.
        tokenizer: Of the language model.
        pack_length: Most tokens of a row; longer examples are skipped, by name.
        cell: Side of a cell of the visual encoder in pixels.
        num_tokens: Image tokens of a block.
        start: Position of the first batch, over all ranks.
        rank: Of this process.
        world: Number of ranks.
        features: Cached features, which come in the place of pixels where a batch has all of them.
        draw_size: Side of the images that a de-tokenizer draws, in pixels; with it, batches have `drawn`.

    Raises:
        DataError: If a source has not been checked or has changed since; in `next`, if no record of it can be used.
    """
    stream = PackedStream(_mixture(sources, run), tokenizer, pack_length, cell, num_tokens, features, draw_size)
    return _load(stream, run.workers, start, rank, world)


def image_pairs(
    sources: Sequence[SourceConfig],
    run: LoaderSettings,
    *,
    batch_size: int,
    size: int,
    cell: int,
    start: Position,
    rank: int,
    world: int,
) -> Iterator[DenoisingBatch]:
    """Return this rank's batches for the de-tokenizer, without an end: those whose number % world == rank.

    Args:
        sources: What is mixed.
        run: The seed and the number of workers.
        batch_size: Rows of every batch.
        size: Side of the images to draw, in pixels.
        cell: Side of a cell of the visual encoder in pixels.
        start: Position of the first batch, over all ranks.
        rank: Of this process.
        world: Number of ranks.

    Raises:
        DataError: As `packed_batches`.
    """
    return _load(PairStream(_mixture(sources, run), batch_size, size, cell), run.workers, start, rank, world)


def _mixture(sources: Sequence[SourceConfig], run: LoaderSettings) -> Mixture:
    return Mixture([Source(source) for source in sources], run.seed)


def _load(stream: Stream[B], workers: int, start: Position, rank: int, world: int) -> Iterator[B]:
    # A fork of this process might hang: it has threads, and may use a GPU. The workers are forks of a clean one.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    loader: DataLoader[B] = DataLoader(
        _Batches(stream, start, rank, world),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context=context if workers else None,
        worker_init_fn=_end_with_parent,
        # the global generator is left as it is
        generator=torch.Generator(),
    )
    return iter(loader)


def _end_with_parent(_: int) -> None:
    """Let a worker end when the process that it works for is killed; the server that forked it stays alive with it."""
    parent = parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class _Batches(IterableDataset[B], Generic[B]):
    """The batches of a rank; of a worker, if one iterates."""

    def __init__(self, stream: Stream[B], start: Position, rank: int, world: int) -> None:
        self.stream, self.start, self.rank, self.world = stream, start, rank, world

    def __iter__(self) -> Iterator[B]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        turn = 0
        for number, make in enumerate(self.stream(self.start), self.start.batch):
            if number % self.world == self.rank:
                if turn % workers == worker:
                    yield make()
                turn += 1

"""The stage of the language model, with rows that alternate: one with images, one of text alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from seedx_finetune.data.batches import PackedBatch, Position
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.stages.multimodal import MultimodalConfig, MultimodalStage
from seedx_finetune.training.config import RunConfig

__all__ = ["AlternatingConfig"]


class AlternatingConfig(MultimodalConfig):
    """Of two sources, the first gives the even rows and the second the odd ones."""

    def build(self) -> MultimodalStage:
        """Return the stage."""
        return _AlternatingStage(self)


class _AlternatingStage(MultimodalStage):
    def batches(
        self, sources: Sequence[SourceConfig], run: RunConfig, *, start: Position, rank: int, world: int
    ) -> Iterator[PackedBatch]:
        assert start == Position()
        streams = [super(_AlternatingStage, self).batches([s], run, start=start, rank=0, world=1) for s in sources]
        for number in count():
            batch = next(streams[number % len(streams)])
            if number % world == rank:
                yield replace(batch, after=Position(number + 1))

"""A tiny model, and two sources: conversations of which some have images, and edits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from seedx_finetune.data.batches import PackedBatch, Position
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.stages.initial import CheckpointInitial
from seedx_finetune.stages.multimodal import MultimodalConfig, MultimodalStage
from seedx_finetune.training.config import RunConfig
from seedx_sdk.testing.tiny import tiny_model
from tests.support.small_book import indexed, write_book


@pytest.fixture(scope="session")
def model_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[SourceConfig, ...]:
    directory = tmp_path_factory.mktemp("book")
    write_book(directory)
    return (
        indexed("chat", "llava", directory / "chat.jsonl", grids=["1x1", "2x1"]),
        indexed("edits", "edits", directory / "edits.jsonl", min_side=0, min_aspect=0.0),
    )


@pytest.fixture
def make_stage(model_directory: Path) -> Callable[..., MultimodalStage]:
    def make(**changes: Any) -> MultimodalStage:
        settings = {"initial": CheckpointInitial(directory=model_directory), "pack_length": 1024, **changes}
        return MultimodalConfig(**settings).build()

    return make


@pytest.fixture
def rows(sources: tuple[SourceConfig, ...], make_stage: Callable[..., MultimodalStage]) -> Iterator[list[PackedBatch]]:
    """Give some rows, of which the first has documents of both sources."""
    batches = make_stage().batches(sources, RunConfig(seed=1), start=Position(), rank=0, world=1)
    yield list(islice(batches, 8))

"""A tiny checkpoint directory, and batches of pages of the picture book as the de-tokenizer reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs its libraries: pip install 'seedx-sdk[train]'")

from PIL import Image  # noqa: E402
from torch import Tensor  # noqa: E402

from seedx_finetune.data.batches import DenoisingBatch, Position  # noqa: E402
from seedx_finetune.world import render, sample_edit  # noqa: E402
from seedx_sdk.testing.tiny import tiny_model  # noqa: E402

BatchMaker = Callable[..., DenoisingBatch]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def make_batch() -> BatchMaker:
    """Make a batch whose odd rows are edits and whose even rows are pages without a condition image."""

    def make(count: int, *, size: int = 16, cell: int = 64, seed: int = 0) -> DenoisingBatch:
        rng = np.random.default_rng(seed)
        edits = [sample_edit(rng) for _ in range(count)]
        edited = torch.arange(count) % 2 == 1
        condition = _pixels([render(edit.source, size) for edit in edits])
        condition[~edited] = 0
        return DenoisingBatch(
            after=Position(batch=1),
            names=tuple(f"book:{row}" for row in range(count)),
            sources=tuple("edits" if row % 2 else "pages" for row in range(count)),
            skipped=(),
            target=_pixels([render(edit.target, size) for edit in edits]),
            condition=condition,
            has_condition=edited,
            encoder_view=_pixels([render(edit.target, cell) for edit in edits]),
            sizes=torch.full((count, 2), 2 * size),
            crops=torch.tensor([[0, size // 2]]).repeat(count, 1),
        )

    return make


def _pixels(images: list[Image.Image]) -> Tensor:
    stacked: Tensor = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    return stacked.permute(0, 3, 1, 2).contiguous()

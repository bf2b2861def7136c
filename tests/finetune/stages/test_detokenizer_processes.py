"""The stages of the de-tokenizer on two processes, of which one may have no image in its batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from seedx_finetune.data.config import SourceConfig
from seedx_finetune.stages.adapt_detokenizer import AdaptDetokenizerConfig
from seedx_finetune.stages.denoising import DenoisingConfig
from seedx_finetune.stages.detokenizer import DetokenizerConfig
from seedx_finetune.training.config import OptimizerConfig, RunConfig
from seedx_finetune.training.recipe import RecipeConfig
from tests.support.training_processes import checkpoint_tensors, run_training


def _stage_2(**settings: Any) -> DenoisingConfig:
    return DetokenizerConfig(
        **settings, trained="unet", batch_size=2, drop_features=0.05, drop_condition=0.05, drop_both=0.05
    )


def _adaptation(**settings: Any) -> DenoisingConfig:
    return AdaptDetokenizerConfig(**settings, trained="keys_values", pack_length=256)


@pytest.mark.nightly
@pytest.mark.parametrize("make", [_stage_2, _adaptation])
def test_two_processes_train_as_one(
    make: Any, model_directory: Path, sources: tuple[SourceConfig, ...], tmp_path: Path
) -> None:
    stage = make(
        start=model_directory / "detokenizer_edit",
        checkpoint_dir=model_directory,
        condition=True,
        image_size=16,
        sheet_steps=2,
    )
    recipe = RecipeConfig(
        name="detokenizer",
        stage=stage,
        sources=sources,
        held_out=sources[1:],
        optimizer=OptimizerConfig(steps=4, warmup_steps=1, ema_decay=0.9),
        run=RunConfig(device="cpu", batches_per_update=2, save_every=2, evaluate_every=2, evaluation_batches=1),
    )
    ends = []
    for processes in (1, 2):
        outcomes = run_training(recipe, tmp_path / str(processes), processes=processes)
        assert [(outcome.exit_code, outcome.error) for outcome in outcomes] == [(0, None)] * processes
        ends.append(checkpoint_tensors(tmp_path / str(processes) / "checkpoints" / "00000004"))
    one, two = ends
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close({name: two[name]}, {name: value}, rtol=1e-5, atol=1e-6)

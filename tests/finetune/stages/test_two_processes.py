from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from seedx_finetune.data.config import SourceConfig
from seedx_finetune.stages.initial import CheckpointInitial
from seedx_finetune.stages.lora import LoraSettings
from seedx_finetune.training.config import OptimizerConfig, RunConfig
from seedx_finetune.training.recipe import RecipeConfig
from tests.support.alternating_stage import AlternatingConfig
from tests.support.small_book import indexed
from tests.support.training_processes import checkpoint_tensors, run_training


def recipe(model: Path, sources: tuple[SourceConfig, ...]) -> RecipeConfig:
    """One update of two rows, with nothing random and nothing clipped."""
    return RecipeConfig(
        name="alternating",
        stage=AlternatingConfig(
            initial=CheckpointInitial(directory=model), lora=LoraSettings(dropout=0), pack_length=512
        ),
        sources=sources,
        optimizer=OptimizerConfig(steps=1, schedule="constant", clip=1e9),
        run=RunConfig(device="cpu", batches_per_update=2, save_every=1, log_every=1),
    )


def loss_and_gradients(directory: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what the update minimized, and every gradient: AdamW's first moment is a tenth of it."""
    lines = [json.loads(line) for line in (directory / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    (line,) = (line for line in lines if line["event"] == "train")
    tensors = checkpoint_tensors(directory / "checkpoints" / "00000001")
    gradients = {name: 10 * tensor for name, tensor in tensors.items() if name.endswith("/exp_avg")}
    return {name: value for name, value in line.items() if name.startswith(("lm", "regression"))}, gradients


@pytest.mark.nightly  # several processes start; in every run two train in test_updates.py
@pytest.mark.slow
def test_a_process_without_images_changes_no_gradient_and_hangs_no_other(
    tmp_path: Path, model_directory: Path, sources: tuple[SourceConfig, ...]
) -> None:
    text = tmp_path / "text.jsonl"
    text.write_text('{"text": "A dog has four legs."}\n{"text": "The sun is yellow."}\n', encoding="utf-8")
    with_images = next(source for source in sources if source.format == "edits")
    config = recipe(model_directory, (with_images, indexed("text", "text", text)))
    for processes in (1, 2):
        outcomes = run_training(config, tmp_path / str(processes), processes=processes)
        assert [outcome.error for outcome in outcomes] == [None] * processes
    (one_loss, one), (two_loss, two) = (loss_and_gradients(tmp_path / str(processes)) for processes in (1, 2))
    assert one_loss.keys() == {"lm", "lm/edits", "lm/text", "regression", "regression/edits"}
    assert two_loss == pytest.approx(one_loss, abs=1e-5)
    assert all(gradient.abs().max() > 0 for name, gradient in one.items() if "output_resampler" in name)
    torch.testing.assert_close(two, one, atol=1e-5, rtol=1e-5)

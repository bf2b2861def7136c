"""What stops a run says where and why, and the last checkpoint is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seedx_finetune.errors import ConfigError
from seedx_finetune.training.config import SourceConfig
from seedx_finetune.training.failures import (
    BadRecordsError,
    GeneralLossError,
    NonFiniteError,
    NothingSupervisedError,
    TrainingMemoryError,
)
from seedx_finetune.training.loop import Update, train
from seedx_sdk.errors import OutputPathError
from tests.support.tiny_stage import TinyStageConfig, tiny_recipe
from tests.support.training_processes import run_training

GENERAL = SourceConfig(name="captions", format="text", path=Path("general"), weight=1)


def log(directory: Path, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (directory / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


def test_nan_names_the_batch_and_the_next_run_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    """Batch 7, of samples 14 and 15, is the second of update 4."""
    with pytest.raises(NonFiniteError) as caught:
        train(tiny_recipe(stage=TinyStageConfig(nan_at=7)), tmp_path)
    error = caught.value
    assert (error.step, error.sources, error.samples) == (4, ("book", "web"), ("train:14", "train:15"))
    assert "update 4: the loss 'lm' is nan" in str(error)
    assert "lower optimizer.learning_rate" in str(error)

    steps: list[Update] = []
    train(tiny_recipe(), tmp_path, allow_change=["stage.nan_at"], on_update=steps.append)
    assert [update.step for update in steps] == [3, 4, 5, 6]


def test_out_of_memory_names_the_batch_and_says_what_to_change(tmp_path: Path) -> None:
    with pytest.raises(TrainingMemoryError) as caught:
        train(tiny_recipe(stage=TinyStageConfig(out_of_memory_at=5)), tmp_path)
    assert str(caught.value) == (
        "update 3: out of memory (CUDA out of memory); sources: book, web; samples: train:10, train:11; make the "
        "stage's batches smaller and raise run.batches_per_update, set run.checkpoint_activations=true, or use more "
        "processes"
    )
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000002"]


def test_an_update_without_anything_to_learn_stops(tmp_path: Path) -> None:
    """The images of a batch count too; batches of one odd sample have none."""
    recipe = tiny_recipe(stage=TinyStageConfig(batch_size=1, unsupervised_from=5), batches_per_update=1)
    with pytest.raises(NothingSupervisedError) as caught:
        train(recipe, tmp_path)
    assert (caught.value.step, caught.value.samples) == (6, ("train:5",))


def test_skipped_records_are_counted_and_logged_by_name(tmp_path: Path) -> None:
    train(tiny_recipe(stage=TinyStageConfig(bad_every=3)), tmp_path)
    assert [(line["step"], line["name"], line["reason"]) for line in log(tmp_path, "skipped")] == [
        (1, "train:bad-0", "not an image"),
        (2, "train:bad-3", "not an image"),
        (4, "train:bad-6", "not an image"),
        (5, "train:bad-9", "not an image"),
    ]
    assert [line["skipped"] for line in log(tmp_path, "train")] == [2, 3, 4]


def test_too_many_skipped_records_stop_the_run(tmp_path: Path) -> None:
    """The share is one of at least 1000 records: 0.2 % are two, the third is too many."""
    with pytest.raises(BadRecordsError, match=r"update 4: 3 of 19 records .* the last: train:bad-6: not an image"):
        train(tiny_recipe(stage=TinyStageConfig(bad_every=3), max_bad_share=0.002), tmp_path)


def test_the_general_loss_is_measured_from_before_the_first_update(tmp_path: Path) -> None:
    train(tiny_recipe().model_copy(update={"general": (GENERAL,)}), tmp_path)
    losses = log(tmp_path, "general")
    assert [line["step"] for line in losses] == [0, 3, 6]
    assert losses[0]["loss"] > losses[1]["loss"] > losses[2]["loss"]


def test_a_model_that_loses_what_it_could_do_stops_the_run(tmp_path: Path) -> None:
    recipe = tiny_recipe(learning_rate=3.0, save_every=1).model_copy(update={"general": (GENERAL,)})
    with pytest.raises(GeneralLossError) as caught:
        train(recipe, tmp_path)
    before, after = log(tmp_path, "general")
    assert after["loss"] > 1.25 * before["loss"]
    assert caught.value.step == after["step"] == 3 and caught.value.sources == ("captions",)
    assert f"the general loss rose from {before['loss']:.4g} to {after['loss']:.4g}" in str(caught.value)
    assert "mix a general source into `sources`" in str(caught.value)
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == ["00000001", "00000002"]

    with pytest.raises(GeneralLossError, match=f"rose from {before['loss']:.4g}"):  # resumed, with the first loss kept
        train(recipe, tmp_path)
    assert len(log(tmp_path, "general")) == 3


def test_a_mistake_fails_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stage.batch_size is 0; use 1 or more"):
        train(tiny_recipe(stage=TinyStageConfig(batch_size=0)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputPathError, match=r"cannot write in \S+/file/run \(Not a directory\); choose another"):
        train(tiny_recipe(), tmp_path / "file" / "run")


@pytest.mark.nightly  # processes start for it alone
@pytest.mark.slow
def test_batches_that_the_processes_cannot_share_are_refused(tmp_path: Path) -> None:
    outcomes = run_training(tiny_recipe(batches_per_update=3), tmp_path / "run", processes=2)
    assert [outcome.error for outcome in outcomes] == [
        "ConfigError: run.batches_per_update is 3, which 2 processes cannot share; use a multiple of 2"
    ] * 2


@pytest.mark.nightly
def test_nan_on_one_process_stops_both(tmp_path: Path) -> None:
    recipe = tiny_recipe(stage=TinyStageConfig(nan_at=7))
    outcomes = run_training(recipe, tmp_path / "run", processes=2)
    for outcome in outcomes:
        assert outcome.error is not None
        assert outcome.error.startswith("NonFiniteError: update 4: the loss 'lm' is nan; sources: book, web; samples: ")

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from seedx_finetune.training.loop import Update, train
from seedx_finetune.training.recipe import RecipeConfig
from tests.support.tiny_stage import TinyStage, TinyStageConfig, tiny_recipe
from tests.support.training_processes import checkpoint_tensors, run_training


def one_update(batch_size: int, batches: int) -> RecipeConfig:
    """Return a recipe of the first eight samples, in so many batches; nothing random, nothing clipped."""
    return tiny_recipe(
        stage=TinyStageConfig(batch_size=batch_size, dropout=0, noise=0),
        steps=1,
        schedule="constant",
        clip=1e9,
        batches_per_update=batches,
        evaluation_batches=0,
        save_every=1,
    )


def loss_and_gradients(directory: Path) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Return what the first update minimized, and every gradient: AdamW's first moment is a tenth of it."""
    lines = [json.loads(line) for line in (directory / "log.jsonl").read_text().splitlines()]
    (line,) = (line for line in lines if line["event"] == "train")
    tensors = checkpoint_tensors(directory / "checkpoints" / "00000001")
    moments = {name: tensor * 10 for name, tensor in tensors.items() if name.endswith("/exp_avg")}
    return {name: value for name, value in line.items() if name.startswith(("lm", "regression"))}, moments


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], dict[str, Tensor]]:
    """One process, one batch."""
    directory = tmp_path_factory.mktemp("whole")
    train(one_update(8, 1), directory)
    return loss_and_gradients(directory)


@pytest.mark.parametrize("batches", [2, 4])
def test_accumulated_batches_are_one_large_batch(whole: tuple[Any, Any], batches: int, tmp_path: Path) -> None:
    train(one_update(8 // batches, batches), tmp_path)
    loss, gradients = loss_and_gradients(tmp_path)
    assert loss == pytest.approx(whole[0], abs=1e-5)
    torch.testing.assert_close(gradients, whole[1], atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "batches", [pytest.param(2, marks=pytest.mark.nightly), 4, pytest.param(8, marks=pytest.mark.nightly)]
)
def test_two_processes_are_one_large_batch(whole: tuple[Any, Any], batches: int, tmp_path: Path) -> None:
    """With eight batches of one sample the second process has no image: it must not hang, nor change the mean."""
    outcomes = run_training(one_update(8 // batches, batches), tmp_path, processes=2)
    assert [outcome.error for outcome in outcomes] == [None, None]
    loss, gradients = loss_and_gradients(tmp_path)
    assert loss == pytest.approx(whole[0], abs=1e-5)
    torch.testing.assert_close(gradients, whole[1], atol=1e-5, rtol=1e-5)


@pytest.mark.nightly  # processes start for it alone
@pytest.mark.slow
def test_dropout_and_noise_do_not_depend_on_the_processes(tmp_path: Path) -> None:
    recipe = tiny_recipe(stage=TinyStageConfig(batch_size=1))
    for processes in (1, 2):
        outcomes = run_training(recipe, tmp_path / str(processes), processes=processes)
        assert {outcome.error for outcome in outcomes} == {None}
    one, two = (load_file(tmp_path / str(processes) / "model" / "model.safetensors") for processes in (1, 2))
    torch.testing.assert_close(two, one, atol=1e-6, rtol=1e-5)
    assert (tmp_path / "1/samples/00000006.png").read_bytes() == (tmp_path / "2/samples/00000006.png").read_bytes()


def losses_of(recipe: RecipeConfig, directory: Path) -> list[float]:
    losses: list[float] = []
    train(recipe, directory, on_update=lambda update: losses.append(update.loss))
    return losses


def test_recomputed_activations_train_the_same(tmp_path: Path) -> None:
    """Dropout too: the recomputation draws it again."""
    plain = losses_of(tiny_recipe(checkpoint_activations=False), tmp_path / "plain")
    assert losses_of(tiny_recipe(checkpoint_activations=True), tmp_path / "recomputed") == pytest.approx(
        plain, abs=1e-6
    )


@pytest.mark.nightly
@pytest.mark.filterwarnings("default")  # the compiler's own
@pytest.mark.parametrize("recompute", [False, True])
def test_compiled_blocks_train_the_same(recompute: bool, tmp_path: Path) -> None:
    stage = TinyStageConfig(dropout=0)  # compiled code draws other random numbers
    plain = losses_of(tiny_recipe(stage=stage, steps=2), tmp_path / "plain")
    compiled = tiny_recipe(stage=stage, steps=2, compile=True, checkpoint_activations=recompute)
    assert losses_of(compiled, tmp_path / "compiled") == pytest.approx(plain, abs=1e-4)


def test_loss_falls_and_the_schedule_is_followed(tmp_path: Path) -> None:
    updates: list[Update] = []
    recipe = tiny_recipe(steps=40, learning_rate=0.03, warmup_steps=3, save_every=40, evaluate_every=40)
    train(recipe, tmp_path, on_update=updates.append)
    assert [update.step for update in updates] == list(range(1, 41))
    assert [update.learning_rate for update in updates[:4]] == pytest.approx([0, 0.01, 0.02, 0.03])
    assert updates[-1].learning_rate < 0.002
    assert updates[-1].terms["lm"] < 3.2 < 3.6 < updates[0].terms["lm"]


def test_the_average_is_exported(tmp_path: Path) -> None:
    recipe = tiny_recipe(save_every=1, keep_last=6, ema_decay=0.8)
    exported = load_file(train(recipe, tmp_path) / "model.safetensors")
    average = dict(TinyStageConfig().build().model(torch.device("cpu"), torch.float32).named_parameters())
    for step in range(1, 7):
        weights = checkpoint_tensors(tmp_path / "checkpoints" / f"{step:08d}")
        average = {name: p.lerp(weights.get(f"weights.{name}", p), 0.2) for name, p in average.items()}  # type: ignore[misc]
    torch.testing.assert_close(exported, {name: p.detach() for name, p in average.items()}, atol=1e-6, rtol=1e-5)
    assert not torch.equal(exported["lm_head.weight"], weights["weights.lm_head.weight"])


def test_without_an_average_the_last_weights_are_exported(tmp_path: Path) -> None:
    exported = load_file(train(tiny_recipe(ema_decay=None), tmp_path) / "model.safetensors")
    last = checkpoint_tensors(tmp_path / "checkpoints" / "00000006")
    assert torch.equal(exported["lm_head.weight"], last["weights.lm_head.weight"])


class KeepingConfig(TinyStageConfig):
    """Keeps the stage, so that the model which was trained can be looked at."""

    def build(self) -> TinyStage:
        STAGES.append(super().build())
        return STAGES[-1]


STAGES: list[TinyStage] = []


def test_frozen_weights_keep_their_type_and_values(tmp_path: Path) -> None:
    train(tiny_recipe(stage=KeepingConfig(), dtype="bfloat16"), tmp_path)
    trained = STAGES.pop().models[0]
    fresh = dict(TinyStageConfig().build().model(torch.device("cpu"), torch.bfloat16).named_parameters())
    for name, parameter in trained.named_parameters():
        assert parameter.dtype == (torch.float32 if parameter.requires_grad else torch.bfloat16)
        assert torch.equal(parameter, fresh[name]) != parameter.requires_grad, name

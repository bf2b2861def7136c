"""The training loop: it learns, it resumes to the same weights, and it stops at nonsense."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from seedx_finetune.nano.trainer import Loss, TrainConfig, load_weights, save_weights, train
from seedx_finetune.training.schedule import lr_at

CONFIG = TrainConfig(steps=30, batch_size=16, learning_rate=0.05, warmup_steps=5, ema_decay=0.9, save_every=8, seed=4)


def toy() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    model[0].bias.requires_grad_(False)
    return model


def toy_loss(model: nn.Module, *, cut_at: int | None = None) -> Loss:
    def loss(step: int) -> dict[str, Tensor]:
        if step == cut_at:
            raise KeyboardInterrupt
        x = torch.randn(CONFIG.batch_size, 3, generator=torch.Generator().manual_seed(step))
        noise = 0.01 * torch.randn(CONFIG.batch_size)  # the loop seeds the global generator
        error = (model(x)[:, 0] - x.sum(1).tanh() + noise).square().mean()
        return {"loss": error, "twice": 2 * error.detach()}

    return loss


def rows(directory: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (directory / "log.jsonl").read_text().splitlines()]


def test_the_loss_goes_down_and_is_logged(tmp_path: Path) -> None:
    model = toy()
    frozen = model.get_parameter("0.bias").clone()
    config = TrainConfig(steps=101, batch_size=16, learning_rate=0.05, warmup_steps=5)
    assert train("toy", model, toy_loss(model), config, tmp_path) is model
    log = rows(tmp_path)
    assert [row["step"] for row in log] == [0, 20, 40, 60, 80, 100]
    assert log[-1]["loss"] < 0.1 * log[0]["loss"]
    assert log[0]["twice"] == pytest.approx(2 * log[0]["loss"], abs=2e-5)  # five digits are kept
    assert {"seconds", "grad_norm"} <= set(log[0])
    assert torch.equal(model.get_parameter("0.bias"), frozen)
    assert not model.training


@pytest.mark.parametrize(("cut_at", "muon"), [(5, ()), (17, ()), (29, ()), (17, ("0.",))])
def test_a_run_that_was_cut_off_ends_with_the_same_weights(tmp_path: Path, cut_at: int, muon: tuple[str, ...]) -> None:
    config = replace(CONFIG, muon=muon)
    whole = toy()
    train("toy", whole, toy_loss(whole), config, tmp_path / "whole")
    cut = toy()
    with pytest.raises(KeyboardInterrupt):
        train("toy", cut, toy_loss(cut, cut_at=cut_at), config, tmp_path / "cut")
    resumed = toy()
    torch.manual_seed(99)
    train("toy", resumed, toy_loss(resumed), config, tmp_path / "cut")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert rows(tmp_path / "cut")[-1]["loss"] == rows(tmp_path / "whole")[-1]["loss"]


def test_muon_moves_a_matrix_alike_in_all_directions_and_adamw_trains_the_rest(tmp_path: Path) -> None:
    model = toy()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    train(
        "toy", model, toy_loss(model), replace(CONFIG, steps=1, warmup_steps=0, muon=("0.",), ema_decay=None), tmp_path
    )
    moved = {name: p.detach() - before[name] for name, p in model.named_parameters()}
    values = torch.linalg.svdvals(moved["0.weight"])
    assert values.min() > 0.5 * values.max()
    assert float(moved["0.weight"].square().mean().sqrt()) == pytest.approx(0.2 * CONFIG.learning_rate, rel=0.4)
    signs = moved["2.weight"].abs()  # AdamW's first update is as large everywhere
    assert signs.min() > 0.9 * signs.max() > 0


def test_a_finished_run_gives_its_weights_again_without_training(tmp_path: Path) -> None:
    first, again = toy(), toy()
    train("toy", first, toy_loss(first), CONFIG, tmp_path)
    train("toy", again, toy_loss(again, cut_at=0), CONFIG, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_without_an_average_the_last_weights_stay(tmp_path: Path) -> None:
    averaged, plain = toy(), toy()
    train("toy", averaged, toy_loss(averaged), CONFIG, tmp_path / "averaged")
    config = TrainConfig(steps=30, batch_size=16, learning_rate=0.05, warmup_steps=5, seed=4)
    train("toy", plain, toy_loss(plain), config, tmp_path / "plain")
    weight = plain.get_parameter("2.weight").detach()
    assert not torch.equal(averaged.get_parameter("2.weight"), weight)
    checkpoint = torch.load(tmp_path / "averaged" / "checkpoint.pt", weights_only=True)
    torch.testing.assert_close(checkpoint["weights"]["2.weight"], weight, atol=0, rtol=0)


def test_slow_parameters_train_at_a_tenth_of_the_rate(tmp_path: Path) -> None:
    model = toy()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    config = TrainConfig(steps=1, batch_size=16, learning_rate=0.01, warmup_steps=0, weight_decay=0, slow=("2.w",))
    train("toy", model, toy_loss(model), config, tmp_path)
    moved = {name: (p - before[name]).abs().max().item() for name, p in model.named_parameters()}
    # Adam's first step is the rate itself
    assert moved["0.weight"] == pytest.approx(0.01, rel=1e-2)
    assert moved["2.weight"] == pytest.approx(0.001, rel=1e-2)


def test_a_loss_that_is_not_a_number_stops_the_run(tmp_path: Path) -> None:
    model = toy()
    with pytest.raises(FloatingPointError, match="the loss is nan at update 0; lower the rate"):
        train("toy", model, lambda _: {"loss": model(torch.full((1, 3), float("nan"))).sum()}, CONFIG, tmp_path)


@pytest.mark.parametrize("change", [{"steps": 0}, {"batch_size": 0}, {"save_every": 0}, {"learning_rate": 0.0}])
def test_a_config_that_cannot_train_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        TrainConfig(**{"steps": 1, "batch_size": 1, "learning_rate": 1e-3} | change)  # type: ignore[arg-type]


def test_weights_are_written_whole_and_read_back_exactly(tmp_path: Path) -> None:
    first, second = toy(), nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    save_weights(first, tmp_path / "new" / "toy.safetensors")
    load_weights(second, tmp_path / "new" / "toy.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["toy.safetensors"]
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_weights(nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)), tmp_path / "new" / "toy.safetensors")


def test_the_rate_rises_then_falls_to_its_floor() -> None:
    rates = [lr_at(step, "cosine", 1.0, 10, 100, 0.05) for step in range(101)]
    assert (rates[0], rates[5], rates[10]) == (0.0, 0.5, 1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.05)
    with pytest.raises(ValueError, match="is unknown; use one of"):
        lr_at(0, "step", 1.0, 0, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="takes no min_lr_ratio"):
        lr_at(0, "linear", 1.0, 0, 1, 0.1)

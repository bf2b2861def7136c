from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from seedx_finetune.training.log import Meter, Part, objective, summarize
from seedx_finetune.training.loop import train
from seedx_finetune.training.stage import Amounts
from tests.support.tiny_stage import tiny_recipe

PARTS = [
    Part("lm", "book", 6.0, 3, 1.0),
    Part("lm", "web", 2.0, 1, 1.0),
    Part("regression", "book", 0.5, 1, 6.0),
    Part("lm", "web", 1.0, 1, 1.0),
]


def test_terms_are_means_over_all_batches() -> None:
    assert summarize(PARTS) == {"lm": 1.8, "regression": 0.5, "lm/book": 2.0, "lm/web": 1.5, "regression/book": 0.5}
    assert objective(PARTS) == pytest.approx(1.8 + 6 * 0.5)


def test_a_term_without_any_item_is_left_out() -> None:
    assert summarize([*PARTS, Part("regression", "web", 0.0, 0, 6.0)]) == summarize(PARTS)


def test_rates_are_of_the_time_of_the_updates() -> None:
    meter = Meter(torch.device("cpu"), world=1)
    meter.parts, meter.updates, meter.seconds = list(PARTS), 4, 2.0
    meter.amounts = [Amounts(tokens=90, images=3, padding=10), Amounts(tokens=60, images=1, padding=40)]
    values = meter.read()
    assert values.pop("peak_memory_gb") > 0.05
    assert values == summarize(PARTS) | {
        "seconds_per_update": 0.5,
        "tokens_per_s": 75.0,
        "images_per_s": 2.0,
        "padding_share": 0.25,
    }
    assert (meter.parts, meter.amounts, meter.updates, meter.seconds) == ([], [], 0, 0.0)


def test_utilization_is_of_all_devices_at_their_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H100 80GB HBM3")
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: 3_000_000_000)
    meter = Meter(torch.device("cuda"), world=2, updates=1, seconds=10.0, amounts=[Amounts(flops=989.4e13)])
    values = meter.read()
    assert values["flops_utilization"] == pytest.approx(0.5)
    assert values["peak_memory_gb"] == 3.0


def test_the_same_numbers_are_in_the_file_and_on_the_board(tmp_path: Path) -> None:
    train(tiny_recipe(), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["event"], line["step"]) for line in lines] == [
        ("start", 0),
        ("checkpoint", 2),
        ("train", 2),
        ("held_out", 3),
        ("checkpoint", 4),
        ("train", 4),
        ("held_out", 6),
        ("checkpoint", 6),
        ("train", 6),
    ]
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    for line in lines[1:]:
        for name in line.keys() - {"event", "step"}:
            scalars = board.Scalars(f"{line['event']}/{name}")
            assert {s.step: s.value for s in scalars}[line["step"]] == pytest.approx(line[name])
    assert set(lines[2]) >= {"lm", "regression", "lm/book", "lm/web", "tokens_per_s", "grad_norm", "learning_rate"}
    assert (tmp_path / "samples/00000003.png").is_file()
    assert json.loads((tmp_path / "recipe.json").read_text()) == tiny_recipe().to_dict()


def test_held_out_loss_does_not_depend_on_the_training_batches(tmp_path: Path) -> None:
    """The weights of update 1 are those that it began with: the first learning rate is 0."""
    losses = []
    for batches in (1, 2):
        recipe = tiny_recipe(steps=1, evaluate_every=1, batches_per_update=batches)
        train(recipe, tmp_path / str(batches))
        lines = [json.loads(line) for line in (tmp_path / str(batches) / "log.jsonl").read_text().splitlines()]
        losses += [line["loss"] for line in lines if line["event"] == "held_out"]
    assert losses[0] == losses[1]

"""A run that was stopped, in any way, ends with the weights of one that was not."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from seedx_finetune.data.formats import make_format
from seedx_finetune.data.index import index_directory
from seedx_finetune.errors import ConfigError
from seedx_finetune.training.directory import RunDirectory
from seedx_finetune.training.failures import CheckpointError, ConfigChangedError
from seedx_finetune.training.loop import Update, train
from seedx_finetune.training.recipe import RecipeConfig
from tests.support.tiny_stage import TinyStageConfig, tiny_recipe
from tests.support.training_processes import Kill, checkpoint_tensors, run_training

RECIPE = tiny_recipe()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    directory = tmp_path_factory.mktemp("run") / "whole"
    train(RECIPE, directory)
    return directory


def assert_same_end(directory: Path, whole: Path) -> None:
    """Bit for bit: the result, and all that training would go on from."""
    assert (directory / "model/model.safetensors").read_bytes() == (whole / "model/model.safetensors").read_bytes()
    last, expected = (checkpoint_tensors(path / "checkpoints/00000006") for path in (directory, whole))
    assert last.keys() == expected.keys()
    assert all(torch.equal(last[name], expected[name]) for name in last)


def unfinished(whole: Path, directory: Path) -> Path:
    """Copy the run as it was before its result was written."""
    shutil.copytree(whole, directory)
    shutil.rmtree(directory / "model")
    return directory


def steps_made(recipe: RecipeConfig, directory: Path, allow_change: tuple[str, ...] = ()) -> list[int]:
    updates: list[Update] = []
    train(recipe, directory, allow_change=allow_change, on_update=updates.append)
    return [update.step for update in updates]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kill", "goes_on_at"),
    [
        (Kill(r"losses 7$"), 2),  # within an update, whose first batch is done
        (Kill(r"00000004\.partial/__0_0\.distcp"), 2),  # within a save
        (Kill(r"os\.rename \S+/\.00000004\.partial "), 2),  # within a save, all of it written
        (Kill(r"os\.rename \S+/\.model\.partial "), 6),  # within the export
    ],
    ids=["update", "writing", "renaming", "export"],
)
def test_killed_runs_end_as_if_they_had_not_been(kill: Kill, goes_on_at: int, whole: Path, tmp_path: Path) -> None:
    (outcome,) = run_training(RECIPE, tmp_path, kill=kill)
    assert outcome.exit_code == -9
    assert not (tmp_path / "model").exists()
    assert steps_made(RECIPE, tmp_path) == list(range(goes_on_at + 1, 7))
    assert_same_end(tmp_path, whole)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.nightly
def test_runs_killed_at_twenty_random_moments(whole: Path, tmp_path: Path) -> None:
    (outcome,) = run_training(RECIPE, tmp_path / "watched")
    events = [event.replace(str(tmp_path / "watched"), "") for event in outcome.events if "tensorboard" not in event]
    moments = [(event, events[: i + 1].count(event)) for i, event in enumerate(events)]
    saving = [moment for moment in moments if ".partial/" in moment[0]]
    draw = random.Random(0)
    for number, (event, nth) in enumerate(draw.sample(moments, 15) + draw.sample(saving, 5)):
        directory = tmp_path / str(number)
        # the names of temporary files are random, and those of the directory its own
        pattern = r"\S*".join(re.escape(part) for part in re.split(r"\.(?:recipe|finished)-\w+|(?<= )(?=/)", event))
        (outcome,) = run_training(RECIPE, directory, kill=Kill(pattern, nth))
        assert outcome.exit_code == -9, event
        (outcome,) = run_training(RECIPE, directory)
        assert outcome.exit_code == 0, (event, outcome.error)
        assert_same_end(directory, whole)


@pytest.mark.slow
def test_two_processes_are_killed_and_one_goes_on(whole: Path, tmp_path: Path) -> None:
    outcomes = run_training(RECIPE, tmp_path, processes=2, kill=Kill(r"tiny_stage\.losses 8$"))
    assert outcomes[0].exit_code == -9
    assert outcomes[1].exit_code not in (0, None)  # it lost its neighbor
    assert steps_made(RECIPE, tmp_path) == [5, 6]
    one, both = (load_file(path / "model" / "model.safetensors") for path in (whole, tmp_path))
    torch.testing.assert_close(both, one, atol=1e-6, rtol=1e-5)


def cut_short(checkpoint: Path) -> None:
    shards = checkpoint / "__0_0.distcp"
    shards.write_bytes(shards.read_bytes()[:5000])


def without_metadata(checkpoint: Path) -> None:
    (checkpoint / ".metadata").unlink()


def without_state(checkpoint: Path) -> None:
    (checkpoint / "state.json").write_text("{")


def with_flipped_bit(checkpoint: Path) -> None:
    shards = checkpoint / "__0_0.distcp"
    data = bytearray(shards.read_bytes())
    data[len(data) // 2] ^= 1
    shards.write_bytes(data)


@pytest.mark.parametrize("damage", [cut_short, without_metadata, without_state, with_flipped_bit])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    damage: Callable[[Path], None], whole: Path, tmp_path: Path
) -> None:
    directory = unfinished(whole, tmp_path / "run")
    damage(directory / "checkpoints" / "00000006")
    with pytest.warns(UserWarning, match=r"the checkpoint \S+/00000006 is damaged .* using the one before it"):
        assert steps_made(RECIPE, directory) == [5, 6]
    assert_same_end(directory, whole)


def test_a_run_without_a_readable_checkpoint_is_refused(whole: Path, tmp_path: Path) -> None:
    directory = unfinished(whole, tmp_path / "run")
    for checkpoint in (directory / "checkpoints").iterdir():
        without_metadata(checkpoint)
    with (
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(CheckpointError, match="none of the 2 checkpoints in .* can be read; delete the directory"),
    ):
        train(RECIPE, directory)


def test_the_last_checkpoints_and_the_best_are_kept(tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=8, save_every=1, evaluate_every=1, learning_rate=1, warmup_steps=5, ema_decay=None)
    train(recipe, tmp_path)  # its loss falls as long as the rate is low
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    held_out = {line["step"]: line["loss"] for line in lines if line["event"] == "held_out"}
    assert list(held_out) == list(range(1, 9))
    best = min(held_out, key=held_out.__getitem__)
    assert best < 7
    kept = sorted(int(path.name) for path in (tmp_path / "checkpoints").iterdir())
    assert kept == [best, 7, 8]


def test_another_configuration_is_refused_unless_the_field_may_change(whole: Path, tmp_path: Path) -> None:
    directory = unfinished(whole, tmp_path / "run")
    changed = tiny_recipe(stage=TinyStageConfig(batch_size=4), steps=8, seed=1, workers=2, save_every=1, log_every=1)
    with pytest.raises(ConfigChangedError) as caught:
        train(changed, directory)
    assert caught.value.differences == (
        "optimizer.steps: 6 -> 8",
        "run.seed: 0 -> 1",
        "stage.batch_size: 2 -> 4",
    )
    with pytest.raises(ConfigChangedError, match=r"\(optimizer.steps: 6 -> 8\)"):
        train(changed, directory, allow_change=["run.seed", "stage"])
    with pytest.raises(ConfigError, match="'optimizer.step', but there is no such field"):
        train(changed, directory, allow_change=["optimizer.step"])
    assert steps_made(changed, directory, ("run", "stage.batch_size", "optimizer.steps")) == [7, 8]


def test_a_finished_run_is_used_again_only_if_its_inputs_are_the_same(tmp_path: Path) -> None:
    initial = tmp_path / "initial"
    initial.mkdir()
    (initial / "config.json").write_text('{"weights": 1}')
    recipe = tiny_recipe(stage=TinyStageConfig(initial=initial))
    directory = tmp_path / "run"
    assert steps_made(recipe, directory) == [1, 2, 3, 4, 5, 6]
    written = (directory / "model/model.safetensors").stat()
    assert steps_made(recipe, directory) == []
    assert (directory / "model/model.safetensors").stat() == written

    (initial / "config.json").write_text('{"weights": 2}')
    with pytest.raises(ConfigChangedError, match=r"inputs\.stage\.initial: \w{64} -> \w{64}"):
        train(recipe, directory)


def test_a_directory_of_weights_is_an_input(tmp_path: Path) -> None:
    initial, directory = tmp_path / "sdxl", tmp_path / "run"
    (initial / "unet").mkdir(parents=True)
    (initial / "unet" / "model.safetensors").write_bytes(b"1234")
    recipe = tiny_recipe(steps=1, stage=TinyStageConfig(initial=initial))
    train(recipe, directory)
    assert steps_made(recipe, directory) == []
    (initial / "unet" / "model.safetensors").write_bytes(b"12345")
    with pytest.raises(ConfigChangedError, match=r"inputs\.stage\.initial: "):
        train(recipe, directory)


def test_an_index_of_a_source_is_an_input(tmp_path: Path) -> None:
    source, directory = tmp_path / "captions.jsonl", tmp_path / "run"
    recipe = tiny_recipe(steps=1)
    recipe = recipe.model_copy(update={"sources": (recipe.sources[0].model_copy(update={"path": source}),)})
    index = index_directory(source, make_format("text", {}))
    index.mkdir(parents=True)
    (index / "meta.json").write_text('{"records": 10}')
    train(recipe, directory)
    (index / "meta.json").write_text('{"records": 11}')
    with pytest.raises(ConfigChangedError, match=r"inputs\.sources\.0\.path: "):
        train(recipe, directory)
    assert train(recipe, directory, allow_change=["inputs"]) == directory / "model"


@pytest.mark.slow
def test_a_second_process_in_the_directory_is_refused(tmp_path: Path) -> None:
    with RunDirectory(tmp_path).locked():
        outcomes = run_training(RECIPE, tmp_path, processes=2)
    assert [outcome.error for outcome in outcomes] == [
        f"DirectoryInUseError: another process trains in {tmp_path}; wait for its end, or choose another directory"
    ] * 2
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]

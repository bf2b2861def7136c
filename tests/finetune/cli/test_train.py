from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

from seedx_finetune.recipes import RECIPES
from seedx_sdk.cli.main import app
from tests.support.tiny_command import tiny

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def recipes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(RECIPES, "tiny", tiny)
    monkeypatch.chdir(tmp_path)


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["train", *args])


def test_recipes_are_listed_with_what_they_train() -> None:
    result = run("--list")
    assert result.exit_code == 0
    assert "Train a tiny model, for tests." in result.stdout


def test_the_result_its_configuration_and_a_changed_field() -> None:
    result = run("tiny", "--set", "data=train", "--set", "optimizer.steps=2")
    assert (result.exit_code, result.stdout) == (0, "runs/tiny/model\n")
    assert Path("runs/tiny/model/model.safetensors").is_file()
    assert json.loads(Path("runs/tiny/recipe.json").read_text())["optimizer"]["steps"] == 2

    refused = run("tiny", "--set", "data=train", "--set", "optimizer.steps=4")
    assert refused.exit_code == 1
    assert "error: runs/tiny holds a run with other settings or inputs (optimizer.steps: 2 -> 4)" in refused.stderr
    allowed = ("--allow-change", "optimizer.steps")
    assert run("tiny", "--set", "data=train", "--set", "optimizer.steps=4", *allowed).exit_code == 0
    assert json.loads(Path("runs/tiny/recipe.json").read_text())["optimizer"]["steps"] == 4


def test_mistakes_are_one_line() -> None:
    missing, unnamed, wrong = run("tiny"), run(), run("tiny", "--set", "data=x", "--set", "optimizer.steps=0")
    assert [result.exit_code for result in (missing, unnamed, wrong)] == [1, 1, 1]
    assert missing.stderr == "error: recipe 'tiny' needs data; give --set data=VALUE\n"
    assert unnamed.stderr.startswith("error: name a recipe; use one of ")
    assert wrong.stderr == "error: --set optimizer.steps=0: steps: Input should be greater than 0\n"
    assert not Path("runs").exists()


@pytest.mark.nightly
def test_torchrun_trains_on_two_processes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [
        "-m",
        "tests.support.tiny_command",
        "train",
        "tiny",
        "--set",
        "data=train",
        "--out",
        str(tmp_path / "2"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / '2'}/model\n"
    assert run("tiny", "--set", "data=train", "--out", "1").exit_code == 0
    one, two = (load_file(tmp_path / processes / "model" / "model.safetensors") for processes in ("1", "2"))
    assert all(two[name].allclose(one[name], atol=1e-6) for name in one)

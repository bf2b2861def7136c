"""`seedx convert`, `seedx extract-lora` and `seedx info DIR`: what they print, and what they need."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner, Result

from seedx_sdk.checkpoints.convert import DTYPES, convert, plan_conversion
from seedx_sdk.checkpoints.directory import load_directory
from seedx_sdk.checkpoints.info import read_directory
from seedx_sdk.checkpoints.released import VARIANTS
from seedx_sdk.cli.main import app
from seedx_sdk.cli.weights import Variant, WeightType
from seedx_sdk.engine import NANO
from seedx_sdk.errors import WeightsCorruptError, WeightsMissingError
from tests.support.released_tree import LAYERS, Tree

ROOT = Path(__file__).resolve().parents[2]


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)


def test_convert_prints_the_directory_and_info_says_what_is_in_it(built: Tree, tmp_path: Path) -> None:
    model = tmp_path / "model"
    result = run("convert", built.path, model, "--variant", "seed_x_i", "--dtype", "bf16")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{model}\n", "")
    lines = run("info", model).stdout.splitlines()
    assert lines[0] == "name: seed-x-i"
    assert "tasks: describe, detect, generate, chat, edit" in lines
    assert "specialists: none" in lines
    printed = json.loads(run("info", model, "--json").stdout)
    assert printed["revision"] == load_directory(model).config.revision
    parts = {part["name"]: (part["parameters"], part["dtypes"]) for part in printed["parts"]}
    assert parts == {
        part: (count, ["BF16", "F32"] if part in ("projectors", "visual_encoder") else ["BF16"])
        for part, count in plan_conversion(built.path).parameters.items()
    }


def test_a_dry_run_says_everything_and_writes_nothing(built: Tree, tmp_path: Path) -> None:
    result = run("convert", built.path, tmp_path / "model", "--dry-run")
    assert result.exit_code == 0
    assert list(tmp_path.iterdir()) == []
    text = result.stdout
    assert text.startswith("seed_x_i in 9 weight files\n")
    assert "visual_encoder: 42 tensors from QwenViT/qwen_vit_G.pt" in text
    assert f"left out, {LAYERS} tensors (rotary frequencies follow from the config" in text
    assert "pytorch_model-00001-of-00003.bin: model.layers.0.self_attn.rotary_emb.inv_freq" in text
    assert "computed, not measured" in text
    plan = plan_conversion(built.path)
    convert(plan, tmp_path / "model")
    info = read_directory(tmp_path / "model")
    assert info.memory == plan.memory
    headers = 20_000 * len(plan.files)
    assert 0 < sum(part.bytes for part in info.parts) - sum(map(plan.num_bytes, plan.files.values())) < headers


def test_without_a_condition_image_there_is_no_edit(tree: Tree, tmp_path: Path) -> None:
    shutil.rmtree(tree.path / "seed_detokenizer" / "second_stage")
    convert(plan_conversion(tree.path), tmp_path / "model")
    assert read_directory(tmp_path / "model").tasks == ("describe", "detect", "generate", "chat")


def test_info_names_what_is_missing_or_damaged(built: Tree, tmp_path: Path) -> None:
    convert(plan_conversion(built.path), tmp_path / "model")
    weights = tmp_path / "model" / "llm" / "model.safetensors"
    weights.write_bytes(b"\xff" * 100)
    with pytest.raises(WeightsCorruptError, match="llm/model.safetensors is no safetensors file: its header would be"):
        read_directory(tmp_path / "model")
    weights.unlink()
    with pytest.raises(WeightsMissingError, match="llm/model.safetensors is missing"):
        read_directory(tmp_path / "model")
    result = run("info", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {tmp_path} is no checkpoint directory (no config.json)")
    assert run("info", NANO, "--model", NANO).exit_code == 2


def test_errors_of_convert_are_one_line(built: Tree, tmp_path: Path) -> None:
    result = run("convert", tmp_path, tmp_path / "model")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "none of the released models; expected one of seed_x_i, seed_x, seed_x_edit" in result.stderr
    result = run("convert", built.path, tmp_path / "no" / "model")
    assert result.exit_code == 1 and "mkdir -p" in result.stderr
    assert run("convert", built.path, tmp_path / "model", "--dtype", "int3").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_choices_of_the_command_are_those_of_the_module() -> None:
    assert get_args(Variant) == VARIANTS
    assert set(get_args(WeightType)) == set(DTYPES)


def test_extract_lora_prints_a_table(built: Tree, tmp_path: Path) -> None:
    convert(plan_conversion(built.path), tmp_path / "model")
    result = run("extract-lora", tmp_path / "model", tmp_path / "model", "--rank", "2", "-o", tmp_path / "adapter")
    assert result.stderr.startswith("warning: the adapter is all zero: the language models of")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["layer", "change", "lost", "rounding"]
    assert len(lines) == 1 + 7 * LAYERS + 1 and lines[-1] == str(tmp_path / "adapter")
    assert lines[1].split() == ["model.layers.0.mlp.down_proj", "0.00e+00", "0.00e+00", "0.00e+00"]


@pytest.mark.parametrize(
    ("args", "code", "expected"),
    [
        (("info", str(NANO)), 0, "name: seed-x-nano"),
        (("convert", "a", "b"), 1, "install it with: pip install 'seedx-sdk[local]'"),
        (("extract-lora", "a", "b", "-o", "c"), 1, "install it with: pip install 'seedx-sdk[local]'"),
    ],
)
def test_only_looking_needs_no_torch(args: tuple[str, ...], code: int, expected: str, tmp_path: Path) -> None:
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.modules.update(dict.fromkeys(['torch', 'diffusers']))"
    command = [sys.executable, "-c", f"{start}; from seedx_sdk.cli.main import main; main()", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == code
    assert expected in done.stdout + done.stderr

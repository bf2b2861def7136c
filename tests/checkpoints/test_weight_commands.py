"""`seedx convert`, `seedx extract-lora` and `seedx info DIR`: what they print, and what they need."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import torch
from diffusers import UNet2DConditionModel
from typer.testing import CliRunner, Result

from seedx_sdk.checkpoints.convert import DTYPES, convert, plan_conversion
from seedx_sdk.checkpoints.directory import load_directory
from seedx_sdk.checkpoints.info import read_directory
from seedx_sdk.checkpoints.memory import serving_memory
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
    said = json.loads(run("info", model, "--json").stdout)
    assert said["revision"] == load_directory(model).config.revision
    parts = {part["folder"]: (part["parameters"], part["dtypes"]) for part in said["parts"]}
    assert parts == {
        folder: (count, ["BF16", "F32"] if folder in ("projectors", "visual_encoder") else ["BF16"])
        for folder, count in plan_conversion(built.path).parameters.items()
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
    assert "computed and not measured" in text
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


def test_memory_counts_what_is_loaded() -> None:
    info = read_directory(NANO)
    parts = load_directory(NANO)
    modules = [parts.visual_encoder, parts.lvlm, parts.specialists["edit"], *parts.detokenizer.components.values()]
    tensors = [t for m in modules if isinstance(m, torch.nn.Module) for t in m.state_dict().values()]
    assert info.memory["float32"].weights == 4 * sum(t.numel() for t in tensors)
    assert (info.specialists, info.revision) == (("edit",), parts.config.revision)


def test_memory_of_the_released_sizes() -> None:
    """13.0 B + 1.9 B + 0.2 B + 2.6 B parameters; two bytes for each of 2 x 40 layers x 40 heads x 128 per token."""
    counts = json.loads((ROOT / "tests/checkpoints/released_shapes.json").read_text())["parameter_counts"]
    unet = {"block_out_channels": [320, 640, 1280], "layers_per_block": 2}
    unet["down_block_types"] = ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"]
    vae = {"block_out_channels": [128, 256, 512, 512], "force_upcast": True}
    llm = {"hidden_size": 5120, "num_attention_heads": 40, "num_hidden_layers": 40, "max_position_embeddings": 4096}
    need = serving_memory(
        {
            "llm": counts["llm"],
            "visual_encoder": counts["vit"],
            "projectors": counts["input_resampler"] + counts["output_resampler"],
            "detokenizer/unet": counts["unet4"],
            "detokenizer_edit/unet": counts["unet8"],
            "detokenizer_edit/resampler": counts["detok_resampler"],
        },
        llm=llm,
        unet=unet,
        vae=vae,
        image_size=1024,
    )
    loaded = sum(counts[name] for name in counts if name != "unet4")
    assert need["bfloat16"].weights == 2 * loaded
    assert need["bfloat16"].kv_cache_per_token == 2 * 2 * 40 * 5120
    assert need["bfloat16"].kv_cache == 4096 * 819_200
    assert need["float16"].drawing == 4 * 1024**2 * 256 * 4  # the VAE decodes in float32
    assert need["bfloat16"].drawing == 4 * 1024**2 * 256 * 2
    assert round(need["float16"].total / 1e9, 1) == 43.2


def test_the_released_unet_has_the_released_names() -> None:
    """The counts that the listing of the released files gives for the de-tokenizer's U-Net."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        )
    assert (len(unet.state_dict()), sum(p.numel() for p in unet.parameters())) == (1680, 2567463684)


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
    assert result.stderr.startswith(f"error: {tmp_path} holds no model (no config.json)")
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

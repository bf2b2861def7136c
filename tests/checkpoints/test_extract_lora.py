"""Recovering an adapter from two models: exact where there is one, refused where there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaForCausalLM

from seedx_sdk import InputError, ModelError, OutputPathError, SeedX, WeightsCorruptError
from seedx_sdk.checkpoints.convert import convert, plan_conversion
from seedx_sdk.checkpoints.directory import DirectoryConfig, load_directory, write_config
from seedx_sdk.checkpoints.extract_lora import extract_lora
from tests.support.released_tree import Tree

State = dict[str, Tensor]
UP = "model.layers.1.mlp.up_proj"
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture(scope="session")
def base(built: Tree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "base"
    convert(plan_conversion(built.path, dtype="fp32"), directory)
    return directory


def _tune(base: Path, directory: Path, change: Callable[[State], object], part: str = "llm") -> Path:
    """Return a copy of a checkpoint directory with other weights in one part."""
    shutil.copytree(base, directory)
    path = directory / part / "model.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path, metadata={"format": "pt"})
    write_config(directory, DirectoryConfig.read(directory))
    return directory


def _low_rank(state: State, rank: int = 3, dtype: torch.dtype = torch.float32) -> None:
    generator = torch.Generator().manual_seed(5)
    for name, weight in state.items():
        if name.split(".")[-2] in LINEAR:
            b, a = (torch.randn(n, rank, generator=generator) for n in weight.shape)
            state[name] = weight + 0.01 * b @ a.T
        state[name] = state[name].to(dtype)


def test_a_low_rank_change_is_recovered_and_peft_merges_it_back(base: Path, tmp_path: Path) -> None:
    tuned = _tune(base, tmp_path / "tuned", _low_rank)
    found = extract_lora(base, tuned, tmp_path / "adapter", rank=3, tolerance=1e-6)
    assert len(found.layers) == 2 * len(LINEAR)
    assert max(error.outside for error in found.layers) < 1e-9
    assert all(0.01 < error.change < 1 for error in found.layers)
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["modules_to_save"]) == (3, 3, None)
    assert sorted(config["target_modules"]) == sorted(LINEAR)
    names = set(load_file(tmp_path / "adapter" / "adapter_model.safetensors"))
    assert names == {
        f"base_model.model.{error.layer}.lora_{matrix}.weight" for error in found.layers for matrix in "AB"
    }
    llm = LlamaForCausalLM.from_pretrained(base / "llm", dtype=torch.float32)
    merged = PeftModel.from_pretrained(llm, str(tmp_path / "adapter")).merge_and_unload().state_dict()
    for name, weight in load_file(tuned / "llm" / "model.safetensors").items():
        torch.testing.assert_close(merged[name], weight, rtol=0, atol=1e-6)  # products of float32 factors


def test_a_specialist_of_a_directory_answers_as_the_tuned_model_did(base: Path, tmp_path: Path) -> None:
    halfway = _tune(base, tmp_path / "halfway", _low_rank)
    tuned = _tune(
        halfway, tmp_path / "tuned", lambda state: state["output_resampler.query"].mul_(1.5), part="projectors"
    )
    home = tmp_path / "home"
    shutil.copytree(base, home)
    (home / "specialists").mkdir()
    before = DirectoryConfig.read(home)
    assert extract_lora(home, tuned, home / "specialists" / "edit", rank=3, tolerance=1e-6).warnings == ()
    after = DirectoryConfig.read(home)
    assert after.revision != before.revision
    assert set(after.files) - set(before.files) == {
        "specialists/edit/adapter_config.json",
        "specialists/edit/adapter_model.safetensors",
        "specialists/edit/projectors/model.safetensors",
    }
    parts, expected = load_directory(home), load_directory(tuned).lvlm
    ids = torch.tensor([[1, 400, 401, 402, 370]])
    with torch.inference_mode():
        hidden = expected.run_llm(expected.embed(ids))
        specialist = parts.specialists["edit"]
        torch.testing.assert_close(specialist.run_llm(specialist.embed(ids)), hidden, rtol=1e-4, atol=1e-4)
        wide = torch.cat([hidden] * 13, dim=1)[:, :64]
        torch.testing.assert_close(specialist.regress(wide), expected.regress(wide), rtol=0, atol=0)
    assert SeedX(model=home).info.revision == after.revision


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_rounding_of_the_stored_weights_is_allowed(dtype: torch.dtype, base: Path, tmp_path: Path) -> None:
    tuned = _tune(base, tmp_path / "tuned", lambda state: _low_rank(state, dtype=dtype))
    found = extract_lora(base, tuned, tmp_path / "adapter", rank=3, tolerance=1e-6)
    for error in found.layers:
        assert 0.2 < error.outside / error.rounding < 1.1  # one rounding, and its share inside the rank is not lost
    # the same change by anything else is refused
    state = load_file(base / "llm" / "model.safetensors")
    _low_rank(state)
    noise = torch.randn(96, 64, generator=torch.Generator().manual_seed(9))
    weight = state[f"{UP}.weight"]
    weight += noise * 3 * (weight.to(dtype).float() - weight).norm() / noise.norm()
    other = _tune(base, tmp_path / "other", lambda s: s.update({k: v.to(dtype) for k, v in state.items()}))
    with pytest.raises(ModelError, match=f"1 of 14 layers changed by more than rank 3 holds.*{UP}"):
        extract_lora(base, other, tmp_path / "refused", rank=3, tolerance=1e-6)


def test_a_change_of_higher_rank_is_refused_and_nothing_is_written(base: Path, tmp_path: Path) -> None:
    tuned = _tune(base, tmp_path / "tuned", lambda state: _low_rank(state, rank=5))
    with pytest.raises(ModelError, match="14 of 14 layers .* rank 3 .* allowed is 0.001. Raise --rank"):
        extract_lora(base, tuned, tmp_path / "adapter", rank=3, tolerance=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]
    extract_lora(base, tuned, tmp_path / "adapter", rank=5, tolerance=1e-3)


@pytest.mark.parametrize(
    "name",
    ["model.norm.weight", "model.layers.0.input_layernorm.weight", "model.embed_tokens.weight", "lm_head.weight"],
)
def test_changes_that_lora_cannot_hold_are_named(name: str, base: Path, tmp_path: Path) -> None:
    tuned = _tune(base, tmp_path / "tuned", lambda state: state[name][0].add_(0.1))
    with pytest.raises(ModelError, match=f"can't hold the changes of {name} \\(1 norms"):
        extract_lora(base, tuned, tmp_path / "adapter", rank=3, tolerance=1e-3)


def test_models_that_are_not_alike_are_refused(base: Path, tmp_path: Path) -> None:
    fewer = _tune(base, tmp_path / "fewer", lambda state: state.pop(f"{UP}.weight"))
    with pytest.raises(ModelError, match=f"not alike: '{UP}.weight' is not in both"):
        extract_lora(base, fewer, tmp_path / "adapter", rank=3, tolerance=1e-3)
    other = _tune(base, tmp_path / "other", lambda state: state.update({f"{UP}.weight": torch.ones(90, 64)}))
    with pytest.raises(ModelError, match="not alike"):
        extract_lora(base, other, tmp_path / "adapter", rank=3, tolerance=1e-3)
    with pytest.raises(InputError, match="rank 65 is not allowed; the layers of this model take 1 to 64"):
        extract_lora(base, base, tmp_path / "adapter", rank=65, tolerance=1e-3)
    (tmp_path / "adapter").mkdir()
    with pytest.raises(OutputPathError, match="exists already"):
        extract_lora(base, base, tmp_path / "adapter", rank=3, tolerance=1e-3)


def test_other_parts_that_differ_are_a_warning(base: Path, tmp_path: Path) -> None:
    tuned = _tune(base, tmp_path / "tuned", lambda state: state["proj"].mul_(2), part="visual_encoder")
    found = extract_lora(base, tuned, tmp_path / "adapter", rank=3, tolerance=1e-3)
    zero, other = found.warnings
    assert zero == f"the adapter is all zero: the language models of {base} and {tuned} are the same"
    assert other.startswith("the visual_encoder of") and other.endswith(f"served with that of {base}")
    assert all((error.change, error.outside) == (0, 0) for error in found.layers)  # an unchanged model is no error


@pytest.mark.parametrize("part", ["", "llm"])
@pytest.mark.parametrize("damaged", ["base", "tuned"])
def test_a_directory_whose_files_have_other_hashes_is_refused(
    damaged: str, part: str, base: Path, tmp_path: Path
) -> None:
    models = {name: _tune(base, tmp_path / name, _low_rank) for name in ("base", "tuned")}
    path = models[damaged] / "llm" / "model.safetensors"
    state = load_file(path)
    state["lm_head.weight"][0, 0] += 1
    save_file(state, path, metadata={"format": "pt"})
    with pytest.raises(WeightsCorruptError, match=f"{path} .* is not the file that config.json names"):
        extract_lora(models["base"] / part, models["tuned"] / part, tmp_path / "adapter", rank=3, tolerance=1e-3)
    assert not (tmp_path / "adapter").exists()


def test_directories_of_the_language_model_alone_are_enough(base: Path, tmp_path: Path) -> None:
    tuned = _tune(base, tmp_path / "tuned", _low_rank)
    extract_lora(base / "llm", tuned / "llm", tmp_path / "adapter", rank=3, tolerance=1e-6)
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]

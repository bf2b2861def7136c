"""Converting a fine-tune of one's own, whose LoRA is merged, and refusing SEED-Story."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from typer.testing import CliRunner

from seedx_sdk import ModelError, WeightsMissingError
from seedx_sdk.checkpoints.convert import convert, plan_conversion
from seedx_sdk.checkpoints.directory import load_directory
from seedx_sdk.cli.main import app
from tests.support.released_tree import LAYERS, Tree, save

NORMS = ["input_layernorm", "post_attention_layernorm", "norm"]
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
IDS = torch.tensor([[1, 400, 401, 402, 370]])


class FineTune:
    """The tiny agent, wrapped by PEFT as the reference's training wraps it, every trained weight changed."""

    def __init__(self, tree: Tree, *, rank: int, alpha: int) -> None:
        torch.manual_seed(11)
        self.lvlm = copy.deepcopy(tree.lvlm)
        self.lvlm.llm = get_peft_model(  # type: ignore[assignment]
            self.lvlm.causal_lm,
            LoraConfig(r=rank, lora_alpha=alpha, target_modules=LINEAR, modules_to_save=NORMS),
        )
        with torch.no_grad():
            for name, parameter in self.lvlm.named_parameters():
                if "lora_" in name or "modules_to_save" in name or not name.startswith("llm."):
                    parameter.add_(0.1 * torch.randn_like(parameter))
        self.lvlm.eval()

    def state(self) -> dict[str, Tensor]:
        """Return what zero_to_fp32.py writes: the whole agent in float32 under the names of PEFT 0.4."""
        old = {"llm.base_model.model.model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(8)}
        return {name.replace(".base_layer.", "."): value for name, value in self.lvlm.state_dict().items()} | old

    def logits(self) -> Tensor:
        with torch.inference_mode():
            embeds = self.lvlm.causal_lm.get_input_embeddings()(IDS)
            logits: Tensor = self.lvlm.llm(inputs_embeds=embeds).logits
            return logits


def _logits(checkpoint_dir: Path) -> Tensor:
    lvlm = load_directory(checkpoint_dir).lvlm
    with torch.inference_mode():
        return lvlm.logits(lvlm.run_llm(lvlm.embed(IDS)))


def _as_it_is(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return state


def _newer_peft(state: dict[str, Tensor]) -> dict[str, Tensor]:
    adapted = {name.replace("lora_A.default.", "") for name in state if "lora_A" in name}
    return {name.replace(".weight", ".base_layer.weight") if name in adapted else name: t for name, t in state.items()}


def _without_frozen_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    adapted = {name.replace("lora_A.default.", "") for name in state if "lora_A" in name}
    return {name: value for name, value in state.items() if name not in adapted}


@pytest.mark.parametrize("change", [_as_it_is, _newer_peft, _without_frozen_weights])
def test_a_fine_tune_converts_to_what_peft_computes(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], built: Tree, tmp_path: Path
) -> None:
    tuned = FineTune(built, rank=3, alpha=6)
    save(change(tuned.state()), tmp_path / "run" / "pytorch_model.bin")
    plan = plan_conversion(built.path, agent=tmp_path / "run", lora_alpha=6, dtype="fp32")
    config = convert(plan, tmp_path / "model")
    assert (config.name, config.prompts) == ("seed-x-i-tuned", "instruct")
    torch.testing.assert_close(_logits(tmp_path / "model"), tuned.logits(), rtol=1e-4, atol=1e-4)
    loaded = load_directory(tmp_path / "model").lvlm
    torch.testing.assert_close(loaded.patch_pos_embed, tuned.lvlm.patch_pos_embed, rtol=0, atol=0)


def test_every_name_of_a_fine_tune_is_used_or_listed(built: Tree, tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    save(FineTune(built, rank=3, alpha=6).state(), path)
    released = plan_conversion(built.path, agent=path, lora_alpha=6).released
    used = {
        name for tensors in released.parts.values() for p in tensors.values() for at, name in p.places if at == path
    }
    listed = {name.removeprefix(f"{path}: ") for names in released.unused.values() for name in names}
    assert used | listed >= set(torch.load(path, weights_only=True))
    assert len([name for name in released.parts["llm"].values() if name.lora]) == LAYERS * len(LINEAR)
    assert len(released.unused["LoRA training kept a trained copy (modules_to_save), which is used"]) == 2 * LAYERS + 1


def test_the_reference_starts_from_the_foundation_model(tree: Tree, tmp_path: Path) -> None:
    (tree.path / "seed_x_i").rename(tree.path / "seed_x")
    save(FineTune(tree, rank=32, alpha=32).state(), tree.path / "seed_x" / "agent" / "pytorch_model.bin")
    config = convert(plan_conversion(tree.path), tmp_path / "model")  # rank 32, so alpha is the reference's 32
    assert (config.name, config.prompts) == ("seed-x-tuned", "instruct")
    torch.testing.assert_close(
        _logits(tmp_path / "model"), FineTune(tree, rank=32, alpha=32).logits(), rtol=1e-4, atol=1e-4
    )


def test_the_command_merges_and_says_so(built: Tree, tmp_path: Path) -> None:
    save(FineTune(built, rank=3, alpha=6).state(), tmp_path / "run.bin")
    args = ["convert", str(built.path), str(tmp_path / "model"), "--agent", str(tmp_path / "run.bin")]
    result = CliRunner().invoke(app, [*args, "--lora-alpha", "6", "--dry-run"], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout.startswith("seed_x_i, fine-tuned, in 9 weight files\n")
    assert f"llm: {9 * LAYERS + 3} tensors, {7 * LAYERS} of them with LoRA merged, from {tmp_path}/run.bin" in (
        result.stdout
    )
    result = CliRunner().invoke(app, args, catch_exceptions=False)
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "holds LoRA of rank 3, not the 32 of the reference's training" in result.stderr
    assert "--lora-alpha" in result.stderr


def test_lora_of_another_model_is_refused(built: Tree, tmp_path: Path) -> None:
    state = FineTune(built, rank=3, alpha=6).state()
    name = "llm.base_model.model.model.layers.0.mlp.up_proj.lora_A.default.weight"
    save(state | {name: torch.ones(3, 65)}, tmp_path / "other.bin")
    with pytest.raises(
        ModelError, match=r"LoRA matrices \(3, 65\) and \(96, 3\) of 'model.layers.0.mlp.up_proj.weight'"
    ):
        plan_conversion(built.path, agent=tmp_path / "other.bin", lora_alpha=6)
    layer = "llm.base_model.model.model.layers.7.mlp.up_proj"
    pair = {f"{layer}.lora_{half}.default.weight": torch.ones(3, 3) for half in "AB"}
    save(state | pair, tmp_path / "deeper.bin")
    with pytest.raises(ModelError, match="holds LoRA of 'model.layers.7.mlp.up_proj.weight', which neither it nor"):
        plan_conversion(built.path, agent=tmp_path / "deeper.bin", lora_alpha=6)


def test_a_fine_tune_alone_names_the_command(built: Tree, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint-100" / "pytorch_model.bin"
    save(FineTune(built, rank=3, alpha=6).state(), path)
    for source in (path, path.parent):
        with pytest.raises(WeightsMissingError, match=f"seedx convert PRETRAINED DST --agent '{source}'"):
            plan_conversion(source)


def test_a_checkpoint_that_deepspeed_has_not_collected_names_the_script(built: Tree, tmp_path: Path) -> None:
    (tmp_path / "zero_to_fp32.py").write_text("")
    for source, agent in ((built.path, tmp_path), (tmp_path, None)):
        with pytest.raises(WeightsMissingError, match="run `python zero_to_fp32.py . pytorch_model.bin` in it"):
            plan_conversion(source, agent=agent)


# SEED-Story


def _seed_story() -> dict[str, Tensor]:
    """Return the names of its released agent: PEFT's, two resamplers without kv_proj, and 256 features out."""
    layer = "llm.base_model.model.model.layers.0"
    state = {
        "llm.base_model.model.model.embed_tokens.weight": torch.ones(66, 16),
        f"{layer}.self_attn.q_proj.weight": torch.ones(16, 16),
        f"{layer}.self_attn.q_proj.lora_A.default.weight": torch.ones(2, 16),
        f"{layer}.self_attn.q_proj.lora_B.default.weight": torch.ones(16, 2),
        f"{layer}.input_layernorm.original_module.weight": torch.ones(16),
        f"{layer}.input_layernorm.modules_to_save.default.weight": torch.ones(16),
        "llm.base_model.model.lm_head.weight": torch.ones(66, 16),
    }
    for name, queries in (("input_resampler", 64), ("output_resampler", 256)):
        state |= {f"{name}.query": torch.ones(queries, 16), f"{name}.pos_embed": torch.ones(queries, 16)}
        state |= {
            f"{name}.{part}": torch.ones(16) for part in ("ln_q.weight", "ln_q.bias", "ln_kv.weight", "ln_kv.bias")
        }
    return state


def _as_released(path: Path, _tree: Tree) -> Path:
    save(_seed_story(), path / "seed_story" / "george_sft" / "pytorch_model.bin")
    save({"unet.conv_in.weight": torch.ones(1)}, path / "detokenizer" / "george" / "pytorch_model.bin")
    return path


def _its_directory(path: Path, _tree: Tree) -> Path:
    save(_seed_story(), path / "pytorch_model.bin")
    return path


def _as_seed_x(_path: Path, tree: Tree) -> Path:
    save(_seed_story(), tree.path / "seed_x_i" / "agent" / "pytorch_model.bin")
    return tree.path


@pytest.mark.parametrize("place", [_as_released, _its_directory, _as_seed_x])
def test_seed_story_is_refused_for_what_it_is(place: Callable[[Path, Tree], Path], tree: Tree, tmp_path: Path) -> None:
    source = place(tmp_path / "story", tree)
    result = CliRunner().invoke(app, ["convert", str(source), str(tmp_path / "model")], catch_exceptions=False)
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "pytorch_model.bin is SEED-Story, which differs from SEED-X in its vocabulary" in result.stderr
    assert "(this one has 66)" in result.stderr and "256 features of an image, not 64" in result.stderr
    assert "github.com/TencentARC/SEED-Story" in result.stderr
    assert not (tmp_path / "model").exists()


def test_seed_story_is_refused_as_an_agent_too(built: Tree, tmp_path: Path) -> None:
    save(_seed_story(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="is SEED-Story, which differs from SEED-X"):
        plan_conversion(built.path, agent=tmp_path / "pytorch_model.bin")


def test_another_tree_without_the_released_models_is_only_missing(tmp_path: Path) -> None:
    save({"weight": torch.ones(1)}, tmp_path / "other" / "pytorch_model.bin")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pytorch_model.bin").write_bytes(b"broken")
    with pytest.raises(WeightsMissingError, match="holds none of the released models"):
        plan_conversion(tmp_path)

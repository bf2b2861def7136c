from __future__ import annotations

import pytest
import torch

from seedx_sdk import ModelError
from seedx_sdk.checkpoints.state_dicts import merge_agent_state, resolve_agent_names

LAYER = "llm.base_model.model.model.layers.0"
UP = "llm.model.layers.0.mlp.up_proj.weight"


def _lora() -> dict[str, torch.Tensor]:
    return {
        f"{LAYER}.mlp.up_proj.base_layer.weight": torch.ones(3, 2),
        f"{LAYER}.mlp.up_proj.lora_A.default.weight": torch.ones(1, 2),
        f"{LAYER}.mlp.up_proj.lora_B.default.weight": torch.ones(3, 1),
    }


def test_lora_is_added_to_its_weight_with_the_scaling() -> None:
    merged = merge_agent_state(_lora(), lora_scaling=2.0)
    assert list(merged) == [UP]
    torch.testing.assert_close(merged[UP], torch.full((3, 2), 3.0), rtol=0, atol=0)


def test_lora_without_scaling_or_weight_or_its_other_half_is_refused() -> None:
    with pytest.raises(ModelError, match="pass lora_scaling"):
        merge_agent_state(_lora())
    without_weight = {name: value for name, value in _lora().items() if "lora_" in name}
    with pytest.raises(ModelError, match=f"LoRA of '{UP}' comes without that weight"):
        merge_agent_state(without_weight, lora_scaling=2.0)
    half = {name: value for name, value in _lora().items() if "lora_B" not in name}
    with pytest.raises(ModelError, match=f"LoRA of '{UP}' is incomplete: it has lora_A alone"):
        merge_agent_state(half, lora_scaling=2.0)


def test_the_trained_copy_of_a_norm_is_used_and_every_name_is_accounted_for() -> None:
    state = {
        f"{LAYER}.input_layernorm.original_module.weight": 1,
        f"{LAYER}.input_layernorm.modules_to_save.default.weight": 2,
        f"{LAYER}.self_attn.rotary_emb.inv_freq": 3,
        "llm.base_model.model.lm_head.weight": 4,
        "patch_pos_embed": 5,
    }
    names = resolve_agent_names(state)
    assert names.weights == {
        "llm.model.layers.0.input_layernorm.weight": 2,
        "llm.lm_head.weight": 4,
        "patch_pos_embed": 5,
    }
    assert set(names.unused) == {
        f"{LAYER}.input_layernorm.original_module.weight",
        f"{LAYER}.self_attn.rotary_emb.inv_freq",
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (f"{LAYER}.mlp.up_proj.lora_A.other.weight", "of no known adapter layout"),
        (f"{LAYER}.mlp.up_proj.lora_magnitude_vector", "of no known adapter layout"),
        (UP, f"two entries mean '{UP}'"),
    ],
)
def test_unknown_and_repeated_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        resolve_agent_names({**_lora(), name: torch.ones(3, 2)})

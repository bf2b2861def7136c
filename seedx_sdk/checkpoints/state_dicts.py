"""State dictionaries of the released and trained agents, brought to the names that our modules load.

Every name of a file is either used or dropped for a reason written here; anything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

__all__ = ["grow_vocabulary", "plain_agent_state"]

_INV_FREQ = re.compile(r"\.rotary_emb\.inv_freq$")
_PEFT_PREFIX = "llm.base_model.model."


def plain_agent_state(state: Mapping[str, Tensor], *, lora_scaling: float | None = None) -> dict[str, Tensor]:
    """Returns the agent's state under plain names (`llm.model...`, `input_resampler...`), adapters merged.

    Args:
        state: State dict of an agent, plain or wrapped by PEFT (names with `base_model.model`, `lora_A.default`,
            `modules_to_save.default`; `base_layer` of newer PEFT is understood too).
        lora_scaling: lora_alpha / r; needed when the state holds LoRA matrices.

    Returns:
        W + lora_scaling * B @ A for adapted layers (float32 sum, W's dtype), the saved copies of layers trained in
        full, everything else unchanged. Rotary buffers, which old versions stored, are left out.

    Raises:
        ValueError: If LoRA matrices come without a scaling or without their weight, or a name has no place.
    """
    plain: dict[str, Tensor] = {}
    lora: dict[str, dict[str, Tensor]] = {}
    saved: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if _INV_FREQ.search(name):
            continue
        name = "llm." + name.removeprefix(_PEFT_PREFIX) if name.startswith(_PEFT_PREFIX) else name
        if match := re.fullmatch(r"(.*)\.lora_([AB])\.default\.weight", name):
            lora.setdefault(match[1] + ".weight", {})[match[2]] = tensor
        elif match := re.fullmatch(r"(.*)\.modules_to_save\.default\.(weight|bias)", name):
            saved[f"{match[1]}.{match[2]}"] = tensor
        elif "lora_" in name or "modules_to_save" in name:
            raise ValueError(f"{name!r} belongs to no known adapter layout; only an adapter named 'default' is read")
        else:
            plain[re.sub(r"\.(original_module|base_layer)\.(weight|bias)$", r".\2", name)] = tensor
    if lora and lora_scaling is None:
        raise ValueError("the state holds LoRA matrices; pass lora_scaling = lora_alpha / r of the run that wrote it")
    for name, pair in lora.items():
        if name not in plain or set(pair) != {"A", "B"}:
            raise ValueError(f"LoRA of {name!r} is incomplete: it needs lora_A, lora_B and the weight itself")
        assert lora_scaling is not None
        delta = lora_scaling * (pair["B"].float() @ pair["A"].float())
        plain[name] = (plain[name].float() + delta).to(plain[name].dtype)
    return {**plain, **saved}


@torch.no_grad()
def grow_vocabulary(llm: LlamaForCausalLM, num_tokens: int) -> None:
    """Adds rows for new tokens: input rows are the mean of the old ones, output rows three times their mean.

    Args:
        llm: Changed in place; needs untied embeddings.
        num_tokens: New size of the vocabulary.

    Raises:
        ValueError: If that is smaller than the present size.

    Source: the resizing helper of peft_models.py.
    """
    old = llm.model.embed_tokens.num_embeddings
    if num_tokens < old:
        raise ValueError(f"the vocabulary has {old} tokens and cannot shrink to {num_tokens}")
    new_input, new_output = llm.model.embed_tokens.weight.mean(dim=0), 3 * llm.lm_head.weight.mean(dim=0)
    llm.resize_token_embeddings(num_tokens, mean_resizing=False)
    llm.model.embed_tokens.weight[old:] = new_input
    llm.lm_head.weight[old:] = new_output

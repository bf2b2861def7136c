"""State dicts of agents, plain or as PEFT wraps them: their names brought to those of our modules, LoRA merged.

Every name of a file is used, or left out for a reason written here; anything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from seedx_sdk.errors import ModelError

__all__ = ["AgentNames", "grow_vocabulary", "merge_agent_state", "merge_lora", "resolve_agent_names"]

T = TypeVar("T")

PEFT_PREFIX = "llm.base_model.model."
"""What PEFT puts before the names of the language model that it wraps."""
REPLACED = "LoRA training kept a trained copy (modules_to_save), which is used"
ROTARY = "rotary frequencies follow from the config; old transformers saved them"


@dataclass(frozen=True, slots=True)
class AgentNames(Generic[T]):
    """What a state dict of an agent holds, under the names of our modules (`llm.model...`, `input_resampler...`)."""

    weights: dict[str, T]
    """Weights, those that were trained in full as trained."""
    lora: dict[str, tuple[T, T]]
    """A (R, I) and B (O, R) to add to a weight (O, I), by its name; the weight may be in another file."""
    unused: dict[str, str]
    """Names in the file that are left out, and why."""


def resolve_agent_names(state: Mapping[str, T]) -> AgentNames[T]:
    """Return what each entry of an agent's state dict is.

    Args:
        state: Tensors, or where they are in files, by name. Names are plain or those of PEFT: `base_model.model`,
            `lora_A.default`, `modules_to_save.default`, `original_module`, and `base_layer` of newer versions.

    Raises:
        ModelError: If a LoRA matrix comes without the other, a name is of an unknown adapter layout, or two names mean
            the same weight.
    """
    weights: dict[str, T] = {}
    trained: dict[str, T] = {}
    halves: dict[str, dict[str, T]] = {}
    originals: dict[str, str] = {}
    unused: dict[str, str] = {}
    for stored, value in state.items():
        name = "llm." + stored.removeprefix(PEFT_PREFIX) if stored.startswith(PEFT_PREFIX) else stored
        if re.search(r"\.rotary_emb\.inv_freq$", name):
            unused[stored] = ROTARY
        elif match := re.fullmatch(r"(.*)\.lora_([AB])\.default\.weight", name):
            halves.setdefault(match[1] + ".weight", {})[match[2]] = value
        elif match := re.fullmatch(r"(.*)\.modules_to_save\.default\.(weight|bias)", name):
            trained[f"{match[1]}.{match[2]}"] = value
        elif "lora_" in name or "modules_to_save" in name:
            raise ModelError(
                f"{stored!r} is of no known adapter layout; only LoRA under PEFT's adapter name 'default' is read. "
                "Merge the adapter with the library that wrote it, then convert"
            )
        else:
            plain = re.sub(r"\.(original_module|base_layer)\.(weight|bias)$", r".\2", name)
            if plain in weights:
                raise ModelError(f"two entries mean {plain!r}, one of them {stored!r}; keep the one that was trained")
            weights[plain] = value
            if ".original_module." in name:
                originals[plain] = stored
    unused |= {stored: REPLACED for plain, stored in originals.items() if plain in trained}
    lora = {}
    for name, half in halves.items():
        if set(half) != {"A", "B"}:
            raise ModelError(
                f"LoRA of {name!r} is incomplete: it has lora_{next(iter(half))} alone; export the checkpoint again"
            )
        lora[name] = (half["A"], half["B"])
    return AgentNames(weights | trained, lora, unused)


@torch.no_grad()
def merge_lora(weight: Tensor, a: Tensor, b: Tensor, scaling: float) -> Tensor:
    """Return weight + scaling * B @ A in float32.

    Args:
        weight: (O, I).
        a: (R, I).
        b: (O, R).
        scaling: lora_alpha / R of the run that trained them.
    """
    return torch.addmm(weight.float(), b.float(), a.float(), alpha=scaling)


def merge_agent_state(state: Mapping[str, Tensor], *, lora_scaling: float | None = None) -> dict[str, Tensor]:
    """Return an agent's state dict under plain names, LoRA merged; for one that is in memory as a whole.

    Args:
        state: As `resolve_agent_names` takes it.
        lora_scaling: lora_alpha / rank; needed when the state holds LoRA matrices.

    Raises:
        ModelError: If LoRA matrices come without a scaling or without their weight, or as `resolve_agent_names`.
    """
    names = resolve_agent_names(state)
    if names.lora and lora_scaling is None:
        raise ModelError("the state holds LoRA matrices; pass lora_scaling = lora_alpha / rank of its training")
    merged = dict(names.weights)
    for name, (a, b) in names.lora.items():
        if name not in merged:
            raise ModelError(f"LoRA of {name!r} comes without that weight; add the base model's")
        assert lora_scaling is not None
        merged[name] = merge_lora(merged[name], a, b, lora_scaling).to(merged[name].dtype)
    return merged


@torch.no_grad()
def grow_vocabulary(llm: LlamaForCausalLM, num_tokens: int) -> None:
    """Add rows for new tokens: input rows are the mean of the old ones, output rows three times their mean.

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

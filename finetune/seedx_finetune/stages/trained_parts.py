"""Which weights of the multimodal model are trained."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Literal

import torch
from torch import Tensor, nn

from seedx_sdk.model.lvlm import LVLM

__all__ = ["Part", "train_parts"]

Part = Literal["llm", "embeddings", "norms", "resamplers", "patch_positions"]

NAMES: dict[Part, str] = {
    "llm": r"llm\..*",
    "embeddings": r"llm\..*\.(embed_tokens|lm_head)\.weight",
    "norms": r"llm\..*(layernorm|\.norm)\.weight",
    "resamplers": r"(input|output)_resampler\..*",
    "patch_positions": r"patch_pos_embed",
}
"""Patterns of whole parameter names of `LVLM`, wrapped by PEFT or not."""
LORA = r"llm\..*\.lora_[AB]\..*"


def train_parts(model: LVLM, parts: Collection[Part], dtype: torch.dtype) -> None:
    """Freeze the model in the given type, except for LoRA matrices and the named parts, which become float32.

    Args:
        model: Changed in place.
        parts: What is trained in full.
        dtype: Of frozen weights, and of what the norms give on to them.
    """
    pattern = re.compile("|".join([LORA, *(NAMES[part] for part in parts)]))
    for name, parameter in model.named_parameters():
        trained = pattern.fullmatch(name) is not None
        parameter.requires_grad_(trained)
        parameter.data = parameter.data.to(torch.float32 if trained else dtype)
    for name, module in model.named_modules():
        if re.fullmatch(NAMES["norms"].removesuffix(r"\.weight"), name):
            module.register_forward_hook(_as_it_came)


def _as_it_came(_module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
    """Return what a float32 norm makes of a bfloat16 input in bfloat16, so that the layers behind it can read it."""
    read: Tensor = args[0]
    return output.to(read.dtype)

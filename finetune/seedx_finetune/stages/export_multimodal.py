"""The result of a multimodal stage on disk: an adapter package, or a checkpoint directory."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from peft import PeftModel
from torch import Tensor, nn

from seedx_finetune.stages.initial import CheckpointInitial, LlamaInitial
from seedx_finetune.stages.lora import save_adapter
from seedx_finetune.stages.multimodal_model import MultimodalModel
from seedx_sdk.checkpoints.directory import quiet_libraries, save_part, write_config
from seedx_sdk.model.lvlm import LVLM

__all__ = ["export_adapter", "export_merged"]

TOKENIZER_FILES = ("tokenizer.model", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json")


def export_adapter(model: MultimodalModel, directory: Path) -> None:
    """Write what becomes `specialists/NAME` of a checkpoint directory: the LoRA adapter and its projectors, float32."""
    llm: nn.Module = model.lvlm.llm
    assert isinstance(llm, PeftModel)
    save_adapter(llm, directory)
    save_part(_projectors(model.lvlm), directory / "projectors" / "model.safetensors", dtype=torch.float32)


def export_merged(
    model: MultimodalModel, initial: CheckpointInitial | LlamaInitial, directory: Path, dtype: torch.dtype
) -> None:
    """Write a checkpoint directory, LoRA added to the weights of the language model.

    The de-tokenizer is that of the initial weights, if they have one.

    Args:
        model: Its LoRA is gone afterwards.
        initial: What it started from.
        directory: An empty one.
        dtype: Of the weights that were trained, and of those that LoRA was added to.
    """
    llm: nn.Module = model.lvlm.llm
    if dtype == torch.float32:
        llm.float()
    merged = llm.merge_and_unload() if isinstance(llm, PeftModel) else model.lvlm.causal_lm
    with quiet_libraries():
        nn.Module.to(merged, dtype).save_pretrained(directory / "llm")
    for name in TOKENIZER_FILES:
        if (initial.tokenizer_directory / name).is_file():
            shutil.copy(initial.tokenizer_directory / name, directory / "llm" / name)
    save_part(_projectors(model.lvlm), directory / "projectors" / "model.safetensors", dtype=dtype)
    copied = initial.frozen_parts()
    for part in copied:
        shutil.copytree(part, directory / part.name)
    if not any(part.name == "visual_encoder" for part in copied):
        save_part(model.visual_encoder.state_dict(), directory / "visual_encoder" / "model.safetensors", dtype=dtype)
    write_config(directory, replace(initial.describe().config, files={}))


def _projectors(lvlm: LVLM) -> dict[str, Tensor]:
    return {name: value for name, value in lvlm.state_dict().items() if not name.startswith("llm.")}

"""LoRA on the language model: added, written as an adapter, or merged."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Literal

from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from pydantic import Field
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

from seedx_finetune.training.config import Config

__all__ = ["LoraSettings", "add_lora", "save_adapter"]

Target = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "down_proj", "up_proj"]


class LoraSettings(Config):
    """LoRA matrices of every layer. Defaults: configs/clm_models/llm_seed_x_lora.yaml of the reference."""

    rank: int = Field(32, gt=0, le=512)
    """vLLM serves up to 512."""
    alpha: int = Field(32, gt=0)
    """The change is scaled by alpha / rank."""
    dropout: float = Field(0.05, ge=0, lt=1)
    targets: tuple[Target, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "down_proj", "up_proj")


def add_lora(llm: LlamaForCausalLM, settings: LoraSettings) -> PeftModel:
    """Return the language model with LoRA, which changes nothing yet.

    There are no `modules_to_save`: whole copies of modules, which vLLM refuses. What is trained in full is trained in
    its place.
    """
    wrapped: PeftModel = get_peft_model(
        llm,
        LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=list(settings.targets),
            task_type="CAUSAL_LM",
        ),
    )
    for module in wrapped.modules():
        if isinstance(module, BaseTunerLayer):
            # autocast brings the float32 matrices to the type of the input, not the input to theirs
            module.cast_input_dtype_enabled = False  # type: ignore[assignment]  # nn.Module's attributes are modules
    return wrapped


def save_adapter(llm: PeftModel, directory: Path) -> None:
    """Write the LoRA matrices as PEFT and vLLM read them."""
    config = copy.copy(llm.peft_config["default"])
    config.inference_mode = True
    config.base_model_name_or_path = None  # where the base was in training says nothing elsewhere
    config.save_pretrained(str(directory))
    state = get_peft_model_state_dict(llm, save_embedding_layers=False)
    save_file({name: value.contiguous() for name, value in state.items()}, directory / "adapter_model.safetensors")

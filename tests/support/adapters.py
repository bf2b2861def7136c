"""Adapter packages with random weights, as training writes them, for tests of what serves them."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from seedx_sdk.checkpoints.directory import quiet_libraries, save_part

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def adapter_package(
    directory: Path, checkpoint_dir: Path, *, rank: int, seed: int, modules: tuple[str, ...] = LINEAR, std: float = 0.02
) -> Path:
    """Write an adapter whose B is random too, so that it changes every answer, and projectors that differ a little.

    Args:
        directory: To write.
        checkpoint_dir: The model that it is for.
        rank: Of the LoRA; alpha is twice as much.
        seed: Of the weights.
        modules: The linear layers that it covers.
        std: Standard deviation of B.
    """
    with torch.random.fork_rng(devices=[]), quiet_libraries():
        torch.manual_seed(seed)
        llm = LlamaForCausalLM.from_pretrained(checkpoint_dir / "llm", dtype=torch.float32)
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(modules), task_type="CAUSAL_LM")
        adapted = get_peft_model(llm, config)
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=std)
        adapted.save_pretrained(str(directory))
        projectors = load_file(checkpoint_dir / "projectors" / "model.safetensors")
        changed = {name: value.float() + 0.01 * torch.randn(value.shape) for name, value in projectors.items()}
    save_part(changed, directory / "projectors" / "model.safetensors", dtype=torch.float32)
    return directory

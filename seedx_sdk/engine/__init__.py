"""From a checkpoint directory to something that answers requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from seedx_sdk.engine.protocol import AsyncEngine, Engine
from seedx_sdk.errors import WeightsMissingError, needs_extra
from seedx_sdk.forks import check_torch, inside_torch
from seedx_sdk.types import Dtype, Request

__all__ = ["NANO", "AsyncEngine", "Engine", "Request", "open_engine"]

NANO = Path(__file__).parent.parent / "nano"
"""The checkpoint directory of the model that ships inside the package."""


@asynccontextmanager
async def open_engine(
    model: str | Path | None = None, *, device: str | None = None, dtype: Dtype | None = None
) -> AsyncIterator[AsyncEngine]:
    """Open a model in this process.

    Args:
        model: A checkpoint directory; None is the shipped nano model.
        device: "cpu", "cuda" or "cuda:N"; None takes a CUDA device if there is one.
        dtype: Of all weights; None is bfloat16 on CUDA and float32 on a CPU.

    Raises:
        MissingExtraError: If torch and its companions are not installed.
        InputError: If there is no such device.
        WeightsMissingError: If the directory or a weight file is not there.
        WeightsCorruptError: If a weight file is cut short or has another hash.
        ServiceError: If this process was forked off while its parent was loading a model or computing.
    """
    directory = NANO if model is None else Path(model)
    if not (directory / "config.json").is_file():
        what = "a directory with config.json" if model is not None else "the shipped model; install seedx-sdk again"
        raise WeightsMissingError(f"there is no model at '{directory}'; it must be {what}")
    check_torch()
    async with AsyncExitStack() as stack:
        with inside_torch():
            local = await asyncio.to_thread(inside_torch()(_library))  # seconds, in which others can be cancelled
            options = replace(local.ALONE, device=device, dtype=dtype)
            engine = await stack.enter_async_context(local.open_local(directory, options))
        yield engine


def _library() -> ModuleType:
    with needs_extra("local"):
        from seedx_sdk.engine import local
    return local

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

__all__ = ["NANO", "NANO_NAMES", "AsyncEngine", "Engine", "Request", "checkpoint_directory", "open_engine"]

NANO = Path(__file__).parent.parent / "nano"
"""The checkpoint directory of the model that ships inside the package."""
NANO_NAMES = ("seed-x-nano", "nano")
"""What that model is called wherever a model is named."""


def checkpoint_directory(model: str | Path | None) -> Path:
    """Return the checkpoint directory of a model: None or a name of the shipped one, or a directory.

    A directory in the working directory that is called like the shipped model takes precedence.
    """
    if model is None or (str(model) in NANO_NAMES and not (Path(model) / "config.json").is_file()):
        return NANO
    return Path(model)


@asynccontextmanager
async def open_engine(
    model: str | Path | None = None, *, device: str | None = None, dtype: Dtype | None = None
) -> AsyncIterator[AsyncEngine]:
    """Open a model in this process.

    Args:
        model: A checkpoint directory; None, "nano" or "seed-x-nano" is the shipped model.
        device: "cpu", "cuda" or "cuda:N"; None takes a CUDA device if there is one.
        dtype: Of all weights; None is bfloat16 on CUDA and float32 on a CPU.

    Raises:
        MissingExtraError: If torch and its companions are not installed.
        InputError: If there is no such device.
        WeightsMissingError: If the directory or a weight file is not there.
        WeightsCorruptError: If a weight file is cut short or has another hash.
        ServiceError: If this process was forked off while its parent was loading a model or computing.
    """
    directory = checkpoint_directory(model)
    if not (directory / "config.json").is_file():
        what = "a directory with config.json" if directory != NANO else "the shipped model; install seedx-sdk again"
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

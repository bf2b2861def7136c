"""From a model directory to something that answers requests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from seedx_sdk.engine.blocking import BlockingEngine
from seedx_sdk.engine.protocol import Engine
from seedx_sdk.errors import WeightsMissingError, needs_extra
from seedx_sdk.types import Dtype, Request

__all__ = ["NANO", "Engine", "Request", "load_engine"]

NANO = Path(__file__).parent.parent / "nano"
"""The directory of the model that ships inside the package."""


def load_engine(model: str | Path | None = None, *, dtype: Dtype | None = None) -> Engine:
    """The engine for a model directory; None is the shipped nano model, and the dtype float32.

    Raises:
        MissingExtraError: torch and its companions are not installed.
        WeightsMissingError: the directory or a weight file is not there.
        WeightsCorruptError: a weight file is cut short or has another hash.
    """
    directory = NANO if model is None else Path(model)
    if not (directory / "config.json").is_file():
        what = "a directory with config.json" if model is not None else "the shipped model; install seedx-sdk again"
        raise WeightsMissingError(f"there is no model at '{directory}'; it must be {what}")
    with needs_extra("local"):
        from seedx_sdk.engine.local import ALONE, open_local
    return BlockingEngine(open_local(directory, replace(ALONE, dtype=dtype)))

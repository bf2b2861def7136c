"""The configuration of a source of samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Config", "LoaderSettings", "SourceConfig"]


class Config(BaseModel):
    """A part of a configuration: unknown names and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class SourceConfig(Config):
    """A source of samples, and its share in the mixture."""

    name: str
    """What the log calls it."""
    format: str
    """Name of a format in `seedx_finetune.data.formats`."""
    path: Path
    """What `seedx data check` has indexed."""
    weight: float = Field(gt=0, allow_inf_nan=False)
    """Samples of this source, relative to those of the others."""
    options: dict[str, Any] = {}
    """The format's own, such as its grids and prompts."""


class LoaderSettings(Protocol):
    """What a loader needs of a run (`training.config.RunConfig`)."""

    @property
    def seed(self) -> int:
        """Of the order of the samples and of the random choices in them; at least 0."""

    @property
    def workers(self) -> int:
        """Processes that prepare batches; 0 prepares them in this one."""

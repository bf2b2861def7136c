"""The configuration of a training run: everything that decides its weights, in one value that is saved with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny

from seedx_finetune.training.config import Config, OptimizerConfig, RunConfig, SourceConfig
from seedx_finetune.training.stage import StageConfig

__all__ = ["RecipeConfig"]


class RecipeConfig(Config):
    """A whole training run."""

    name: str
    stage: SerializeAsAny[StageConfig]
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    held_out: tuple[SourceConfig, ...] = ()
    """Sources of the held-out loss, never trained on."""
    general: tuple[SourceConfig, ...] = ()
    """Sources of what the model could do before, never trained on; `run.max_general_growth` limits their loss."""
    book: Path | None = None
    """Directory of the picture book that the sources lie in (`data.export_book`); written and indexed before training
    where it is missing. None: the sources are there."""
    optimizer: OptimizerConfig
    run: RunConfig = RunConfig()

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as JSON values; what is saved, compared and hashed."""
        return self.model_dump(mode="json")

    @property
    def hash(self) -> str:
        """The first 12 hex digits of the SHA-256 of the configuration."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

"""`python -m tests.support.tiny_command` is `python -m seedx_sdk` with one more recipe, "tiny"."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from seedx_finetune.recipes import RECIPES
from seedx_finetune.training.recipe import RecipeConfig
from seedx_sdk.cli.main import main
from tests.support.tiny_stage import TinyStageConfig, tiny_recipe

__all__ = ["tiny"]


def tiny(data: Path, size: Literal["small", "large"] = "small", batch_size: int = 2) -> RecipeConfig:
    """Train a tiny model, for tests.

    Args:
        data: Its source.
        size: Two layers or more.
        batch_size: Samples of a batch.
    """
    recipe = tiny_recipe(stage=TinyStageConfig(batch_size=batch_size), learning_rate=0.01 if size == "small" else 0.001)
    source = recipe.sources[0].model_copy(update={"path": data})
    return recipe.model_copy(update={"sources": (source,)})


if __name__ == "__main__":
    RECIPES["tiny"] = tiny
    main()

"""How each model is trained: typed functions that return a whole configuration."""

from __future__ import annotations

from collections.abc import Callable

from seedx_finetune.training.config import RecipeConfig

__all__ = ["RECIPES"]

RECIPES: dict[str, Callable[..., RecipeConfig]] = {}
"""What `seedx train NAME` runs."""

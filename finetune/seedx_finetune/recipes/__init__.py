"""How each model is trained: typed functions that return a whole configuration."""

from __future__ import annotations

from collections.abc import Callable

from seedx_finetune.recipes import multimodal
from seedx_finetune.training.config import RecipeConfig

__all__ = ["RECIPES"]

_FUNCTIONS: tuple[Callable[..., RecipeConfig], ...] = (
    multimodal.pretrain,
    multimodal.pretrain_debug,
    multimodal.instruct,
    multimodal.instruct_debug,
    multimodal.edit,
    multimodal.edit_debug,
    multimodal.slides,
    multimodal.slides_debug,
    multimodal.story,
    multimodal.story_debug,
    multimodal.try_on,
    multimodal.try_on_debug,
)
RECIPES: dict[str, Callable[..., RecipeConfig]] = {function.__name__: function for function in _FUNCTIONS}
"""What `seedx train NAME` runs; `--set argument=value` calls it with other arguments."""

"""How each model is trained: typed functions that return a whole configuration."""

from __future__ import annotations

from collections.abc import Callable

from seedx_finetune.recipes import detokenizer, multimodal
from seedx_finetune.training.recipe import RecipeConfig

__all__ = ["RECIPES"]

_FUNCTIONS: tuple[Callable[..., RecipeConfig], ...] = (
    detokenizer.detokenizer_1,
    detokenizer.detokenizer_1_debug,
    detokenizer.detokenizer_2,
    detokenizer.detokenizer_2_debug,
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
    detokenizer.adapt_detokenizer,
    detokenizer.adapt_detokenizer_debug,
)
RECIPES: dict[str, Callable[..., RecipeConfig]] = {function.__name__: function for function in _FUNCTIONS}
"""What `seedx train NAME` runs; `--set argument=value` calls it with other arguments."""

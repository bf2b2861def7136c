"""Training and evaluation of SeedX SDK's models: the picture-book world, data, recipes and scores.

Importing this package loads neither torch nor a model; the names below are loaded when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedx_finetune.evaluation import Judge, evaluate
    from seedx_finetune.world import Scene, render, sample_edit, sample_scene

__all__ = ["Judge", "Scene", "evaluate", "render", "sample_edit", "sample_scene"]

_EVALUATION = ("Judge", "evaluate")


def __getattr__(name: str) -> Any:
    """Load a public name from the package that defines it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'evaluation' if name in _EVALUATION else 'world'}"), name)

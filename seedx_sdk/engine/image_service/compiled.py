"""Modules that are compiled for the shapes that a service prepares, and run as they are for all others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

__all__ = ["CompiledModules"]

_MAX_SHAPES = 64
"""Compiled versions of one module."""


class CompiledModules:
    """Compiles modules, but only while it is told to: a compilation takes minutes, and a step must not."""

    def __init__(self) -> None:
        self._stance = "eager_on_recompile"
        self._replaced: list[nn.Module] = []

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Compile each module for the shapes that it is called with inside the block."""
        self._stance = "default"
        try:
            yield
        finally:
            self._stance = "eager_on_recompile"

    def replace(self, module: nn.Module) -> None:
        """Let calls of a module run what was compiled, until `restore`."""
        compiled = torch.compile(  # type: ignore[call-overload]  # its stub lacks the last two
            module.forward, dynamic=False, isolate_recompiles=True, recompile_limit=_MAX_SHAPES
        )

        def forward(*args: Any, **kwargs: Any) -> Any:
            with torch.compiler.set_stance(self._stance):
                return compiled(*args, **kwargs)

        module.forward = forward
        self._replaced.append(module)

    def restore(self) -> None:
        """Undo all replacements."""
        for module in self._replaced:
            del module.forward
        self._replaced.clear()

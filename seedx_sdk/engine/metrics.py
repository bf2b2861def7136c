"""Counters of an engine since it was opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from seedx_sdk.checkpoints.memory_plan import MemoryPlan
from seedx_sdk.engine.image_service.metrics import ServiceMetrics

__all__ = ["EngineMetrics", "Measured"]


@dataclass(kw_only=True, slots=True)
class EngineMetrics:
    """Counters of both halves of an engine. Reading single fields is safe from any thread."""

    service: ServiceMetrics | None
    """Counters of the image service; None if it runs in other processes."""
    prompt_tokens: int = 0
    """Tokens of all prompts, image tokens included."""
    completion_tokens: int = 0
    """Tokens that the language model wrote, image tokens included."""
    memory: MemoryPlan | None = None
    """How the device's memory is divided; None if several machines share the work."""


@runtime_checkable
class Measured(Protocol):
    """An engine with counters."""

    @property
    def metrics(self) -> EngineMetrics | None:
        """The counters; None while nothing is open."""
        ...

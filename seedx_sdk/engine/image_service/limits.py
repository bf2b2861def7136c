"""The limits of an image service."""

from __future__ import annotations

from dataclasses import dataclass

from seedx_sdk.errors import InputError

__all__ = ["ServiceLimits"]


@dataclass(kw_only=True, slots=True, frozen=True)
class ServiceLimits:
    """Limits of the queue, the batches and the cache."""

    max_queue: int = 64
    """Jobs that may wait, and as many short computations."""
    max_batch: int = 8
    """Jobs in one batch, of the model's own size; of larger images fewer, so that they have no more pixels in all."""
    max_wait_ms: float = 10.0
    """How long an idle device waits for others to join a job, in milliseconds."""
    step_seconds: float = 300.0
    """Timeout of a denoising step or a short computation: a longer one is stuck, and the service counts as failed."""
    cache_bytes: int = 1 << 29
    """Image features to cache, in host memory; at the released sizes an image has up to 10 MB of them in 16 bits."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        negative = self.max_queue < 1 or self.max_batch < 1 or self.max_wait_ms < 0 or self.cache_bytes < 0
        if negative or self.step_seconds <= 0:
            raise InputError(
                f"{self} is not usable; max_queue and max_batch must be 1 or more, "
                "max_wait_ms and cache_bytes 0 or more, step_seconds more than 0"
            )

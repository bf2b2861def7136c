"""Counters of an image service."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Outcome", "ServiceMetrics", "Stage"]

Outcome = Literal["completed", "cancelled", "deadline_exceeded", "failed", "rejected"]
"""How a job ended; rejected means that the queue was full."""
Stage = Literal["encode", "regress", "prepare", "denoise", "preview", "decode"]
"""What the device spends its time on; "encode" is reading an image."""


@dataclass(slots=True)
class ServiceMetrics:
    """Counters since the start, and two gauges. Reading single fields is safe from any thread."""

    queue_length: int = 0
    """Jobs that wait now."""
    running: int = 0
    """Jobs that are being denoised now."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Jobs by how they ended."""
    batch_sizes: Counter[int] = field(default_factory=Counter)
    """Batches by the number of jobs that they started with."""
    memory_splits: Counter[int] = field(default_factory=Counter)
    """Batches that ran out of memory and were split, by the number of jobs."""
    seconds: dict[Stage, float] = field(default_factory=dict)
    """Device time by stage."""
    errors: Counter[Stage] = field(default_factory=Counter)
    """Short computations that failed, by stage; failed jobs are among the outcomes."""
    cache_hits: int = 0
    """Images whose features were in the cache."""
    cache_misses: int = 0
    """Images that had to be encoded."""
    seconds_per_batch: float = 0.0
    """Moving average of the time of a batch, from its first step to the last image."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Add the time of the block to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def record_outcome(self, outcome: Outcome) -> None:
        """Count the end of a job."""
        with self._lock:
            self.outcomes[outcome] += 1

    def record_error(self, stage: Stage) -> None:
        """Count a short computation that failed."""
        with self._lock:
            self.errors[stage] += 1

    def record_lookup(self, *, hit: bool) -> None:
        """Count a look-up in the cache."""
        with self._lock:
            self.cache_hits += hit
            self.cache_misses += not hit

    def record_batch(self, seconds: float) -> None:
        """Add a batch to the moving average, with a weight of a fifth."""
        with self._lock:
            old = self.seconds_per_batch
            self.seconds_per_batch = seconds if old == 0 else 0.8 * old + 0.2 * seconds

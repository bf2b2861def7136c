"""What a service counts, for whoever exports it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Outcome", "ServiceMetrics", "Stage"]

Outcome = Literal["drawn", "cancelled", "late", "failed", "refused"]
"""How a drawing ended; refused means that the queue was full."""
Stage = Literal["read", "regress", "prepare", "denoise", "preview", "decode"]
"""What the device spends its time on."""


@dataclass(slots=True)
class ServiceMetrics:
    """Counters since the start, and two gauges. Reading single fields is safe from any thread."""

    queue_length: int = 0
    """Drawings that wait now."""
    running: int = 0
    """Drawings that are being de-noised now."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Drawings by how they ended."""
    batch_sizes: Counter[int] = field(default_factory=Counter)
    """Batches by the number of drawings that they started with."""
    memory_splits: Counter[int] = field(default_factory=Counter)
    """Batches that ran out of memory and were split, by the number of drawings."""
    seconds: dict[Stage, float] = field(default_factory=dict)
    """Device time by stage."""
    errors: Counter[Stage] = field(default_factory=Counter)
    """Short computations that failed, by stage; drawings that failed are among the outcomes."""
    cache_hits: int = 0
    """Pictures whose features were there."""
    cache_misses: int = 0
    """Pictures that had to be encoded."""
    seconds_per_batch: float = 0.0
    """Moving average of what a batch takes, from its first step to the last picture."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Adds the time spent inside to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def end(self, outcome: Outcome) -> None:
        """Counts the end of a drawing."""
        with self._lock:
            self.outcomes[outcome] += 1

    def fail(self, stage: Stage) -> None:
        """Counts a short computation that failed."""
        with self._lock:
            self.errors[stage] += 1

    def looked_up(self, *, hit: bool) -> None:
        """Counts a look into the cache."""
        with self._lock:
            self.cache_hits += hit
            self.cache_misses += not hit

    def batch_took(self, seconds: float) -> None:
        """Takes one more batch into the average, with a weight of a fifth."""
        with self._lock:
            old = self.seconds_per_batch
            self.seconds_per_batch = seconds if old == 0 else 0.8 * old + 0.2 * seconds

"""The bounded queue in front of a device: forms batches of compatible jobs and runs short calls first.

Any thread puts; one worker thread takes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["BatchQueue", "Call"]

J = TypeVar("J")

Call = Callable[[], None]
"""A short piece of work that is never batched; it handles its own errors."""


class BatchQueue(Generic[J]):
    """First come, first served: the oldest job leads a batch, and compatible younger ones join it.

    Jobs that need less than what is left of a running batch need not wait for it: see `take_shorter`.

    Args:
        key: Jobs with equal keys may share a batch.
        max_queue: Jobs that may wait, and as many calls.
        max_batch: Jobs in one batch.
        max_wait: Seconds that a job may wait for others to join, while the worker has nothing else to do.
    """

    def __init__(self, key: Callable[[J], Hashable], *, max_queue: int, max_batch: int, max_wait: float) -> None:
        self._key, self._max_queue, self._max_batch, self._max_wait = key, max_queue, max_batch, max_wait
        self._jobs: list[tuple[float, J]] = []  # with the time of arrival
        self._calls: deque[Call] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        """Return the number of jobs that wait."""
        return len(self._jobs)

    def put(self, job: J) -> bool:
        """Add a job; return False if the queue is full."""
        with self._changed:
            if len(self._jobs) >= self._max_queue:
                return False
            self._jobs.append((time.monotonic(), job))
            self._changed.notify()
        return True

    def put_call(self, call: Call) -> bool:
        """Add a call, which goes before all jobs; return False if too many wait."""
        with self._changed:
            if len(self._calls) >= self._max_queue:
                return False
            self._calls.append(call)
            self._changed.notify()
        return True

    def discard(self, job: J) -> bool:
        """Remove a waiting job; return False if it no longer waits."""
        with self._changed:
            kept = [entry for entry in self._jobs if entry[1] is not job]
            found = len(kept) < len(self._jobs)
            self._jobs = kept
            self._changed.notify()
        return found

    def close(self) -> None:
        """Close the queue: `take` returns what still waits, then None."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self) -> list[J] | Call | None:
        """Wait for the next batch or call; return None when the queue is closed and empty."""
        with self._changed:
            while True:
                if self._calls:
                    return self._calls.popleft()
                if not self._jobs:
                    if self._closed:
                        return None
                    self._changed.wait()
                    continue
                arrived, first = self._jobs[0]
                key = self._key(first)
                compatible = sum(self._key(job) == key for _, job in self._jobs)
                left = arrived + self._max_wait - time.monotonic()
                if compatible >= self._max_batch or left <= 0 or self._closed:
                    return self._taken(first)
                self._changed.wait(left)

    def take_shorter(self, cost: Callable[[J], float], limit: float) -> list[J]:
        """Return the next batch whose jobs cost less than a limit, without waiting for others; empty if there is none.

        Args:
            cost: Of a job; equal for jobs with equal keys.
            limit: In the same unit.
        """
        with self._changed:
            first = next((job for _, job in self._jobs if cost(job) < limit), None)
            return [] if first is None else self._taken(first)

    def _taken(self, first: J) -> list[J]:
        """Remove a job and those that may share its batch, up to a full one, and return them."""
        key = self._key(first)
        batch = [job for _, job in self._jobs if self._key(job) == key][: self._max_batch]
        self._jobs = [entry for entry in self._jobs if not any(entry[1] is job for job in batch)]
        return batch

    def take_calls(self) -> list[Call]:
        """Return the calls that wait right now, for a worker in the middle of a batch."""
        with self._changed:
            calls = list(self._calls)
            self._calls.clear()
        return calls

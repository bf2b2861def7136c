"""The bounded queue in front of a device: forms batches of compatible jobs and runs short calls first.

Any thread puts; one worker thread takes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from seedx_sdk.engine.fair_line import FairTurns, Share

__all__ = ["BatchQueue", "Call"]

J = TypeVar("J")

Call = Callable[[], None]
"""A short piece of work that is never batched; it handles its own errors."""


class BatchQueue(Generic[J]):
    """Those who share the device take turns: the oldest job of the one whose turn it is leads a batch.

    Compatible jobs join it, in turns too. Jobs that need less than what is left of a running batch need not wait for
    it: see `take_shorter`.

    Args:
        key: Jobs with equal keys may share a batch.
        cost: What a job takes; equal for jobs with equal keys.
        share: For whom it is done.
        max_queue: Jobs that may wait, and as many calls.
        max_batch: Jobs in one batch.
        max_wait: Seconds that a job may wait for others to join, while the worker has nothing else to do.
    """

    def __init__(
        self,
        key: Callable[[J], Hashable],
        *,
        cost: Callable[[J], float],
        share: Callable[[J], Share],
        max_queue: int,
        max_batch: int,
        max_wait: float,
    ) -> None:
        self._key, self._cost, self._share = key, cost, share
        self._max_queue, self._max_batch, self._max_wait = max_queue, max_batch, max_wait
        self._turns = FairTurns()
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
            share = self._share(job)
            if not any(self._share(waiting).name == share.name for _, waiting in self._jobs):
                self._turns.join(share)
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
                first = self._next(self._jobs)
                key = self._key(first)
                compatible = [arrived for arrived, job in self._jobs if self._key(job) == key]
                left = compatible[0] + self._max_wait - time.monotonic()
                if len(compatible) >= self._max_batch or left <= 0 or self._closed:
                    return self._taken(first)
                self._changed.wait(left)

    def take_shorter(self, limit: float) -> list[J]:
        """Return the next batch whose jobs cost less than a limit, without waiting for others; empty if none do."""
        with self._changed:
            shorter = [entry for entry in self._jobs if self._cost(entry[1]) < limit]
            return self._taken(self._next(shorter)) if shorter else []

    def _next(self, jobs: list[tuple[float, J]]) -> J:
        """Return the oldest of these jobs of the share whose turn it is."""
        oldest: dict[Share, J] = {}
        for _, job in jobs:
            oldest.setdefault(self._share(job), job)
        return oldest[self._turns.first(oldest)]

    def _taken(self, first: J) -> list[J]:
        """Remove a job and those that may share its batch, up to a full one, and return them."""
        key, batch = self._key(first), list[J]()
        while len(batch) < self._max_batch:
            compatible = [entry for entry in self._jobs if self._key(entry[1]) == key]
            if not compatible:
                break
            job = self._next(compatible)
            self._jobs = [entry for entry in self._jobs if entry[1] is not job]
            self._turns.begin(self._share(job), self._cost(job))
            batch.append(job)
        return batch

    def take_calls(self) -> list[Call]:
        """Return the calls that wait right now, for a worker in the middle of a batch."""
        with self._changed:
            calls = list(self._calls)
            self._calls.clear()
        return calls

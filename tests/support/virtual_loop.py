"""An event loop for simulations: virtual time, and threads that take no turn of their own.

Everything that happens follows from a seed, so that a failure can be repeated.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import selectors
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

import cachetools
import pytest

T = TypeVar("T")
_START = 1000.0
"""Virtual time at which a simulation begins; not 0, which could be mistaken for "never"."""
_LONGEST = 0.02
"""Of a function that is run in a thread, in virtual seconds; each takes a random part of it."""


class DeadlockError(AssertionError):
    """Nothing is ready, and nothing will ever be."""


class _AnyOrder(deque[asyncio.Handle]):
    """What is ready, taken in random order."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    def popleft(self) -> asyncio.Handle:
        self.rotate(self._rng.randrange(len(self)))
        return super().popleft()


class _NoFiles(selectors.SelectSelector):
    """Waits in virtual time."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        self._loop.advance(timeout)
        return []


class Worker(Protocol):
    """Another thread, which runs only while the loop waits for it; see lockstep.py."""

    wakes_at: float | None
    """When it goes on by itself."""

    def is_ready(self, now: float) -> bool: ...

    def step(self) -> None: ...


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module.

    Args:
        seed: Of every choice.
        any_order: Take what is ready in random order, where asyncio promises the order in which it became ready.
    """

    def __init__(self, seed: int, *, any_order: bool = False) -> None:
        self.rng = random.Random(seed)
        self.now = _START
        self.worker: Worker | None = None
        super().__init__(_NoFiles(self))
        if any_order:
            self._ready = _AnyOrder(self.rng)

    def time(self) -> float:
        return self.now

    def advance(self, timeout: float | None) -> None:
        """Let the worker take a turn, or time pass until the next event; called whenever the loop would wait."""
        worker = self.worker
        if worker is not None and worker.is_ready(self.now) and (timeout != 0 or self.rng.random() < 0.5):
            worker.step()
            return
        wakes = [] if worker is None or worker.wakes_at is None else [worker.wakes_at - self.now]
        waits = [*wakes, *([] if timeout is None else [timeout])]
        if not waits:
            raise DeadlockError("the simulation waits for an event that nobody will cause")
        self.now += max(0.0, min(waits))

    def run_in_executor(
        self,
        executor: object,  # noqa: ARG002
        func: Callable[..., T],
        *args: object,
    ) -> asyncio.Future[T]:
        """Return the result of a function after a while, in which others may run before or after it."""
        done: asyncio.Future[T] = self.create_future()
        context = contextvars.copy_context()

        def run() -> None:
            try:
                result = context.run(func, *args)
            except Exception as error:
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():  # a thread goes on when nobody waits for it any more
                    done.set_result(result)

        self.call_later(self.rng.choice((0.0, self.rng.random() * _LONGEST)), run)
        return done


def simulate(seed: int, make: Callable[[VirtualLoop], Coroutine[Any, Any, T]], *, any_order: bool = False) -> T:
    """Run a coroutine to its end in a loop of its own, in which `time.monotonic` is virtual too."""
    loop = VirtualLoop(seed, any_order=any_order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", loop.time)
        patch.setattr(cachetools.TTLCache.__init__, "__defaults__", (loop.time, None))  # bound when it was defined
        try:
            return loop.run_until_complete(make(loop))
        finally:
            loop.close()

"""A worker thread in lockstep with a virtual event loop: one of the two runs, and the loop's seed says which.

`Lockstep.stand_in` stands in for the module `threading` in code that starts one worker and waits with conditions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

from tests.support.virtual_loop import VirtualLoop


class Lockstep:
    """The turns of the worker; see the module.

    Args:
        loop: Gives the turns.
    """

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.wakes_at: float | None = loop.now
        self.error: BaseException | None = None
        self._is_woken: Callable[[], bool] = lambda: False
        self._worker: threading.Thread | None = None
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._ended = False

    @property
    def stand_in(self) -> SimpleNamespace:
        """What the worker's code takes from `threading`."""
        return SimpleNamespace(
            Thread=lambda target, **_: _Thread(self, target),
            Condition=lambda: _Condition(self),
            Lock=threading.Lock,  # never held while the turn changes
        )

    def is_ready(self, now: float) -> bool:
        """Whether the worker can go on."""
        is_due = self.wakes_at is not None and now >= self.wakes_at
        return self._worker is not None and not self._ended and (is_due or self._is_woken())

    def step(self) -> None:
        """Let the worker run until it waits or works; called by the loop."""
        self._turn.release()
        self._back.acquire()
        if self._ended and self._worker is not None:
            self._worker.join()
        if self.error is not None:
            raise self.error

    def work(self, seconds: float) -> None:
        """Let virtual time pass in the worker."""
        self.pause(self.loop.now + seconds, lambda: False)

    def pause(self, wakes_at: float | None, is_woken: Callable[[], bool]) -> None:
        """Give up the turn, until a time or a condition; called by the worker."""
        self.wakes_at, self._is_woken = wakes_at, is_woken
        self._back.release()
        self._turn.acquire()

    def start(self, target: Callable[[], object]) -> threading.Thread:
        """Start the worker, which waits for its first turn."""

        def run() -> None:
            self._turn.acquire()
            try:
                target()
            except BaseException as error:
                self.error = error
            self._ended, self.wakes_at = True, None
            self._back.release()

        self._worker, self.loop.worker = threading.Thread(target=run, daemon=True), self
        self._worker.start()
        return self._worker

    @property
    def is_alive(self) -> bool:
        """Whether the worker has not ended."""
        return not self._ended


class _Thread:
    def __init__(self, lockstep: Lockstep, target: Callable[[], object]) -> None:
        self._lockstep, self._target = lockstep, target
        self.ident: int | None = None

    def start(self) -> None:
        self.ident = self._lockstep.start(self._target).ident

    def is_alive(self) -> bool:
        return self._lockstep.is_alive


class _Condition:
    """Excludes nobody, since a turn never changes between `with` and `wait`."""

    def __init__(self, lockstep: Lockstep) -> None:
        self._lockstep = lockstep
        self._notified = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...

    def notify(self, _n: int = 1) -> None:
        self._notified = True

    notify_all = notify

    def wait(self, timeout: float | None = None) -> Any:
        self._notified = False
        until = None if timeout is None else self._lockstep.loop.now + timeout
        self._lockstep.pause(until, lambda: self._notified)
        return self._notified

"""Notices when a step of the worker takes too long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["StepWatch"]

_PREPARATION_SECONDS = 300.0
"""Timeout of a capture, unless that of a step is longer."""


class StepWatch:
    """The time of the step that runs; one thread begins and ends steps, any thread asks.

    Args:
        seconds: Timeout of a step.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: float | None = None  # when the step counts as stuck; None while the worker is idle

    @property
    def stuck(self) -> bool:
        """Whether a step takes longer than it may."""
        ends = self._ends
        return ends is not None and time.monotonic() > ends

    def begin(self) -> None:
        """Begin a step, or the next one."""
        self._ends = time.monotonic() + self._seconds

    def end(self) -> None:
        """End the step: the worker is idle."""
        self._ends = None

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Give what a step must prepare first a time of its own, and the rest of the step its whole time."""
        is_step = self._ends is not None
        if is_step:
            self._ends = time.monotonic() + max(self._seconds, _PREPARATION_SECONDS)
        try:
            yield
        finally:
            if is_step:
                self.begin()

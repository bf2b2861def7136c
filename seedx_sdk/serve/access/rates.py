"""How much a caller has used in the last minute and the last day."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from seedx_sdk.errors import InputError, OverloadedError
from seedx_sdk.serve.access.limits import Limits, Work

__all__ = ["Account", "RateLimitError", "Usage", "Window"]

_SLOTS = 60
"""Slots of a window; what falls into one slot leaves the window together."""
_NOTES = {"requests": ", each image counted", "steps": ", of images at the model's own size"}
"""How a unit is counted, for the message of an error."""


class RateLimitError(OverloadedError):
    """A caller has used what it may use in a time; `retry_after` says when there is room again."""


class Window:
    """A sliding window; the `limits` package can't say when several units fit, nor take some back.

    Args:
        seconds: Its length in seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._slot_seconds = seconds, seconds / _SLOTS
        self._slots: deque[tuple[int, float]] = deque()  # number and amount, oldest first

    def used(self, now: float) -> float:
        """Return what was used within the window."""
        while self._slots and self._end(self._slots[0][0]) <= now:
            self._slots.popleft()
        return sum(amount for _, amount in self._slots)

    def wait(self, amount: float, allowed: float, now: float) -> float:
        """Return the seconds until so much more fits; it must not be more than is allowed."""
        excess = self.used(now) + amount - allowed
        for slot, expiring in self._slots:
            if excess <= 1e-6:
                break
            excess -= expiring
            if excess <= 1e-6:
                return self._end(slot) - now
        return 0.0

    def add(self, amount: float, now: float) -> None:
        """Add what is used."""
        slot = math.floor(now / self._slot_seconds)
        if self._slots and self._slots[-1][0] == slot:
            amount += self._slots.pop()[1]
        self._slots.append((slot, amount))

    def take_back(self, amount: float, added: float) -> None:
        """Take back what was added at a time or before, the last first, as far as it is still there.

        What was added later was added by others.
        """
        later: list[tuple[int, float]] = []
        while self._slots and amount > 0:
            slot, last = self._slots.pop()
            if slot > math.floor(added / self._slot_seconds):
                later.append((slot, last))
                continue
            if last > amount:
                self._slots.append((slot, last - amount))
            amount -= last
        self._slots.extend(reversed(later))

    def _end(self, slot: int) -> float:
        return (slot + 1) * self._slot_seconds + self._seconds


class Usage(BaseModel):
    """How much of a limit is used."""

    model_config = ConfigDict(frozen=True)

    limit: int
    used: float
    """Within the window; what is being drawn counts, and what was not drawn is given back."""
    remaining: float
    reset_seconds: float
    """Until nothing of it is used any more, if nothing is added."""


@dataclass(frozen=True, slots=True)
class _Rate:
    limit: str
    """Its field in `Limits`."""
    unit: str
    per: str
    seconds: float


_RATES = tuple(
    _Rate(f"{unit}_per_{per}", unit, per, seconds)
    for unit, per, seconds in (
        ("requests", "minute", 60.0),
        ("images", "minute", 60.0),
        ("steps", "minute", 60.0),
        ("images", "day", 86400.0),
        ("steps", "day", 86400.0),
    )
)


class Account:
    """What one caller, by name, has used."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows = {rate.limit: Window(rate.seconds) for rate in _RATES}

    def charge(self, work: Work, limits: Limits, *, already: Work) -> float:
        """Add to what is used, all of it or nothing, and return when that was, for `take_back`.

        Args:
            work: What is added.
            limits: What the caller may use.
            already: What the same request has been charged before.

        Raises:
            RateLimitError: If it does not fit now.
            InputError: If it never fits.
        """
        now, waits = self._clock(), list[tuple[float, str]]()
        for rate in _RATES:
            allowed, amount = getattr(limits, rate.limit), getattr(work, rate.unit)
            if allowed is None or not amount:
                continue
            if (whole := amount + getattr(already, rate.unit)) > allowed:
                raise InputError(
                    f"the request counts as {whole:g} {rate.unit}, and {allowed} per {rate.per} are allowed: "
                    "ask for less at once"
                )
            text = f"more than {allowed} {rate.unit} per {rate.per}{_NOTES.get(rate.unit, '')}"
            waits.append((self._windows[rate.limit].wait(amount, allowed, now), text))
        wait, text = max(waits, default=(0.0, ""))
        if wait > 0:
            raise RateLimitError(f"{text}; retry in {math.ceil(wait)} s", retry_after=wait)
        return self.add(work)

    def add(self, work: Work) -> float:
        """Add what was used, allowed or not, and return when that was."""
        now = self._clock()
        for rate in _RATES:
            if amount := getattr(work, rate.unit):
                self._windows[rate.limit].add(amount, now)
        return now

    def take_back(self, work: Work, charged: float) -> None:
        """Take back what was charged, at this time and before, and not used."""
        for rate in _RATES:
            self._windows[rate.limit].take_back(getattr(work, rate.unit), charged)

    def usage(self, limits: Limits) -> dict[str, Usage]:
        """Return what is used and left of each limit that a caller has, by its name in `Limits`."""
        now, found = self._clock(), dict[str, Usage]()
        for rate in _RATES:
            if (allowed := getattr(limits, rate.limit)) is not None:
                window = self._windows[rate.limit]
                used = window.used(now)
                found[rate.limit] = Usage(
                    limit=allowed,
                    used=used,
                    remaining=max(0.0, allowed - used),
                    reset_seconds=window.wait(allowed, allowed, now),
                )
        return found

    @property
    def is_empty(self) -> bool:
        """Whether nothing was used that still counts."""
        now = self._clock()
        return not any(window.used(now) for window in self._windows.values())

"""Fair turns between those who share what there is little of, and the line in which they wait. No torch here."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

from seedx_sdk.errors import OverloadedError

__all__ = ["NOBODY", "SHARE", "FairLine", "FairTurns", "Place", "Share"]

_HEADROOM = 3
"""A share gets a further place while it holds fewer than so many times the free ones: one alone leaves a quarter free,
many leave less (dynamic thresholds: Choudhury and Hahne 1998, "Dynamic queue length thresholds")."""
_FIRST_SPEED = 30.0
"""Work per second that is assumed until some was measured."""
_HALF_LIFE = 60.0
"""Seconds of work after which a measured speed counts half."""
_MAX_SHARES = 4096
"""Shares whose work is remembered; beyond them, those that had no more than the level are forgotten, then all."""


@dataclass(frozen=True, slots=True)
class Share:
    """For whom work is done, and how much of it at a time."""

    name: str = ""
    weight: float = 1.0
    """Work that is done for it, relative to others, while they wait."""
    max_places: int | None = None
    """Places that it may hold; None: as many as are left to it by others."""
    max_work: float | None = None
    """Work in its places together; a place that it holds alone may have more."""


NOBODY = Share()
SHARE: ContextVar[Share] = ContextVar("seedx_share", default=NOBODY)
"""For whom the current task works."""


class FairTurns:
    """Whose turn it is: that of the share for which least work was done, in proportion to the weights.

    Time in which a share asks for nothing earns it no credit (Goyal, Vin and Cheng 1996, "Start-time fair queueing").
    """

    def __init__(self) -> None:
        self._done: dict[str, float] = {}
        self._level = 0.0  # of the share that had the last turn

    def join(self, share: Share) -> None:
        """Note that a share asks for work, and had none waiting before."""
        self._done[share.name] = max(self._done.get(share.name, 0.0), self._level)

    def first(self, shares: Iterable[Share]) -> Share:
        """Return the share whose turn it is; of equal ones, the first."""
        return min(shares, key=lambda share: self._done.get(share.name, self._level))

    def begin(self, share: Share, work: float) -> None:
        """Give a share its turn, and count the work that it is expected to be."""
        self.begun(self._done.get(share.name, self._level))
        self.correct(share, work)

    def number(self, share: Share, work: float) -> float:
        """Return the number of a turn, for a scheduler that takes the lowest first, and count its expected work."""
        self.join(share)
        number = self._done[share.name]
        self.correct(share, work)
        return number

    def begun(self, number: float) -> None:
        """Note that the turn with this number has begun."""
        self._level = max(self._level, number)
        if len(self._done) > _MAX_SHARES:
            self._done = {name: done for name, done in self._done.items() if done > self._level}
        if len(self._done) > _MAX_SHARES:
            self._level = max(self._done.values())
            self._done.clear()

    def correct(self, share: Share, work: float) -> None:
        """Count work that was done beyond what was expected, or less than nothing if it was less."""
        self._done[share.name] = self._done.get(share.name, self._level) + work / share.weight


@dataclass(eq=False, slots=True)
class Place:
    """A place in the line, and then one of those at which work is done."""

    share: Share
    work: float
    """Expected."""
    done: float = 0.0
    """Work done so far, which the holder of the place updates."""
    _entered: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class FairLine:
    """Lets a number of tasks work at a time, while others wait for their fair turn; used in one event loop.

    Args:
        places: How many may work at a time.
        max_waiting: How many may wait; None is any number. When there are more, the last one of the share that has most
            in line, in proportion to its weight, is rejected.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, places: int, *, max_waiting: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._places, self._max_waiting = places, max_waiting
        self._turns = FairTurns()
        self._waiting: dict[str, deque[Place]] = {}
        self._inside: dict[str, list[Place]] = {}
        self._speed = _Speed(clock)

    @property
    def num_waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    @property
    def num_inside(self) -> int:
        """How many work."""
        return sum(map(len, self._inside.values()))

    async def enter(self, share: Share, work: float) -> Place:
        """Wait for a place and return it; whoever is cancelled meanwhile leaves the line.

        Args:
            share: For whom.
            work: How much, as far as it is known.

        Raises:
            OverloadedError: If too many wait.
        """
        place = Place(share, work)
        if share.name not in self._waiting:
            self._turns.join(share)
        self._waiting.setdefault(share.name, deque()).append(place)
        self._let_in()
        if self._max_waiting is not None and self.num_waiting > self._max_waiting:
            self._turn_away(share)
        try:
            await place._entered
        except BaseException:
            if place in self._waiting.get(share.name, ()):
                self._forget(place)
            elif place in self._inside.get(share.name, ()):
                self.leave(place)
            raise
        return place

    def expect(self, place: Place, work: float) -> None:
        """Count work that turns out to be needed at a place, beyond what was expected."""
        place.work += work
        self._turns.correct(place.share, work)

    def leave(self, place: Place) -> None:
        """Free a place; `Place.done` replaces the work that was expected."""
        name, inside = place.share.name, self._inside[place.share.name]
        self._speed.record(place.done)
        inside.remove(place)
        if not inside:
            del self._inside[name]
        self._turns.correct(place.share, place.done - place.work)
        self._let_in()

    def seconds_ahead(self, share: Share, work: float) -> float:
        """Return the seconds until further work of a share would begin, at the measured speed.

        Before it come the work in progress, what the share has in line, and of each other share as much as of this one.
        """
        doing = sum(max(0.0, p.work - p.done) for inside in self._inside.values() for p in inside)
        waiting = {name: sum(place.work for place in line) for name, line in self._waiting.items()}
        own = waiting.pop(share.name, 0.0)
        ahead = doing + own + sum(min(others, own + work) for others in waiting.values())
        return ahead / self._speed.value

    def _let_in(self) -> None:
        while shares := [line[0].share for line in self._waiting.values() if self._fits(line[0])]:
            share = self._turns.first(shares)
            place = self._waiting[share.name][0]
            self._forget(place)
            if place._entered.cancelled():
                continue
            if not self._inside:
                self._speed.begin()
            self._inside.setdefault(share.name, []).append(place)
            self._turns.begin(share, place.work)
            place._entered.set_result(None)

    def _fits(self, place: Place) -> bool:
        share, held = place.share, self._inside.get(place.share.name, [])
        free = self._places - self.num_inside
        if free < 1 or len(held) >= _HEADROOM * free:
            return False
        if share.max_places is not None and len(held) >= share.max_places:
            return False
        return not held or share.max_work is None or sum(p.work for p in held) + place.work <= share.max_work

    def _forget(self, place: Place) -> None:
        line = self._waiting[place.share.name]
        line.remove(place)
        if not line:
            del self._waiting[place.share.name]

    def _turn_away(self, newest: Share) -> None:
        """Reject the last of the share with most in line; of equal ones, of the newest."""

        def length(name: str) -> tuple[float, bool]:
            line = self._waiting[name]
            return len(line) / line[0].share.weight, name == newest.name

        place = self._waiting[max(self._waiting, key=length)][-1]
        self._forget(place)
        if place._entered.cancelled():
            return
        wait = max(1.0, self.seconds_ahead(place.share, place.work))
        place._entered.set_exception(
            OverloadedError(
                f"at capacity: {self.num_inside} requests in flight and {self.num_waiting} waiting; "
                f"retry in {wait:.0f} s",
                retry_after=wait,
            )
        )


class _Speed:
    """Work per second, while there is some."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._work, self._seconds, self._clock, self._last = _FIRST_SPEED, 1.0, clock, clock()

    @property
    def value(self) -> float:
        """The speed; more than 0."""
        return max(self._work / self._seconds, 1e-3)

    def begin(self) -> None:
        """Note that work begins after a pause."""
        self._last = self._clock()

    def record(self, work: float) -> None:
        """Add work that is done."""
        now = self._clock()
        seconds, self._last = now - self._last, now
        kept = 0.5 ** (seconds / _HALF_LIFE)
        self._work, self._seconds = kept * self._work + work, kept * self._seconds + seconds

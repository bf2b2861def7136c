"""A stream of events that is begun anew elsewhere, after its first half was lost with the machine that made it.

A request is a pure function of its arguments and its seed, so the same events come again, up to rounding. The caller
has the first ones already, and gets those that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seedx_sdk.engine.backbones.base import TokenChunk
from seedx_sdk.errors import ServiceError
from seedx_sdk.types import ImageProgress

__all__ = ["ReplayedStream"]


class ReplayedStream:
    """What the caller of a stream has already, and of each event the part that is new to him."""

    def __init__(self) -> None:
        self._given: list[object] = []
        self._place = 0

    def restart(self) -> None:
        """The stream begins anew."""
        self._place = 0

    def rest(self, event: Any) -> Any | None:
        """Returns what of an event has not been given before, None if nothing.

        Words may come in other pieces than the first time.

        Raises:
            ServiceError: The stream tells something else than the first time.
        """
        marks = _marks(event)
        given = self._given[self._place : self._place + len(marks)]
        new = marks[len(given) :]
        if given != list(marks[: len(given)]):
            raise ServiceError("this was begun anew on another replica, and came out different; ask again")
        self._place += len(marks)
        self._given += new
        if not new:
            return None
        return TokenChunk(token_ids=event.token_ids[len(given) :]) if isinstance(event, TokenChunk) else event


def _marks(event: Any) -> Sequence[object]:
    """What tells an event from others: pixels and hidden states are the same up to rounding only."""
    if isinstance(event, TokenChunk):
        return event.token_ids
    return (event.step,) if isinstance(event, ImageProgress) else (type(event),)

"""Deduplicates a replayed event stream.

A request is a pure function of its arguments and its seed, so a replay on another replica yields the same events, up to
rounding. The caller already has the first ones and gets only those that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seedx_sdk.engine.backbones.base import TokenChunk
from seedx_sdk.errors import ServiceError
from seedx_sdk.types import ImageProgress

__all__ = ["ReplayedStream"]


class ReplayedStream:
    """The events that the caller of a stream already has; returns only the new part of each event."""

    def __init__(self) -> None:
        self._seen: list[object] = []
        self._position = 0

    def restart(self) -> None:
        """Start the replay."""
        self._position = 0

    def rest(self, event: Any) -> Any | None:
        """Return the part of an event that is new, None if there is none.

        Tokens may be chunked differently than the first time.

        Raises:
            ServiceError: If the replay diverges.
        """
        keys = _keys(event)
        seen = self._seen[self._position : self._position + len(keys)]
        new = keys[len(seen) :]
        if seen != list(keys[: len(seen)]):
            raise ServiceError("the request was replayed on another replica and the output diverged; retry")
        self._position += len(keys)
        self._seen += new
        if not new:
            return None
        return TokenChunk(token_ids=event.token_ids[len(seen) :]) if isinstance(event, TokenChunk) else event


def _keys(event: Any) -> Sequence[object]:
    """Return what identifies an event: pixels and hidden states are equal up to rounding only."""
    if isinstance(event, TokenChunk):
        return event.token_ids
    return (event.step,) if isinstance(event, ImageProgress) else (type(event),)

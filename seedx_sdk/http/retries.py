"""When a request is sent again, and after how long; for tenacity."""

from __future__ import annotations

from tenacity import RetryCallState, wait_exponential, wait_random

from seedx_sdk.errors import OverloadedError

__all__ = ["has_patience", "wait_for_place"]

_PATIENCE = 60.0
"""Seconds that a request waits for a place; an error that asks for more is the caller's."""
_BACKOFF = wait_exponential(multiplier=0.2, max=5.0) + wait_random(0, 0.2)


def has_patience(error: BaseException) -> bool:
    """Return whether the error says that there is no place now, and that there may be one within a minute."""
    return isinstance(error, OverloadedError) and error.retry_after <= _PATIENCE


def wait_for_place(state: RetryCallState) -> float:
    """Return the seconds to the next attempt: what the error says, or twice as long each time, with jitter."""
    error = state.outcome.exception() if state.outcome is not None else None
    requested = error.retry_after if isinstance(error, OverloadedError) else 0.0
    return requested + _BACKOFF(state)

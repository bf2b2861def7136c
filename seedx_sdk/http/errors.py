"""Errors as they travel over HTTP: one JSON form, and the same exception on either side."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from seedx_sdk import errors
from seedx_sdk.errors import (
    AnswerFormatError,
    DeadlineError,
    GenerationCancelled,
    InputError,
    ModelError,
    OverloadedError,
    SeedXError,
    ServiceError,
)

__all__ = ["from_problem", "retry_after", "status_of", "to_problem"]

_WAIT = 1.0
"""Seconds until a retry, if a server does not say."""

_STATUS: tuple[tuple[type[SeedXError], int], ...] = (
    (InputError, 400),
    (AnswerFormatError, 422),
    (OverloadedError, 503),
    (DeadlineError, 504),
    (GenerationCancelled, 499),
    (ServiceError, 503),
    (ModelError, 500),
)
"""The first that fits counts."""


def status_of(error: SeedXError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def to_problem(error: SeedXError) -> dict[str, Any]:
    """Return the error as JSON: its public class, its message, and when to retry if it says so."""
    kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in errors.__all__)
    problem: dict[str, Any] = {"type": kind, "message": str(error)}
    if isinstance(error, OverloadedError):
        problem["retry_after"] = error.retry_after
    return problem


def from_problem(problem: dict[str, Any]) -> SeedXError:
    """Return the error that a JSON body describes; one of an unknown class becomes a ServiceError."""
    name, message = str(problem.get("type")), str(problem.get("message"))
    kind = getattr(errors, name, None) if name in errors.__all__ else None
    if kind is OverloadedError:
        wait = _seconds(problem.get("retry_after"))
        return OverloadedError(message, retry_after=_WAIT if wait is None else wait)
    if not isinstance(kind, type) or kind is errors.MissingExtraError:
        return ServiceError(message)
    error: SeedXError = kind(message)
    return error


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number or a date; None if it says nothing."""
    if (seconds := _seconds(header)) is not None or header is None:
        return seconds
    with suppress(ValueError):
        date = parsedate_to_datetime(header)
        return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return None


def _seconds(value: object) -> float | None:
    with suppress(TypeError, ValueError):
        seconds = float(value)  # type: ignore[arg-type]  # it is JSON or text
        return seconds if math.isfinite(seconds) and seconds >= 0 else None
    return None

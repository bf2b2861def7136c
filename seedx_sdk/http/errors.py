"""Errors as they travel over HTTP: one JSON form, and the same exception on either side."""

from __future__ import annotations

from typing import Any

from seedx_sdk import errors
from seedx_sdk.errors import (
    DeadlineError,
    GenerationCancelled,
    InputError,
    ModelError,
    OverloadedError,
    SeedXError,
    ServiceError,
)

__all__ = ["from_problem", "status_of", "to_problem"]

_STATUS: tuple[tuple[type[SeedXError], int], ...] = (
    (InputError, 400),
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
    """Return the error as JSON: its class, its message, and when to retry if it says so."""
    problem: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, OverloadedError):
        problem["retry_after"] = error.retry_after
    return problem


def from_problem(problem: dict[str, Any]) -> SeedXError:
    """Return the error that JSON tells of; one of an unknown class becomes a ServiceError."""
    name, message = str(problem.get("type")), str(problem.get("message"))
    kind = getattr(errors, name, None) if name in errors.__all__ else None
    if kind is OverloadedError:
        return OverloadedError(message, retry_after=float(problem.get("retry_after", 1.0)))
    if not isinstance(kind, type) or kind is errors.MissingExtraError:
        return ServiceError(message)
    error: SeedXError = kind(message)
    return error

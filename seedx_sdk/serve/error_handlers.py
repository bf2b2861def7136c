"""Errors as responses: one JSON form for all, without details of unexpected ones."""

from __future__ import annotations

import logging
from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from seedx_sdk.errors import OverloadedError, SeedXError, ServiceError
from seedx_sdk.http.errors import status_of, to_problem
from seedx_sdk.serve.dispatcher import IdempotencyError

__all__ = ["error_body", "http_error", "seedx_error", "stream_error_body", "unexpected_error", "validation_error"]

_LOG = logging.getLogger("seedx")
_MAX_FIELDS = 8
"""Invalid fields that one response names at most."""


def error_body(error: Exception) -> dict[str, Any]:
    """Return the error as JSON; an unexpected one becomes a ServiceError without details, which are in the log."""
    if not isinstance(error, SeedXError):
        error = ServiceError("unexpected server error; see the server's log")
    return to_problem(error)


def stream_error_body(error: Exception) -> dict[str, Any]:
    """Return the same for a response that has started; log an unexpected error."""
    if not isinstance(error, SeedXError):
        _LOG.error("unexpected error in a streamed response", exc_info=error)
    return error_body(error)


async def seedx_error(_request: Request, error: SeedXError) -> JSONResponse:
    """Respond with the status of the error's class."""
    headers = {"Retry-After": str(round(error.retry_after))} if isinstance(error, OverloadedError) else None
    status = 409 if isinstance(error, IdempotencyError) else status_of(error)
    return _response(status, error_body(error), headers)


async def validation_error(_request: Request, error: RequestValidationError) -> JSONResponse:
    """Name each invalid field and what is wrong with it, without its value, which may be a whole image."""
    fields = [f"{'.'.join(str(part) for part in e['loc'] if part != 'body')}: {e['msg']}" for e in error.errors()]
    return _response(422, {"type": "InputError", "message": "; ".join(fields[:_MAX_FIELDS])})


async def http_error(_request: Request, error: HTTPException) -> JSONResponse:
    """Respond with the error's status."""
    problem = {"type": "InputError" if error.status_code < 500 else "ServiceError", "message": str(error.detail)}
    return _response(error.status_code, problem, dict(error.headers) if error.headers else None)


async def unexpected_error(_request: Request, error: Exception) -> JSONResponse:
    """Respond with 500 and close the connection, as uvicorn does when an error reaches it."""
    return _response(500, error_body(error), {"Connection": "close"})


def _response(status: int, problem: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {**problem, "request_id": correlation_id.get()}}, status, headers)

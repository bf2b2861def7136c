"""Errors as answers: one form for all of them, and few words about those that nobody foresaw."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from seedx_sdk.errors import OverloadedError, SeedXError, ServiceError
from seedx_sdk.http.errors import status_of, to_problem
from seedx_sdk.serve.dispatcher import IdempotencyError

__all__ = ["http_error", "stream_error_body", "seedx_error", "error_body", "unforeseen", "validation_error"]

_LOG = logging.getLogger("seedx")


def error_body(error: Exception) -> dict[str, Any]:
    """Returns the error as JSON; of one that nobody foresaw only that it happened, for the log has the rest."""
    if not isinstance(error, SeedXError):
        error = ServiceError("the server failed in a way that was not foreseen; its log says how")
    return to_problem(error)


def stream_error_body(error: Exception) -> dict[str, Any]:
    """Returns the same, for an answer that has begun; writes what nobody foresaw to the log."""
    if not isinstance(error, SeedXError):
        _LOG.error("an answer that had begun failed in a way that was not foreseen", exc_info=error)
    return error_body(error)


async def seedx_error(request: Request, error: SeedXError) -> JSONResponse:
    """Answers with the status of its class."""
    headers = {"Retry-After": str(round(error.retry_after))} if isinstance(error, OverloadedError) else None
    status = 409 if isinstance(error, IdempotencyError) else status_of(error)
    return _answer(request, status, error_body(error), headers)


async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    """Says of each wrong field where it is and what is wrong, without the value, which may be a whole picture."""
    found = [f"{'.'.join(str(part) for part in e['loc'] if part != 'body')}: {e['msg']}" for e in error.errors()]
    return _answer(request, 422, {"type": "InputError", "message": "; ".join(found[:8])})


async def http_error(request: Request, error: HTTPException) -> JSONResponse:
    """Answers with its status."""
    problem = {"type": "InputError" if error.status_code < 500 else "ServiceError", "message": str(error.detail)}
    return _answer(request, error.status_code, problem, dict(error.headers) if error.headers else None)


async def unforeseen(request: Request, error: Exception) -> JSONResponse:
    """Answers 500, and says that the connection ends with it, as it does when the error reaches uvicorn."""
    return _answer(request, 500, error_body(error), {"Connection": "close"})


def _answer(
    request: Request, status: int, problem: dict[str, Any], headers: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"error": {**problem, "request_id": request.state.id}}, status, headers)

"""Errors as responses: one JSON form for all, without details of unexpected ones."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from seedx_sdk.errors import InputError, OverloadedError, SeedXError, ServiceError
from seedx_sdk.http.errors import status_of, to_problem
from seedx_sdk.serve.access.rates import RateLimitError
from seedx_sdk.serve.repeats import IdempotencyError

__all__ = [
    "ERROR_RESPONSES",
    "error_body",
    "http_error",
    "refusal",
    "seedx_error",
    "stream_error_body",
    "unexpected_error",
    "validation_error",
]

_LOG = logging.getLogger("seedx")
_CODES = {
    400: "invalid_value",
    401: "invalid_api_key",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_too_slow",
    409: "idempotency_conflict",
    413: "request_too_large",
    421: "wrong_host",
    422: "invalid_value",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
    504: "deadline_exceeded",
}
"""The `code` of an error, which clients of OpenAI's API read, by status."""


class _Problem(BaseModel):
    type: str
    """The class that the SDK raises."""
    message: str
    param: str | None
    """The parameter that is wrong, where it is a single one."""
    code: str
    request_id: str | None
    retry_after: float | None = None
    """Seconds to wait, for an OverloadedError."""


class _ErrorAnswer(BaseModel):
    error: _Problem


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": _ErrorAnswer, "description": "The request cannot be honored."},
    401: {"model": _ErrorAnswer, "description": "The API key is missing or unknown."},
    403: {
        "model": _ErrorAnswer,
        "description": "The Origin header is that of another site, and the server has no keys.",
    },
    404: {"model": _ErrorAnswer, "description": "There is no such model."},
    408: {"model": _ErrorAnswer, "description": "The body came too slowly."},
    409: {"model": _ErrorAnswer, "description": "The idempotency key was used for a different request."},
    413: {"model": _ErrorAnswer, "description": "The request is too large."},
    421: {"model": _ErrorAnswer, "description": "The Host header is not a name of this server, which has no keys."},
    422: {"model": _ErrorAnswer, "description": "A field is not allowed, or the answer does not fit its JSON schema."},
    429: {
        "model": _ErrorAnswer,
        "description": "The rate limit is exceeded.",
        "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}},
    },
    500: {"model": _ErrorAnswer, "description": "The model or the server failed."},
    503: {
        "model": _ErrorAnswer,
        "description": "The server is loading, at capacity, or its engine is being restarted.",
        "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}},
    },
    504: {"model": _ErrorAnswer, "description": "The reply took too long."},
}
"""What the OpenAPI document says of the errors of a route."""
_NO_OBJECT = ("model_attributes_type", "dict_type", "model_type", "missing")
"""Types of pydantic's errors about a body that is no JSON object."""
_MAX_FIELDS = 8
"""Invalid fields that one response names at most."""


def error_body(error: Exception) -> dict[str, Any]:
    """Return the error as JSON; an unexpected one becomes a ServiceError without details, which are in the log."""
    if not isinstance(error, SeedXError):
        error = ServiceError("unexpected server error; see the server's log")
    return to_problem(error) | ({"param": error.param} if isinstance(error, InputError) else {})


def stream_error_body(error: Exception) -> dict[str, Any]:
    """Return the same for a response that has started; log an unexpected error."""
    if not isinstance(error, SeedXError):
        _LOG.error("unexpected error in a streamed response", exc_info=error)
    status = _status_of(error) if isinstance(error, SeedXError) else 500
    return {"param": None, "code": _CODES.get(status, "server_error"), **error_body(error)}


async def seedx_error(_request: Request, error: SeedXError) -> JSONResponse:
    """Respond with the status of the error's class."""
    headers = {"Retry-After": str(math.ceil(error.retry_after))} if isinstance(error, OverloadedError) else None
    return _response(_status_of(error), error_body(error), headers)


async def refusal(request: Request, error: HTTPException | SeedXError) -> JSONResponse:
    """Respond to a request that is rejected before its body is received."""
    return await (seedx_error(request, error) if isinstance(error, SeedXError) else http_error(request, error))


def _status_of(error: SeedXError) -> int:
    own: dict[type[SeedXError], int] = {IdempotencyError: 409, RateLimitError: 429}
    return own.get(type(error), status_of(error))


async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    """Name each invalid field and what is wrong with it, without its value, which may be a whole image."""
    errors = error.errors()
    first, named = errors[0], [_field_and_text(e) for e in errors]
    text = "; ".join(f"{name}: {message}" if name else message for name, message in named[:_MAX_FIELDS])
    if first["type"] == "json_invalid":
        return _response(422, {"type": "InputError", "message": f"the body is not valid JSON: {text}"})
    kind = request.headers.get("content-type", "")
    if tuple(first["loc"]) == ("body",) and first["type"] in _NO_OBJECT and "json" not in kind:
        text = f"the body came as {kind[:80] or 'no type'}; send JSON, with the header Content-Type: application/json"
    param = (first.get("ctx") or {}).get("param") or named[0][0] or None
    return _response(422, {"type": "InputError", "message": text, "param": param})


def _field_and_text(error: dict[str, Any]) -> tuple[str, str]:
    """Return the name of an invalid field, empty for the whole body, and what is wrong with it."""
    if error["type"] == "json_invalid":
        return "", f"{error['ctx']['error']} at character {error['loc'][-1]}"
    name = ".".join(str(part) for part in error["loc"] if part != "body")
    return name, error["msg"].removeprefix("Value error, ")


async def http_error(request: Request, error: HTTPException) -> JSONResponse:
    """Respond with the error's status; its detail is the message, or a dictionary with the message and more."""
    kind = "InputError" if error.status_code < 500 else "ServiceError"
    detail = error.detail if isinstance(error.detail, dict) else {"message": _plain_text(request, error)}
    return _response(error.status_code, {"type": kind, **detail}, dict(error.headers) if error.headers else None)


def _plain_text(request: Request, error: HTTPException) -> str:
    """Return the message of an error; of one of the router, which gives the name of its status only, a cure."""
    if error.status_code == 404 and error.detail == HTTPStatus.NOT_FOUND.phrase:
        return f"there is no route {request.method} {request.url.path[:200]}; GET /openapi.json lists the routes"
    if error.status_code == 405 and (allowed := (error.headers or {}).get("Allow")):
        return f"{request.method} is not allowed here; use {allowed}"
    return str(error.detail)


async def unexpected_error(_request: Request, error: Exception) -> JSONResponse:
    """Respond with 500 and close the connection, as uvicorn does when an error reaches it."""
    return _response(500, error_body(error), {"Connection": "close"})


def _response(status: int, problem: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    body = {"param": None, "code": _CODES.get(status, "server_error"), **problem}
    return JSONResponse({"error": {**body, "request_id": correlation_id.get()}}, status, headers)

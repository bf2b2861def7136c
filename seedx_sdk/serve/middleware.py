"""ASGI middleware: authentication, rate limits, body size, the access log and request spans."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from asgi_correlation_id import correlation_id
from fastapi import HTTPException, Request, Response
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedx_sdk.http.api_keys import matching_key
from seedx_sdk.serve import metrics
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.tracing import IS_INSTALLED, REQUEST_ID, TRACER

__all__ = ["AccessLog", "AuthMiddleware", "Authenticator", "BodyLimit", "RequestSpans", "is_request_id"]

ErrorResponse = Callable[[Request, HTTPException], Awaitable[Response]]
"""Returns the response for an error."""
_ACCESS_LOG = logging.getLogger("seedx.access")


def is_request_id(text: str) -> bool:
    """Return whether an `X-Request-ID` from a client is used as it is: 1 to 128 printable ASCII characters."""
    return text.isascii() and text.isprintable() and 0 < len(text) <= 128


class AccessLog:
    """Logs each response when it starts, and passes the request id on to spans; goes inside CorrelationIdMiddleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        REQUEST_ID.set(correlation_id.get())
        started = time.perf_counter()

        async def log(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = {
                    "request_id": correlation_id.get(),
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": message["status"],
                    "seconds": round(time.perf_counter() - started, 4),
                }
                _ACCESS_LOG.info("%(method)s %(path)s %(status)d", fields, extra=fields)
            await send(message)

        await self._app(scope, receive, log)


class RequestSpans:
    """Records a span for each request to /v1, in the caller's trace if it sends a `traceparent`.

    opentelemetry-instrumentation-asgi names spans by the raw path instead of the route, writes the deprecated `http.*`
    attributes unless an environment variable asks for the stable ones, and pins its dependencies exactly.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on inside its span."""
        if not IS_INSTALLED or scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        from opentelemetry import propagate, trace

        with trace.get_tracer(TRACER).start_as_current_span(
            scope["method"],
            context=propagate.extract(Headers(scope=scope)),
            kind=trace.SpanKind.SERVER,
            attributes={
                "seedx.request_id": correlation_id.get() or "",
                "http.request.method": scope["method"],
                "url.path": scope["path"],
            },
        ) as span:

            async def record(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if (route := scope.get("route")) is not None:  # set by the router, so known by now
                        span.update_name(f"{scope['method']} {route.path}")
                        span.set_attribute("http.route", route.path)
                    if message["status"] >= 500:
                        span.set_status(trace.StatusCode.ERROR)
                await send(message)

            await self._app(scope, receive, record)


class Authenticator:
    """Checks the API key and the rate limit of a request.

    Raises HTTPException 401 without a valid key, and 429 with Retry-After above the rate limit.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._keys = settings.api_keys
        rate = settings.requests_per_minute
        self._rate = RateLimitItemPerMinute(rate) if rate is not None else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, request: Request) -> str:
        """Return the name of the caller: the index of its key, or its address."""
        caller = request.client.host if request.client is not None else "unknown"
        if self._keys:
            key = matching_key(request.headers.get("authorization", ""), self._keys)
            if key is None:
                metrics.REJECTED.labels("key").inc()
                raise HTTPException(
                    401, "this server needs an API key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}
                )
            caller = f"key {key}"
        await self.charge(caller)
        return caller

    async def charge(self, caller: str, cost: int = 1) -> None:
        """Count so many requests of a caller; one that draws several images counts as several."""
        if self._rate is not None and cost and not await self._limiter.hit(self._rate, caller, cost=cost):
            metrics.REJECTED.labels("rate").inc()
            text = f"more than {self._rate.amount} requests per minute, each image counted; retry later"
            raise HTTPException(429, text, {"Retry-After": "10"})


class AuthMiddleware:
    """Authenticates each request to /v1 before its body is received; routes find `request.state.caller`."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, error_response: ErrorResponse) -> None:
        self._app, self._authenticator, self._error_response = app, authenticator, error_response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or send an error response."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            request.state.caller = await self._authenticator(request)
        except HTTPException as error:
            await (await self._error_response(request, error))(scope, receive, send)
            return
        await self._app(scope, receive, send)


class BodyLimit:
    """Answers 413 when the body of a request is too large, and 408 when it comes too slowly.

    A body declared as too large is not received.

    Args:
        app: Receives the request.
        max_bytes: Of a body.
        seconds: In which a whole body must have come, from when the application begins to receive it.
        error_response: Makes the response for an error.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, seconds: float, error_response: ErrorResponse) -> None:
        self._app, self._max_bytes, self._seconds, self._error_response = app, max_bytes, seconds, error_response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count the bytes of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_bytes:
            await (await self._error_response(Request(scope), self._too_large()))(scope, receive, send)
            return
        received, complete, deadline = 0, False, math.inf

        async def count() -> Message:
            nonlocal received, complete, deadline
            deadline = min(deadline, time.monotonic() + self._seconds)
            try:
                async with asyncio.timeout(None if complete else deadline - time.monotonic()):
                    message = await receive()
            except TimeoutError as error:
                metrics.REJECTED.labels("slow").inc()
                text = f"the request did not come within {self._seconds:g} seconds; send less, or over a faster line"
                raise HTTPException(408, text, {"Connection": "close"}) from error
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, count, send)

    def _too_large(self) -> HTTPException:
        metrics.REJECTED.labels("size").inc()
        return HTTPException(413, f"the request is larger than {self._max_bytes} bytes; send smaller or fewer images")

"""ASGI middleware: authentication, body size, the access log and request spans."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection

from asgi_correlation_id import correlation_id
from fastapi import HTTPException, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedx_sdk.serve import metrics
from seedx_sdk.serve.access.authenticator import Authenticator
from seedx_sdk.serve.access.callers import Caller
from seedx_sdk.serve.access.rates import RateLimitError
from seedx_sdk.serve.access.usage_headers import usage_headers
from seedx_sdk.tracing import IS_INSTALLED, REQUEST_ID, TRACER

__all__ = ["AccessLog", "AuthMiddleware", "BodyLimit", "RequestSpans", "is_request_id"]

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


class AuthMiddleware:
    """Authenticates each request to /v1 before its body is received; routes find `request.state.caller`.

    The headers of the response say what the caller may still use.

    Args:
        app: Receives the request.
        authenticator: Finds out who sends it.
        free: Paths that need a key too, and cost nothing.
        repeats: Whether a request repeats one whose answer is kept.
        error_response: Makes the response for an error.
    """

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        free: Collection[str],
        repeats: Callable[[Request, Caller], bool],
        error_response: Callable[[Request, HTTPException | RateLimitError], Awaitable[Response]],
    ) -> None:
        self._app, self._authenticator, self._free, self._error_response = app, authenticator, free, error_response
        self._repeats = repeats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or send an error response."""
        is_free = scope["type"] == "http" and scope["path"] in self._free
        if scope["type"] != "http" or not (is_free or scope["path"].startswith("/v1/")):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        caller: Caller | None = None

        async def send_with_usage(message: Message) -> None:
            if message["type"] == "http.response.start" and caller is not None:
                MutableHeaders(scope=message).update(usage_headers(caller))
            await send(message)

        try:
            caller = self._authenticator.identify(request)
            if not is_free:
                caller.begin(repeats=self._repeats(request, caller))
        except (HTTPException, RateLimitError) as error:
            await (await self._error_response(request, error))(scope, receive, send_with_usage)
            return
        request.state.caller = caller
        try:
            await self._app(scope, receive, send_with_usage)
        finally:
            caller.end()


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
                text = (
                    f"the body did not arrive within {self._seconds:g} seconds; send less, or use a faster connection"
                )
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

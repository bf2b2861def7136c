"""Who may ask, how often, and how much at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import HTTPException, Request, Response
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedx_sdk.http.api_keys import matching_key
from seedx_sdk.serve import metrics
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["BodyLimit", "AuthMiddleware", "Authenticator"]

Refuse = Callable[[Request, HTTPException], Awaitable[Response]]
"""Makes the answer that tells of an error."""


class Authenticator:
    """Lets in whoever may ask for something that computes: returns who asks.

    Raises HTTPException 401 without a key that is allowed, 429 with Retry-After when a caller asks too often.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._keys = settings.api_keys
        rate = settings.requests_per_minute
        self._rate = RateLimitItemPerMinute(rate) if rate is not None else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, request: Request) -> str:
        """Returns the name under which this caller's requests are counted."""
        caller = request.client.host if request.client is not None else "unknown"
        if self._keys:
            key = matching_key(request.headers.get("authorization", ""), self._keys)
            if key is None:
                metrics.REFUSED.labels("key").inc()
                raise HTTPException(
                    401, "this server needs an API key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}
                )
            caller = f"key {key}"
        if self._rate is not None and not await self._limiter.hit(self._rate, caller):
            metrics.REFUSED.labels("rate").inc()
            raise HTTPException(
                429, f"more than {self._rate.amount} requests in a minute; wait a little", {"Retry-After": "10"}
            )
        return caller


class AuthMiddleware:
    """ASGI middleware that asks the gate about each request to /v1 before any of its body is received.

    Routes find who asks in `request.state.caller`.
    """

    def __init__(self, app: ASGIApp, gate: Authenticator, refuse: Refuse) -> None:
        self._app, self._gate, self._refuse = app, gate, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on if it may come in."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            request.state.caller = await self._gate(request)
        except HTTPException as error:
            await (await self._refuse(request, error))(scope, receive, send)
            return
        await self._app(scope, receive, send)


class BodyLimit:
    """ASGI middleware that answers 413 to a request whose body is too large, declared or sent.

    One that is declared is not received.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, refuse: Refuse) -> None:
        self._app, self._max_bytes, self._refuse = app, max_bytes, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_bytes:
            await (await self._refuse(Request(scope), self._too_large()))(scope, receive, send)
            return
        counted = 0

        async def count() -> Message:
            nonlocal counted
            message = await receive()
            counted += len(message.get("body", b""))
            if counted > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, count, send)

    def _too_large(self) -> HTTPException:
        metrics.REFUSED.labels("size").inc()
        return HTTPException(413, f"the request is larger than {self._max_bytes} bytes; send smaller or fewer pictures")

"""Who may ask, how often, and how much at once."""

from __future__ import annotations

from fastapi import HTTPException, Request
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedx_sdk.api_keys import matching_key
from seedx_sdk.serve import metrics
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["BodyLimit", "Gate"]


class Gate:
    """A dependency of every route that computes: returns who asks.

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


class BodyLimit:
    """ASGI middleware that answers 413 to a request whose body is too large, declared or sent."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        size = int(declared) if declared.isdigit() else 0
        counted = 0

        async def count() -> Message:
            nonlocal counted
            message = await receive()
            counted += len(message.get("body", b""))
            if max(counted, size) > self._max_bytes:
                raise self._refusal()
            return message

        await self._app(scope, count, send)

    def _refusal(self) -> HTTPException:
        metrics.REFUSED.labels("size").inc()
        return HTTPException(413, f"the request is larger than {self._max_bytes} bytes; send smaller or fewer pictures")

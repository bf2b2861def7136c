"""What all routes share: the caller, the dispatcher, event streams, and cancellation when the client disconnects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, HTTPException, Request
from fastapi.security import HTTPBearer
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from seedx_sdk.serve.access import callers as access
from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.types import StreamEvent

__all__ = [
    "Caller",
    "CurrentDispatcher",
    "EventStream",
    "IdempotencyKey",
    "cancel_on_disconnect",
    "first_event_or_error",
]

T = TypeVar("T")
_LOG = logging.getLogger("seedx")
FIRST_SECONDS = 10.0
"""How long a response waits for the first event before it starts without one."""
PING_SECONDS = 15.0
"""Interval of pings in a response that has started."""
SEND_SECONDS = 60.0
"""How long a client may leave sent data unread."""


_BEARER = HTTPBearer(auto_error=False, description="One of the server's API keys, if it has any.")


async def _caller(request: Request, _key: Annotated[object, Depends(_BEARER)]) -> AsyncIterator[access.Caller]:
    known: access.Caller | None = getattr(request.state, "caller", None)
    if known is not None:
        yield known
        return
    caller: access.Caller = request.app.state.authenticator(request)  # a route that is not under /v1
    try:
        yield caller
    finally:
        caller.end()


async def _dispatcher(request: Request) -> Dispatcher:
    dispatcher: Dispatcher | None = getattr(request.app.state, "dispatcher", None)
    if dispatcher is None:
        raise HTTPException(503, "the model is still loading; retry soon", {"Retry-After": "5"})
    return dispatcher


Caller = Annotated[access.Caller, Depends(_caller)]
"""The authenticated caller."""
CurrentDispatcher = Annotated[Dispatcher, Depends(_dispatcher)]
"""The dispatcher of the application."""
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
"""Repeating a request with the same key replays its answer without computing it again."""


class EventStream(EventSourceResponse):
    """Server-sent events with pings in between; cut off when the client stops reading."""

    def __init__(self, events: AsyncIterable[ServerSentEvent]) -> None:
        super().__init__(events, ping=PING_SECONDS, send_timeout=SEND_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _LOG.warning("cut off a response whose client read nothing for %g seconds", SEND_SECONDS)


async def cancel_on_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`; cancel it if the client disconnects first, and return when it has stopped.

    Raises:
        HTTPException: If the client has disconnected (499, which nobody reads).
    """
    working = asyncio.ensure_future(work)
    try:
        await _wait_or_disconnect(request, working)
        return working.result()
    finally:
        working.cancel()
        await asyncio.wait([working])


async def first_event_or_error(
    request: Request, events: AsyncGenerator[StreamEvent, None]
) -> AsyncGenerator[StreamEvent, None]:
    """Return the events once the first one is there, or after FIRST_SECONDS.

    An error before that is raised here, so that the response can have a status of its own.

    Raises:
        HTTPException: If the client has disconnected (499, which nobody reads).
    """
    first = asyncio.ensure_future(anext(events))
    try:
        await _wait_or_disconnect(request, first, FIRST_SECONDS)
        if first.done():
            first.result()
    except BaseException:
        await _cancel(first, events)
        raise
    return _from_first(first, events)


async def _from_first(
    first: asyncio.Future[StreamEvent], events: AsyncGenerator[StreamEvent, None]
) -> AsyncGenerator[StreamEvent, None]:
    try:
        yield await first
        async for event in events:
            yield event
    finally:
        await _cancel(first, events)


async def _cancel(first: asyncio.Future[StreamEvent], events: AsyncGenerator[StreamEvent, None]) -> None:
    first.cancel()
    await asyncio.wait([first])
    await events.aclose()


async def _wait_or_disconnect(request: Request, work: asyncio.Future[Any], seconds: float | None = None) -> None:
    """Wait until the work is done, or for so many seconds.

    Raises:
        HTTPException: If the client disconnects first (499).
    """

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    disconnect = asyncio.ensure_future(disconnected())
    try:
        await asyncio.wait((work, disconnect), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if disconnect.done() and not work.done():
            raise HTTPException(499, "the client has disconnected")
    finally:
        disconnect.cancel()
        await asyncio.wait([disconnect])  # until it no longer receives what the response listens to next

"""What all routes share: who asks, with what, and a reply that ends when its reader goes away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, HTTPException, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.types import StreamEvent

__all__ = [
    "Caller",
    "EventStream",
    "IdempotencyKey",
    "CurrentDispatcher",
    "first_event_or_error",
    "cancel_on_disconnect",
]

T = TypeVar("T")
_LOG = logging.getLogger("seedx")
FIRST_SECONDS = 10.0
"""What the first event may take before the answer begins without it."""
PING_SECONDS = 15.0
"""Between two signs of life of an answer that has begun."""
SEND_SECONDS = 60.0
"""How long a client may leave unread what was sent."""


async def _caller(request: Request) -> str:
    name: str | None = getattr(request.state, "caller", None)
    if name is None:  # a route elsewhere than under /v1
        name = await request.app.state.gate(request)
    return name


async def _dispatcher(request: Request) -> Dispatcher:
    dispatcher: Dispatcher | None = getattr(request.app.state, "dispatcher", None)
    if dispatcher is None:
        raise HTTPException(503, "the model is still loading; try again soon", {"Retry-After": "5"})
    return dispatcher


Caller = Annotated[str, Depends(_caller)]
"""The name of who asks, after the gate let it in."""
CurrentDispatcher = Annotated[Dispatcher, Depends(_dispatcher)]
"""What answers."""
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
"""Repeat a request with the same key and it is not computed twice."""


class EventStream(EventSourceResponse):
    """Server-sent events, with pings between them; cut off when the client reads nothing any more."""

    def __init__(self, events: AsyncIterable[ServerSentEvent]) -> None:
        super().__init__(events, ping=PING_SECONDS, send_timeout=SEND_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends them."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _LOG.warning("a client read nothing for %g seconds; its answer was cut off", SEND_SECONDS)


async def cancel_on_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Returns what the work gives; cancels it when the client goes away first.

    Raises:
        HTTPException: 499, which nobody reads.
    """
    working = asyncio.ensure_future(work)
    try:
        await _wait_or_disconnect(request, working)
        return working.result()
    finally:
        working.cancel()


async def first_event_or_error(
    request: Request, events: AsyncGenerator[StreamEvent, None]
) -> AsyncGenerator[StreamEvent, None]:
    """Returns the events when the first one is there, or when it takes longer than FIRST_SECONDS.

    What fails earlier is raised here, so that the answer can have a status of its own.

    Raises:
        HTTPException: 499, which nobody reads: the client has gone away.
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
    """Stops what makes the events."""
    first.cancel()
    await asyncio.wait([first])
    await events.aclose()


async def _wait_or_disconnect(request: Request, work: asyncio.Future[Any], seconds: float | None = None) -> None:
    """Returns when the work is done, or after so many seconds.

    Raises:
        HTTPException: 499: the client went away first.
    """

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    waiting = asyncio.ensure_future(gone())
    try:
        await asyncio.wait((work, waiting), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done() and not work.done():
            raise HTTPException(499, "the client went away")
    finally:
        waiting.cancel()

"""An engine that is opened at its first use, and the replies that it is giving: what both clients stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Protocol, TypeVar

import anyio

from seedx_sdk.calls import Call
from seedx_sdk.engine import AsyncEngine
from seedx_sdk.errors import InputError, ModelError, ServiceError
from seedx_sdk.forks import forget_in_children
from seedx_sdk.portal import Portal
from seedx_sdk.settings import OpenEngine
from seedx_sdk.types import ModelInfo, ReplyDone, StreamEvent

__all__ = ["EngineSession", "PortalSession", "Session"]

R = TypeVar("R")
_CLOSED = "the engine was closed during the request; retry"


class Session(Protocol):
    """What a client needs of an engine."""

    async def info(self) -> ModelInfo:
        """Return what the model is and what it accepts; opens the engine."""
        ...

    async def begin(self, call: Call[R]) -> AsyncGenerator[StreamEvent, None]:
        """Check a call against the model, and return the events of its reply.

        Raises:
            InputError: If the model cannot answer it.
        """
        ...

    async def aclose(self) -> None:
        """End the replies in flight with ServiceError, and the engine; a later call opens it again."""
        ...


class _Reply:
    """A reply in flight."""

    def __init__(self, events: AsyncGenerator[StreamEvent, None]) -> None:
        self.events = events
        self.step: anyio.CancelScope | None = None
        """While its next event is awaited."""
        self.is_ending = False
        self.ended = asyncio.Event()


class EngineSession:
    """An engine in the event loop of its callers (asyncio)."""

    def __init__(self, open_engine: OpenEngine) -> None:
        self._open_engine = open_engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reset()
        forget_in_children(self._forget)

    def _reset(self) -> None:
        """Have nothing open."""
        self._opening: asyncio.Task[None] | None = None
        self._engine: AsyncEngine | None = None
        self._stack = AsyncExitStack()
        self._replies: set[_Reply] = set()

    def _forget(self) -> object:
        """Forget what is open in the process that this one was forked off."""
        left = dict(self.__dict__)
        self._loop = None
        self._reset()
        return left

    async def info(self) -> ModelInfo:
        """See `Session.info`."""
        return (await self._opened()).info

    async def begin(self, call: Call[R]) -> AsyncGenerator[StreamEvent, None]:
        """See `Session.begin`."""
        engine = await self._opened()
        listener = call.listen(engine.info)

        async def events() -> AsyncGenerator[StreamEvent, None]:
            for notice in listener.first():
                yield notice
            async with aclosing(self._stream(engine, call)) as stream:
                async for event in stream:
                    yield listener.pass_on(event)
                    if isinstance(event, ReplyDone):
                        return
            raise ModelError(f"the engine of {engine.info.name} stopped without an answer; try another seed")

        return events()

    async def aclose(self) -> None:
        """See `Session.aclose`."""
        if self._opening is not None and self._loop is asyncio.get_running_loop():
            self._opening.cancel()
            await asyncio.wait([self._opening])
        engine, self._engine = self._engine, None
        if engine is None:
            return
        stack, self._stack = self._stack, AsyncExitStack()
        for reply in list(self._replies):
            if reply.step is None and not reply.is_ending:
                await reply.events.aclose()
                continue
            if reply.step is not None:
                reply.step.cancel()
            await reply.ended.wait()
        await stack.aclose()

    async def _stream(self, engine: AsyncEngine, call: Call[R]) -> AsyncGenerator[StreamEvent, None]:
        reply = _Reply(engine.stream(call.request))
        self._replies.add(reply)
        try:
            while self._engine is engine:
                with anyio.CancelScope() as reply.step:
                    event = await anext(reply.events, None)
                if reply.step.cancelled_caught:
                    break
                reply.step = None
                if event is None:
                    return
                yield event
            raise ServiceError(_CLOSED)
        finally:
            reply.is_ending = True
            try:
                await reply.events.aclose()
            finally:
                self._replies.discard(reply)
                reply.ended.set()

    async def _opened(self) -> AsyncEngine:
        """Return the engine, opened the first time; whoever stops waiting leaves the opening to the others.

        Raises:
            InputError: If it is open in another event loop that still runs.
            ServiceError: If the session is closed meanwhile.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._engine is not None and self._loop is not None and not self._loop.is_closed():
                raise InputError(
                    "this client is open in another event loop; make one client per loop, or use SeedX().as_async()"
                )
            # a loop that has ended closed the engine with its other async generators
            self._loop = loop
            self._reset()
        while self._engine is None:
            opening = self._opening
            if opening is None:
                opening = self._opening = loop.create_task(self._open())
                opening.add_done_callback(_seen)
            await asyncio.wait([opening])
            if opening.cancelled():
                raise ServiceError(_CLOSED)
            opening.result()
        return self._engine

    async def _open(self) -> None:
        try:
            self._engine = await self._stack.enter_async_context(self._open_engine())
        finally:
            self._opening = None


def _seen(task: asyncio.Task[None]) -> None:
    """Take note of an error that nobody may be waiting for any more."""
    if not task.cancelled():
        task.exception()


class PortalSession:
    """A session whose engine lives in the loop of a portal, for tasks of any other loop (asyncio or trio)."""

    def __init__(self, portal: Portal, session: Session, *, cancel: Callable[[], bool] | None = None) -> None:
        self._portal, self._session, self._cancel = portal, session, cancel

    async def info(self) -> ModelInfo:
        """See `Session.info`."""
        return await self._portal.call(self._session.info)

    async def begin(self, call: Call[R]) -> AsyncGenerator[StreamEvent, None]:
        """See `Session.begin`."""
        begin: Callable[[], Awaitable[AsyncGenerator[StreamEvent, None]]] = partial(self._session.begin, call)
        return self._portal.stream(await self._portal.call(begin), cancel=self._cancel)

    async def aclose(self) -> None:
        """See `Session.aclose`."""
        await anyio.to_thread.run_sync(self._portal.close)

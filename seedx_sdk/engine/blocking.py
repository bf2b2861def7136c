"""An async engine for callers without an event loop: it lives in another thread, and its events are waited for."""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, suppress
from typing import Any, TypeVar

from seedx_sdk.engine.protocol import AsyncEngine
from seedx_sdk.errors import ServiceError
from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["BlockingEngine", "LoopEngine"]

T = TypeVar("T")
_ASK_EVERY = 0.05
"""Seconds between two questions whether the caller still wants the answer."""


_EXIT_SECONDS = 10.0
"""What an open engine has for ending when the program ends."""


class LoopEngine:
    """`Engine` over an `AsyncEngine` that lives in the event loop of another thread.

    Args:
        engine: Open, until this one is used no more.
        loop: Where it lives; it runs.
    """

    def __init__(self, engine: AsyncEngine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine, self._loop = engine, loop
        self._info = engine.info
        self._replies: set[asyncio.Task[Any]] = set()

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        return self._info

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        """The events of one reply; see `Engine.stream`.

        Raises:
            ServiceError: The engine was closed first.
        """
        events: queue.SimpleQueue[StreamEvent | None] = queue.SimpleQueue()

        async def pump() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._replies.add(task)
            try:
                async with aclosing(self._engine.stream(request)) as answer:
                    async for event in answer:
                        events.put(event)
            finally:
                self._replies.discard(task)
                events.put(None)

        running = self._begin(pump())
        try:
            while not (cancel is not None and cancel()):
                try:
                    event = events.get(timeout=_ASK_EVERY)
                except queue.Empty:
                    continue
                if event is None:
                    running.result()
                    return
                yield event
        except CancelledError:
            raise ServiceError("the engine was closed while it was answering; ask again") from None
        finally:
            running.cancel()

    def _begin(self, reply: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(reply, self._loop)


class BlockingEngine(LoopEngine):
    """The same with a loop and a thread of its own: the engine is opened now; `close` ends it, or disuse.

    Args:
        engine: Opens and closes it, in the event loop of the thread.
    """

    def __init__(self, engine: AbstractAsyncContextManager[AsyncEngine]) -> None:
        self._loop = asyncio.new_event_loop()
        self._opened = AsyncExitStack()
        self._closed, self._closing = False, threading.Lock()
        self._thread = threading.Thread(target=_live, args=(self._loop, self._opened), name="seedx engine", daemon=True)
        self._thread.start()
        try:
            opened = self._wait(self._opened.enter_async_context(engine))
        except BaseException:
            self._end()
            raise
        super().__init__(opened, self._loop)
        weakref.finalize(self, _forsake, self._loop, self._opened).atexit = False
        _OPEN.add(self)

    def close(self) -> None:
        """Ends the engine and its thread; who waits for a reply gets ServiceError. A second call does nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            try:
                self._wait(self._finish())
            finally:
                self._end()

    def end_soon(self, seconds: float) -> None:
        """Ends the replies under way and the engine, or gives it up after so many seconds."""
        if self._closed:
            return
        ending = asyncio.run_coroutine_threadsafe(self._finish(), self._loop)
        with suppress(Exception):  # the program ends: nobody can be told
            ending.result(seconds)

    async def _finish(self) -> None:
        await self._end_replies()
        await self._opened.aclose()

    def _begin(self, reply: Coroutine[Any, Any, None]) -> Future[None]:
        with self._closing:
            if self._closed:
                reply.close()
                raise ServiceError("the engine was closed before the call began; open another")
            return super()._begin(reply)

    async def _end_replies(self) -> None:
        """Cancels the replies under way, and returns when they have ended."""
        for task in self._replies:
            task.cancel()
        if self._replies:
            await asyncio.wait(self._replies)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


_OPEN: weakref.WeakSet[BlockingEngine] = weakref.WeakSet()


@atexit.register
def _end_with_the_program() -> None:
    """Ends the engines that are open when the program ends.

    A thread that is inside torch when the interpreter goes away would abort the process.
    """
    for engine in list(_OPEN):
        engine.end_soon(_EXIT_SECONDS)


def _forsake(loop: asyncio.AbstractEventLoop, opened: AsyncExitStack) -> None:
    """Ends an engine that nobody holds any more, without waiting: this may be the very thread of the loop."""

    async def end() -> None:
        try:
            await opened.aclose()
        finally:
            loop.stop()

    if loop.is_running():
        asyncio.run_coroutine_threadsafe(end(), loop)


def _live(loop: asyncio.AbstractEventLoop, _opened: AsyncExitStack) -> None:
    """Runs the loop of a thread until it is stopped.

    What is open is held here too: when a program ends with an open engine, the interpreter takes modules and globals
    apart while this thread lives on, and an engine that only a global held would be collected without asyncio.
    """
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()

"""AsyncSeedX: the calls of SeedX for asyncio and trio, made from SeedX itself so that they cannot differ."""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import anyio
from anyio import to_thread

from seedx_sdk.client import SeedX
from seedx_sdk.engine.protocol import Engine
from seedx_sdk.errors import InputError
from seedx_sdk.types import Dtype, ModelInfo, StreamEvent

__all__ = ["AsyncSeedX"]

P = ParamSpec("P")
R = TypeVar("R")


def _awaited(
    method: Callable[Concatenate[SeedX, P], R],
) -> Callable[Concatenate[AsyncSeedX, P], Coroutine[None, None, R]]:
    """The method in a worker thread; it stops when its task is cancelled."""

    @functools.wraps(method)
    async def call(self: AsyncSeedX, /, *args: P.args, **kwargs: P.kwargs) -> R:
        async with self._turn() as seedx:
            return await to_thread.run_sync(functools.partial(method, seedx, *args, **kwargs), abandon_on_cancel=True)

    return call


def _streamed(
    method: Callable[Concatenate[SeedX, P], Iterator[StreamEvent]],
) -> Callable[Concatenate[AsyncSeedX, P], AsyncGenerator[StreamEvent, None]]:
    """The stream with each event awaited from a worker thread."""

    @functools.wraps(method)
    def stream(self: AsyncSeedX, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[StreamEvent, None]:
        reading = _Reading()
        events = self._events(lambda seedx: method(seedx, *args, **kwargs), reading)
        reading.stream = weakref.ref(events)
        return events

    return stream


class _Reading:
    """Who reads a stream."""

    stream: weakref.ref[AsyncGenerator[StreamEvent, None]]
    task: object = None
    """The coroutine of the task that asked for the last event: held here, so that no other can be taken for it."""

    def is_mine(self) -> bool:
        """Whether this task reads it. A stream that nobody holds any more has no reader: it is being closed."""
        return self.task is _this_task() and self.stream() is not None


def _this_task() -> object:
    return anyio.get_current_task().coro


class AsyncSeedX:
    """SeedX for asyncio and trio: the same calls and arguments, awaited; `chat_stream` is an async iterator.

    Calls of a model in process take turns; a server answers many at once. Cancelling the task stops the model at its
    next token or step.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        dtype: Dtype | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        engine: Engine | None = None,
    ) -> None:
        """Take the arguments of SeedX."""
        self._seedx = SeedX(model, dtype=dtype, base_url=base_url, api_key=api_key, engine=engine)
        self._place = anyio.Semaphore(1)  # a lock would have to be given back by the task that took it
        self._reading: _Reading | None = None
        self._takes_many = base_url is not None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[SeedX]:
        """The client for one call, told to stop when the call is left early."""
        if not self._takes_many and self._reading is not None and self._reading.is_mine():
            raise InputError(
                "a reply of this client is still under way; read its stream to the end or aclose() it first"
            )
        stop = threading.Event()
        async with nullcontext() if self._takes_many else self._place:
            try:
                yield self._seedx.with_cancel(stop.is_set)
            finally:
                stop.set()

    async def _events(
        self, begin: Callable[[SeedX], Iterator[StreamEvent]], reading: _Reading
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events of a stream, which may be read and closed by several tasks."""
        async with self._turn() as seedx:
            self._reading = reading
            try:
                events = await to_thread.run_sync(begin, seedx, abandon_on_cancel=True)
                while (event := await to_thread.run_sync(next, events, None, abandon_on_cancel=True)) is not None:
                    reading.task = _this_task()
                    yield event
            finally:
                self._reading = None

    async def aclose(self) -> None:
        """Give back what the engine holds; see `SeedX.close`."""
        await to_thread.run_sync(self._seedx.close)

    async def __aenter__(self) -> AsyncSeedX:
        """Return the client, which is closed at the end of the block."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close it, also when the block was cancelled."""
        with anyio.CancelScope(shield=True):
            await self.aclose()

    async def info(self) -> ModelInfo:
        """What the model is and what it accepts; loads it."""
        return await to_thread.run_sync(lambda: self._seedx.info)

    describe = _awaited(SeedX.describe)
    detect = _awaited(SeedX.detect)
    generate = _awaited(SeedX.generate)
    edit = _awaited(SeedX.edit)
    chat = _awaited(SeedX.chat)
    chat_stream = _streamed(SeedX.chat_stream)

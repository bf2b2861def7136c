"""AsyncSeedX: the calls of SeedX for asyncio and trio, made from SeedX itself so that they cannot differ."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import anyio
from anyio import to_thread

from .client import SeedX
from .engine.protocol import Engine
from .errors import InputError
from .types import Dtype, ModelInfo, StreamEvent

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
    async def stream(self: AsyncSeedX, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[StreamEvent, None]:
        async with self._turn() as seedx:
            begin = functools.partial(method, seedx, *args, **kwargs)
            events = await to_thread.run_sync(begin, abandon_on_cancel=True)
            while (event := await to_thread.run_sync(next, events, None, abandon_on_cancel=True)) is not None:
                yield event

    return stream


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
        self._lock = anyio.Lock()
        self._takes_many = base_url is not None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[SeedX]:
        """The client for one call, told to stop when the call is left early."""
        if not self._takes_many and self._lock.locked() and self._lock.statistics().owner == anyio.get_current_task():
            raise InputError(
                "a reply of this client is still under way; read its stream to the end or aclose() it first"
            )
        stop = threading.Event()
        async with nullcontext() if self._takes_many else self._lock:
            try:
                yield self._seedx.with_cancel(stop.is_set)
            finally:
                stop.set()

    async def aclose(self) -> None:
        """Give back what the engine holds: memory, threads, connections. A later call loads it again."""
        await to_thread.run_sync(self._seedx.close)

    async def info(self) -> ModelInfo:
        """What the model is and what it accepts; loads it."""
        return await to_thread.run_sync(lambda: self._seedx.info)

    describe = _awaited(SeedX.describe)
    detect = _awaited(SeedX.detect)
    generate = _awaited(SeedX.generate)
    edit = _awaited(SeedX.edit)
    chat = _awaited(SeedX.chat)
    chat_stream = _streamed(SeedX.chat_stream)

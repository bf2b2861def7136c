"""A blocking engine for async callers: it runs in a worker thread, one request after the other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from seedx_sdk.engine.protocol import Engine
from seedx_sdk.errors import DeadlineError
from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["ThreadedEngine"]


class ThreadedEngine:
    """`AsyncEngine` over an `Engine`.

    The engine runs ahead of its reader, so a reply that nobody reads to its end does not hold up the next one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="seedx engine")

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        return self._engine.info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of one reply; see `AsyncEngine.stream`. Requests are answered in the order they came."""
        loop, events, stop = asyncio.get_running_loop(), asyncio.Queue[StreamEvent | None](), threading.Event()

        def post(event: StreamEvent | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(events.put_nowait, event)

        def run() -> None:
            if stop.is_set():  # nobody waited until now
                return
            try:
                for event in self._engine.stream(request, stop.is_set):
                    post(event)
                    if stop.is_set():
                        return
            finally:
                post(None)

        running = loop.run_in_executor(self._worker, run)
        try:
            while True:
                async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                    event = await events.get()
                if event is None:
                    break
                yield event
            await running
        except TimeoutError as error:
            raise DeadlineError("the engine did not finish in time; request less") from error
        finally:
            stop.set()
            running.cancel()

    async def check(self) -> None:
        """Return: nothing is known of a blocking engine before it answers."""

    def close(self) -> None:
        """End the worker thread once its current request has ended."""
        self._worker.shutdown(wait=False, cancel_futures=True)

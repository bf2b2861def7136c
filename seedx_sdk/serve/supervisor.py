"""Restarts an engine that has failed; meanwhile requests get a Retry-After."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from types import TracebackType
from typing import Self

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential

from seedx_sdk.engine.metrics import EngineMetrics, Measured
from seedx_sdk.engine.protocol import AsyncEngine
from seedx_sdk.engine.token_count import count_prompt
from seedx_sdk.errors import ModelError, OverloadedError, ServiceError
from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["SupervisedEngine"]

_LOG = logging.getLogger("seedx.engine")
_STABLE_SECONDS = 60.0
"""An engine that fails after so long is restarted at once; one that fails earlier, after a growing pause."""


class SupervisedEngine:
    """An `AsyncEngine` over one that is restarted whenever it fails; an async context manager.

    The first start must succeed. Restarts are retried with growing pauses until one succeeds.

    Args:
        open_engine: Opens an engine, and closes it at the end; called once for each start.
        check_every: Seconds between two health checks.
        longest_pause: Longest pause before a restart, in seconds.
    """

    def __init__(
        self,
        open_engine: Callable[[], AbstractAsyncContextManager[AsyncEngine]],
        *,
        check_every: float = 1.0,
        longest_pause: float = 60.0,
    ) -> None:
        self._open, self._check_every, self._longest_pause = open_engine, check_every, longest_pause
        self._engine: AsyncEngine | None = None
        self._info: ModelInfo | None = None
        self._failure: BaseException | None = None
        self._down_since, self._start_seconds = 0.0, 0.0
        self._check_now = asyncio.Event()
        self._waiting: set[asyncio.Timeout] = set()  # of replies that wait for their next event

    async def __aenter__(self) -> Self:
        """Open the engine.

        Raises:
            Exception: If the first start fails, with its error.
        """
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._supervision = asyncio.create_task(self._keep_open(opened))
        try:
            await opened
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine; replies in flight end at their next step."""
        self._supervision.cancel()
        await asyncio.wait([self._supervision])

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        assert self._info is not None, "the engine is not open"
        return self._info

    @property
    def metrics(self) -> EngineMetrics | None:
        """The counters of the open engine; None while it is restarting."""
        return self._engine.metrics if isinstance(self._engine, Measured) else None

    def prompt_tokens(self, request: Request) -> int:
        """Return how many tokens the open engine would read; an estimate while it is restarting."""
        return count_prompt(self._engine, request)

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of one reply; see `AsyncEngine.stream`.

        Raises:
            OverloadedError: If the engine is restarting; nothing was computed.
            ServiceError: If the engine fails during the reply.
        """
        engine = self._engine
        if engine is None:
            wait = max(1.0, self._down_since + self._start_seconds - time.monotonic())
            raise OverloadedError(f"the engine is restarting after a failure; retry in {wait:.0f} s", retry_after=wait)
        failed = "the engine failed during the request and is restarting; retry"
        async with aclosing(engine.stream(request, deadline=deadline)) as events:
            while True:
                limit = asyncio.timeout(None)
                try:
                    async with limit:
                        self._waiting.add(limit)
                        event = await anext(events, None)
                except TimeoutError as error:
                    raise (ServiceError(failed) if limit.expired() else error) from error
                except ModelError as error:
                    self._check_now.set()
                    try:
                        await engine.check()
                    except ModelError:
                        raise ServiceError(failed) from error
                    raise
                finally:
                    self._waiting.discard(limit)
                if event is None:
                    return
                yield event

    async def check(self) -> None:
        """Return if the engine worked at the last health check; see `AsyncEngine.check`."""
        if self._engine is None:
            raise ModelError(f"{self._failure}; the engine is restarting")

    async def _keep_open(self, opened: asyncio.Future[None]) -> None:
        pauses = wait_exponential(multiplier=0.5, max=self._longest_pause)
        is_retried = retry_if_exception(lambda error: isinstance(error, Exception) and opened.done())
        try:
            while True:
                async for attempt in AsyncRetrying(wait=pauses, retry=is_retried, before_sleep=self._log_failure):
                    with attempt:
                        await self._run_engine(opened)
        except Exception as error:
            opened.set_exception(error)

    async def _run_engine(self, opened: asyncio.Future[None]) -> None:
        """Run the engine until it fails; return if it was stable before, raise its error if not."""
        began = time.monotonic()
        try:
            async with self._open() as engine:
                self._engine, self._info = engine, engine.info
                self._start_seconds = time.monotonic() - began
                if opened.done():
                    _LOG.info("the engine was restarted")
                else:
                    opened.set_result(None)
                await self._until_failure(engine)
        except Exception as error:
            self._failure = error
            if time.monotonic() - began < _STABLE_SECONDS + self._start_seconds:
                raise
            _LOG.error("the engine has failed: %s", error)

    async def _until_failure(self, engine: AsyncEngine) -> None:
        try:
            while True:
                self._check_now.clear()
                await engine.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._check_every):
                        await self._check_now.wait()
        except Exception as error:
            self._failure = error
            raise
        finally:
            self._engine, self._down_since = None, time.monotonic()
            for limit in self._waiting:  # an engine that hangs would never end them
                limit.reschedule(asyncio.get_running_loop().time())

    def _log_failure(self, state: RetryCallState) -> None:
        pause = state.next_action.sleep if state.next_action is not None else 0.0
        _LOG.error("the engine has failed: %s; restarting it in %.1f s", self._failure, pause)

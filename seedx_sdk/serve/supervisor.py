"""Keeps an engine open: one that has failed is closed and opened again, while requests are told when to come back."""

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
from seedx_sdk.errors import ModelError, OverloadedError, ServiceError
from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["SupervisedEngine"]

_LOG = logging.getLogger("seedx.engine")
_LASTING = 60.0
"""Seconds after which a life of the engine counts as good, so that the next pause is the shortest again."""


class SupervisedEngine:
    """`AsyncEngine` over one that is opened again whenever it fails; an async context manager.

    The first opening must succeed. Later ones are tried until one does, with growing pauses.

    Args:
        open_engine: Opens an engine, and closes it at the end; called once for each of its lives.
        look_every: Seconds between two checks.
        longest_pause: Seconds between two openings at most.
    """

    def __init__(
        self,
        open_engine: Callable[[], AbstractAsyncContextManager[AsyncEngine]],
        *,
        look_every: float = 1.0,
        longest_pause: float = 60.0,
    ) -> None:
        self._open, self._look_every, self._longest_pause = open_engine, look_every, longest_pause
        self._engine: AsyncEngine | None = None
        self._info: ModelInfo | None = None
        self._failure: BaseException | None = None
        self._down_since, self._opening_seconds = 0.0, 0.0
        self._look = asyncio.Event()
        self._waiting: set[asyncio.Timeout] = set()  # replies that wait for their next event

    async def __aenter__(self) -> Self:
        """Opens the engine.

        Raises:
            Exception: What the first opening raises.
        """
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._keep_open(opened))
        try:
            await opened
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the engine; what it still does ends at its next step."""
        self._life.cancel()
        await asyncio.wait([self._life])

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        assert self._info is not None, "open it first"
        return self._info

    @property
    def metrics(self) -> EngineMetrics | None:
        """What the engine that is open now counts."""
        return self._engine.metrics if isinstance(self._engine, Measured) else None

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """The events of one reply; see `AsyncEngine.stream`.

        Raises:
            OverloadedError: The engine is being opened again; nothing was computed.
            ServiceError: The engine failed while it was answering.
        """
        engine = self._engine
        if engine is None:
            wait = max(1.0, self._down_since + self._opening_seconds - time.monotonic())
            raise OverloadedError(
                f"the model is being started again after a failure; try again in {wait:.0f} s", retry_after=wait
            )
        cut_off = "the engine failed while it was answering, and is being started again; ask again"
        async with aclosing(engine.stream(request, deadline=deadline)) as events:
            while True:
                limit = asyncio.timeout(None)
                try:
                    async with limit:
                        self._waiting.add(limit)
                        event = await anext(events, None)
                except TimeoutError as error:
                    raise (ServiceError(cut_off) if limit.expired() else error) from error
                except ModelError as error:
                    self._look.set()
                    try:
                        await engine.check()
                    except ModelError:
                        raise ServiceError(cut_off) from error
                    raise
                finally:
                    self._waiting.discard(limit)
                if event is None:
                    return
                yield event

    async def check(self) -> None:
        """Returns if the engine worked when it was last looked at; see `AsyncEngine.check`."""
        if self._engine is None:
            raise ModelError(f"{self._failure}; the model is being started again")

    async def _keep_open(self, opened: asyncio.Future[None]) -> None:
        pauses = wait_exponential(multiplier=0.5, max=self._longest_pause)
        may_pass = retry_if_exception(lambda error: isinstance(error, Exception) and opened.done())
        try:
            while True:
                async for life in AsyncRetrying(wait=pauses, retry=may_pass, before_sleep=self._tell):
                    with life:
                        await self._live(opened)
        except Exception as error:
            opened.set_exception(error)

    async def _live(self, opened: asyncio.Future[None]) -> None:
        """One life of the engine: returns after a failure that came late, raises one that came early."""
        began = time.monotonic()
        try:
            async with self._open() as engine:
                self._engine, self._info = engine, engine.info
                self._opening_seconds = time.monotonic() - began
                if opened.done():
                    _LOG.info("the engine is open again")
                else:
                    opened.set_result(None)
                await self._until_failure(engine)
        except Exception as error:
            self._failure = error
            if time.monotonic() - began < _LASTING + self._opening_seconds:
                raise
            _LOG.error("the engine has failed: %s", error)

    async def _until_failure(self, engine: AsyncEngine) -> None:
        try:
            while True:
                self._look.clear()
                await engine.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._look_every):
                        await self._look.wait()
        except Exception as error:
            self._failure = error
            raise
        finally:
            self._engine, self._down_since = None, time.monotonic()
            for limit in self._waiting:  # an engine that hangs would never tell them
                limit.reschedule(asyncio.get_running_loop().time())

    def _tell(self, state: RetryCallState) -> None:
        pause = state.next_action.sleep if state.next_action is not None else 0.0
        _LOG.error("the engine has failed: %s; it is opened again in %.1f s", self._failure, pause)

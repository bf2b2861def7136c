"""From a call to the events of its reply: who may come in, for how long, and what is said twice.

Every route goes through `Dispatcher`, so limits, deadlines, metrics and repeated requests are alike everywhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TypeVar

from cachetools import TTLCache
from pydantic import TypeAdapter

from seedx_sdk.engine.protocol import AsyncEngine
from seedx_sdk.errors import DeadlineError, InputError, ModelError, OverloadedError
from seedx_sdk.serve import metrics
from seedx_sdk.serve.pending_call import PendingCall
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.types import ImageDone, ReplyDone, StreamEvent, TextDelta

__all__ = ["IdempotencyError", "Dispatcher"]

R = TypeVar("R")
Say = Callable[[StreamEvent], Awaitable[None]]
"""Hands an event to whoever reads; waits while too many are unread."""
_EVENT: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)
_AHEAD = 32
"""Events that the engine may be ahead of the reader."""


class IdempotencyError(InputError):
    """The same idempotency key came with another request."""


class Dispatcher:
    """Answers calls with an engine.

    Args:
        engine: Answers.
        settings: What is allowed.
    """

    def __init__(self, engine: AsyncEngine, settings: ServerSettings) -> None:
        self.engine, self.settings = engine, settings
        self._active = 0
        self._seconds = 1.0  # a running mean, to say when a place may be free
        self._remembered: TTLCache[tuple[str, str], tuple[str, list[StreamEvent], int]] = TTLCache(
            settings.remembered_bytes, settings.remembered_seconds, getsizeof=lambda kept: kept[2]
        )
        self._in_flight: dict[tuple[str, str], asyncio.Event] = {}

    async def result(self, asked: PendingCall[R], *, caller: str, key: str | None = None) -> R:
        """Returns the whole answer; as `events`."""
        async with aclosing(self.events(asked, caller=caller, key=key)) as events:
            async for event in events:
                if isinstance(event, ReplyDone):
                    return (await asked.call()).finish(event.reply)
        raise ModelError("the engine stopped without an answer; try another seed")

    async def events(
        self, asked: PendingCall[R], *, caller: str, key: str | None = None
    ) -> AsyncGenerator[StreamEvent, None]:
        """Yields the events of a reply. Closing the generator stops the work, and so does the deadline, read or not.

        Args:
            asked: What is asked.
            caller: Who asks; keys of different callers have nothing to do with each other.
            key: Repeating a request with the same key gives the same events again, without computing them twice.

        Raises:
            InputError: The request is not allowed, or the model cannot honour it.
            IdempotencyError: The key was used for another request.
            OverloadedError: Too many replies are under way.
            DeadlineError: It took too long.
            ModelError: The engine has failed.
        """
        allowed = self.settings.max_pictures
        if asked.pictures > allowed:
            raise InputError(f"{asked.pictures} pictures are too many for one request; {allowed} are allowed")
        said: asyncio.Queue[StreamEvent | Exception | None] = asyncio.Queue(_AHEAD)

        async def work() -> None:
            end: Exception | None = None
            try:
                await (self._fresh(asked, said.put) if key is None else self._once(asked, (caller, key), said.put))
            except Exception as error:
                end = error
            await said.put(end)

        working = asyncio.create_task(work())
        try:
            while (event := await said.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            working.cancel()
            await asyncio.wait([working])

    async def _once(self, asked: PendingCall[R], name: tuple[str, str], say: Say) -> None:
        """Says the events of the reply that has this name; of one that was finished, again."""
        digest = await asyncio.to_thread(lambda: hashlib.sha256(asked.task.encode() + asked.content()).hexdigest())
        while name in self._in_flight:
            await self._in_flight[name].wait()
        kept = self._remembered.get(name)
        if kept is not None:
            if kept[0] != digest:
                raise IdempotencyError(f"the idempotency key {name[1]!r} was used for another request; take a new one")
            for event in kept[1]:
                await say(event)
            return
        self._in_flight[name] = asyncio.Event()
        said: list[StreamEvent] = []

        async def keep(event: StreamEvent) -> None:
            said.append(event)
            if isinstance(event, ReplyDone):
                await self._remember(name, digest, said)
            await say(event)

        try:
            await self._fresh(asked, keep)
        finally:
            self._in_flight.pop(name).set()

    async def _remember(self, name: tuple[str, str], digest: str, said: list[StreamEvent]) -> None:
        size = await asyncio.to_thread(lambda: sum(len(_EVENT.dump_json(event)) for event in said))
        if size <= self._remembered.maxsize:
            self._remembered[name] = digest, said, size

    async def _fresh(self, asked: PendingCall[R], say: Say) -> None:
        """Says the events of a reply that is made now, while it has a place and time."""
        seconds = self.settings.reply_seconds
        with self._place(), _counted(asked.task) as outcome:
            deadline = time.monotonic() + seconds
            try:
                async with asyncio.timeout(seconds):
                    call = await asked.call()
                    listener = call.listen(self.engine.info)
                    for event in listener.first():
                        await say(event)
                    async with aclosing(self.engine.stream(call.request, deadline=deadline)) as events:
                        async for event in events:
                            outcome.see(told := listener.pass_on(event))
                            await say(told)
            except TimeoutError as error:
                raise DeadlineError(f"the reply took more than {seconds:g} seconds; ask for less") from error

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._active >= self.settings.max_replies:
            metrics.REFUSED.labels("overloaded").inc()
            raise OverloadedError(
                f"{self._active} replies are under way, and no more are allowed; try again later",
                retry_after=max(1.0, self._seconds),
            )
        self._active += 1
        metrics.ACTIVE.inc()
        started = time.perf_counter()
        try:
            yield
        finally:
            self._active -= 1
            metrics.ACTIVE.dec()
            self._seconds += 0.1 * (time.perf_counter() - started - self._seconds)


class _Outcome:
    """What became of a reply, for the metrics."""

    name = "gone"  # the client went away

    def see(self, event: StreamEvent) -> None:
        if isinstance(event, TextDelta):
            metrics.TEXT_DELTAS.inc()
        elif isinstance(event, ImageDone):
            metrics.PICTURES.inc()
        elif isinstance(event, ReplyDone):
            self.name = "done"
            for stage, seconds in event.reply.timings.items():
                if stage != "total":
                    metrics.STAGE_SECONDS.labels(stage).inc(max(0.0, seconds))


@contextmanager
def _counted(task: str) -> Iterator[_Outcome]:
    outcome = _Outcome()
    with metrics.SECONDS.labels(task).time():
        try:
            yield outcome
        except Exception as error:
            outcome.name = type(error).__name__
            raise
        finally:
            metrics.REPLIES.labels(task, outcome.name).inc()

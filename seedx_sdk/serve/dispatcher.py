"""From a call to the events of its reply: quotas, the line for a place, deadlines and idempotent replay.

Every route goes through `Dispatcher`, so limits, deadlines, metrics and repeated requests work the same everywhere.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from cachetools import TTLCache
from pydantic import TypeAdapter

from seedx_sdk.engine.fair_line import SHARE, FairLine, Place
from seedx_sdk.engine.protocol import AsyncEngine
from seedx_sdk.errors import DeadlineError, ModelError, OverloadedError
from seedx_sdk.serve import metrics
from seedx_sdk.serve.access.callers import Caller
from seedx_sdk.serve.access.drawing import Drawing
from seedx_sdk.serve.access.limits import TEXT_WORK, Work, step_work
from seedx_sdk.serve.budgets.image_cap import ImageCap
from seedx_sdk.serve.budgets.request import RequestBudget
from seedx_sdk.serve.budgets.room import ImageRoom
from seedx_sdk.serve.pending_call import PendingCall
from seedx_sdk.serve.repeats import KeptAnswers, Repeats, part_key
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.types import ImageDone, ReplyDone, StreamEvent, TextDelta

__all__ = ["Dispatcher", "ReplyIdentity"]

R = TypeVar("R")
Emit = Callable[[StreamEvent], Awaitable[None]]
"""Passes an event to the reader; waits while too many are unread."""
_EVENT: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)
_MAX_IDENTITIES = 100_000
"""Idempotency keys whose id and time are remembered."""
_MAX_BESIDE = 4
"""Concurrent jobs that do not run on the model, such as building a file."""
_ROOM = 4
"""How often the pixels of the largest request fit into the memory for decoded images."""
_MAX_UNREAD = 32
"""Events by which the engine may be ahead of the reader."""


@dataclass(frozen=True)
class ReplyIdentity:
    """The id and the time of a reply."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))
    """Seconds since 1970."""


class Dispatcher:
    """Answers calls with an engine.

    Args:
        engine: Computes the replies.
        settings: Limits.
    """

    def __init__(self, engine: AsyncEngine, settings: ServerSettings) -> None:
        self.engine, self.settings = engine, settings
        self.budget = RequestBudget(settings)
        self._room = ImageRoom(_ROOM * settings.max_pixels)
        self._line = FairLine(settings.max_replies, max_waiting=settings.max_waiting)
        self._line_beside = FairLine(_MAX_BESIDE, max_waiting=settings.max_waiting)
        self.repeats = Repeats(settings)
        """The answers of routes that make something out of several replies."""
        self._finished = KeptAnswers[list[bytes]](settings, lambda events: sum(map(len, events)))
        self._identities: TTLCache[tuple[str, str], ReplyIdentity] = TTLCache(
            _MAX_IDENTITIES, settings.remembered_seconds + settings.reply_seconds
        )

    def identity(self, caller: Caller, key: str | None) -> ReplyIdentity:
        """Return the id and the time of a reply: the same as before for a repeated idempotency key."""
        if key is None:
            return ReplyIdentity()
        known = self._identities.get((caller.name, key), ReplyIdentity())
        self._identities[caller.name, key] = known  # for as long from now as an answer may be replayed
        return known

    def has_answer(self, caller: Caller, key: str) -> bool:
        """Return whether the answer to a request with this idempotency key is kept, or that of its first part."""
        parts = key, part_key(key, 0)
        return any(self._finished.has(caller, part) for part in parts) or self.repeats.has_answer(caller, key)

    def computes(self, caller: Caller, key: str | None) -> bool:
        """Return whether a call with this idempotency key is computed, rather than answered with what another gets."""
        return key is None or not (self._finished.has(caller, key) or self._finished.is_in_flight(caller, key))

    async def result(self, pending: PendingCall[R], *, caller: Caller, key: str | None = None) -> R:
        """Return the typed result of a call; arguments and errors as in `events`."""
        async with aclosing(self.events(pending, caller=caller, key=key)) as events:
            async for event in events:
                if isinstance(event, ReplyDone):
                    return (await pending.call()).finish(event.reply)
        raise ModelError("the engine stopped without an answer; try another seed")

    async def events(
        self, pending: PendingCall[R], *, caller: Caller, key: str | None = None
    ) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of a reply. Closing the generator stops the work, and so does the deadline, read or not.

        Args:
            pending: The call.
            caller: Who calls; each caller has its own idempotency keys.
            key: Idempotency key: repeating a request with the same key replays its events without computing them again.

        Raises:
            InputError: If the request is not allowed, or the model cannot honor it.
            IdempotencyError: If the key was used for a different request.
            RateLimitError: If the caller has used what it may.
            OverloadedError: If too many wait for a place.
            DeadlineError: If the reply takes longer than `reply_seconds`, waiting included.
            ModelError: If the engine fails.
        """
        self.budget.check([pending], self.engine.info)
        deadline = time.monotonic() + self.settings.reply_seconds
        queue: asyncio.Queue[StreamEvent | Exception | None] = asyncio.Queue(_MAX_UNREAD)

        async def work() -> None:
            SHARE.set(caller.share)
            end: Exception | None = None
            try:
                if key is None:
                    await self._compute(pending, caller, deadline, queue.put)
                else:
                    await self._compute_once(pending, caller, key, deadline, queue.put)
            except Exception as error:
                end = error
            await queue.put(end)

        working = asyncio.create_task(work())
        try:
            while (event := await queue.get()) is not None:
                if isinstance(event, Exception):
                    raise pending.as_sent(event)
                yield event
        finally:
            working.cancel()
            await asyncio.wait([working])

    async def _compute_once(
        self, pending: PendingCall[R], caller: Caller, key: str, deadline: float, emit: Emit
    ) -> None:
        """Emit the events of the reply with this key of the caller; replay them if it is finished."""
        async with AsyncExitStack() as stack:
            async with self._until(deadline):
                kept, keep = await stack.enter_async_context(
                    self._finished.turn(caller, key, lambda: pending.task.encode() + pending.content())
                )
            if kept is not None:
                for event in await asyncio.to_thread(lambda: list(map(_EVENT.validate_json, kept))):
                    await emit(event)
                return
            events: list[StreamEvent] = []

            async def record(event: StreamEvent) -> None:
                events.append(event)
                if isinstance(event, ReplyDone):
                    # as JSON, so that what is kept is what is counted: a flat image takes far less
                    keep(await asyncio.to_thread(lambda: list(map(_EVENT.dump_json, events))))
                await emit(event)

            await self._compute(pending, caller, deadline, record)

    async def _compute(self, pending: PendingCall[R], caller: Caller, deadline: float, emit: Emit) -> None:
        """Compute a reply and emit its events, within the quotas of the caller, the capacity and the deadline."""
        info = self.engine.info
        work = Work.estimate(pending.task, pending.options, info)
        with caller.reserve(work) as reservation, _counted(pending.task) as outcome:
            async with self._until(deadline), AsyncExitStack() as stack:
                await self._check_early(pending)
                place = await stack.enter_async_context(self._place(caller, work, outcome))
                drawing = Drawing(reservation, self._line, place, step_work(pending.options, info))
                await pending.fetch(self.settings.max_body_bytes)
                pixels = await pending.pixels()
                self.budget.check_pixels(pixels, pending.images_param)
                await stack.enter_async_context(self._room.hold(pixels))
                async with self._room.decoding(pixels):
                    call = await pending.call()
                self.budget.check_text(call.request)
                if self.settings.max_prompt_tokens is not None:
                    await asyncio.to_thread(self.budget.check_prompt, call.request, self.engine)
                cap = ImageCap.of(call.request, info, self.settings.max_steps)
                listener = call.listen(info)
                for event in listener.first():
                    await emit(event)
                async with aclosing(self.engine.stream(cap.applied(call.request), deadline=deadline)) as events:
                    async for event in events:
                        event = cap.pass_on(listener.pass_on(event))
                        outcome.count(event)
                        drawing.count(event)
                        await emit(event)

    async def _check_early(self, pending: PendingCall[R]) -> None:
        """Refuse, before it waits for a place, what is seen to be wrong without decoding or fetching an image."""
        if not pending.images:
            await pending.call()
        elif not pending.urls:
            self.budget.check_pixels(await pending.pixels(), pending.images_param)

    @asynccontextmanager
    async def _until(self, deadline: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                yield
        except TimeoutError as error:
            seconds = self.settings.reply_seconds
            raise DeadlineError(f"the reply took more than {seconds:g} seconds; request less") from error

    @asynccontextmanager
    async def beside(self, caller: Caller) -> AsyncIterator[None]:
        """Wait for the caller's turn to do something beside the model, such as making a file, while the block runs.

        Raises:
            RateLimitError: If the caller has used what it may.
            OverloadedError: If too many wait.
        """
        caller.charge_request()
        try:
            place = await self._line_beside.enter(caller.share, 1.0)
        except OverloadedError:
            metrics.reject("at_capacity", caller.label)
            raise
        place.done = place.work
        try:
            yield
        finally:
            self._line_beside.leave(place)

    @asynccontextmanager
    async def _place(self, caller: Caller, work: Work, outcome: _Outcome) -> AsyncIterator[Place]:
        """Wait for a place, and hold it while the block runs."""
        metrics.WAITING.inc()
        try:
            place = await self._line.enter(caller.share, TEXT_WORK + work.steps)
        except OverloadedError:
            metrics.reject("at_capacity", caller.label)
            outcome.label = None
            raise
        finally:
            metrics.WAITING.dec()
        metrics.IN_FLIGHT.inc()
        try:
            yield place
        finally:
            metrics.IN_FLIGHT.dec()
            self._line.leave(place)


class _Outcome:
    """How a reply ended, for the metrics."""

    label: str | None = "client_disconnected"  # unless it ends otherwise; None if it never began

    def count(self, event: StreamEvent) -> None:
        if isinstance(event, TextDelta):
            metrics.TEXT_DELTAS.inc()
        elif isinstance(event, ImageDone):
            metrics.IMAGES.inc()
        elif isinstance(event, ReplyDone):
            self.label = "done"
            for stage, seconds in event.reply.timings.items():
                if stage != "total":
                    metrics.STAGE_SECONDS.labels(stage).inc(max(0.0, seconds))


@contextmanager
def _counted(task: str) -> Iterator[_Outcome]:
    outcome, started = _Outcome(), time.perf_counter()
    try:
        yield outcome
    except Exception as error:
        if outcome.label is not None:
            outcome.label = type(error).__name__
        raise
    finally:
        if outcome.label is not None:
            metrics.SECONDS.labels(task).observe(time.perf_counter() - started)
            metrics.REPLIES.labels(task, outcome.label).inc()

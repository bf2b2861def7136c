"""What a turn waits for, run where it can be abandoned: in a daemon thread, or as a task of the caller's event loop.

A turn is a generator of events and of Work. It never waits itself, so the same turn runs in a program with threads
(`events_of`) and on an event loop (`aevents_of`), and ends soon although a chat model or a tool is silent.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar, cast

from seedx_agents.assistant.turn import AgentEvent

T = TypeVar("T")

_POLL_SECONDS = 0.05
"""Longest time after which an interruption of silent work is noticed."""
_CANCEL_SECONDS = 1.0
"""Longest wait for the end of a task that was cancelled."""


class Interrupted(Exception):
    """The turn ended before its work did."""


@dataclass(frozen=True)
class Listener:
    """Who waits for some work."""

    _put: Callable[[AgentEvent], None]
    _gone: threading.Event

    def emit(self, event: AgentEvent) -> None:
        """Pass an event on.

        Raises:
            Interrupted: If nobody waits any more.
        """
        if self.gone():
            raise Interrupted
        self._put(event)

    def gone(self) -> bool:
        """Return whether nobody waits any more."""
        return self._gone.is_set()


@dataclass(kw_only=True)
class Work:
    """Something that may take long."""

    call: Callable[[Listener], Any]
    """Does it, in a thread of its own."""
    acall: Callable[[Listener], Awaitable[Any]] | None = None
    """Does it on an event loop; None: as `call`."""
    interrupted: Callable[[], bool]
    """Whether the turn is to end."""
    grace: float = 0.0
    """Seconds to wait for its end after it was cancelled."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when its result is not wanted any more."""
    _abandoned_at: float = 0.0

    def abandoned(self) -> bool:
        """Cancel it if the turn is to end, and return whether to wait no longer."""
        if not self.interrupted():
            return False
        if not self.cancelled.is_set():
            self.cancelled.set()
            self._abandoned_at = time.monotonic() + self.grace
        return time.monotonic() >= self._abandoned_at


Turning: TypeAlias = Generator[AgentEvent | Work, Any, None]
"""A turn: it is sent the result of each Work, or its error, or Interrupted."""


@dataclass(frozen=True)
class _Ended:
    result: Any = None
    error: BaseException | None = None

    def resume(self, turning: Turning) -> AgentEvent | Work | None:
        """Return what the turn yields next; None at its end."""
        try:
            return turning.send(self.result) if self.error is None else turning.throw(self.error)
        except StopIteration:
            return None


_Piece: TypeAlias = AgentEvent | _Ended


def events_of(turning: Turning) -> Generator[AgentEvent, None, None]:
    """Yield the events of a turn whose work runs in threads."""
    ended = _Ended()
    with closing(turning):
        while (item := ended.resume(turning)) is not None:
            if not isinstance(item, Work):
                yield item
                ended = _Ended()
                continue
            with closing(_in_thread(item)) as pieces:
                for piece in pieces:
                    if isinstance(piece, _Ended):
                        ended = piece
                    else:
                        yield piece


async def aevents_of(turning: Turning) -> AsyncGenerator[AgentEvent, None]:
    """Yield the events of a turn whose work runs on the event loop; what blocks runs in threads."""
    ended = _Ended()
    with closing(turning):
        while (item := ended.resume(turning)) is not None:
            if not isinstance(item, Work):
                yield item
                ended = _Ended()
                continue
            async with aclosing(_on_loop(item)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, _Ended):
                        ended = piece
                    else:
                        yield piece


def _in_thread(work: Work) -> Generator[_Piece, None, None]:
    """Yield the events of work, and at last how it ended."""
    pieces: SimpleQueue[_Piece] = SimpleQueue()
    thread = _start_thread(partial(work.call, Listener(pieces.put, work.cancelled)), pieces.put)
    try:
        while not work.abandoned():
            with suppress(Empty):
                piece = pieces.get(timeout=_POLL_SECONDS)
                yield piece
                if isinstance(piece, _Ended):
                    return
        yield _Ended(error=Interrupted())
    finally:
        work.cancelled.set()
        thread.join(work.grace)


async def _on_loop(work: Work) -> AsyncGenerator[_Piece, None]:
    """Yield the events of work, and at last how it ended."""
    pieces = asyncio.Queue[_Piece]()
    loop, call = asyncio.get_running_loop(), work.acall
    if call is None:

        def put(event: AgentEvent) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(pieces.put_nowait, event)

        listener = Listener(put, work.cancelled)
        task = asyncio.create_task(_run_task(in_daemon_thread(partial(work.call, listener)), pieces.put_nowait))
    else:
        task = asyncio.create_task(_run_task(call(Listener(pieces.put_nowait, work.cancelled)), pieces.put_nowait))
    try:
        while not work.abandoned():
            with suppress(TimeoutError):
                piece = await asyncio.wait_for(pieces.get(), _POLL_SECONDS)
                yield piece
                if isinstance(piece, _Ended):
                    return
        yield _Ended(error=Interrupted())
    finally:
        work.cancelled.set()
        await asyncio.wait({task}, timeout=work.grace)
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_SECONDS)


async def in_daemon_thread(call: Callable[[], T]) -> T:
    """Return the result of a call that may block for ever; cancelling the task leaves it alone."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[_Ended] = loop.create_future()

    def settle(how: _Ended) -> None:
        if not ended.done():
            ended.set_result(how)

    def put(how: _Ended) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, how)

    _start_thread(call, put)
    how = await ended
    if how.error is not None:
        raise how.error
    return cast(T, how.result)


def _start_thread(call: Callable[[], Any], put: Callable[[_Ended], None]) -> threading.Thread:
    def run() -> None:
        try:
            put(_Ended(result=call()))
        except BaseException as error:  # raised where the turn waits
            put(_Ended(error=error))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="seedx-assistant", daemon=True)
    thread.start()
    return thread


async def _run_task(work: Awaitable[Any], put: Callable[[_Ended], None]) -> None:
    try:
        put(_Ended(result=await work))
    except Exception as error:  # raised where the turn waits
        put(_Ended(error=error))

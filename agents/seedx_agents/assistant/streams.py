"""The events of one turn, as an iterator that a caller may close at any time, from any thread."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Self

from seedx_agents.assistant.turn import AgentEvent, TurnDone


class EventStream(Iterator[AgentEvent]):
    """The events of a turn as they happen; the last is TurnDone.

    The turn runs while the events are read. Closing the stream ends it; so does the end of a `with` block, and losing
    the last reference.

    Args:
        events: The events.
        stop: Ends the turn soon, from any thread.
        over: Closed when the turn is over: ends its conversation, and lets the next turn begin.
    """

    def __init__(self, events: Generator[AgentEvent, None, None], stop: Callable[[], None], over: ExitStack) -> None:
        self._events, self._stop, self._over = events, stop, over
        self._reading = threading.Lock()

    def __next__(self) -> AgentEvent:
        with self._reading:
            event = next(self._events)
            if isinstance(event, TurnDone):
                self._over.close()
            return event

    def close(self) -> None:
        """End the turn, and return when it has ended; a read in another thread gets TurnDone."""
        self._stop()
        with self._reading:
            self._events.close()
            self._over.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class AsyncEventStream(AsyncIterator[AgentEvent]):
    """The events of a turn as they happen, for an event loop of asyncio; the last is TurnDone.

    The turn runs while the events are read. Closing the stream ends it; so does cancelling the task that reads it, and
    losing the last reference.

    Args:
        events: The events.
        stop: Ends the turn soon.
        over: Closed when the turn is over: ends its conversation, and lets the next turn begin.
    """

    def __init__(self, events: AsyncGenerator[AgentEvent, None], stop: Callable[[], None], over: ExitStack) -> None:
        self._events, self._stop, self._over = events, stop, over

    async def __anext__(self) -> AgentEvent:
        event = await anext(self._events)
        if isinstance(event, TurnDone):
            self._over.close()
        return event

    async def aclose(self) -> None:
        """End the turn, and return when it has ended."""
        self._stop()
        await self._events.aclose()
        self._over.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._stop()
        self._over.close()

"""The dispatcher as an engine, for routes that make several calls of the SDK for one caller."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from seedx_sdk.serve.access.callers import Caller
from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.serve.pending_call import PendingCall
from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["DispatcherEngine"]


class DispatcherEngine:
    """An `AsyncEngine` whose requests are replies of the server, with its limits, deadlines and metrics.

    All of them together have the budget of one request of the client.

    Args:
        dispatcher: Answers the requests.
        caller: Who calls.
    """

    def __init__(self, dispatcher: Dispatcher, caller: Caller) -> None:
        self._dispatcher, self._caller = dispatcher, caller
        self._steps = 0.0  # that its replies may take so far

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        return self._dispatcher.engine.info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of one reply; `deadline` is ignored, the server's own applies."""
        del deadline
        pending = PendingCall.request(request)
        self._steps = self._dispatcher.budget.check([pending], self.info, steps=self._steps)
        async with aclosing(self._dispatcher.events(pending, caller=self._caller)) as events:
            async for event in events:
                yield event

    async def check(self) -> None:
        """Return if the engine works; see `AsyncEngine.check`."""
        await self._dispatcher.engine.check()

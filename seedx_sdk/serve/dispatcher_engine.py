"""The server's replies as an engine, for routes that make several calls of the SDK for one caller."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.serve.pending_call import PendingCall
from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["DispatcherEngine"]


class DispatcherEngine:
    """`AsyncEngine` whose every request is a reply of the server, with its limits, deadline and metrics.

    Args:
        dispatcher: Answers.
        caller: Who asks.
    """

    def __init__(self, dispatcher: Dispatcher, caller: str) -> None:
        self._dispatcher, self._caller = dispatcher, caller

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        return self._dispatcher.engine.info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """The events of one reply; its deadline is the server's own, whatever is given here."""
        del deadline
        async with aclosing(self._dispatcher.events(PendingCall.request(request), caller=self._caller)) as events:
            async for event in events:
                yield event

    async def check(self) -> None:
        """Returns if the engine works; see `AsyncEngine.check`."""
        await self._dispatcher.engine.check()

"""The interface between the client and whatever computes: one request in, a stream of events out. No torch here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Protocol, runtime_checkable

from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["AsyncEngine", "Engine"]


class Engine(Protocol):
    """A blocking engine, such as `seedx_sdk.testing.ScriptedEngine`; it answers one request at a time."""

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        ...

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        """Yield the events of one reply; the last is ReplyDone.

        `cancel` is called between events; after it returns True the stream ends without ReplyDone. Boxes of detect and
        describe are in pixels of the last given image, those of other tasks in pixels of the generated one.
        """
        ...


@runtime_checkable
class AsyncEngine(Protocol):
    """A loaded model that answers many requests at once."""

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        ...

    def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of one reply, as `Engine.stream`. Closing the generator, or cancelling its task, stops it.

        Args:
            request: What to answer.
            deadline: Value of `time.monotonic()` after which nobody needs the reply.

        Raises:
            InputError: If the request cannot be answered; other requests are not affected.
            OverloadedError: If the engine is at capacity.
            DeadlineError: If the deadline passes first.
            ModelError: If the engine has failed.
        """
        ...

    async def check(self) -> None:
        """Return if the engine works.

        Raises:
            ModelError: If it does not, and cannot recover by itself.
            ServiceError: If it does not at the moment, or has been closed.
        """
        ...

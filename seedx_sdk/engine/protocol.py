"""The seam between the client and whatever computes: one request in, a stream of events out. No torch here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Protocol

from seedx_sdk.types import ModelInfo, Request, StreamEvent

__all__ = ["AsyncEngine", "Engine"]


class Engine(Protocol):
    """A loaded model. The client calls it from one thread at a time."""

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        ...

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        """The events of one reply; the last is ReplyDone.

        `cancel` is asked between tokens and between de-noising steps; after it answers True the stream ends
        without ReplyDone. Boxes of detect and describe are in pixels of the last given picture, those of
        generate and edit in pixels of the drawn one.
        """
        ...


class AsyncEngine(Protocol):
    """A loaded model that answers many requests at once."""

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        ...

    def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """The events of one reply, as `Engine.stream`. Closing the generator, or cancelling its task, stops the work.

        Args:
            request: What is asked.
            deadline: Value of `time.monotonic()` after which nobody wants the answer.

        Raises:
            InputError: The request cannot be answered; others are not touched.
            OverloadedError: Too much waits.
            DeadlineError: The deadline passed first.
            ModelError: The engine has failed.
        """
        ...

    async def check(self) -> None:
        """Returns if the engine works.

        Raises:
            ModelError: It does not, and cannot recover by itself.
            ServiceError: It does not at the moment, or has been closed.
        """
        ...

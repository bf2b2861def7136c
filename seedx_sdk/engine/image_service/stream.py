"""The way back from the worker thread that draws a picture to the task that waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Self

from PIL import Image

from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.errors import DeadlineError, ServiceError
from seedx_sdk.types import ImageProgress

__all__ = ["ImageStream", "JobHandle"]

Event = ImageProgress | Image.Image | ServiceError


class JobHandle:
    """The worker's end: a job, whether somebody still waits for it, and where its events go."""

    def __init__(self, job: ImageJob) -> None:
        self.job = job
        self.abandoned = False
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.reported = 0
        self._loop = asyncio.get_running_loop()
        self._settled = threading.Lock()

    @property
    def late(self) -> bool:
        """Whether the deadline has passed."""
        return self.job.deadline is not None and time.monotonic() >= self.job.deadline

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for the picture."""
        return not (self.abandoned or self.late)

    def settle(self) -> bool:
        """True for the first caller, who counts how the job ended."""
        return self._settled.acquire(blocking=False)

    def wants_preview(self, step: int) -> bool:
        """Whether the job asked for a preview after this step, which is neither the last nor a repeated one."""
        every = self.job.preview_every
        return every > 0 and step % every == 0 and self.reported < step < self.job.steps

    def report(self, step: int, preview: Image.Image | None = None) -> None:
        """Posts progress, unless the step was reported before its batch had to start again."""
        if step > self.reported:
            self.reported = step
            self.post(ImageProgress(step=step, total=self.job.steps, preview=preview))

    def post(self, event: Event) -> None:
        """Hands an event to the task that waits."""
        with contextlib.suppress(RuntimeError):  # its event loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(self.events.put_nowait, event)


class ImageStream:
    """The waiting task's end: an asynchronous iterator of progress events whose last item is the picture.

    Ending early, by `aclose`, by cancelling the task that waits or by dropping the iterator, frees the job's place at
    the next de-noising step.

    Args:
        ticket: The job, already in the queue.
        on_abandon: Told once when the picture is given up.
    """

    def __init__(self, ticket: JobHandle, on_abandon: Callable[[JobHandle], None]) -> None:
        self._ticket, self._on_abandon = ticket, on_abandon
        self._ended = False

    def __aiter__(self) -> Self:
        """Iterates over the events."""
        return self

    async def __anext__(self) -> ImageProgress | Image.Image:
        """The next event.

        Raises:
            DeadlineError: If the deadline passes first.
            ServiceError: If the computation fails or the service is closed.
        """
        if self._ended:
            raise StopAsyncIteration
        ticket = self._ticket
        deadline, total = ticket.job.deadline, ticket.job.steps
        try:
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                event = await ticket.events.get()
        except TimeoutError:
            self._abandon()
            raise DeadlineError(
                f"the deadline passed after {ticket.reported} of {total} de-noising steps; "
                "allow more time, or ask for fewer steps"
            ) from None
        except asyncio.CancelledError:
            self._abandon()
            raise
        if isinstance(event, ServiceError):
            self._ended = True
            raise event
        self._ended = isinstance(event, Image.Image)
        return event

    async def aclose(self) -> None:
        """Gives the picture up, if it is not finished."""
        self._abandon()

    def __del__(self) -> None:
        self._abandon()

    def _abandon(self) -> None:
        if not self._ended:
            self._ended = self._ticket.abandoned = True
            self._on_abandon(self._ticket)

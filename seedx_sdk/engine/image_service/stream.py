"""The way back from the worker thread that computes an image to the task that waits for it."""

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
    """The worker's end: a job, whether it is still active, and where its events go."""

    def __init__(self, job: ImageJob) -> None:
        self.job = job
        self.cancelled = False
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.last_step = 0
        """Last step that was reported."""
        self._loop = asyncio.get_running_loop()
        self._ended = threading.Lock()

    @property
    def deadline_exceeded(self) -> bool:
        """Whether the deadline has passed."""
        return self.job.deadline is not None and time.monotonic() >= self.job.deadline

    @property
    def active(self) -> bool:
        """Whether somebody still waits for the image."""
        return not (self.cancelled or self.deadline_exceeded)

    def end(self) -> bool:
        """Return True to the first caller, who counts how the job ended."""
        return self._ended.acquire(blocking=False)

    def wants_preview(self, step: int) -> bool:
        """Whether the job asked for a preview after this step, which is neither the last nor a repeated one."""
        every = self.job.preview_every
        return every > 0 and step % every == 0 and self.last_step < step < self.job.num_inference_steps

    def report(self, step: int, preview: Image.Image | None = None) -> None:
        """Post progress, unless the step was reported before its batch had to restart."""
        if step > self.last_step:
            self.last_step = step
            self.post(ImageProgress(step=step, total=self.job.num_inference_steps, preview=preview))

    def post(self, event: Event) -> None:
        """Hand an event to the task that waits."""
        with contextlib.suppress(RuntimeError):  # its event loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(self.events.put_nowait, event)


class ImageStream:
    """The waiting task's end: an asynchronous iterator of progress events whose last item is the image.

    Ending early, by `aclose`, by cancelling the task that waits or by dropping the iterator, frees the job's place at
    the next denoising step.

    Args:
        handle: The job, already in the queue.
        on_cancel: Called once if the job is cancelled.
    """

    def __init__(self, handle: JobHandle, on_cancel: Callable[[JobHandle], None]) -> None:
        self._handle, self._on_cancel = handle, on_cancel
        self._ended = False

    def __aiter__(self) -> Self:
        """Return the iterator itself."""
        return self

    async def __anext__(self) -> ImageProgress | Image.Image:
        """Return the next event.

        Raises:
            DeadlineError: If the deadline passes first.
            ServiceError: If the computation fails or the service is closed.
        """
        if self._ended:
            raise StopAsyncIteration
        handle = self._handle
        deadline, total = handle.job.deadline, handle.job.num_inference_steps
        try:
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                event = await handle.events.get()
        except TimeoutError:
            self._cancel()
            raise DeadlineError(
                f"the deadline passed after {handle.last_step} of {total} denoising steps; "
                "allow more time, or use fewer steps"
            ) from None
        except asyncio.CancelledError:
            self._cancel()
            raise
        if isinstance(event, ServiceError):
            self._ended = True
            raise event
        self._ended = isinstance(event, Image.Image)
        return event

    async def aclose(self) -> None:
        """Cancel the job, unless it is finished."""
        self._cancel()

    def __del__(self) -> None:
        self._cancel()

    def _cancel(self) -> None:
        if not self._ended:
            self._ended = self._handle.cancelled = True
            self._on_cancel(self._handle)

"""One device for all that surrounds the language model: reads pictures, regresses features, draws in batches.

    async with LocalImageService(parts, device="cuda") as service:
        embeds = await service.read(picture, grids=READ_GRIDS, model=None)
        async for event in service.draw(job):
            ...  # ImageProgress; the last one is the picture

A picture doesn't depend on its batch-mates beyond rounding (each has its own generator and its own rows), and the same
job alone gives the same bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk.checkpoints.directory import DirectoryConfig, ModelParts
from seedx_sdk.engine.domain_check import out_of_domain_image
from seedx_sdk.engine.image_service.batching import BatchQueue
from seedx_sdk.engine.image_service.device_errors import service_error
from seedx_sdk.engine.image_service.feature_cache import FeatureCache, image_key
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.metrics import ServiceMetrics, Stage
from seedx_sdk.engine.image_service.placement import Placement, place
from seedx_sdk.engine.image_service.stream import ImageStream, JobHandle
from seedx_sdk.engine.image_service.worker import DenoiseWorker
from seedx_sdk.errors import DeadlineError, InputError, ModelError, OverloadedError, ServiceError
from seedx_sdk.model.anyres import AnyResImage, split_image
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.transforms import ImageTransform

__all__ = ["LocalImageService", "ServiceLimits"]

T = TypeVar("T")


@dataclass(kw_only=True, slots=True, frozen=True)
class ServiceLimits:
    """How much may wait, run together and be kept."""

    max_queue: int = 64
    """Drawings that may wait, and as many reads and regressions beside them."""
    max_batch: int = 8
    """Drawings in one batch."""
    max_wait_ms: float = 10.0
    """How long an idle device waits for others to join a drawing."""
    step_seconds: float = 300.0
    """A de-noising step, or a reading, that takes longer is stuck: the service counts as failed."""
    cache_bytes: int = 1 << 29
    """Image features to keep, in host memory; at the released sizes a picture has up to 10 MB of them in 16 bits."""

    def __post_init__(self) -> None:
        """Checks the ranges."""
        small = self.max_queue < 1 or self.max_batch < 1 or self.max_wait_ms < 0 or self.cache_bytes < 0
        if small or self.step_seconds <= 0:
            raise InputError(
                f"{self} is not usable; max_queue and max_batch must be 1 or more, "
                "max_wait_ms and cache_bytes 0 or more, step_seconds more than 0"
            )


class LocalImageService:
    """Owns a device for everything but the language model; made and used in one event loop.

    Args:
        parts: A loaded model. All but its language models moves to the device, in place, when the service starts.
        limits: Queue, batch and cache.
        placement: Precision, offloading and the like.
        device: "cpu", "cuda" or "cuda:N".
    """

    def __init__(
        self,
        parts: ModelParts,
        *,
        limits: ServiceLimits | None = None,
        placement: Placement | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        self.parts, self.limits = parts, limits or ServiceLimits()
        self.metrics = ServiceMetrics()
        self._placement, self._device = placement or Placement(), torch.device(device)
        self._cache = FeatureCache(self.limits.cache_bytes)
        self._transform = ImageTransform("clip", parts.config.visual_encoder.image_size)
        self._queue: BatchQueue[JobHandle] = BatchQueue(
            lambda ticket: ticket.job.key,
            max_queue=self.limits.max_queue,
            max_batch=self.limits.max_batch,
            max_wait=self.limits.max_wait_ms / 1000,
        )
        self._worker = DenoiseWorker(parts, self._device, self.metrics, self._between_steps)
        self._thread = threading.Thread(target=self._run, name="de-tokenizer service", daemon=True)
        self._open = False
        self._tickets: set[JobHandle] = set()  # waiting or being drawn
        self._computing: set[asyncio.Future[Any]] = set()  # who waits for a short computation
        self._step_began: float | None = None  # None while the worker has nothing to do

    @property
    def config(self) -> DirectoryConfig:
        """The config of the model."""
        return self.parts.config

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of its language model."""
        return self.parts.tokenizer

    @property
    def specialists(self) -> Collection[str]:
        """Names of its specialists."""
        return self.parts.specialists.keys()

    @property
    def takes_condition_image(self) -> bool:
        """Whether it draws after a picture, and so can edit."""
        return self.parts.detokenizer.takes_condition_image

    async def __aenter__(self) -> Self:
        """Places the parts and starts the worker; a service starts once.

        Raises:
            InputError: If the placement cannot be honoured on this device.
        """
        await asyncio.to_thread(place, self.parts, self._placement, self._device)
        self._thread.start()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finishes what was asked for; after an error, ends it at the next step."""
        await self.aclose(drain=error is None)

    async def aclose(self, *, drain: bool = True) -> None:
        """Stops taking work, and returns when the device is free, or its worker is stuck and is left behind.

        Args:
            drain: Finish what was asked for; False ends it at the next step, with a ServiceError.
        """
        self._open = False
        if self._thread.ident is None:  # it was never started
            return
        if not drain:
            self._end_all()
        self._queue.close()
        try:
            # No thread is borrowed for it: there are none when the program ends.
            while self._thread.is_alive() and not self._stuck:
                await asyncio.sleep(0.01)
        finally:
            self._end_all()

    async def check(self) -> None:
        """Returns if the worker works.

        Raises:
            ModelError: Its thread has ended, or a step takes longer than `ServiceLimits.step_seconds`.
        """
        if self._open and not self._thread.is_alive():
            raise ModelError("the de-tokenizer's thread has ended; open the model again")
        if self._stuck:
            raise ModelError(f"the de-tokenizer has been stuck in one step for {self.limits.step_seconds:g} s")

    @property
    def _stuck(self) -> bool:
        began = self._step_began
        return began is not None and time.monotonic() - began > self.limits.step_seconds

    async def read(
        self, picture: Image.Image, *, grids: Sequence[str], model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Returns what the language model reads of a picture: (N + 1, Q, D) embeddings on the CPU, global view last.

        Args:
            picture: Any size.
            grids: Any-resolution grids to choose from; the chosen one has N cells.
            model: A specialist, whose projectors are used; None is the general model.
            deadline: Value of `time.monotonic()`.

        Raises:
            InputError: If there is no such specialist.
            OverloadedError: If too much waits.
            DeadlineError: If the deadline passes first.
        """
        lvlm, config = self._lvlm(model), self.parts.config
        async with _until(deadline):
            key = await asyncio.to_thread(image_key, picture, grids, config.revision)
            cached = self._cache.get(key)
            views: AnyResImage | None = None
            if cached is None:
                side = config.visual_encoder.image_size
                views = await asyncio.to_thread(split_image, picture, grids, side, self._transform)

            def embed() -> Tensor:
                found = cached or self._cache.get(key)  # another task may have read the same picture meanwhile
                self.metrics.looked_up(hit=found is not None)
                if found is None:
                    assert views is not None
                    encoder = self.parts.visual_encoder
                    found = (encoder(views.images.to(self._device, encoder.proj.dtype)), views.positions)
                    self._cache.put(key, *found)
                features, positions = (part.to(self._device) for part in found)
                return lvlm.embed_images(features, positions).cpu()

            return await self.compute("read", embed)

    async def regress(
        self, hidden_states: Tensor, *, model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Returns the (Q, K) image features, on the CPU, of the hidden states (Q, D) at the image tokens.

        Raises:
            InputError: If there is no such specialist, or the states have another shape or hold NaN.
            OverloadedError: If too much waits.
            DeadlineError: If the deadline passes first.
        """
        lvlm = self._lvlm(model)
        width = lvlm.config.output_resampler.input_dim
        if hidden_states.ndim != 2 or hidden_states.shape[1] != width or not torch.isfinite(hidden_states).all():
            raise InputError(f"hidden states {tuple(hidden_states.shape)} must be finite and have shape (Q, {width})")

        def regress() -> Tensor:
            weight = lvlm.output_resampler.query
            return lvlm.regress(hidden_states[None].to(self._device, weight.dtype))[0].cpu()

        async with _until(deadline):
            return await self.compute("regress", regress)

    def draw(self, job: ImageJob) -> ImageStream:
        """Queues a picture and returns the iterator of its events: ImageProgress, at last the picture.

        Raises:
            InputError: If the job cannot be honoured; it was not queued.
            OverloadedError: If the queue is full.
            ServiceError: If the service is not running.
        """
        self._check_open()
        job.check(self.parts.detokenizer, self.parts.config)
        ticket = JobHandle(job)
        self._tickets.add(ticket)
        if not self._queue.put(ticket):
            self._tickets.discard(ticket)
            self.metrics.end("refused")
            raise self._overloaded()
        self.metrics.queue_length = len(self._queue)
        return ImageStream(ticket, self._abandon)

    async def unfamiliar(self, picture: Image.Image) -> str | None:
        """Returns a warning when the picture is unlike all that the model was trained on.

        Raises:
            OverloadedError: If too much waits.
        """
        return await self.compute("read", partial(out_of_domain_image, picture, self.parts))

    def _abandon(self, ticket: JobHandle) -> None:
        """Frees the place of a drawing that nobody waits for any more."""
        ticket.abandoned = True
        if self._queue.discard(ticket) and ticket.settle():
            self.metrics.end("late" if ticket.late else "cancelled")
        self.metrics.queue_length = len(self._queue)
        self._tickets.discard(ticket)

    def _end_all(self) -> None:
        """Ends everything that waits or runs."""
        for ticket in list(self._tickets):
            self._abandon(ticket)
            ticket.post(_closed("picture"))
        for waiting in list(self._computing):
            if not waiting.done():
                waiting.set_exception(_closed("computation"))

    async def compute(self, stage: Stage, work: Callable[[], T]) -> T:
        """Returns what a short computation gives, run on the worker's thread ahead of all drawings.

        Raises:
            OverloadedError: If too much waits.
            DeviceMemoryError: If it does not fit the device's memory.
            ServiceError: If it fails otherwise, or the service is not running.
        """
        self._check_open()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._computing.add(done)
        done.add_done_callback(self._computing.discard)

        def settle(how: Callable[[], None]) -> None:
            with contextlib.suppress(RuntimeError):  # the event loop is closed, so nobody waits
                loop.call_soon_threadsafe(lambda: None if done.done() else how())

        def call() -> None:
            if done.cancelled():
                return
            try:
                with self.metrics.timed(stage), torch.no_grad():
                    result = work()
            except Exception as error:  # it belongs to the one who waits, not to this thread
                self.metrics.fail(stage)
                failure = service_error(f"the work of stage '{stage}'", error)
                settle(lambda: done.set_exception(failure))
            else:
                settle(lambda: done.set_result(result))

        if not self._queue.put_call(call):
            done.cancel()
            raise self._overloaded()
        return await done

    def _run(self) -> None:
        """The worker thread."""
        while (work := self._queue.take()) is not None:
            self._step_began = time.monotonic()
            if callable(work):
                work()
            else:
                self.metrics.queue_length = len(self._queue)
                self._worker.draw(work)
                self._tickets.difference_update(work)
            self._step_began = None

    def _between_steps(self) -> None:
        for call in self._queue.take_calls():
            self._step_began = time.monotonic()
            call()
        self._step_began = time.monotonic()

    def _lvlm(self, name: str | None) -> LVLM:
        if name is None:
            return self.parts.lvlm
        if name not in self.parts.specialists:
            raise InputError(f"there is no specialist {name!r}; use None or one of {sorted(self.parts.specialists)}")
        return self.parts.specialists[name]

    def _check_open(self) -> None:
        if not self._open:
            raise ServiceError("the service is not running; use it inside 'async with'")

    def _overloaded(self) -> OverloadedError:
        batches = 1 + len(self._queue) // self.limits.max_batch
        wait = max(1.0, batches * self.metrics.seconds_per_batch)
        return OverloadedError(
            f"{self.limits.max_queue} requests wait already; try again in {wait:.0f} s", retry_after=wait
        )


def _closed(what: str) -> ServiceError:
    return ServiceError(f"the service was closed before the {what} was finished; ask again")


@asynccontextmanager
async def _until(deadline: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
            yield
    except TimeoutError:
        raise DeadlineError("the deadline passed first; allow more time") from None

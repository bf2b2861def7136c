"""Encodes images, regresses features and generates images in batches, on one device.

    async with LocalImageService(parts, device="cuda") as service:
        embeds = await service.encode(image, grids=READ_GRIDS, model=None)
        async for event in service.generate(job):
            ...  # ImageProgress; the last one is the image

An image does not depend on the others of its batch beyond rounding (each has its own generator and its own rows), and
the same job alone gives the same bytes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk.checkpoints.directory import DirectoryConfig, ModelParts
from seedx_sdk.engine.domain_check import out_of_domain_image
from seedx_sdk.engine.image_service.computations import Computations
from seedx_sdk.engine.image_service.device_thread import DeviceThread
from seedx_sdk.engine.image_service.feature_cache import FeatureCache, image_key
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.metrics import ServiceMetrics, Stage
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.stream import ImageStream, JobHandle
from seedx_sdk.errors import DeadlineError, InputError, ModelError, OverloadedError, ServiceError
from seedx_sdk.forks import inside_torch
from seedx_sdk.model.anyres import AnyResImage, split_image
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.transforms import ImageTransform

__all__ = ["LocalImageService"]

T = TypeVar("T")


class LocalImageService:
    """Owns a device for encoding and generating images; created and used in one event loop.

    Args:
        parts: A loaded model. It moves to the device, in place, when the service starts.
        limits: Of queue, batches and cache.
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
        self._device = torch.device(device)
        self._cache = FeatureCache(self.limits.cache_bytes)
        self._transform = ImageTransform("clip", parts.config.visual_encoder.image_size)
        self._thread = DeviceThread(
            parts,
            self.limits,
            placement or Placement(),
            self._device,
            self.metrics,
            ended=lambda batch: self._handles.difference_update(batch),
        )
        self._queue = self._thread.queue
        self._computations = Computations(self._queue.put_call, self._overloaded, self.metrics)
        self._open = False
        self._handles: set[JobHandle] = set()  # waiting or running

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
        """Whether it takes a condition image, and so can edit."""
        return self.parts.detokenizer.takes_condition_image

    async def __aenter__(self) -> Self:
        """Place the model, compile and capture what is served by default, and start the worker; a service starts once.

        Raises:
            InputError: If the placement is not possible on this device.
            DeviceMemoryError: If the model does not fit the device's memory.
            ServiceError: If it cannot be compiled.
        """
        await asyncio.to_thread(inside_torch()(self._thread.prepare))
        self._thread.start()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish all jobs; after an error, cancel them at the next step."""
        await self.aclose(drain=error is None)

    async def aclose(self, *, drain: bool = True) -> None:
        """Stop taking work, and return when the device is free or its worker is stuck.

        Args:
            drain: Finish all jobs; False cancels them at the next step, with a ServiceError.
        """
        self._open = False
        if not self._thread.has_started:
            return
        if not drain:
            self._cancel_all()
        self._queue.close()
        try:
            # Polled, since no thread can be started to wait while the interpreter exits.
            while self._thread.is_alive and not self._thread.is_stuck:
                await asyncio.sleep(0.01)
        finally:
            self._cancel_all()
        if not self._thread.is_alive:
            self._thread.close()

    async def check(self) -> None:
        """Return if the worker works.

        Raises:
            ModelError: If its thread has ended, or a step takes longer than `ServiceLimits.step_seconds`.
        """
        if self._open and not self._thread.is_alive:
            raise ModelError("the image service's thread has ended; open the model again")
        if self._thread.is_stuck:
            raise ModelError(f"the image service has been stuck in one step for {self.limits.step_seconds:g} s")

    async def encode(
        self, image: Image.Image, *, grids: Sequence[str], model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Return the (N + 1, Q, D) embeddings of an image for the language model, on the CPU, global view last.

        Args:
            image: Any size.
            grids: Any-resolution grids to choose from; the chosen one has N cells. None: N is 0.
            model: The specialist whose projectors are used; None is the general model.
            deadline: Value of `time.monotonic()`.

        Raises:
            InputError: If there is no such specialist.
            OverloadedError: If too much waits.
            DeadlineError: If the deadline passes first.
        """
        lvlm, config = self._lvlm(model), self.parts.config
        async with _deadline(deadline):
            key = await asyncio.to_thread(image_key, image, grids, config.revision)
            cached = self._cache.get(key)
            views: AnyResImage | None = None
            if cached is None:
                side = config.visual_encoder.image_size
                views = await asyncio.to_thread(inside_torch()(split_image), image, grids, side, self._transform)

            def embed() -> Tensor:
                found = cached or self._cache.get(key)  # another task may have encoded the same image meanwhile
                self.metrics.record_lookup(hit=found is not None)
                if found is None:
                    assert views is not None
                    encoder = self.parts.visual_encoder
                    found = (encoder(views.images.to(self._device, encoder.proj.dtype)), views.positions)
                    self._cache.put(key, *found)
                features, positions = (part.to(lvlm.input_resampler.query.device) for part in found)
                return lvlm.embed_images(features, positions).cpu()

            return await self.compute("encode", embed)

    async def regress(
        self, hidden_states: Tensor, *, model: str | None = None, deadline: float | None = None
    ) -> Tensor:
        """Return the (Q, K) image features, on the CPU, of the hidden states (Q, D) at the image tokens.

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
            return lvlm.regress(hidden_states[None].to(weight))[0].cpu()

        async with _deadline(deadline):
            return await self.compute("regress", regress)

    async def embed(self, features: Tensor, *, model: str | None = None, deadline: float | None = None) -> Tensor:
        """Return the (1, Q, D) embeddings, on the CPU, of regressed features (Q, K), as those of a global view.

        Raises:
            InputError: If there is no such specialist.
            OverloadedError: If too much waits.
            DeadlineError: If the deadline passes first.
        """
        lvlm = self._lvlm(model)

        def embed() -> Tensor:
            weight = lvlm.input_resampler.query
            return lvlm.embed_images(features[None].to(weight), weight.new_full((1, 2), 0.5)).cpu()

        async with _deadline(deadline):
            return await self.compute("encode", embed)

    def generate(self, job: ImageJob) -> ImageStream:
        """Queue a job and return the iterator of its events: ImageProgress, and last the image.

        Raises:
            InputError: If the job is not valid; it was not queued.
            OverloadedError: If the queue is full.
            ServiceError: If the service is not running.
        """
        self._check_open()
        job.check(self.parts.detokenizer, self.parts.config)
        handle = JobHandle(job)
        self._handles.add(handle)
        if not self._queue.put(handle):
            self._handles.discard(handle)
            self.metrics.record_outcome("rejected")
            raise self._overloaded()
        self.metrics.queue_length = len(self._queue)
        return ImageStream(handle, self._cancel)

    async def out_of_domain_warning(self, image: Image.Image) -> str | None:
        """Return a warning if the image is unlike the training data, otherwise None.

        Raises:
            OverloadedError: If too much waits.
        """
        return await self.compute("encode", partial(out_of_domain_image, image, self.parts))

    def _cancel(self, handle: JobHandle) -> None:
        """Free the place of a job that nobody waits for."""
        handle.cancelled = True
        if self._queue.discard(handle) and handle.end():
            self.metrics.record_outcome("deadline_exceeded" if handle.deadline_exceeded else "cancelled")
        self.metrics.queue_length = len(self._queue)
        self._handles.discard(handle)

    def _cancel_all(self) -> None:
        """Cancel everything that waits or runs."""
        for handle in list(self._handles):
            self._cancel(handle)
            handle.post(_closed("image"))
        self._computations.fail_all(lambda: _closed("computation"))

    async def compute(self, stage: Stage, work: Callable[[], T]) -> T:
        """Return the result of a short computation, run on the worker's thread ahead of all jobs.

        Raises:
            OverloadedError: If too much waits.
            DeviceMemoryError: If it does not fit the device's memory.
            ServiceError: If it fails otherwise, or the service is not running.
        """
        self._check_open()
        return await self._computations.run(stage, work)

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
            f"{self.limits.max_queue} requests are queued, the most allowed; retry in {wait:.0f} s", retry_after=wait
        )


def _closed(what: str) -> ServiceError:
    return ServiceError(f"the service was closed before the {what} was finished; retry")


@asynccontextmanager
async def _deadline(deadline: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
            yield
    except TimeoutError:
        raise DeadlineError("the deadline passed first; allow more time") from None

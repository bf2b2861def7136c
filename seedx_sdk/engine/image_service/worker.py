"""Denoises batches of jobs, step by step, on the thread that owns the device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.acceleration import Acceleration, prepared_batches
from seedx_sdk.engine.image_service.device_errors import is_out_of_memory, service_error
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.metrics import ServiceMetrics
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.stream import JobHandle
from seedx_sdk.forks import inside_torch
from seedx_sdk.model.denoise_loop import DenoiseState, copy_scheduler
from seedx_sdk.model.lvlm import pool_features
from seedx_sdk.model.unet import NoisePredictor

__all__ = ["DenoiseWorker"]

_MAX_DEPTH = 4
"""Batches in memory at once, each begun between two steps of the one before."""


class DenoiseWorker:
    """Turns batches of compatible jobs into images.

    Args:
        parts: A placed model.
        device: Where.
        metrics: Updated as jobs run.
        between_steps: Called after every step, for what should not wait for a whole image, with the cost of the
            steps that are left to the batch. It may run another batch.
    """

    def __init__(
        self,
        parts: ModelParts,
        device: torch.device,
        metrics: ServiceMetrics,
        between_steps: Callable[[float], None],
    ) -> None:
        self._parts, self._device = parts, device
        self._metrics, self._between_steps = metrics, between_steps
        self._acceleration: Acceleration | None = None  # until it is prepared
        self._negative: Tensor | None = None
        self._depth = 0  # batches that have begun and not ended; all but the last wait for a shorter one

    def prepare(
        self, placement: Placement, max_batch: int, preparing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Compile and capture what is served by default, before the first batch.

        Args:
            placement: Of the model.
            max_batch: Images of the model's own size in the largest batch.
            preparing: Entered around what a step must prepare first.

        Raises:
            DeviceMemoryError: If it does not fit the device's memory.
            ServiceError: If it fails otherwise.
        """
        self._acceleration = Acceleration(
            self._parts, placement, self._device, max_batch=max_batch, preparing=preparing
        )
        try:
            with torch.inference_mode(), self._acceleration.compiling():
                for jobs in prepared_batches(self._parts, placement, self._device, max_batch):
                    state = self._begin(jobs, self._acceleration.predict)
                    state.step()
                    self._decode(state.latents[:1])
        except Exception as error:
            self.close()
            raise service_error("preparing the de-tokenizer", error) from error

    def close(self) -> None:
        """Free what was prepared, after the last batch."""
        if self._acceleration is not None:
            self._acceleration.close()

    def run(self, handles: Sequence[JobHandle]) -> None:
        """Run one batch and post its events; every error goes to the batch's jobs, none is raised.

        A batch that does not fit the memory is run once more in two halves, and without CUDA graphs.
        """
        started = time.perf_counter()
        handles = self._active(handles)
        if handles:
            self._depth += 1
            self._metrics.batch_sizes[len(handles)] += 1
            self._run(handles)
            self._metrics.record_batch(time.perf_counter() - started)
            self._depth -= 1
        if not self._depth:
            self._parts.detokenizer.maybe_free_model_hooks()  # type: ignore[no-untyped-call]  # if offloading is on

    @property
    def may_interrupt(self) -> bool:
        """Whether another batch may be run between two steps."""
        return self._depth < _MAX_DEPTH

    def _run(self, handles: Sequence[JobHandle], *, is_retry: bool = False) -> None:
        # The error is handled after its frames are gone, since they hold on to the batch's tensors.
        error = self._error(handles, is_retry)
        if error is None:
            return
        handles = self._active(handles)
        assert self._acceleration is not None
        if is_out_of_memory(error):
            freed = self._acceleration.free()
            if not is_retry and len(handles) > 1:
                self._metrics.memory_splits[len(handles)] += 1
                half = (len(handles) + 1) // 2
                self._run(handles[:half], is_retry=True)
                self._run(handles[half:], is_retry=True)
                return
            if not is_retry and freed:
                self._run(handles, is_retry=True)
                return
        for handle in handles:
            if handle.end():
                self._metrics.record_outcome("failed")
            handle.post(service_error(f"an image of {handle.job.width}x{handle.job.height}", error))

    def _error(self, handles: Sequence[JobHandle], is_retry: bool) -> Exception | None:
        assert self._acceleration is not None
        predict = self._acceleration.without_graphs if is_retry else self._acceleration.predict
        try:
            with inside_torch(), torch.inference_mode():
                images = self._denoise(list(handles), predict)
        except Exception as error:  # whatever it is, the thread must live on for the other jobs
            return error.with_traceback(None)
        for handle, image in images:  # whoever has it may fork
            if handle.end():
                self._metrics.record_outcome("completed")
            handle.post(image)
        return None

    def _denoise(self, handles: list[JobHandle], predict: NoisePredictor) -> list[tuple[JobHandle, Image.Image]]:
        """Return the images of the jobs that were waited for to the end."""
        with self._metrics.timed("prepare"):
            state = self._begin([handle.job for handle in handles], predict)
            self._synchronize()
        running = len(handles)
        self._metrics.running += running
        try:
            while not state.done:
                with self._metrics.timed("denoise"):
                    state.step()
                    self._synchronize()  # or the steps would only be queued, and could not be cancelled
                self._between_steps(handles[0].job.cost * (1 - state.index / len(state.timesteps)))
                active = self._active(handles)
                self._metrics.running -= running - len(active)
                running = len(active)
                if not active:
                    return []
                if len(active) < len(handles):
                    state.keep([row for row, handle in enumerate(handles) if handle in active])
                    handles = active
                self._report(state, handles)
            with self._metrics.timed("decode"):
                return list(zip(handles, self._decode(state.latents), strict=True))
        finally:
            self._metrics.running -= running

    def _begin(self, jobs: Sequence[ImageJob], predict: NoisePredictor) -> DenoiseState:
        """Start a batch of jobs with equal keys."""
        detokenizer, job = self._parts.detokenizer, jobs[0]
        fast = self._parts.config.fast if job.sampler == "fast" else None
        conditions = [job.condition for job in jobs]
        return detokenizer.begin(
            torch.cat([job.features for job in jobs]).to(self._device),
            self._negative_features() if job.guidance_scale > 1 else None,
            condition_image=[image for image in conditions if image is not None] or None,
            height=job.height,
            width=job.width,
            num_inference_steps=job.num_inference_steps,
            guidance_scale=job.guidance_scale,
            image_guidance_scale=job.image_guidance_scale,
            # Seeded on the CPU, so that a seed gives the same noise on every device.
            generator=[torch.Generator().manual_seed(job.seed) for job in jobs],
            scheduler=copy_scheduler(detokenizer.scheduler, fast.solver if fast is not None else None),
            predict=predict,
        )

    def _synchronize(self) -> None:
        """Wait until the GPU has done what this thread gave it; others may give it work, or capture a graph."""
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()

    def _report(self, state: DenoiseState, handles: list[JobHandle]) -> None:
        """Post the last step, with previews to those who asked for them."""
        shown = [row for row, handle in enumerate(handles) if handle.wants_preview(state.index)]
        previews: dict[int, Image.Image] = {}
        if shown:
            with self._metrics.timed("preview"):
                latents = state.predicted_latents()[shown]
                previews = dict(zip(shown, self._decode(latents), strict=True))
        for row, handle in enumerate(handles):
            handle.report(state.index, previews.get(row))

    def _decode(self, latents: Tensor) -> list[Image.Image]:
        images: list[Image.Image] = self._parts.detokenizer.to_images(latents)
        return images

    def _active(self, handles: Sequence[JobHandle]) -> list[JobHandle]:
        """Return those that somebody waits for, and count the others."""
        active = []
        for handle in handles:
            if handle.active:
                active.append(handle)
            elif handle.end():
                self._metrics.record_outcome("deadline_exceeded" if handle.deadline_exceeded else "cancelled")
        return active

    def _negative_features(self) -> Tensor:
        """Return the features (1, N, K) of the all-zero image, pooled as the regressed ones are."""
        if self._negative is None:
            size, encoder = self._parts.config.visual_encoder.image_size, self._parts.visual_encoder
            features = encoder(torch.zeros(1, 3, size, size, device=self._device, dtype=encoder.proj.dtype))
            lvlm = self._parts.config.lvlm
            pool = features.shape[1] // lvlm.output_resampler.num_queries
            self._negative = pool_features(features, pool) if lvlm.vit_down else features
        return self._negative

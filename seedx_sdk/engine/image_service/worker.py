"""De-noises batches of jobs, step by step, on the thread that owns the device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.device_errors import is_out_of_memory, service_error
from seedx_sdk.engine.image_service.metrics import ServiceMetrics
from seedx_sdk.engine.image_service.stream import JobHandle
from seedx_sdk.model.denoise_loop import DenoiseState, copy_scheduler
from seedx_sdk.model.lvlm import pool_features

__all__ = ["DenoiseWorker"]


class DenoiseWorker:
    """Turns batches of compatible jobs into pictures.

    Args:
        parts: A placed model.
        device: Where.
        metrics: Gets counted into.
        between_steps: Called after every step, for what shouldn't wait for a whole picture.
    """

    def __init__(
        self,
        parts: ModelParts,
        device: torch.device,
        metrics: ServiceMetrics,
        between_steps: Callable[[], None],
    ) -> None:
        self._parts, self._device = parts, device
        self._metrics, self._between_steps = metrics, between_steps
        self._negative: Tensor | None = None

    def draw(self, tickets: Sequence[JobHandle]) -> None:
        """Draws one batch and posts its events; every error goes to the batch's jobs, none comes out.

        A batch that doesn't fit the memory is drawn once more in two halves.
        """
        started = time.perf_counter()
        tickets = self._still_wanted(tickets)
        if tickets:
            self._metrics.batch_sizes[len(tickets)] += 1
            self._draw(tickets, may_split=True)
            self._metrics.batch_took(time.perf_counter() - started)
        self._parts.detokenizer.maybe_free_model_hooks()  # type: ignore[no-untyped-call]  # if offloading is on

    def _draw(self, tickets: Sequence[JobHandle], *, may_split: bool) -> None:
        # The error is handled after its frames are gone, since they hold on to the batch's tensors.
        failure = self._failure(tickets)
        if failure is None:
            return
        memory = is_out_of_memory(failure)
        if memory and self._device.type == "cuda":
            torch.cuda.empty_cache()
        tickets = self._still_wanted(tickets)
        if memory and may_split and len(tickets) > 1:
            self._metrics.memory_splits[len(tickets)] += 1
            half = (len(tickets) + 1) // 2
            self._draw(tickets[:half], may_split=False)
            self._draw(tickets[half:], may_split=False)
            return
        for ticket in tickets:
            if ticket.settle():
                self._metrics.end("failed")
            ticket.post(service_error(f"a picture of {ticket.job.width}x{ticket.job.height}", failure))

    def _failure(self, tickets: Sequence[JobHandle]) -> Exception | None:
        try:
            with torch.inference_mode():
                self._denoise(list(tickets))
        except Exception as error:  # whatever it is, the thread must live on for the other jobs
            return error.with_traceback(None)
        finally:
            self._metrics.running = 0
        return None

    def _denoise(self, tickets: list[JobHandle]) -> None:
        with self._metrics.timed("prepare"):
            sampling = self._begin(tickets)
        while not sampling.done:
            self._metrics.running = len(tickets)
            with self._metrics.timed("denoise"):
                sampling.step()
                if self._device.type == "cuda":  # or the steps would only be queued, and could not be taken back
                    torch.cuda.synchronize(self._device)
            self._between_steps()
            wanted = self._still_wanted(tickets)
            if not wanted:
                return
            if len(wanted) < len(tickets):
                sampling.keep([row for row, ticket in enumerate(tickets) if ticket in wanted])
                tickets = wanted
            self._report(sampling, tickets)
        with self._metrics.timed("decode"):
            pictures = self._decode(sampling.latents)
        self._metrics.running = 0
        for ticket, picture in zip(tickets, pictures, strict=True):
            if ticket.settle():
                self._metrics.end("drawn")
            ticket.post(picture)

    def _begin(self, tickets: list[JobHandle]) -> DenoiseState:
        """Starts a batch of jobs with equal keys."""
        detokenizer, job = self._parts.detokenizer, tickets[0].job
        fast = self._parts.config.fast if job.sampler == "fast" else None
        conditions = [ticket.job.condition for ticket in tickets]
        return detokenizer.begin(
            torch.cat([ticket.job.features.to(self._device) for ticket in tickets]),
            self._negative_features() if job.guidance_scale > 1 else None,
            condition_image=[picture for picture in conditions if picture is not None] or None,
            height=job.height,
            width=job.width,
            num_inference_steps=job.steps,
            guidance_scale=job.guidance_scale,
            image_guidance_scale=job.image_guidance_scale,
            generator=[torch.Generator(self._device).manual_seed(ticket.job.seed) for ticket in tickets],
            scheduler=copy_scheduler(detokenizer.scheduler, fast.solver if fast is not None else None),
        )

    def _report(self, sampling: DenoiseState, tickets: list[JobHandle]) -> None:
        """Posts the step that was just taken, with previews to those who asked for them."""
        shown = [row for row, ticket in enumerate(tickets) if ticket.wants_preview(sampling.index)]
        previews: dict[int, Image.Image] = {}
        if shown:
            with self._metrics.timed("preview"):
                latents = sampling.predicted_latents()[shown]
                previews = dict(zip(shown, self._decode(latents), strict=True))
        for row, ticket in enumerate(tickets):
            ticket.report(sampling.index, previews.get(row))

    def _decode(self, latents: Tensor) -> list[Image.Image]:
        pictures: list[Image.Image] = self._parts.detokenizer.to_images(latents)
        return pictures

    def _still_wanted(self, tickets: Sequence[JobHandle]) -> list[JobHandle]:
        """Returns those that somebody waits for, and counts the others."""
        wanted = []
        for ticket in tickets:
            if ticket.wanted:
                wanted.append(ticket)
            elif ticket.settle():
                self._metrics.end("late" if ticket.late else "cancelled")
        return wanted

    def _negative_features(self) -> Tensor:
        """Returns the features (1, N, K) of the all-zero picture, averaged as the regressed ones are."""
        if self._negative is None:
            size, encoder = self._parts.config.visual_encoder.image_size, self._parts.visual_encoder
            features = encoder(torch.zeros(1, 3, size, size, device=self._device, dtype=encoder.proj.dtype))
            self._negative = pool_features(features) if self._parts.config.lvlm.vit_down else features
        return self._negative

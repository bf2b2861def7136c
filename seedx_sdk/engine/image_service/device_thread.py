"""The thread that owns a device, with the queue in front of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.batching import BatchQueue
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.metrics import ServiceMetrics
from seedx_sdk.engine.image_service.placement import Placement, place
from seedx_sdk.engine.image_service.step_watch import StepWatch
from seedx_sdk.engine.image_service.stream import JobHandle
from seedx_sdk.engine.image_service.worker import DenoiseWorker

__all__ = ["DeviceThread"]


class DeviceThread:
    """Runs batches of jobs, and between their steps short calls and shorter batches.

    Args:
        parts: A loaded model.
        limits: Of queue and batches.
        placement: Precision, offloading and the like.
        device: Where.
        metrics: Updated as jobs run.
        ended: Called in this thread with the jobs of each batch that has ended.
    """

    def __init__(
        self,
        parts: ModelParts,
        limits: ServiceLimits,
        placement: Placement,
        device: torch.device,
        metrics: ServiceMetrics,
        ended: Callable[[list[JobHandle]], None],
    ) -> None:
        self.queue: BatchQueue[JobHandle] = BatchQueue(
            lambda handle: handle.job.key,
            cost=lambda handle: handle.job.cost,
            share=lambda handle: handle.job.share,
            max_queue=limits.max_queue,
            max_batch=limits.max_batch,
            max_wait=limits.max_wait_ms / 1000,
        )
        """What waits; closing it ends the thread."""
        self._parts, self._limits, self._placement, self._device = parts, limits, placement, device
        self._metrics, self._ended = metrics, ended
        self._watch = StepWatch(limits.step_seconds)
        self._worker = DenoiseWorker(parts, device, metrics, self._between_steps)
        self._thread = threading.Thread(target=self._run, name="image service", daemon=True)

    @property
    def has_started(self) -> bool:
        """Whether it was ever started."""
        return self._thread.ident is not None

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    @property
    def is_stuck(self) -> bool:
        """Whether a step takes longer than it may."""
        return self._watch.stuck

    def prepare(self) -> None:
        """Place the model, and compile and capture what is served by default, in the calling thread.

        Raises:
            InputError: If the placement is not possible on this device.
            DeviceMemoryError: If the model does not fit the device's memory.
            ServiceError: If it cannot be compiled.
        """
        place(self._parts, self._placement, self._device)
        self._worker.prepare(self._placement, self._limits.max_batch, self._watch.preparing)

    def start(self) -> None:
        """Start; once."""
        self._thread.start()

    def close(self) -> None:
        """Free what was prepared, after the thread has ended."""
        self._worker.close()

    def _run(self) -> None:
        while (work := self.queue.take()) is not None:
            self._watch.begin()
            if callable(work):
                work()
            else:
                self._run_batch(work)
            self._watch.end()

    def _run_batch(self, batch: list[JobHandle]) -> None:
        self._metrics.queue_length = len(self.queue)
        count = batch[0].job.most_together(self._limits.max_batch, self._parts.config.image_size)
        for start in range(0, len(batch), count):
            self._worker.run(batch[start : start + count])
        self._ended(batch)

    def _between_steps(self, cost_left: float) -> None:
        """Run what does not wait for the batch: short computations, and one batch that needs less than is left of it.

        One only, so that a long batch goes on however many short ones come.
        """
        for call in self.queue.take_calls():
            self._watch.begin()
            call()
        self._watch.begin()
        if self._worker.may_interrupt and (batch := self.queue.take_shorter(cost_left)):
            self._run_batch(batch)
            self._watch.begin()

"""Short computations on the thread of a device, for tasks that wait for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from seedx_sdk.engine.image_service.batching import Call
from seedx_sdk.engine.image_service.device_errors import service_error
from seedx_sdk.engine.image_service.metrics import ServiceMetrics, Stage
from seedx_sdk.errors import OverloadedError, ServiceError
from seedx_sdk.forks import inside_torch

__all__ = ["Computations"]

T = TypeVar("T")


class Computations:
    """Hands computations to another thread and brings their results back to the tasks that wait.

    Args:
        put: Hands over a call; False if too many wait.
        overloaded: Makes the error for that case.
        metrics: Of the time and the failures of each stage.
    """

    def __init__(
        self, put: Callable[[Call], bool], overloaded: Callable[[], OverloadedError], metrics: ServiceMetrics
    ) -> None:
        self._put, self._overloaded, self._metrics = put, overloaded, metrics
        self._waiting: set[asyncio.Future[Any]] = set()

    async def run(self, stage: Stage, work: Callable[[], T]) -> T:
        """Return the result of a computation.

        Raises:
            OverloadedError: If too much waits.
            DeviceMemoryError: If it does not fit the device's memory.
            ServiceError: If it fails otherwise.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting.add(done)
        done.add_done_callback(self._waiting.discard)

        def resolve(outcome: Callable[[], None]) -> None:
            with contextlib.suppress(RuntimeError):  # the event loop is closed, so nobody waits
                loop.call_soon_threadsafe(lambda: None if done.done() else outcome())

        def call() -> None:
            if done.cancelled():
                return
            try:
                with inside_torch(), self._metrics.timed(stage), torch.no_grad():
                    result = work()
            except Exception as error:  # the caller raises it, not this thread
                self._metrics.record_error(stage)
                failure = service_error(f"stage '{stage}'", error)
                resolve(lambda: done.set_exception(failure))
            else:
                resolve(lambda: done.set_result(result))

        if not self._put(call):
            done.cancel()
            raise self._overloaded()
        return await done

    def fail_all(self, error: Callable[[], ServiceError]) -> None:
        """Give all tasks that wait an error, each its own."""
        for waiting in list(self._waiting):
            if not waiting.done():
                waiting.set_exception(error())

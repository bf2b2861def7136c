"""Jobs of an image service, and comparisons of their images."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import numpy as np
from PIL import Image
from torch import Tensor

from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.stream import ImageStream
from seedx_sdk.types import ImageProgress

ROUNDING = 2
"""Levels of 255 by which a pixel may differ when sums are added in another order; 1 was seen on a CPU in float32."""
BATCH = ServiceLimits(max_wait_ms=60_000, max_batch=4)
"""Waits until four jobs are there, so that batches don't depend on timing."""


def job(features: Tensor, seed: int = 0, **changes: Any) -> ImageJob:
    settings: dict[str, Any] = {
        "width": 128,
        "height": 128,
        "num_inference_steps": 3,
        "guidance_scale": 1.0,
        "image_guidance_scale": 1.2,
    }
    return ImageJob(features=features, seed=seed, **(settings | changes))


async def finished(stream: ImageStream) -> Image.Image:
    events = [event async for event in stream]
    assert isinstance(events[-1], Image.Image)
    steps = [event.step for event in events[:-1] if isinstance(event, ImageProgress)]
    assert steps == list(range(1, len(events)))
    return events[-1]


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        with anyio.fail_after(60):
            await test()

    anyio.run(limited)


def pixels(image: Image.Image) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.asarray(image).astype(np.int16)


def difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(pixels(a) - pixels(b)).max())


def psnr(a: Image.Image, b: Image.Image) -> float:
    error = float(np.mean((pixels(a) - pixels(b)).astype(np.float64) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-9)))

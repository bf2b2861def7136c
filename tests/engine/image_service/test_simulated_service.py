"""Jobs that share a device, in many random orders of events: no image is lost, doubled or another job's.

The service, its queue and its worker are real; the worker's thread runs in lockstep with a virtual event loop, and the
de-tokenizer writes the number of a job into its image.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from seedx_sdk import DeadlineError, DeviceMemoryError, OverloadedError, ServiceError
from seedx_sdk.engine.image_service import batching, device_thread
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.types import ImageProgress
from tests.support.lockstep import Lockstep
from tests.support.virtual_loop import VirtualLoop, simulate

CHUNK = 75
JOBS = 12
"""In each world, by as many tasks."""


class Scheduler:
    config: dict[str, Any] = {}

    @classmethod
    def from_config(cls, _config: object) -> Scheduler:
        return cls()


class Batch:
    """A batch that is being denoised; a step takes time, and may fail."""

    def __init__(self, features: Tensor, steps: int, device: Device) -> None:
        self.latents, self.timesteps, self.index, self._device = features[:, 0, 0], range(steps), 0, device
        device.batches.append(len(self.latents))

    @property
    def done(self) -> bool:
        return self.index >= len(self.timesteps)

    def step(self) -> None:
        self._device.compute(len(self.latents))
        self.index += 1

    def keep(self, rows: Sequence[int]) -> None:
        self.latents = self.latents[list(rows)]

    def predicted_latents(self) -> Tensor:
        return self.latents


class Device:
    """Stands in for the de-tokenizer and what else is on a device."""

    resampler = SimpleNamespace(config={"embedding_dim": 1})
    vae_scale_factor = 8
    takes_condition_image = False
    unet = None  # a batch computes itself
    scheduler = Scheduler()

    def __init__(self, lockstep: Lockstep) -> None:
        self._lockstep, self._rng = lockstep, lockstep.loop.rng
        self.batches: list[int] = []

    def compute(self, batch: int) -> None:
        self._lockstep.work(self._rng.choice((0.0, self._rng.random())))
        fate = self._rng.random()
        if fate < 0.02:
            raise RuntimeError("a bug")
        if fate < 0.04 and batch > 1:
            raise MemoryError

    def begin(self, features: Tensor, *_args: object, num_inference_steps: int, **_settings: object) -> Batch:
        return Batch(features, num_inference_steps, self)

    def to_images(self, latents: Tensor) -> list[Image.Image]:
        self.compute(len(latents))
        return [numbered(int(number)) for number in latents]

    def maybe_free_model_hooks(self) -> None: ...


def numbered(number: int) -> Image.Image:
    return Image.new("RGB", (1, 1), (number % 256, number // 256, 0))


async def draw(served: LocalImageService, number: int, rng: random.Random, seen: Counter[str]) -> None:
    """Have an image drawn, read its events in some way, and check them."""
    loop = asyncio.get_running_loop()
    steps, side = rng.choice((1, 2, 2, 5, 20)), rng.choice((64, 64, 128))
    deadline = rng.choice((None, None, loop.time() + 10 * rng.random()))
    job = ImageJob(
        features=torch.full((1, 1, 1), float(number)),
        width=side,
        height=side,
        num_inference_steps=steps,
        guidance_scale=1.0,
        image_guidance_scale=1.0,
        seed=number,
        preview_every=rng.choice((0, 2)),
        deadline=deadline,
    )
    leave_after = rng.choice((None, None, rng.randrange(3)))
    reported, image = 0, None
    try:
        stream = served.generate(job)
        seen["begun"] += 1
        async with aclosing(stream):
            async for event in stream:
                assert image is None, "an event after the image"
                if isinstance(event, ImageProgress):
                    reported += 1
                    assert event.step == reported, "a step is lost or doubled"
                    assert event.preview is None or event.preview.tobytes() == numbered(number).tobytes()
                else:
                    image = event
                if leave_after == reported and image is None:
                    seen["left"] += 1
                    return
                await asyncio.sleep(rng.choice((0.0, 0.0, rng.random())))
    except DeadlineError:
        assert deadline is not None and loop.time() >= deadline
        seen["deadline"] += 1
    except OverloadedError:
        seen["rejected"] += 1
    except ServiceError as error:
        is_closed = "closed" in str(error) or "not running" in str(error)
        seen["closed" if is_closed else "memory" if isinstance(error, DeviceMemoryError) else "failed"] += 1
    else:
        assert image is not None and image.tobytes() == numbered(number).tobytes(), "another job's image"
        assert reported in (steps, steps - 1)
        seen["completed"] += 1


async def compute(served: LocalImageService, number: int, lockstep: Lockstep, seen: Counter[str]) -> None:
    """Have something short computed, and check the result."""
    ran = 0

    def work() -> int:
        nonlocal ran
        ran += 1
        lockstep.work(lockstep.loop.rng.random() * 0.1)
        return number

    try:
        assert await served.compute("encode", work) == number, "another computation's result"
    except OverloadedError:
        assert ran == 0
        seen["rejected computation"] += 1
    except ServiceError:
        seen["closed computation"] += 1
    else:
        assert ran == 1
        seen["computed"] += 1


async def live(loop: VirtualLoop) -> Counter[str]:
    """Simulate a world from its beginning to its end, and return what happened in it."""
    rng, lockstep, seen = random.Random(loop.rng.random()), Lockstep(loop), Counter[str]()
    device = Device(lockstep)
    config = SimpleNamespace(visual_encoder=SimpleNamespace(image_size=8), fast=None, image_size=128)
    limits = ServiceLimits(
        max_queue=rng.choice((2, 4, 64)), max_batch=rng.choice((1, 2, 4)), max_wait_ms=rng.choice((0.0, 10.0, 1000.0))
    )
    closes_early = rng.random() < 0.2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device_thread, "place", lambda *_: None)
        patch.setattr(device_thread, "threading", lockstep.stand_in)
        patch.setattr(batching, "threading", lockstep.stand_in)
        served = LocalImageService(SimpleNamespace(config=config, detokenizer=device), limits=limits)  # type: ignore[arg-type]  # only what the worker touches
        async with served:

            async def client(number: int) -> None:
                await asyncio.sleep(rng.choice((0.0, rng.random(), 10 * rng.random())))
                made = (
                    compute(served, number, lockstep, seen) if rng.random() < 0.3 else draw(served, number, rng, seen)
                )
                working = asyncio.create_task(made)
                if rng.random() < 0.2:
                    await asyncio.sleep(rng.choice((0.0, rng.random(), 5 * rng.random())))
                    working.cancel()
                    await asyncio.wait([working])
                    if not working.cancelled():
                        working.result()
                    return
                await working

            clients = [asyncio.create_task(client(number)) for number in range(1, JOBS + 1)]
            if closes_early:
                await asyncio.sleep(5 * rng.random())
                await served.aclose(drain=rng.random() < 0.5)
            await asyncio.gather(*clients)
    assert all(size <= limits.max_batch for size in device.batches)
    counts, metrics = served.metrics.outcomes, served.metrics
    assert metrics.running == 0 and metrics.queue_length == 0
    assert counts.total() == seen["begun"] + seen["rejected"], "a job has no end, or two"
    assert counts["rejected"] == seen["rejected"] and counts["completed"] >= seen["completed"]
    assert counts["failed"] >= seen["memory"] + seen["failed"]
    assert not lockstep.is_alive
    return seen


@pytest.mark.parametrize("seed", range(0, 2 * CHUNK, CHUNK))
def test_no_image_is_lost_doubled_or_crossed(seed: int) -> None:
    check(range(seed, seed + CHUNK))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(0, 5000, 1000))
def test_no_image_is_lost_doubled_or_crossed_in_thousands_of_worlds(seed: int) -> None:
    check(range(seed, seed + 1000))


def check(seeds: range) -> None:
    seen = Counter[str]()
    for seed in seeds:
        try:
            seen += simulate(seed, live)
        except BaseException as error:
            error.add_note(f"in the world of seed {seed}")
            raise
    kinds = ("completed", "left", "deadline", "rejected", "closed", "failed", "computed", "closed computation")
    assert [kind for kind in kinds if not seen[kind]] == []

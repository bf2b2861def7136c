"""Jobs that wait, are cancelled or run out of time, with the shipped model on the CPU."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time

import anyio
import pytest
from PIL import Image
from torch import Tensor

from seedx_sdk import DeadlineError, OverloadedError, ServiceError
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.engine.image_service.stream import ImageStream
from tests.support.image_jobs import BATCH, ROUNDING, difference, finished, job, run


def test_a_full_queue_rejects_with_a_retry_after(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        async with LocalImageService(parts, limits=ServiceLimits(max_queue=1, max_batch=1)) as service:
            first = service.generate(job(features[0]))
            await anext(first)  # it runs, so the queue is empty
            second = service.generate(job(features[1]))
            assert service.metrics.queue_length == 1
            with pytest.raises(OverloadedError, match="retry in") as rejected:
                service.generate(job(features[2]))
            assert rejected.value.retry_after >= 1
            assert isinstance([event async for event in first][-1], Image.Image)
            await finished(second)
            assert service.metrics.outcomes == {"rejected": 1, "completed": 2}
            assert (service.metrics.queue_length, service.metrics.running) == (0, 0)

    run(test)


def test_cancelling_a_job_leaves_the_rest_of_its_batch_alone(
    parts: ModelParts, features: list[Tensor], unet_batches: list[int]
) -> None:
    async def test() -> None:
        async with LocalImageService(parts, limits=dataclasses.replace(BATCH, max_batch=3)) as service:
            streams = [service.generate(job(features[n], n, num_inference_steps=8)) for n in range(3)]
            others = asyncio.gather(finished(streams[0]), finished(streams[2]))
            await anext(streams[1])
            await streams[1].aclose()
            together = await others
            assert service.metrics.outcomes == {"completed": 2, "cancelled": 1}
            assert unet_batches == sorted(unet_batches, reverse=True)
            assert (unet_batches[0], unet_batches[-1], len(unet_batches)) == (3, 2, 8)
            with pytest.raises(StopAsyncIteration):
                await anext(streams[1])
        async with LocalImageService(parts, limits=ServiceLimits(max_batch=1)) as service:
            alone = [await finished(service.generate(job(features[n], n, num_inference_steps=8))) for n in (0, 2)]
        assert max(difference(*pair) for pair in zip(together, alone, strict=True)) <= ROUNDING

    run(test)


def test_a_cancelled_task_frees_its_place_in_the_queue(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        async with LocalImageService(parts, limits=ServiceLimits(max_queue=1, max_batch=1)) as service:
            running = service.generate(job(features[0], num_inference_steps=4))
            await anext(running)
            with anyio.move_on_after(0.01) as scope:
                await finished(service.generate(job(features[1], num_inference_steps=1000)))
            assert scope.cancelled_caught
            assert service.metrics.queue_length == 0
            stream = service.generate(job(features[2]))
            del stream  # nobody can wait for it any more
            assert service.metrics.queue_length == 0
            await finished(service.generate(job(features[2])))
            assert service.metrics.outcomes["cancelled"] == 2

    run(test)


def test_a_deadline_ends_only_its_own_job(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        async with LocalImageService(parts, limits=dataclasses.replace(BATCH, max_batch=2)) as service:
            small = {"width": 32, "height": 32, "num_inference_steps": 100}
            expired = service.generate(job(features[0], deadline=time.monotonic() + 0.1, **small))
            mate = service.generate(job(features[1], **small))
            with pytest.raises(DeadlineError, match="of 100 denoising steps"):
                await finished(expired)
            assert (await finished(mate)).size == (32, 32)
            assert service.metrics.outcomes == {"deadline_exceeded": 1, "completed": 1}
            with pytest.raises(DeadlineError):
                await service.encode(Image.new("RGB", (8, 8)), grids=("1x1",), deadline=time.monotonic())

    run(test)


def test_short_jobs_do_not_wait_for_long_ones(parts: ModelParts, features: list[Tensor]) -> None:
    """The long one gives the same image as alone."""
    ended: list[str] = []

    async def rest(name: str, stream: ImageStream) -> Image.Image:
        *_, image = [event async for event in stream]
        ended.append(name)
        assert isinstance(image, Image.Image)
        return image

    async def test() -> None:
        async with LocalImageService(parts) as service:
            alone = await finished(service.generate(job(features[0], num_inference_steps=12)))
            long = service.generate(job(features[0], num_inference_steps=12))
            await anext(long)
            shorts = [
                service.generate(job(features[1], seed, num_inference_steps=2, width=64, height=64))
                for seed in range(3)
            ]
            image, *_ = await asyncio.gather(rest("long", long), *(rest("short", stream) for stream in shorts))
            assert ended == ["short"] * 3 + ["long"]
            assert image.tobytes() == alone.tobytes() and service.metrics.running == 0

    run(test)


def test_an_image_is_encoded_while_another_is_generated(
    parts: ModelParts, features: list[Tensor], pages: list[Image.Image]
) -> None:
    async def test() -> None:
        async with LocalImageService(parts) as service:
            stream = service.generate(job(features[0], num_inference_steps=500))
            await anext(stream)
            assert (await service.encode(pages[1], grids=("1x1",))).shape == (2, 64, 256)
            assert service.metrics.running == 1
            await stream.aclose()

    run(test)


def test_closing_finishes_all_jobs(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        async with LocalImageService(parts, limits=BATCH) as service:
            streams = [service.generate(job(features[n], n)) for n in range(2)]
        images = [await finished(stream) for stream in streams]
        assert len({image.tobytes() for image in images}) == 2

    run(test)


def test_closing_after_an_error_cancels_all_jobs_at_the_next_step(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        service = LocalImageService(parts, limits=ServiceLimits(max_batch=1))
        with contextlib.suppress(ZeroDivisionError):
            async with service:
                streams = [service.generate(job(features[n], n, num_inference_steps=1000)) for n in range(2)]
                await anext(streams[0])
                raise ZeroDivisionError
        for stream in streams:
            with pytest.raises(ServiceError, match="was closed"):
                await finished(stream)
        assert service.metrics.outcomes == {"cancelled": 2}

    run(test)

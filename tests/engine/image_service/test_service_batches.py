"""Batches of an image service, with the shipped model on the CPU."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from seedx_sdk import DeviceMemoryError, ServiceError
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.service import LocalImageService
from tests.support.image_jobs import BATCH, ROUNDING, difference, finished, job, run


def test_the_same_job_alone_gives_the_bytes_of_the_pipeline(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        async with LocalImageService(parts) as service:
            images = [await finished(service.generate(job(features[0], seed=5))) for _ in range(2)]
        direct = parts.detokenizer(
            features[0],
            num_inference_steps=3,
            guidance_scale=1.0,
            generator=torch.Generator().manual_seed(5),
            return_dict=False,
        )[0][0]
        assert images[0].tobytes() == images[1].tobytes() == direct.tobytes()

    run(test)


@pytest.mark.parametrize("guided", [False, True])
def test_an_image_does_not_depend_on_its_batch(
    guided: bool, parts: ModelParts, features: list[Tensor], pages: list[Image.Image], unet_batches: list[int]
) -> None:
    def made(n: int) -> ImageJob:
        return job(features[n], n, condition=pages[3 - n], guidance_scale=3.0) if guided else job(features[n], n)

    async def test() -> None:
        async with LocalImageService(parts, limits=BATCH) as service:
            streams = [service.generate(made(n)) for n in range(4)]
            together = await asyncio.gather(*(finished(stream) for stream in streams))
            assert service.metrics.batch_sizes == {4: 1}
        assert unet_batches == [12 if guided else 4] * 3
        async with LocalImageService(parts, limits=ServiceLimits(max_batch=1)) as service:
            alone = [await finished(service.generate(made(n))) for n in range(4)]
            assert service.metrics.batch_sizes == {1: 4}
        differences = [difference(*pair) for pair in zip(together, alone, strict=True)]
        assert max(differences) <= ROUNDING, differences
        assert min(difference(alone[0], other) for other in alone[1:]) > 50  # they are different images

    run(test)


def test_a_batch_of_large_images_has_no_more_pixels(parts: ModelParts, features: list[Tensor]) -> None:
    """The memory plan sets aside what a full batch of the model's own size needs."""

    async def test() -> None:
        async with LocalImageService(parts, limits=BATCH) as service:
            large = {"width": 256, "num_inference_steps": 1}
            streams = [service.generate(job(features[n], n, **large)) for n in range(4)]
            images = await asyncio.gather(*(finished(stream) for stream in streams))
            assert service.metrics.batch_sizes == {2: 2}
        assert {image.size for image in images} == {(256, 128)}

    run(test)


def test_incompatible_jobs_run_apart(parts: ModelParts, features: list[Tensor], pages: list[Image.Image]) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"width": 64},
        {"num_inference_steps": 2},
        {"guidance_scale": 2.0},
        {"condition": pages[0]},
        {"features": features[0][:, :32]},
    ]

    async def test() -> None:
        async with LocalImageService(parts) as service:
            streams = [service.generate(job(**({"features": features[0]} | change))) for change in changes]
            images = await asyncio.gather(*(finished(stream) for stream in streams))
            assert service.metrics.batch_sizes == {1: len(changes)}
        assert [image.size for image in images[:2]] == [(128, 128), (64, 128)]

    run(test)


@contextlib.contextmanager
def failing(parts: ModelParts, error: Exception, *, above: int = 0) -> Iterator[None]:
    """Make the U-Net raise on batches larger than `above`, like one on a small device."""

    def before(_module: Any, args: tuple[Tensor, ...]) -> None:
        if args[0].shape[0] > above:
            raise error

    hook = parts.detokenizer.unet.register_forward_pre_hook(before)
    try:
        yield
    finally:
        hook.remove()


def test_a_batch_that_does_not_fit_is_run_in_halves(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        async with LocalImageService(parts, limits=BATCH) as service:
            with failing(parts, torch.OutOfMemoryError("too much"), above=2):
                streams = [service.generate(job(features[n], n)) for n in range(4)]
                images = await asyncio.gather(*(finished(stream) for stream in streams))
            assert service.metrics.memory_splits == {4: 1}
            assert len({image.tobytes() for image in images}) == 4

    run(test)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (torch.OutOfMemoryError("too much"), DeviceMemoryError, "128x128 does not fit"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] can't allocate memory"), DeviceMemoryError, "does not fit"),
        (RuntimeError("broken"), ServiceError, "RuntimeError: broken); retry"),
    ],
)
def test_a_failing_batch_fails_alone(
    error: Exception, kind: type[ServiceError], message: str, parts: ModelParts, features: list[Tensor]
) -> None:
    async def test() -> None:
        async with LocalImageService(parts, limits=dataclasses.replace(BATCH, max_batch=2)) as service:
            with failing(parts, error):
                streams = [service.generate(job(features[n])) for n in range(2)]
                results = await asyncio.gather(*(finished(stream) for stream in streams), return_exceptions=True)
            for result in results:
                assert type(result) is kind and message in str(result)
            assert results[0] is not results[1]
            images = [service.generate(job(features[n])) for n in range(2)]
            await asyncio.gather(*(finished(stream) for stream in images))
            assert service.metrics.outcomes == {"failed": 2, "completed": 2}

    run(test)

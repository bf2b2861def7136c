"""CUDA graphs and compilation on a GPU: the same images, bounded memory, and steps that can still be cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.engine import NANO
from seedx_sdk.engine.image_service.cuda_graphs import CudaGraph, cuda_recorder, free_cached_memory
from seedx_sdk.engine.image_service.graphed_unet import GraphedUNet
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.model.unet import predict_noise
from seedx_sdk.options import GenerationOptions
from seedx_sdk.types import ImageProgress

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU and a CUDA build of torch"),
]
ROUNDING = 2
"""Levels of 255 between two images of the same job in float32."""
TOGETHER = ServiceLimits(max_wait_ms=60_000, max_batch=3)
"""Waits for three jobs."""


@pytest.fixture
def parts() -> ModelParts:
    return load_directory(NANO, dtype=torch.float32)


@pytest.fixture(autouse=True)
def exact_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default cuDNN rounds float32 to ten bits, at other places in a kernel for another batch."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def jobs(parts: ModelParts, count: int = 3, **options: Any) -> list[ImageJob]:
    generator = torch.Generator().manual_seed(0)
    features = [torch.randn(1, 64, 256, generator=generator) for _ in range(count)]
    chosen = GenerationOptions(**{"num_inference_steps": 6, "guidance_scale": 2.0} | options)
    return [
        ImageJob.resolve(feature, chosen.model_copy(update={"seed": seed}), parts.config)
        for seed, feature in enumerate(features)
    ]


async def drawn(service: LocalImageService, job: ImageJob, *, cancelled_after: int | None = None) -> Image.Image | None:
    stream = service.generate(job)
    async for event in stream:
        if isinstance(event, Image.Image):
            return event
        if isinstance(event, ImageProgress) and event.step == cancelled_after:
            await stream.aclose()
            return None
    return None


def images(
    parts: ModelParts, placement: Placement, cancelled: int | None = None, **options: Any
) -> list[Image.Image | None]:
    """Draw a batch of three, one of which may be cancelled after the second step."""

    async def draw() -> list[Image.Image | None]:
        async with LocalImageService(parts, limits=TOGETHER, placement=placement, device="cuda") as service:
            batch = [
                drawn(service, job, cancelled_after=2 if row == cancelled else None)
                for row, job in enumerate(jobs(parts, **options))
            ]
            return list(await asyncio.gather(*batch))

    return asyncio.run(draw())


def difference(image: Image.Image | None, other: Image.Image | None) -> int:
    assert image is not None and other is not None
    return int(np.abs(np.asarray(image, dtype=np.int16) - np.asarray(other, dtype=np.int16)).max())


@pytest.mark.parametrize("cancelled", [None, 1])
def test_images_from_graphs_are_the_same(cancelled: int | None, parts: ModelParts) -> None:
    eager = images(parts, Placement(cuda_graphs=0), cancelled)
    graphed = images(parts, Placement(), cancelled)
    assert [image is None for image in graphed] == [row == cancelled for row in range(3)]
    for image, other in zip(eager, graphed, strict=True):
        assert image is other is None or difference(image, other) <= ROUNDING


@pytest.mark.parametrize("placement", [Placement(compile=True), Placement(compile=True, cuda_graphs=0)])
def test_compiled_images_are_the_same_and_no_step_compiles(placement: Placement, parts: ModelParts) -> None:
    prepared: Any = {"guidance_scale": 1.0}  # the shipped model's own, for which it prepares
    eager = images(parts, Placement(cuda_graphs=0), **prepared)

    async def draw() -> list[Image.Image | None]:
        async with LocalImageService(parts, limits=TOGETHER, placement=placement, device="cuda") as service:
            compiled = torch._dynamo.utils.counters["stats"]["unique_graphs"]
            drawings = await asyncio.gather(*(drawn(service, job) for job in jobs(parts, **prepared)))
            await asyncio.gather(*(drawn(service, job) for job in jobs(parts, width=64, height=64)))
            assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == compiled
        return list(drawings)

    for image, other in zip(eager, asyncio.run(draw()), strict=True):
        assert difference(image, other) <= ROUNDING


def test_memory_is_bounded_and_given_back(parts: ModelParts) -> None:
    async def draw() -> None:
        limits, placement = ServiceLimits(max_wait_ms=0), Placement(cuda_graphs=2)
        reserved = []
        async with LocalImageService(parts, limits=limits, placement=placement, device="cuda") as service:
            for width in (64, 72, 80, 88, 96, 104, 112, 120, 128) * 2:
                await drawn(service, *jobs(parts, 1, width=width, height=128))
                torch.cuda.empty_cache()
                reserved.append(torch.cuda.memory_reserved())
        torch.cuda.empty_cache()
        assert max(reserved[9:]) <= max(reserved[:9]) + (32 << 20)  # the second round needs no more than the first
        assert torch.cuda.memory_reserved() <= held + (2 << 20)

    images(parts, Placement())  # moves the weights, and lets libraries allocate what they keep for each stream
    torch.cuda.empty_cache()
    held = torch.cuda.memory_reserved()
    asyncio.run(draw())


def test_a_replay_follows_its_inputs_in_both_precisions(parts: ModelParts) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        unet = copy.deepcopy(parts.detokenizer.unet).to(device="cuda", dtype=dtype)
        predict = partial(predict_noise, unet)
        graphed = GraphedUNet(
            predict,
            cuda_recorder(torch.device("cuda")),
            max_graphs=4,
            max_cells=1 << 20,
            preparing=contextlib.nullcontext,
        )
        width, pooled = unet.config["cross_attention_dim"], unet.add_embedding.linear_1.in_features
        pooled -= 6 * unet.config["addition_time_embed_dim"]
        for seed in range(3):
            torch.manual_seed(seed)
            rows = 4 if seed == 2 else 5  # the last one runs in the graph of five
            inputs = (
                torch.randn(rows, unet.config["in_channels"], 16, 16, device="cuda", dtype=dtype),
                torch.tensor(900.0 - seed, device="cuda"),
                torch.randn(rows, 64, width, device="cuda", dtype=dtype),
                torch.randn(rows, pooled, device="cuda", dtype=dtype),
                torch.full((rows, 6), 128.0, device="cuda", dtype=dtype),
            )
            with torch.inference_mode():
                expected, found = predict(*inputs), graphed(*inputs)
            tolerance = 1e-4 if dtype is torch.float32 else 2e-2
            torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


def test_a_capture_does_not_mind_other_threads_that_use_the_gpu() -> None:
    """As the language model does when it runs in the same process: it allocates, computes and waits.

    Another engine that starts or runs out of memory frees what is cached.
    """
    device, done = torch.device("cuda"), threading.Event()
    failures: list[BaseException] = []

    def busy() -> None:
        try:
            while not done.is_set():
                value = torch.ones(256, 256, device=device)
                (value @ value).sum().item()
                free_cached_memory()
        except BaseException as error:
            failures.append(error)

    held = torch.zeros(512, 512, device=device)

    def compute() -> Tensor:
        value = held
        for _ in range(200):
            value = value @ held / 512
        return value

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with torch.inference_mode():
            record: Callable[..., Any] = cuda_recorder(device)
            first = record(compute, None)
            second = record(compute, first)
            assert isinstance(second, CudaGraph) and second.graph.pool() == first.graph.pool()
            held.fill_(1.0)
            second.replay()
            torch.testing.assert_close(second.output, torch.ones_like(held))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failures

"""The service that owns a device, with the shipped model on the CPU."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from seedx_finetune.world import Scene, box_around, render
from seedx_finetune.world.scene import Thing
from seedx_sdk import DeadlineError, DeviceMemoryError, ImageError, InputError, OverloadedError, ServiceError, SizeError
from seedx_sdk.checkpoints.config import FastSampling
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.service import LocalImageService, ServiceLimits
from seedx_sdk.engine.image_service.stream import ImageStream, JobHandle
from seedx_sdk.forks import check_torch
from seedx_sdk.model.anyres import split_image
from seedx_sdk.model.lvlm import pool_features
from seedx_sdk.model.transforms import ImageTransform
from seedx_sdk.options import GenerationOptions
from seedx_sdk.tokens import image_block, input_mask
from seedx_sdk.types import ImageProgress
from tests.support.children import in_child

ROUNDING = 2
"""Levels of 255 by which a pixel may differ when sums are added in another order; 1 was seen on a CPU in float32."""
BATCH = ServiceLimits(max_wait_ms=60_000, max_batch=4)
"""Waits until four jobs are there, so that batches don't depend on timing."""


@pytest.fixture(scope="module")
def pages() -> list[Image.Image]:
    kinds = (("house", "red"), ("tree", "green"), ("boat", "blue"), ("star", "yellow"))
    boxes = [box_around(kind, (0.3 + 0.1 * n, 0.6), 0.4) for n, (kind, _) in enumerate(kinds)]
    return [
        render(Scene("meadow", (Thing(kind, color, "medium", box),)))
        for (kind, color), box in zip(kinds, boxes, strict=True)
    ]


@pytest.fixture(scope="module")
def features(parts: ModelParts, pages: list[Image.Image]) -> list[Tensor]:
    """What the language model would regress for the pages, were it perfect: (1, 64, 256) each."""
    transform = ImageTransform("clip", 128)
    with torch.inference_mode():
        pooled = pool_features(parts.visual_encoder(torch.stack([transform(p) for p in pages])))
        return list(torch.split(pooled, 1))


@pytest.fixture
def unet_batches(parts: ModelParts) -> Iterator[list[int]]:
    """The batch sizes that the U-Net sees."""
    sizes: list[int] = []
    hook = parts.detokenizer.unet.register_forward_hook(lambda _m, args, _o: sizes.append(args[0].shape[0]))
    yield sizes
    hook.remove()


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


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is forked on Windows")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # that is the point
def test_whoever_has_an_image_may_fork_at_once(
    parts: ModelParts, features: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes, post = list[object](), JobHandle.post

    def fork_and_post(handle: JobHandle, event: Any) -> None:
        if isinstance(event, Image.Image):
            outcomes.append(in_child(check_torch))
        post(handle, event)

    async def draw() -> None:
        async with LocalImageService(parts) as service:
            await finished(service.generate(job(features[0])))

    monkeypatch.setattr(JobHandle, "post", fork_and_post)
    run(draw)
    assert outcomes == [None]


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
def test_a_picture_does_not_depend_on_its_mates(
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


def test_invalid_jobs_are_rejected_before_they_are_queued(
    parts: ModelParts, features: list[Tensor], pages: list[Image.Image]
) -> None:
    poisoned = features[0].clone()
    poisoned[0, 3, 5] = float("nan")
    file = io.BytesIO()
    pages[0].save(file, "PNG")
    half = Image.open(io.BytesIO(file.getvalue()[: len(file.getvalue()) // 2]))
    cases: list[tuple[type[InputError], str, ImageJob]] = [
        (InputError, "hold NaN", job(poisoned)),
        (InputError, r"allowed is \(1, tokens, 256\)", job(features[0][0])),
        (SizeError, "use 96x128", job(features[0], width=100)),
        (SizeError, "use 8x128", job(features[0], width=0)),
        (InputError, "must be finite numbers", job(features[0], guidance_scale=float("nan"))),
        (InputError, "below 2", job(features[0], seed=1 << 64)),
        (ImageError, "damaged", job(features[0], condition=half)),
        (InputError, "num_inference_steps must be 1 or more", job(features[0], num_inference_steps=0)),
        (InputError, "no fast mode that was measured", job(features[0], sampler="fast")),
    ]

    async def test() -> None:
        ungated = dataclasses.replace(parts.config, generation=dataclasses.replace(parts.config.generation, fast=None))
        async with LocalImageService(dataclasses.replace(parts, config=ungated)) as service:
            for kind, message, bad in cases:
                with pytest.raises(kind, match=message):
                    service.generate(bad)
            with pytest.raises(InputError, match="must be finite and have shape"):
                await service.regress(torch.zeros(64, 255))
            with pytest.raises(InputError, match="no specialist 'x'"):
                await service.encode(pages[0], grids=("1x1",), model="x")
            assert service.metrics.queue_length == 0
            await finished(service.generate(job(features[0])))
        with pytest.raises(ServiceError, match="not running"):
            service.generate(job(features[0]))

    run(test)


@pytest.mark.parametrize("model", [None, "edit"])
@pytest.mark.parametrize("grids", [("1x1",), ("2x1",)])
def test_encoding_gives_what_the_language_model_would_embed(
    model: str | None, grids: tuple[str, ...], parts: ModelParts, pages: list[Image.Image]
) -> None:
    lvlm = parts.lvlm if model is None else parts.specialists[model]
    views = split_image(pages[0], grids, 128, ImageTransform("clip", 128))
    ids = parts.tokenizer.encode(image_block(views.num_patches))
    mask = torch.tensor([input_mask(ids, parts.tokenizer.ids)])
    with torch.inference_mode():
        encoded = parts.visual_encoder(views.images)
        embedded = lvlm.embed(torch.tensor([ids]), encoded, mask, patch_positions=views.positions)

    async def test() -> None:
        async with LocalImageService(parts) as service:
            first = await service.encode(pages[0], grids=grids, model=model)
            again = await service.encode(pages[0].copy(), grids=grids, model=model)
            assert (service.metrics.cache_misses, service.metrics.cache_hits) == (1, 1)
        assert first.shape == (views.num_patches + 1, 64, 256)
        torch.testing.assert_close(first.flatten(0, 1), embedded[mask], atol=0, rtol=0)
        torch.testing.assert_close(again, first, atol=0, rtol=0)

    run(test)


def test_regressing_gives_what_the_language_model_would(parts: ModelParts) -> None:
    hidden = torch.randn(64, 256, generator=torch.Generator().manual_seed(0))

    async def test() -> None:
        async with LocalImageService(parts) as service:
            for name, lvlm in ((None, parts.lvlm), ("edit", parts.specialists["edit"])):
                features = await service.regress(hidden, model=name)
                torch.testing.assert_close(features, lvlm.regress(hidden[None])[0], atol=0, rtol=0)

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


def test_a_large_image_is_decoded_in_tiles_that_fit_together(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        sizes: list[int] = []
        hook = parts.detokenizer.vae.decoder.register_forward_hook(lambda _m, args, _o: sizes.append(args[0].shape[-1]))
        images = []
        for side in (192, 1024):
            async with LocalImageService(parts, placement=Placement(tile_side=side)) as service:
                images.append(await finished(service.generate(job(features[0], width=256, height=256))))
        hook.remove()
        assert sizes == [24, 14, 24, 14, 32]  # cells: four overlapping tiles, and the whole image
        # The norms of this small VAE average over all that they see, so its tiles differ in tone.
        assert psnr(*images) > 20

    run(test)


def test_previews_approach_the_image(parts: ModelParts, features: list[Tensor]) -> None:
    async def test() -> None:
        async with LocalImageService(parts, limits=dataclasses.replace(BATCH, max_batch=2)) as service:
            stream = service.generate(job(features[0], num_inference_steps=8, preview_every=2))
            plain = service.generate(job(features[1], num_inference_steps=8))
            events = [event async for event in stream]
            assert [event async for event in plain if isinstance(event, ImageProgress) and event.preview] == []
            previews = {e.step: e.preview for e in events if isinstance(e, ImageProgress) and e.preview is not None}
            assert list(previews) == [2, 4, 6]
            image = events[-1]
            assert isinstance(image, Image.Image)
            fidelity = [psnr(preview, image) for preview in previews.values()]
            assert fidelity == sorted(fidelity) and fidelity[0] > 20, fidelity

    run(test)


def test_the_fast_mode_is_the_one_that_was_measured(parts: ModelParts, features: list[Tensor]) -> None:
    fast = FastSampling(solver="dpmsolver++", num_inference_steps=6, revision=parts.config.revision)
    config = dataclasses.replace(parts.config, generation=dataclasses.replace(parts.config.generation, fast=fast))
    stale = dataclasses.replace(
        config, generation=dataclasses.replace(config.generation, fast=dataclasses.replace(fast, revision="0"))
    )

    async def test() -> None:
        async with LocalImageService(dataclasses.replace(parts, config=config)) as service:
            quick = ImageJob.resolve(features[0], GenerationOptions(seed=1, sampler="fast"), config)
            assert (quick.num_inference_steps, quick.width, quick.guidance_scale) == (6, 128, 1.0)
            with pytest.raises(InputError, match="measured with 6 steps, not 5"):
                service.generate(dataclasses.replace(quick, num_inference_steps=5))
            image = await finished(service.generate(quick))
            reference = await finished(
                service.generate(ImageJob.resolve(features[0], GenerationOptions(seed=1), config))
            )
            assert image.tobytes() != reference.tobytes()
            assert psnr(image, reference) > 35
        async with LocalImageService(dataclasses.replace(parts, config=stale)) as service:
            with pytest.raises(InputError, match="no fast mode that was measured"):
                service.generate(quick)

    run(test)

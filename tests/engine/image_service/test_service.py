"""What an image service accepts, and what it encodes, with the shipped model on the CPU."""

from __future__ import annotations

import dataclasses
import io
import sys
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from seedx_sdk import ImageError, InputError, ServiceError, SizeError
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.engine.image_service.stream import JobHandle
from seedx_sdk.forks import check_torch
from seedx_sdk.model.anyres import split_image
from seedx_sdk.model.transforms import ImageTransform
from seedx_sdk.tokens import image_block, input_mask
from tests.support.children import in_child
from tests.support.image_jobs import finished, job, run


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

"""Tiles, previews and the fast mode, with the shipped model on the CPU."""

from __future__ import annotations

import dataclasses

import pytest
from PIL import Image
from torch import Tensor

from seedx_sdk import InputError
from seedx_sdk.checkpoints.config import FastSampling
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.options import GenerationOptions
from seedx_sdk.types import ImageProgress
from tests.support.image_jobs import BATCH, finished, job, psnr, run


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

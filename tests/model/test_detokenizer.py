from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
)
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.pipeline_utils import ImagePipelineOutput
from PIL import Image
from torch import Tensor

from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.unet import (
    COORDINATES,
    takes_condition,
    widen_conv_in,
    with_inputs,
)

pytestmark = pytest.mark.filterwarnings(
    # The schedulers of diffusers turn tensors into arrays in a way that NumPy 2 is about to change.
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)
# Weights that lie elsewhere in memory are added in another order.
assert_close = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)
IMAGE = Image.linear_gradient("L").convert("RGB").resize((23, 41))


def _embeds(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 16, 20, generator=torch.Generator().manual_seed(seed))


def _seeds(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _images(pipeline: Detokenizer, *features: Tensor, **options: Any) -> Any:
    """Return the images of a call, in the form that its `output_type` asks for."""
    output = pipeline(*features, **options)
    assert isinstance(output, ImagePipelineOutput)
    return output.images


@pytest.mark.parametrize("stage", [1, 2])
def test_saved_and_loaded_pipeline_gives_the_same_image(
    stage: int, tmp_path: Path, make_detokenizer: Callable[..., Detokenizer]
) -> None:
    pipeline = make_detokenizer(stage=stage)
    pipeline.save_pretrained(tmp_path)
    assert (tmp_path / "resampler" / "diffusion_pytorch_model.safetensors").is_file()
    loaded = Detokenizer.from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]
    assert loaded.takes_condition_image == (stage == 2)
    assert loaded.resampler.config["embedding_dim"] == pipeline.resampler.config["embedding_dim"] == 20
    condition = IMAGE if stage == 2 else None
    images = [
        _images(
            part,
            _embeds(1),
            _embeds(1, seed=1),
            condition_image=condition,
            num_inference_steps=2,
            generator=_seeds(5),
            output_type="pt",
        )
        for part in (pipeline, loaded)
    ]
    assert_close(images[0], images[1])


@pytest.mark.parametrize("stage", [1, 2])
def test_image_does_not_depend_on_its_batch(stage: int, make_detokenizer: Callable[..., Detokenizer]) -> None:
    # In float64, because guidance at high noise blows the order of float32 sums up.
    pipeline = make_detokenizer(stage=stage).to(torch.float64)
    embeds, negative = _embeds(3), _embeds(1, seed=1)
    conditions = [IMAGE, IMAGE.rotate(90, expand=True), IMAGE.rotate(180)] if stage == 2 else None
    together = _images(
        pipeline,
        embeds,
        negative,
        condition_image=conditions,
        num_inference_steps=3,
        generator=_seeds(1, 2, 3),
        output_type="latent",
    )
    assert together.shape == (3, 3, 8, 8)
    alone = _images(
        pipeline,
        embeds[1:2],
        negative,
        condition_image=None if conditions is None else conditions[1],
        num_inference_steps=3,
        generator=_seeds(2),
        output_type="latent",
    )
    torch.testing.assert_close(together[1:2], alone)


@pytest.mark.parametrize(
    ("guidance", "image_guidance", "condition", "branches"),
    [(7.5, 1.5, True, 3), (7.5, 1.5, False, 2), (1.0, 1.5, True, 1), (7.5, 0.5, True, 1)],
)
def test_only_the_needed_branches_run(
    guidance: float, image_guidance: float, condition: bool, branches: int, make_detokenizer: Callable[..., Detokenizer]
) -> None:
    pipeline, sizes = make_detokenizer(stage=2), []
    pipeline.unet.register_forward_hook(lambda _module, args, _output: sizes.append(args[0].shape[0]))
    pipeline(
        _embeds(1),
        _embeds(1, seed=1),
        condition_image=IMAGE if condition else None,
        guidance_scale=guidance,
        image_guidance_scale=image_guidance,
        num_inference_steps=2,
    )
    assert sizes == [branches, branches]


@pytest.mark.parametrize(
    "scheduler",
    [DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, DDPMScheduler],
)
@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_any_scheduler_works_and_repeats(
    scheduler: type, prediction_type: str, make_detokenizer: Callable[..., Detokenizer]
) -> None:
    pipeline = make_detokenizer(stage=1)
    pipeline.scheduler = scheduler(prediction_type=prediction_type)

    def draw() -> Tensor:
        images: Tensor = _images(
            pipeline,
            _embeds(2),
            _embeds(1, seed=1),
            height=16,
            width=24,
            num_inference_steps=4,
            generator=_seeds(1, 2),
            output_type="pt",
        )
        return images

    images = draw()
    assert images.shape == (2, 3, 16, 24)
    assert torch.isfinite(images).all()
    torch.testing.assert_close(images, draw())


def test_callback_sees_every_step_and_can_interrupt(make_detokenizer: Callable[..., Detokenizer]) -> None:
    pipeline, seen = make_detokenizer(stage=1), []

    def on_step(pipe: Detokenizer, index: int, _t: Tensor, state: dict[str, Tensor]) -> None:
        seen.append((index, tuple(state["latents"].shape)))
        pipe.interrupt = index == 1

    images = _images(pipeline, _embeds(1), guidance_scale=1.0, num_inference_steps=5, callback_on_step_end=on_step)
    assert seen == [(0, (1, 3, 8, 8)), (1, (1, 3, 8, 8))]
    assert images[0].size == (16, 16)


def test_arguments_that_are_not_allowed_are_rejected(make_detokenizer: Callable[..., Detokenizer]) -> None:
    first, second = make_detokenizer(stage=1), make_detokenizer(stage=2)
    with pytest.raises(ValueError, match="load the second-stage"):
        first(_embeds(1), _embeds(1), condition_image=IMAGE)
    with pytest.raises(ValueError, match="needs negative_image_embeds"):
        first(_embeds(1))
    with pytest.raises(ValueError, match="use 16x16"):
        first(_embeds(1), _embeds(1), height=17, width=16)
    with pytest.raises(ValueError, match="allowed is \\(images, tokens, 20\\)"):
        first(torch.randn(1, 16, 21), _embeds(1))
    with pytest.raises(ValueError, match="2 generators for 1 images"):
        first(_embeds(1), _embeds(1), generator=_seeds(1, 2))
    with pytest.raises(ValueError, match="condition_image has shape"):
        second(_embeds(1), _embeds(1), condition_image=torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="must have 3 \\(stage 1\\) or 6 \\(stage 2\\)"):
        Detokenizer(widen_conv_in(second.unet), first.vae, first.scheduler, first.resampler)
    other = type(first.vae).from_config({**first.vae.config, "latent_channels": 5})
    with pytest.raises(ValueError, match="denoises 3 latent channels and the VAE has 5"):
        Detokenizer(first.unet, other, first.scheduler, first.resampler)


@pytest.mark.parametrize("coordinates", [0, COORDINATES])
def test_what_a_unet_reads_follows_from_its_input_channels(
    make_unet: Callable[[], UNet2DConditionModel], coordinates: int
) -> None:
    first = UNet2DConditionModel.from_config({**make_unet().config, "in_channels": 3 + coordinates})
    second = widen_conv_in(first)
    assert (takes_condition(first), takes_condition(second)) == (False, True)
    noisy, condition = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    read = with_inputs(second, noisy, condition)
    assert read.shape == (2, 6 + coordinates, 8, 8)
    torch.testing.assert_close(read[:, :6], torch.cat([noisy, condition], dim=1), atol=0, rtol=0)
    torch.testing.assert_close(with_inputs(first, noisy)[:, 3:], read[:, 6:], atol=0, rtol=0)
    if coordinates:
        x = (torch.arange(8) + 0.5) / 8
        torch.testing.assert_close(read[0, 7, 3], (2 * torch.pi * x).cos(), atol=1e-6, rtol=0)
        torch.testing.assert_close(read[0, 6 + coordinates // 2, :, 5], (torch.pi * x).cos(), atol=1e-6, rtol=0)

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, SchedulerMixin
from PIL import Image
from torch import Tensor

from seedx_sdk.model.config import Solver
from seedx_sdk.model.denoise_loop import DenoiseState, copy_scheduler
from seedx_sdk.model.detokenizer import Detokenizer

PICTURE = Image.linear_gradient("L").convert("RGB").resize((16, 16))


def _embeds(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 16, 20, generator=torch.Generator().manual_seed(seed))


def _begin(pipeline: Detokenizer, rows: list[int], solver: Solver | None = None, stage: int = 1) -> DenoiseState:
    return pipeline.begin(
        _embeds(4)[rows],
        _embeds(1, seed=1),
        condition_image=[PICTURE.rotate(90 * row) for row in rows] if stage == 2 else None,
        num_inference_steps=5,
        guidance_scale=3.0,
        generator=[torch.Generator().manual_seed(row) for row in rows],
        scheduler=copy_scheduler(pipeline.scheduler, solver),
    )


@torch.no_grad()
@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("solver", [None, "dpmsolver++", "unipc"])
def test_rows_that_stay_become_what_they_would_have_been(
    solver: Solver | None, stage: int, make_detokenizer: Callable[..., Detokenizer]
) -> None:
    pipeline = make_detokenizer(stage=stage).to(torch.float64)  # guidance blows the order of float32 sums up
    together = _begin(pipeline, [0, 1, 2, 3], solver, stage)
    while not together.done:
        together.step()
        if together.index == 2:
            together.keep([1, 3])
        if together.index == 4:
            together.keep([1])
    alone = _begin(pipeline, [3], solver, stage)
    while not alone.done:
        alone.step()
    assert together.latents.shape == alone.latents.shape
    torch.testing.assert_close(together.latents, alone.latents)


@torch.no_grad()
@pytest.mark.parametrize("scheduler", [partial(DDIMScheduler, clip_sample=False), EulerDiscreteScheduler])
@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_predicted_latents_are_the_schedulers_own(
    scheduler: Callable[..., SchedulerMixin], prediction_type: str, make_detokenizer: Callable[..., Detokenizer]
) -> None:
    pipeline = make_detokenizer(stage=1)
    pipeline.scheduler = scheduler(prediction_type=prediction_type, timestep_spacing="trailing")
    sampling = _begin(pipeline, [0, 1])
    torch.testing.assert_close(sampling.predicted_latents(), sampling.latents)
    own: list[Tensor] = []
    step = sampling.scheduler.step

    def recorded(*args: Tensor, return_dict: bool, **others: object) -> tuple[Tensor]:
        assert not return_dict
        output = step(*args, **others)
        own.append(output.pred_original_sample)
        return (output.prev_sample,)

    sampling.scheduler.step = recorded
    while not sampling.done:
        sampling.step()
        torch.testing.assert_close(sampling.predicted_latents(), own[-1], atol=2e-4, rtol=2e-4)


def test_a_batch_with_a_scheduler_of_its_own_leaves_the_pipelines_alone(
    make_detokenizer: Callable[..., Detokenizer],
) -> None:
    pipeline = make_detokenizer(stage=1)
    before = pipeline.scheduler.timesteps.clone()
    sampling = _begin(pipeline, [0], "unipc")
    assert len(sampling.timesteps) == 5
    torch.testing.assert_close(pipeline.scheduler.timesteps, before)

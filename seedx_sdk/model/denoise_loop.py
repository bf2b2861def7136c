"""A batch of images while it is being denoised: it steps, drops rows and predicts the final latents.

`Detokenizer.begin` makes it; the pipeline's call runs it to its end, and a server steps it, so that requests can be
dropped between two steps.

Shapes: B images, G guidance branches, Q prompt tokens, P and P2 their widths, C latent channels, H W latent size.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from seedx_sdk.model.config import Solver
from seedx_sdk.model.unet import NoisePredictor, with_inputs

__all__ = ["SOLVERS", "DenoiseState", "copy_scheduler"]

SOLVERS: dict[Solver, type[Any]] = {"dpmsolver++": DPMSolverMultistepScheduler, "unipc": UniPCMultistepScheduler}
"""The class of each solver; its defaults are second order, and first order in the last step."""


def copy_scheduler(scheduler: Any, solver: Solver | None = None) -> SchedulerMixin:
    """Return a scheduler of the same noise schedule that shares no state; with another solver if one is named."""
    kind = type(scheduler) if solver is None else SOLVERS[solver]
    copy: SchedulerMixin = kind.from_config(scheduler.config)
    return copy


@dataclass(kw_only=True, slots=True)
class DenoiseState:
    """A batch in progress. Branches are stacked along the batch: branch g of image b is row g * B + b."""

    unet: UNet2DConditionModel
    predict: NoisePredictor
    """Runs the U-Net."""
    scheduler: Any
    """With its timesteps set; it belongs to this batch until the last step."""
    latents: Tensor
    """(B, C, H, W)."""
    prompt_embeds: Tensor
    """(G B, Q, P)."""
    pooled: Tensor
    """(G B, P2)."""
    time_ids: Tensor
    """(G B, 6)."""
    condition: Tensor | None
    """(G B, C, H, W) condition latents; None for stage 1."""
    branches: int
    """G: 1 without guidance, 2 with it, 3 with a condition image too."""
    guidance_scale: float
    image_guidance_scale: float
    generator: torch.Generator | list[torch.Generator] | None
    index: int = 0
    """Steps done."""
    # timestep, scaled latents and prediction of the last step
    _last: tuple[Tensor, Tensor, Tensor] | None = field(init=False, repr=False, default=None)

    @property
    def timesteps(self) -> Tensor:
        """(N,) noise levels, noisiest first."""
        timesteps: Tensor = self.scheduler.timesteps
        return timesteps

    @property
    def done(self) -> bool:
        """Whether no step is left."""
        return self.index >= len(self.timesteps)

    def step(self) -> None:
        """Take one denoising step with all images and branches in one batch of the U-Net."""
        t = self.timesteps[self.index]
        scaled = self.scheduler.scale_model_input(torch.cat([self.latents] * self.branches), t)
        sample = with_inputs(self.unet, scaled, self.condition)
        # Its type depends on the scheduler; diffusers embeds it as float32.
        predicted = self.predict(sample, t.float(), self.prompt_embeds, self.pooled, self.time_ids)
        predicted = _apply_guidance(predicted, self.branches, self.guidance_scale, self.image_guidance_scale)
        self._last = (t, scaled[: len(self.latents)], predicted)
        takes_generator = "generator" in inspect.signature(self.scheduler.step).parameters
        noise = {"generator": self.generator} if takes_generator else {}
        self.latents = self.scheduler.step(predicted, t, self.latents, **noise, return_dict=False)[0]
        self.index += 1

    def keep(self, rows: Sequence[int]) -> None:
        """Keep these images alone, in this order; the others do not influence them."""
        batch, chosen = len(self.latents), list(rows)
        stacked = [branch * batch + row for branch in range(self.branches) for row in chosen]
        self.prompt_embeds, self.pooled = self.prompt_embeds[stacked], self.pooled[stacked]
        self.time_ids = self.time_ids[stacked]
        if self.condition is not None:
            self.condition = self.condition[stacked]
        if isinstance(self.generator, list):
            self.generator = [self.generator[row] for row in chosen]
        shape = self.latents.shape
        for name, value in vars(self.scheduler).items():  # multistep solvers remember predictions of earlier steps
            setattr(self.scheduler, name, _keep_rows(value, shape, chosen))
        self.latents = self.latents[chosen]
        if self._last is not None:
            t, scaled, predicted = self._last
            self._last = (t, scaled[chosen], predicted[chosen])

    def predicted_latents(self) -> Tensor:
        """Return (B, C, H, W): the clean latents that the last step predicts; before the first step, the noise.

        Source: x0 of Ho et al. 2020 (noise) and of Salimans and Ho 2022 (velocity).
        """
        if self._last is None:
            return self.latents
        t, scaled, predicted = self._last
        signal: Tensor = self.scheduler.alphas_cumprod.to(t.device)[t.round().long()[None]].to(scaled).sqrt()
        noise: Tensor = (1 - signal**2).sqrt()
        if self.scheduler.config["prediction_type"] == "v_prediction":
            return signal * scaled - noise * predicted
        return (scaled - noise * predicted) / signal


def _keep_rows(value: Any, shape: torch.Size, rows: list[int]) -> Any:
    if isinstance(value, Tensor):
        return value[rows] if value.shape == shape else value
    if isinstance(value, list):
        return [_keep_rows(item, shape, rows) for item in value]
    return value


def _apply_guidance(predicted: Tensor, branches: int, guidance_scale: float, image_guidance_scale: float) -> Tensor:
    """Combine the branches' predictions, in the order that `Detokenizer.begin` stacked them."""
    if branches == 1:
        return predicted
    if branches == 2:
        negative, positive = predicted.chunk(2)
        return negative + guidance_scale * (positive - negative)
    positive, negative, unconditioned = predicted.chunk(3)
    return unconditioned + guidance_scale * (positive - negative) + image_guidance_scale * (negative - unconditioned)

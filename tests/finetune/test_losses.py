"""The de-tokenizer's training loss, on tiny random models."""

from __future__ import annotations

import pytest
import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from seedx_finetune.training.losses import denoising_loss, predict
from seedx_sdk.model.unet import size_ids, widen_conv_in
from seedx_sdk.testing.tiny import tiny_resampler, tiny_unet


def _embeds(count: int) -> Tensor:
    return torch.randn(count, 16, 20, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_widened_unet_equals_the_narrow_one_without_condition() -> None:
    unet, resampler = tiny_unet(), tiny_resampler()
    wide = widen_conv_in(unet).eval()
    given = (torch.randn(2, 3, 8, 8), torch.tensor([3, 700]), _embeds(2), size_ids(16, 16, 2))
    torch.testing.assert_close(predict(wide, resampler, *given), predict(unet, resampler, *given))
    with pytest.raises(ValueError, match="takes no condition latents"):
        predict(unet, resampler, *given, torch.zeros(2, 3, 8, 8))


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_loss_is_measured_against_what_the_scheduler_predicts(prediction_type: str) -> None:
    unet, resampler = tiny_unet(), tiny_resampler()
    assert unet.conv_out.bias is not None
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.zeros_(unet.conv_out.bias)  # so the prediction is 0 and the loss is the target's mean square
    scheduler = DDPMScheduler(prediction_type=prediction_type)
    latents, noise = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    timesteps = torch.tensor([10, 900])
    loss = denoising_loss(
        unet, resampler, scheduler, latents, _embeds(2), noise=noise, timesteps=timesteps, time_ids=size_ids(16, 16, 2)
    )
    alpha = scheduler.alphas_cumprod[timesteps].sqrt()[:, None, None, None]
    sigma = (1 - scheduler.alphas_cumprod[timesteps]).sqrt()[:, None, None, None]
    target = noise if prediction_type == "epsilon" else alpha * noise - sigma * latents
    torch.testing.assert_close(loss, target.square().mean())
    loss.backward()  # type: ignore[no-untyped-call]
    assert unet.conv_out.weight.grad is not None


def test_an_unknown_target_is_rejected() -> None:
    scheduler = DDPMScheduler(prediction_type="sample")
    x = torch.randn(1, 3, 8, 8)
    with pytest.raises(ValueError, match="use 'epsilon' or 'v_prediction'"):
        denoising_loss(
            tiny_unet(),
            tiny_resampler(),
            scheduler,
            x,
            _embeds(1),
            noise=x,
            timesteps=torch.tensor([1]),
            time_ids=size_ids(16, 16),
        )

"""Training side of the de-tokenizer: noise prediction, its loss, and the step from stage 1 to stage 2.

Shapes: B batch, N image tokens, D their width, C latent channels, H W latent size.
"""

from __future__ import annotations

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler

__all__ = ["denoising_loss", "predict", "size_ids", "takes_condition", "widen_conv_in", "with_inputs"]

COORDINATES = 30
"""Channels for the place of a cell, in U-Nets that have them: fifteen cosines of x and fifteen of y, enough to tell
each of 16 columns and rows from the others by a linear map."""


def denoising_loss(
    unet: UNet2DConditionModel,
    resampler: DetokenizerResampler,
    scheduler: DDPMScheduler,
    latents: Tensor,
    image_embeds: Tensor,
    *,
    noise: Tensor,
    timesteps: Tensor,
    time_ids: Tensor,
    condition_latents: Tensor | None = None,
) -> Tensor:
    """Returns the mean squared error of the U-Net's prediction, a scalar.

    Args:
        unet: U-Net with C (stage 1) or 2 C (stage 2) input channels.
        resampler: Turns the image features into the U-Net's condition.
        scheduler: Noise schedule; its `prediction_type` ("epsilon" or "v_prediction") decides the target.
        latents: (B, C, H, W) clean latents, already multiplied by the VAE's scaling factor.
        image_embeds: (B, N, D) image features.
        noise: (B, C, H, W) standard normal.
        timesteps: (B,) integers in 0..num_train_timesteps - 1.
        time_ids: (B, 6) from `size_ids`.
        condition_latents: (B, C, H, W) VAE mode of the condition image, not scaled; None is zeros. Stage 2 only.

    Raises:
        ValueError: If the scheduler predicts something else, or a stage-1 U-Net gets condition latents.
    """
    noisy = scheduler.add_noise(latents, noise, timesteps)  # type: ignore[arg-type]  # annotated for int tensors only
    kind = scheduler.config["prediction_type"]
    if kind == "epsilon":
        target = noise
    elif kind == "v_prediction":
        target = scheduler.get_velocity(latents, noise, timesteps)  # type: ignore[arg-type]
    else:
        raise ValueError(f"prediction_type {kind!r} cannot be trained; use 'epsilon' or 'v_prediction'")
    predicted = predict(unet, resampler, noisy, timesteps, image_embeds, time_ids, condition_latents)
    return F.mse_loss(predicted.float(), target.float())


def predict(
    unet: UNet2DConditionModel,
    resampler: DetokenizerResampler,
    noisy_latents: Tensor,
    timesteps: Tensor,
    image_embeds: Tensor,
    time_ids: Tensor,
    condition_latents: Tensor | None = None,
) -> Tensor:
    """Returns the U-Net's (B, C, H, W) prediction for latents that are already noisy; arguments as `denoising_loss`."""
    prompt_embeds, pooled = resampler(image_embeds)
    if condition_latents is not None and not takes_condition(unet):
        raise ValueError(
            f"a U-Net with {unet.config['in_channels']} input channels takes no condition latents; use widen_conv_in"
        )
    noisy_latents = with_inputs(unet, noisy_latents, condition_latents)
    predicted: Tensor = unet(
        noisy_latents,
        timesteps,
        encoder_hidden_states=prompt_embeds,
        added_cond_kwargs={"text_embeds": pooled, "time_ids": time_ids.to(pooled.dtype)},
        return_dict=False,
    )[0]
    return predicted


def size_ids(height: int, width: int, batch_size: int = 1, *, device: torch.device | None = None) -> Tensor:
    """Returns the (B, 6) float size condition (H, W, 0, 0, H, W) in pixels: original size, no crop, target size."""
    row = torch.tensor([height, width, 0, 0, height, width], dtype=torch.float32, device=device)
    return row.repeat(batch_size, 1)


def takes_condition(unet: UNet2DConditionModel) -> bool:
    """Whether the U-Net is one of stage 2, which reads condition latents beside the noisy ones."""
    return _inputs(unet)[0]


def _inputs(unet: UNet2DConditionModel) -> tuple[bool, int]:
    """Returns whether the U-Net reads condition latents, and how many coordinate channels.

    Raises:
        ValueError: If its input channels are none of these.
    """
    channels, latents = unet.config["in_channels"], unet.config["out_channels"]
    for condition in (False, True):
        rest = channels - latents * (1 + condition)
        if rest in (0, COORDINATES):
            return condition, rest
    raise ValueError(
        f"the U-Net has {channels} input channels; with {latents} latent channels it must have {latents} (stage 1) or "
        f"{2 * latents} (stage 2), and {COORDINATES} more if it reads coordinates"
    )


def with_inputs(unet: UNet2DConditionModel, noisy_latents: Tensor, condition_latents: Tensor | None = None) -> Tensor:
    """Returns all that the U-Net reads, (B, in_channels, H, W): noisy latents, condition latents, coordinates.

    Zeros stand for a missing condition. A U-Net with more channels than its latents need also reads the place of each
    cell (after Liu et al. 2018, "CoordConv", with cosines): a small one that is trained for minutes would first have
    to find out where it is from the padding of its convolutions. The released ones have none.
    """
    condition, coordinates = _inputs(unet)
    parts = [noisy_latents]
    if condition:
        parts.append(torch.zeros_like(noisy_latents) if condition_latents is None else condition_latents)
    if coordinates:
        parts.append(_coordinates(noisy_latents, coordinates))
    return torch.cat([part.to(noisy_latents.dtype) for part in parts], dim=1)


def _coordinates(latents: Tensor, channels: int) -> Tensor:
    """Returns (B, channels, H, W): cos(pi k x) for k = 1..channels / 2, then the same of y, with x and y in 0..1."""
    height, width = latents.shape[-2:]
    waves = torch.pi * torch.arange(1, channels // 2 + 1, device=latents.device)[:, None]
    x = (waves * (torch.arange(width, device=latents.device) + 0.5) / width).cos()
    y = (waves * (torch.arange(height, device=latents.device) + 0.5) / height).cos()
    both = torch.cat([x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)])
    return both.expand(latents.shape[0], -1, -1, -1)


def widen_conv_in(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Returns a new U-Net that also reads condition latents, and gives the same output while these are zero.

    The new channels' weights start at zero; everything else is copied. (The reference leaves the bias of the new
    layer at its random start instead of copying it, which throws away a trained value.)
    """
    old, new = unet.config["in_channels"], unet.config["out_channels"]
    wide: UNet2DConditionModel = UNet2DConditionModel.from_config({**unet.config, "in_channels": old + new})
    state = unet.state_dict()
    noisy, coordinates = state["conv_in.weight"].split([new, old - new], dim=1)
    state["conv_in.weight"] = torch.cat([noisy, torch.zeros_like(noisy), coordinates], dim=1)
    wide.load_state_dict(state)
    nn.Module.to(wide, device=unet.device, dtype=unet.dtype)  # diffusers' own `to` warns about layers it does not have
    return wide

"""What the U-Net reads, and the step between stage 1 and stage 2.

Shapes: B batch, C latent channels, H W latent size.
"""

from __future__ import annotations

from typing import Protocol

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

__all__ = [
    "COORDINATES",
    "NoisePredictor",
    "narrow_conv_in",
    "predict_noise",
    "size_ids",
    "takes_condition",
    "widen_conv_in",
    "with_inputs",
]

COORDINATES = 30
"""Channels for the position of a cell, in U-Nets that have them: fifteen cosines of x and fifteen of y, enough to tell
each of 16 columns and rows from the others by a linear map."""


class NoisePredictor(Protocol):
    """Runs a U-Net; the rows of its inputs do not influence each other."""

    def __call__(
        self, sample: Tensor, timestep: Tensor, prompt_embeds: Tensor, pooled: Tensor, time_ids: Tensor, /
    ) -> Tensor:
        """Return the prediction (B, C, H, W), which the caller owns.

        Args:
            sample: (B, in_channels, H, W), as `with_inputs` returns it.
            timestep: () float32, on the device of the others: a number would be copied to a GPU in each step.
            prompt_embeds: (B, Q, P).
            pooled: (B, P2).
            time_ids: (B, 6).
        """
        ...


def predict_noise(
    unet: UNet2DConditionModel,
    sample: Tensor,
    timestep: Tensor,
    prompt_embeds: Tensor,
    pooled: Tensor,
    time_ids: Tensor,
) -> Tensor:
    """Call the U-Net itself; the other arguments are those of a `NoisePredictor`."""
    predicted: Tensor = unet(
        sample,
        timestep,
        encoder_hidden_states=prompt_embeds,
        added_cond_kwargs={"text_embeds": pooled, "time_ids": time_ids},
        return_dict=False,
    )[0]
    return predicted


def size_ids(height: int, width: int, batch_size: int = 1, *, device: torch.device | None = None) -> Tensor:
    """Return the (B, 6) float size condition (H, W, 0, 0, H, W) in pixels: original size, no crop, target size."""
    row = torch.tensor([height, width, 0, 0, height, width], dtype=torch.float32, device=device)
    return row.repeat(batch_size, 1)


def takes_condition(unet: UNet2DConditionModel) -> bool:
    """Whether the U-Net is one of stage 2, which reads condition latents beside the noisy ones."""
    return _inputs(unet)[0]


def _inputs(unet: UNet2DConditionModel) -> tuple[bool, int]:
    """Return whether the U-Net reads condition latents, and how many coordinate channels.

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
    """Return all that the U-Net reads, (B, in_channels, H, W): noisy latents, condition latents, coordinates.

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
    """Return (B, channels, H, W): cos(pi k x) for k = 1..channels / 2, then the same of y, with x and y in 0..1."""
    height, width = latents.shape[-2:]
    waves = torch.pi * torch.arange(1, channels // 2 + 1, device=latents.device)[:, None]
    x = (waves * (torch.arange(width, device=latents.device) + 0.5) / width).cos()
    y = (waves * (torch.arange(height, device=latents.device) + 0.5) / height).cos()
    both = torch.cat([x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)])
    return both.expand(latents.shape[0], -1, -1, -1)


def widen_conv_in(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Return a new U-Net that also reads condition latents, and gives the same output while these are zero.

    The new channels' weights start at zero; everything else is copied. (The reference leaves the bias of the new
    layer at its random start instead of copying it, which throws away a trained value.)
    """
    weight, latents = unet.conv_in.weight, unet.config["out_channels"]
    noisy, coordinates = weight[:, :latents], weight[:, latents:]
    return _with_conv_in(unet, torch.cat([noisy, torch.zeros_like(noisy), coordinates], dim=1))


def narrow_conv_in(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Return a new U-Net without the channels of the condition latents, which gives the output of zeros there."""
    weight, latents = unet.conv_in.weight, unet.config["out_channels"]
    return _with_conv_in(unet, torch.cat([weight[:, :latents], weight[:, 2 * latents :]], dim=1))


def _with_conv_in(unet: UNet2DConditionModel, weight: Tensor) -> UNet2DConditionModel:
    """Return a copy of a U-Net with another weight of its first convolution, on the same device."""
    with unet.device:  # on the meta device nothing is computed
        copy: UNet2DConditionModel = UNet2DConditionModel.from_config({**unet.config, "in_channels": weight.shape[1]})
    copy.load_state_dict(unet.state_dict() | {"conv_in.weight": weight})
    nn.Module.to(copy, dtype=unet.dtype)  # diffusers' own `to` warns about layers it does not have
    return copy

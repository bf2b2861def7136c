"""The losses of the language model and of the de-tokenizer.

Shapes: S supervised tokens, W width of hidden states, V vocabulary, G images to draw, B batch, N image tokens, D their
width, C latent channels, H W latent size.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from einops import reduce
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions
from torch.nn import functional as F

from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.unet import predict_noise, takes_condition, with_inputs

__all__ = ["denoising_loss", "denoising_losses", "next_token_losses", "predict", "regression_losses"]

PLAIN_ROWS = 1024
"""Tokens whose logits are in memory at a time where no gradient is wanted."""


def next_token_losses(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """Return the (S) cross-entropies in float32, without the logits of all tokens in memory at once.

    With gradients it is the chunked kernel of torch, which computes in the type of the hidden states; without, logits
    are float32. (The kernel's own sum is 5 % wrong in bfloat16, so it is asked for single values.)

    Args:
        hidden: (S, W) hidden states from which each target is predicted.
        head: (V, W) output embeddings.
        targets: (S) token ids.
    """
    if torch.is_grad_enabled():
        weight = head.to(hidden.dtype)
        losses = F.linear_cross_entropy(hidden, weight, targets, reduction="none", options=LinearCrossEntropyOptions())
        return losses.float()
    weight = head.float()
    parts = zip(torch.split(hidden, PLAIN_ROWS), torch.split(targets, PLAIN_ROWS), strict=True)
    return torch.cat([F.cross_entropy(F.linear(h.float(), weight), t, reduction="none") for h, t in parts])


def regression_losses(predicted: Tensor, target: Tensor, kind: Literal["mse", "cosine"]) -> Tensor:
    """Return the (G) mean distances between image features (G, N, D), in float32.

    Source: ContinuousLVLM.forward in seed_x.py.
    """
    predicted, target = predicted.float(), target.float()
    if kind == "mse":
        return (predicted - target).square().mean(dim=(1, 2))
    return (1 - F.cosine_similarity(predicted, target, dim=-1)).mean(dim=1)


def denoising_loss(*args: Any, **kwargs: Any) -> Tensor:
    """Return the mean of `denoising_losses`, a scalar."""
    return denoising_losses(*args, **kwargs).mean()


def denoising_losses(
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
    """Return the mean squared error of the U-Net's prediction for each image, (B,) float32.

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
    errors = F.mse_loss(predicted.float(), target.float(), reduction="none")
    return reduce(errors, "b c h w -> b", "mean")


def predict(
    unet: UNet2DConditionModel,
    resampler: DetokenizerResampler,
    noisy_latents: Tensor,
    timesteps: Tensor,
    image_embeds: Tensor,
    time_ids: Tensor,
    condition_latents: Tensor | None = None,
) -> Tensor:
    """Return the U-Net's (B, C, H, W) prediction for latents that are already noisy; arguments as `denoising_loss`."""
    prompt_embeds, pooled = resampler(image_embeds)
    if condition_latents is not None and not takes_condition(unet):
        raise ValueError(
            f"a U-Net with {unet.config['in_channels']} input channels takes no condition latents; use widen_conv_in"
        )
    noisy_latents = with_inputs(unet, noisy_latents, condition_latents)
    return predict_noise(unet, noisy_latents, timesteps, prompt_embeds, pooled, time_ids)

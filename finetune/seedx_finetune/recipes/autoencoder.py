"""Training of the VAE between pictures and latents.

Absolute error of the pixels and of their differences (which keeps outlines sharp), and a light pull of the posterior
towards a unit normal, as latent diffusion models are trained.
"""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from einops import rearrange
from torch import Tensor

from seedx_finetune.data import random_scenes, to_signed
from seedx_finetune.trainer import TrainConfig
from seedx_finetune.world import Scene

KL_WEIGHT = 1e-5 / 64
"""Weight of the KL divergence from a unit normal, summed over the latent of a picture."""
_COMPACT_LOGVAR = -6.0
"""Logarithm of the posterior's variance in a compacted VAE: a twentieth of the latents' own deviation."""


def loss(
    vae: AutoencoderKL, config: TrainConfig, step: int, *, thing_weight: float = 1.0, latent_noise: float = 0.0
) -> dict[str, Tensor]:
    """Returns the loss terms on the batch of this update.

    Args:
        vae: The VAE.
        config: Gives the batch its size and seed.
        step: Number of the update.
        thing_weight: How much more a pixel of a thing counts than one of the background, which covers most of a page.
        latent_noise: Largest standard deviation of the noise that the decoder has to put up with, as a share of the
            latents' own; drawn per picture from 0 to this. De-noised latents are not exact, and hues that lie close
            together would change with every small error.
    """
    scenes = random_scenes(config.batch_size, seed=(config.seed, step))
    pixels = to_signed(scenes, vae.config["sample_size"])
    with torch.autocast("cpu", torch.bfloat16):
        posterior = vae.encode(pixels).latent_dist
        latents = posterior.sample()
        spread = latent_noise * torch.rand(len(latents), 1, 1, 1) * latents.std((0, 2, 3), keepdim=True).detach()
        decoded = vae.decode(latents + spread * torch.randn_like(latents)).sample.float()
    error = (decoded - pixels) * _pixel_weights(scenes, pixels.shape[-1], thing_weight)
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    kl = posterior.kl().mean()
    pixel = error.abs().mean()
    mse = (decoded - pixels).detach().square().mean()
    return {
        "loss": pixel + error.square().mean() + edges + KL_WEIGHT * kl,
        "l1": pixel.detach(),
        "kl": kl.detach() / posterior.mean[0].numel(),
        "psnr": 10 * torch.log10(4 / mse),
    }


def _pixel_weights(scenes: list[Scene], size: int, thing_weight: float) -> Tensor:
    """Returns (B, 1, size, size): `thing_weight` inside the boxes of things, 1 elsewhere."""
    weights = torch.ones(len(scenes), 1, size, size)
    for row, scene in enumerate(scenes):
        for thing in scene.things:
            x0, y0, x1, y1 = (round(c * size) for c in thing.box)
            weights[row, :, y0:y1, x0:x1] = thing_weight
    return weights


@torch.no_grad()
def compact(vae: AutoencoderKL, latents: Tensor, channels: int) -> AutoencoderKL:
    """Returns a VAE with fewer latent channels that copies the same pictures almost as well, for a small U-Net.

    A VAE on a small world leaves some of its latent space empty. The new channels are the principal components of
    the old ones, each scaled to the square root of its standard deviation: a de-noising loss then weighs neither the
    brightness, which rules the pixels, nor the hues alone. Both maps go into the convolutions next to the latents, so
    only the border of a page changes, where those convolutions pad with zeros.

    Args:
        vae: With `quant_conv` and `post_quant_conv`.
        latents: (N, C, H, W) posterior modes of many pictures.
        channels: Number of components to keep.
    """
    values = rearrange(latents, "n c h w -> (n h w) c")
    mean = values.mean(0)
    variances, components = torch.linalg.eigh(torch.cov(values.T))
    scale = variances[-channels:] ** -0.25
    into = scale[:, None] * components[:, -channels:].T  # (channels, C)
    back = components[:, -channels:] / scale
    small: AutoencoderKL = AutoencoderKL.from_config({**vae.config, "latent_channels": channels})
    state = vae.state_dict()
    quant, quant_bias = state["quant_conv.weight"][: len(mean), :, 0, 0], state["quant_conv.bias"][: len(mean)]
    last, last_bias = state["encoder.conv_out.weight"], state["encoder.conv_out.bias"]
    state["encoder.conv_out.weight"] = torch.cat(
        [torch.einsum("ij,jk,kchw->ichw", into, quant, last), torch.zeros(channels, *last.shape[1:])]
    )
    state["encoder.conv_out.bias"] = torch.cat(
        [into @ (quant @ last_bias + quant_bias - mean), torch.full((channels,), _COMPACT_LOGVAR)]
    )
    post, post_bias = state["post_quant_conv.weight"][:, :, 0, 0], state["post_quant_conv.bias"]
    first = state["decoder.conv_in.weight"]
    state["decoder.conv_in.weight"] = torch.einsum("ochw,cj,jk->okhw", first, post, back)
    state["decoder.conv_in.bias"] = state["decoder.conv_in.bias"] + first.sum((2, 3)) @ (post @ mean + post_bias)
    for name, width in (("quant_conv", 2 * channels), ("post_quant_conv", channels)):
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.eye(width)[:, :, None, None], torch.zeros(width)
    small.load_state_dict(state)
    return small

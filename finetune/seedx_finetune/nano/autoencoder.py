"""Training of the VAE between images and latents.

Absolute error of the pixels and of their differences (which keeps outlines sharp), and a light pull of the posterior
towards a unit normal, as latent diffusion models are trained.
"""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from seedx_finetune.nano.pixels import random_scenes, to_signed
from seedx_finetune.nano.trainer import TrainConfig
from seedx_finetune.world import Scene

KL_WEIGHT = 1e-5 / 64
"""Weight of the KL divergence from a unit normal, summed over the latent of an image."""


def loss(
    vae: AutoencoderKL, config: TrainConfig, step: int, *, thing_weight: float = 1.0, latent_noise: float = 0.0
) -> dict[str, Tensor]:
    """Return the loss terms on the batch of this update.

    Args:
        vae: The VAE.
        config: Gives the batch its size and seed.
        step: Number of the update.
        thing_weight: How much more a pixel of a thing counts than one of the background, which covers most of a page.
        latent_noise: Largest standard deviation of the noise that the decoder has to tolerate, as a fraction of the
            latents' own; drawn per image from 0 to this. Denoised latents are not exact, and hues that lie close
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
    """Return (B, 1, size, size): `thing_weight` inside the boxes of things, 1 elsewhere."""
    weights = torch.ones(len(scenes), 1, size, size)
    for row, scene in enumerate(scenes):
        for thing in scene.things:
            x0, y0, x1, y1 = (round(c * size) for c in thing.box)
            weights[row, :, y0:y1, x0:x1] = thing_weight
    return weights

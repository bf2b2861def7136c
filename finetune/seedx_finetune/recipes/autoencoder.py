"""Training of the VAE between pictures and latents.

Absolute error of the pixels and of their differences (which keeps outlines sharp), and a light pull of the posterior
towards a unit normal, as latent diffusion models are trained.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from seedx_finetune.data import random_scenes, to_signed
from seedx_finetune.trainer import TrainConfig

KL_WEIGHT = 1e-5
"""Weight of the KL term per latent number."""


def loss(vae: AutoencoderKL, config: TrainConfig, step: int) -> dict[str, Tensor]:
    """Returns the loss terms on the batch of this update."""
    scenes = random_scenes(config.batch_size, seed=(config.seed, step))
    pixels = to_signed(scenes, vae.config.sample_size).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        posterior = vae.encode(pixels).latent_dist
        decoded = vae.decode(posterior.sample()).sample.float()
    error = decoded - pixels
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    kl = posterior.kl().mean() / posterior.mean[0].numel()
    pixel = error.abs().mean()
    mse = error.detach().square().mean()
    return {
        "loss": pixel + error.square().mean() + edges + KL_WEIGHT * kl * posterior.mean[0].numel() / 64,
        "l1": pixel.detach(),
        "kl": kl.detach(),
        "psnr": 10 * torch.log10(4 / mse),
    }

"""The modules that a stage of the de-tokenizer computes with, trained and frozen, as one.

Shapes: B images, N visual tokens, D their width, C latent channels, H W latent size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.resnet import ResnetBlock2D
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor, nn

from seedx_finetune.data.batches import DenoisingBatch
from seedx_finetune.stages.detokenizer_parts import Parts
from seedx_finetune.training.losses import denoising_losses
from seedx_finetune.training.precision import autocast
from seedx_sdk.model.lvlm import pool_features
from seedx_sdk.model.transforms import CLIP_MEAN, CLIP_STD
from seedx_sdk.model.unet import takes_condition
from seedx_sdk.model.visual_encoder import VisualEncoder

__all__ = ["DenoisingDraws", "DetokenizerModel"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DenoisingDraws:
    """The random choices of a batch, on the CPU."""

    timesteps: Tensor
    """(B,) int64."""
    noise: Tensor
    """(B, C, H, W) that is added to the latents."""
    posterior_noise: Tensor
    """(B, C, H, W) that samples the VAE's posterior."""
    drops_features: Tensor
    """(B,) bool: the features of the zero image take the place of the image's own."""
    drops_condition: Tensor
    """(B,) bool: zeros take the place of the condition latents."""


class DetokenizerModel(nn.Module):
    """U-Net and resampler, the VAE, and the visual encoder whose features they draw from.

    Args:
        parts: The modules of the de-tokenizer, of which the U-Net and the resampler may be trained.
        encoder: The visual encoder.
        scheduler: The noise schedule of training.
        visual_tokens: N; means of as many consecutive features are taken as it needs.
    """

    null_features: Tensor
    """(1, N, D) features of the zero image, which inference guides away from."""

    def __init__(self, parts: Parts, encoder: VisualEncoder, scheduler: DDPMScheduler, visual_tokens: int) -> None:
        super().__init__()
        self.unet, self.resampler, self.vae, self.encoder = parts.unet, parts.resampler, parts.vae, encoder
        self.scheduler, self.visual_tokens = scheduler, visual_tokens

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move to a device: trained weights in float32, frozen ones in `dtype`; then encode the zero image."""
        for parameter in self.parameters():
            parameter.data = parameter.data.to(device, torch.float32 if parameter.requires_grad else dtype)
        for buffer in self.buffers():
            buffer.data = buffer.data.to(device, dtype)
        side = self.encoder.config.image_size
        zeros = torch.zeros(1, 3, side, side, device=device, dtype=dtype)
        with torch.no_grad():
            self.register_buffer("null_features", self._encode(zeros), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.null_features.device

    @property
    def takes_condition(self) -> bool:
        """Whether the U-Net reads condition latents."""
        return takes_condition(self.unet)

    def blocks(self) -> Iterator[nn.Module]:
        """Yield what is sharded, checkpointed and compiled on its own; each runs once in every batch."""
        yield from self.encoder.transformer.resblocks
        yield from self.unet_blocks()

    def unet_blocks(self) -> Iterator[nn.Module]:
        """Yield the residual and the transformer blocks of the U-Net."""
        for module in self.unet.modules():
            if isinstance(module, BasicTransformerBlock | ResnetBlock2D):
                yield module

    def forward(self, compute: Callable[[DetokenizerModel], T]) -> T:
        """Return compute(self). All use goes through here: a sharded model is whole only inside its forward."""
        return compute(self)

    def features(self, pixels: Tensor) -> Tensor:
        """Return the features (B, N, D) of uint8 images (B, 3, S, S), as the visual encoder gives them in use."""
        mean, std = (torch.tensor(v, device=self.device)[:, None, None] for v in (CLIP_MEAN, CLIP_STD))
        normalized = (pixels.to(self.device).float() / 255 - mean) / std
        with torch.no_grad():
            return self._encode(normalized.to(self.null_features.dtype))

    def _encode(self, normalized: Tensor) -> Tensor:
        features: Tensor = self.encoder(normalized)
        return pool_features(features, features.shape[1] // self.visual_tokens)

    @torch.no_grad()
    def latents(self, pixels: Tensor, posterior_noise: Tensor) -> Tensor:
        """Return a sample (B, C, H, W) of the VAE's posterior of uint8 images, times the scaling factor, float32."""
        posterior = self.vae.encode(self._signed(pixels)).latent_dist
        sample = posterior.mean.float() + posterior.std.float() * posterior_noise.to(self.device)
        scaled: Tensor = sample * self.vae.config["scaling_factor"]
        return scaled

    @torch.no_grad()
    def condition_latents(self, batch: DenoisingBatch, dropped: Tensor) -> Tensor | None:
        """Return the mode (B, C, H, W) of the VAE's posterior of the condition images, not scaled, as in use.

        It is zero where there is none or it is dropped; None if the U-Net takes none.
        """
        if not self.takes_condition:
            return None
        factor = 2 ** (len(self.vae.config["block_out_channels"]) - 1)
        count, _, height, width = batch.condition.shape
        shape = (count, self.vae.config["latent_channels"], height // factor, width // factor)
        latents = torch.zeros(shape, device=self.device)
        rows = (batch.has_condition & ~dropped).nonzero()[:, 0]
        if len(rows) == 0:
            return latents
        modes: Tensor = self.vae.encode(self._signed(batch.condition[rows])).latent_dist.mode()
        return latents.index_copy(0, rows.to(self.device), modes.float())

    def precision(self) -> AbstractContextManager[Any]:
        """Return the context in which trained weights of float32 meet frozen ones of another type."""
        return autocast(self.device, self.null_features.dtype)

    def image_losses(self, batch: DenoisingBatch, draws: DenoisingDraws, features: Tensor | None = None) -> Tensor:
        """Return the loss (B,) of each image of a batch.

        Args:
            batch: Images, on the CPU.
            draws: Its random choices.
            features: (B, N, D) to draw from; None for those of the visual encoder.
        """
        device = self.device
        if features is None:
            features = self.features(batch.encoder_view)
        features = torch.where(draws.drops_features.to(device)[:, None, None], self.null_features, features)
        latents = self.latents(batch.target, draws.posterior_noise)
        condition = self.condition_latents(batch, draws.drops_condition)
        height, width = batch.target.shape[-2:]
        drawn = torch.tensor([height, width]).expand(len(batch.names), -1)
        time_ids = torch.cat([batch.sizes, batch.crops, drawn], dim=1).float()
        with self.precision():
            return denoising_losses(
                self.unet,
                self.resampler,
                self.scheduler,
                latents,
                features,
                noise=draws.noise.to(device),
                timesteps=draws.timesteps.to(device),
                time_ids=time_ids.to(device),
                condition_latents=condition,
            )

    def _signed(self, pixels: Tensor) -> Tensor:
        return (pixels.to(self.device).float() / 127.5 - 1).to(self.null_features.dtype)

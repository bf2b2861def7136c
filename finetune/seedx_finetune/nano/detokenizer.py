"""Training of the de-tokenizer: its resampler, stage 1 from image features alone, stage 2 with a condition image too.

The resampler learns first, by regression, to tell each place of the canvas its latents. A small U-Net would need
many thousands of updates to find out by itself how to take the features apart; of good tokens it makes images soon.
The features are the codes of pages, which the language model learns to predict, and in the end the language model's
own predictions, so that the de-tokenizer meets what it will be given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_finetune.nano.page_code import COLOR, KIND, PLACE_WIDTH, cell_labels, drawn_codes, places_within
from seedx_finetune.nano.trainer import TrainConfig
from seedx_finetune.training.losses import denoising_loss
from seedx_finetune.world import Scene
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.unet import size_ids

PREDICTED_SHARE = 0.7
"""How often stage 2 shows the language model's prediction; the rest are the codes of pages."""


class ResamplerPretraining(nn.Module):
    """A resampler whose tokens, one for each cell of the latents, are read by linear heads.

    They tell the latents of the cell; what lies there, and where within its box the cell is, since from there it is
    not far to the latents; and the cell's own row and column.
    """

    def __init__(self, resampler: DetokenizerResampler, latent_channels: int, side: int) -> None:
        super().__init__()
        config = resampler.config
        width = config["output1_dim"] + config["output2_dim"]
        self.resampler, self.side = resampler, side
        self.latents = nn.Linear(width, latent_channels)
        self.place = nn.Linear(width, PLACE_WIDTH)
        self.kind = nn.Linear(width, KIND.stop - KIND.start)
        self.color = nn.Linear(width, COLOR.stop - COLOR.start)
        self.row, self.column = nn.Linear(width, side), nn.Linear(width, side)

    def forward(self, embeds: Tensor, latents: Tensor, scenes: list[Scene]) -> dict[str, Tensor]:
        """Return the loss and its terms for features (B, N, D) and scaled latents (B, C, side, side) of pages."""
        tokens, _ = self.resampler(embeds)
        (kinds, colors), places = cell_labels(scenes), places_within(scenes)
        covered = places.any(-1)
        number = torch.arange(tokens.shape[1]).expand(len(tokens), -1)
        error = self.latents(tokens).float() - rearrange(latents, "b c h w -> b (h w) c")
        terms = {
            "latents": error.square().mean(),
            "things": error[covered].square().mean(),
            "place": F.mse_loss(self.place(tokens[covered]).float(), places[covered]),
        }
        labels = {"kind": kinds, "color": colors, "row": number // self.side, "column": number % self.side}
        for name, label in labels.items():
            terms[name] = F.cross_entropy(getattr(self, name)(tokens).float().flatten(0, 1), label.flatten())
        weights = {"latents": 0.5, "things": 0.5, "kind": 0.1, "color": 0.1, "row": 0.02, "column": 0.02}
        return {"loss": torch.as_tensor(sum(weights.get(name, 1.0) * term for name, term in terms.items()))} | terms


class DetokenizerParts(nn.Module):
    """The two trained parts of a de-tokenizer."""

    def __init__(self, unet: UNet2DConditionModel, resampler: DetokenizerResampler) -> None:
        super().__init__()
        self.unet, self.resampler = unet, resampler


@dataclass(kw_only=True, slots=True)
class DenoisingData:
    """What the de-tokenizer trains on."""

    latents: np.ndarray
    """(images, C, H, W) unscaled posterior modes."""
    scenes: list[Scene]
    """The pages of the images; their codes are the features to draw from."""
    scaling_factor: float
    """The VAE's."""
    image_size: int
    """Side of the images in pixels."""
    pairs: np.ndarray | None = None
    """(edits, 2) image indices of source and target; None in stage 1."""
    predicted: dict[int, np.ndarray] | None = None
    """The language model's prediction (64, D) for images, used in `PREDICTED_SHARE` of the samples; None: never."""
    pages: np.ndarray | None = None
    """Indices of the images to draw without a condition image; None for all."""
    condition_share: float = 0.5
    """Fraction of samples in stage 2 that get a condition image."""
    feature_noise: float = 0.0
    """Largest standard deviation of the noise put on the features, drawn per sample from 0 to this."""
    noisy_updates: int = 0
    """Updates at the start that see almost pure noise alone, so that all comes from the features."""

    def features(self, images: np.ndarray) -> Tensor:
        """Return the features (B, N, D) of images: the codes of their pages."""
        return drawn_codes([self.scenes[i] for i in images])

    def scaled_latents(self, images: np.ndarray | slice) -> Tensor:
        """Return the latents (B, C, H, W) of images at unit variance."""
        return torch.from_numpy(self.latents[images].astype(np.float32)) * self.scaling_factor


def resampler_loss(
    model: ResamplerPretraining, data: DenoisingData, config: TrainConfig, step: int
) -> dict[str, Tensor]:
    """Return the regression loss of the resampler's pre-training on the batch of this update."""
    target = np.random.default_rng((config.seed, step)).integers(len(data.latents), size=config.batch_size)
    with torch.autocast("cpu", torch.bfloat16):
        embeds, scenes = _noisy(data.features(target), data), [data.scenes[i] for i in target]
        terms: dict[str, Tensor] = model(embeds, data.scaled_latents(target), scenes)
    return terms


def _noisy(embeds: Tensor, data: DenoisingData) -> Tensor:
    return embeds + data.feature_noise * torch.rand(len(embeds), 1, 1) * torch.randn_like(embeds)


def loss(
    model: DetokenizerParts, scheduler: DDPMScheduler, data: DenoisingData, config: TrainConfig, step: int
) -> dict[str, Tensor]:
    """Return the denoising loss on the batch of this update."""
    rng = np.random.default_rng((config.seed, step))
    size = config.batch_size
    target = rng.integers(len(data.latents), size=size) if data.pages is None else rng.choice(data.pages, size=size)
    source = np.full(size, -1)
    if data.pairs is not None:
        conditioned = rng.random(size) < data.condition_share
        chosen = data.pairs[rng.integers(len(data.pairs), size=size)]
        target = np.where(conditioned, chosen[:, 1], target)
        source = np.where(conditioned, chosen[:, 0], source)
    embeds = data.features(target)
    if data.predicted is not None:
        for row, index in enumerate(target):
            if index in data.predicted and rng.random() < PREDICTED_SHARE:
                embeds[row] = torch.from_numpy(data.predicted[index].astype(np.float32))
    embeds, latents = _noisy(embeds, data), data.scaled_latents(target)
    condition = None
    if data.pairs is not None:
        condition = torch.from_numpy(data.latents[np.maximum(source, 0)].astype(np.float32))
        condition[torch.from_numpy(source < 0)] = 0
    noise = torch.randn_like(latents)
    steps = scheduler.config["num_train_timesteps"]
    timesteps = torch.randint(0, steps, (size,))
    if step < data.noisy_updates:
        timesteps = torch.randint(steps * 9 // 10, steps, (size,))
    else:  # half of the samples see mostly noise: that is where the features decide what is drawn
        timesteps[: size // 2] = torch.randint(steps * 6 // 10, steps, (size // 2,))
    with torch.autocast("cpu", torch.bfloat16):
        value = denoising_loss(
            model.unet,
            model.resampler,
            scheduler,
            latents,
            embeds,
            noise=noise,
            timesteps=timesteps,
            time_ids=size_ids(data.image_size, data.image_size, size),
            condition_latents=condition,
        )
    return {"loss": value}

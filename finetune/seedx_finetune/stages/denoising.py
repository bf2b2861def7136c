"""What the stages of the de-tokenizer share: their settings, their parts, the choices of a batch, and the result.

Shapes: B images, C latent channels, H W latent size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from pydantic import Field
from torch import Tensor, nn

from seedx_finetune.data.batches import DenoisingBatch, Position
from seedx_finetune.errors import ConfigError
from seedx_finetune.stages.detokenizer_model import DenoisingDraws, DetokenizerModel
from seedx_finetune.stages.detokenizer_parts import NewResampler, Parts, Sizes, read_sizes
from seedx_finetune.training.stage import Loss, StageConfig
from seedx_sdk.checkpoints.directory import load_visual_encoder, quiet_libraries
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.visual_encoder import VisualEncoder

__all__ = ["TERM", "DenoisingConfig", "DenoisingStage", "is_trained", "losses_by_source"]

TERM = "denoising"
"""Name of the loss."""


class DenoisingConfig(StageConfig):
    """A stage that trains a de-tokenizer."""

    start: Path
    """A diffusers directory: SDXL, which has no resampler, or a trained de-tokenizer."""
    checkpoint_dir: Path
    """A checkpoint directory, whose visual encoder gives the features."""
    condition: bool
    """Whether the U-Net reads condition latents (stage 2). Channels that the start lacks begin at zero; those that it
    has too many are cut off."""
    trained: Literal["keys_values", "unet"]
    """What is trained beside the resampler: every to_k and to_v, of self- and cross-attention, or the whole U-Net."""
    new_resampler: NewResampler | None = None
    """A resampler that begins with random weights; None goes on with that of the start."""
    visual_tokens: int = Field(64, gt=0)
    """Features of an image, each the mean of consecutive ones of the encoder (paper, 4.3; all of them: no mean)."""
    image_size: int = Field(1024, gt=0)
    """Side in pixels of the images to draw."""
    drop_features: float = Field(ge=0, le=1)
    """Share of images drawn from the features of the zero image, for guidance to work."""
    drop_condition: float = Field(ge=0, le=1)
    """Share of images whose condition latents are zero."""
    drop_both: float = Field(ge=0, le=1)
    """Share of images with neither."""
    sheet_steps: int = Field(50, gt=0)
    """Denoising steps of the sheet of samples (the reference's scripts)."""
    sheet_guidance: float = 7.5
    """Weight of the features on the sheet (adapter_modules.py)."""
    sheet_condition_guidance: float = 1.5
    """Weight of the condition image (pipeline_stable_diffusion_xl_t2i_edit.py)."""

    def sizes(self) -> Sizes:
        """Return the sizes of the parts.

        Raises:
            ConfigError: If the parts do not fit one another, or the settings do not fit the parts.
        """
        sizes = read_sizes(self.start, self.checkpoint_dir, self.new_resampler)
        features = sizes.encoder.n_queries
        if features % self.visual_tokens:
            raise ConfigError(
                f"stage.visual_tokens is {self.visual_tokens}; the visual encoder gives {features} features, so take "
                "a number that divides them"
            )
        multiple = 2 ** (len(sizes.vae["block_out_channels"]) + len(sizes.unet["block_out_channels"]) - 2)
        if self.image_size % multiple:
            raise ConfigError(f"stage.image_size is {self.image_size}; it must be a multiple of {multiple}")
        total = self.drop_features + self.drop_condition + self.drop_both
        if total > 1:
            raise ConfigError(
                f"stage.drop_features, drop_condition and drop_both add up to {total}; they are shares of the images, "
                "so take at most 1 in all"
            )
        if not self.condition and (self.drop_condition or self.drop_both):
            raise ConfigError(
                "stage.drop_condition and drop_both drop a condition image, which the U-Net has only with "
                "stage.condition; set them to 0"
            )
        if sizes.scheduler["prediction_type"] not in ("epsilon", "v_prediction"):
            raise ConfigError(
                f"the scheduler of {self.start} predicts {sizes.scheduler['prediction_type']!r}; only 'epsilon' and "
                "'v_prediction' can be trained"
            )
        return sizes


class DenoisingStage:
    """The part of `training.stage.Stage` that does not depend on where the features come from."""

    config: DenoisingConfig
    sizes: Sizes

    def prepared(self, model: DetokenizerModel, device: torch.device, dtype: torch.dtype) -> None:
        """Mark what is trained, and move the model to its device."""
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(is_trained(name, self.config.trained))
        model.place(device, dtype)
        model.train()

    def parts(self, device: torch.device) -> Parts:
        """Return the de-tokenizer in float32: on the CPU with its weights, or without them on the meta device.

        Raises:
            ConfigError: If its directory is missing.
        """
        config = self.config
        if device.type == "meta":
            return Parts.on_meta(self.sizes, condition=config.condition)
        _check_there("start", config.start)
        return Parts.read(config.start, self.sizes, config.new_resampler, condition=config.condition)

    def encoder(self, device: torch.device) -> VisualEncoder:
        """Return the visual encoder likewise; raise as `parts`."""
        if device.type == "meta":
            with device:
                return VisualEncoder(self.sizes.encoder)
        _check_there("checkpoint_dir", self.config.checkpoint_dir)
        return load_visual_encoder(self.config.checkpoint_dir)

    def scheduler(self) -> DDPMScheduler:
        """Return the noise schedule of the start, as it is trained with."""
        with quiet_libraries():
            scheduler: DDPMScheduler = DDPMScheduler.from_config(dict(self.sizes.scheduler))
        return scheduler

    def blocks(self, model: nn.Module) -> Iterable[nn.Module]:
        """Yield the blocks of the frozen models, and the residual and transformer blocks of the U-Net."""
        assert isinstance(model, DetokenizerModel)
        return model.blocks()

    def draws(self, batch: DenoisingBatch, generator: torch.Generator) -> DenoisingDraws:
        """Return the random choices of a batch, which depend on the generator alone."""
        shape = self.latent_shape(batch)
        drops_features, drops_condition = self.drop_out(len(batch.names), generator)
        steps = self.sizes.scheduler["num_train_timesteps"]
        return DenoisingDraws(
            timesteps=torch.randint(steps, shape[:1], generator=generator),
            noise=torch.randn(shape, generator=generator),
            posterior_noise=torch.randn(shape, generator=generator),
            drops_features=drops_features,
            drops_condition=drops_condition,
        )

    def latent_shape(self, batch: DenoisingBatch) -> tuple[int, int, int, int]:
        """Return the shape (B, C, H, W) of the latents of a batch."""
        count, _, height, width = batch.target.shape
        factor = 2 ** (len(self.sizes.vae["block_out_channels"]) - 1)
        return count, self.sizes.vae["latent_channels"], height // factor, width // factor

    def drop_out(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return which images (B,) lose their features, and which their condition latents."""
        bounds = torch.tensor([self.config.drop_features, self.config.drop_condition, self.config.drop_both]).cumsum(0)
        fate = torch.bucketize(torch.rand(count, generator=generator), bounds, right=True)
        return (fate == 0) | (fate == 2), (fate == 1) | (fate == 2)

    def example_images(self, count: int) -> DenoisingBatch:
        """Return black images; with a U-Net that takes one, each has a condition image."""
        size, cell = self.config.image_size, self.sizes.encoder.image_size
        pixels = torch.zeros(count, 3, size, size, dtype=torch.uint8)
        return DenoisingBatch(
            after=Position(),
            names=("example",) * count,
            sources=("example",) * count,
            skipped=(),
            target=pixels,
            condition=pixels,
            has_condition=torch.full((count,), self.config.condition),
            encoder_view=torch.zeros(count, 3, cell, cell, dtype=torch.uint8),
            sizes=torch.full((count, 2), size),
            crops=torch.zeros(count, 2, dtype=torch.int64),
        )

    def pipeline(self, parts: Parts | DetokenizerModel) -> Detokenizer:
        """Return modules as the de-tokenizer that they are in use."""
        with quiet_libraries():
            scheduler = EulerDiscreteScheduler.from_config(dict(self.sizes.scheduler))
        pipeline = Detokenizer(parts.unet, parts.vae, scheduler, parts.resampler)
        pipeline.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]
        return pipeline

    def export(self, model: nn.Module, directory: Path) -> None:
        """Write the part `detokenizer` or `detokenizer_edit` of a checkpoint directory, in float32.

        What is not trained is that of the start, bit for bit, whatever it was rounded to for training.
        """
        assert isinstance(model, DetokenizerModel)
        parts = self.parts(torch.device("cpu"))
        trained = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
        whole = nn.ModuleDict({"unet": parts.unet, "resampler": parts.resampler})
        whole.load_state_dict(whole.state_dict() | trained)
        name = "detokenizer_edit" if self.config.condition else "detokenizer"
        with quiet_libraries():
            self.pipeline(parts).save_pretrained(directory / name)


def _check_there(field: str, path: Path) -> None:
    if not path.is_dir():
        raise ConfigError(f"there is no directory {path}; set stage.{field} to yours")


def is_trained(name: str, trained: Literal["keys_values", "unet"]) -> bool:
    """Return whether a parameter of `DetokenizerModel` is trained."""
    if name.startswith("unet."):
        return trained == "unet" or ".to_k." in name or ".to_v." in name
    return name.startswith("resampler.")


def losses_by_source(losses: Tensor, sources: Sequence[str]) -> list[Loss]:
    """Return the losses (B,) of images as one sum for each source."""
    terms = []
    for source in dict.fromkeys(sources):
        rows = [row for row, name in enumerate(sources) if name == source]
        terms.append(Loss(TERM, source, losses[torch.tensor(rows, device=losses.device)].sum(), len(rows)))
    return terms

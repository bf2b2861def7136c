"""The two stages of the de-tokenizer: to draw from image features, then from a condition image too.

Stage 1 trains the resampler and the keys and values of SDXL's U-Net; stage 2 widens the U-Net's input by the condition
latents and trains all of it (paper, 3.1 and appendix B). The VAE and the visual encoder are frozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from seedx_finetune.data.batches import DenoisingBatch, Position
from seedx_finetune.data.loader import image_pairs
from seedx_finetune.stages.denoising import TERM, DenoisingConfig, DenoisingStage, losses_by_source
from seedx_finetune.stages.detokenizer_model import DetokenizerModel
from seedx_finetune.stages.detokenizer_parts import Sizes
from seedx_finetune.stages.detokenizer_sheet import draw_sheet
from seedx_finetune.training.config import RunConfig, SourceConfig
from seedx_finetune.training.stage import Loss

__all__ = ["DetokenizerConfig", "DetokenizerStage"]


class DetokenizerConfig(DenoisingConfig):
    """Stage 1 or stage 2 of the de-tokenizer, which draws from the features of the visual encoder."""

    kind: Literal["detokenizer"] = "detokenizer"
    batch_size: int = Field(gt=0)
    """Images of a batch."""

    def build(self) -> DetokenizerStage:
        """Return the stage; raise as `sizes`."""
        return DetokenizerStage(self, self.sizes())


class DetokenizerStage(DenoisingStage):
    """Trains on images; see `training.stage.Stage`."""

    def __init__(self, config: DetokenizerConfig, sizes: Sizes) -> None:
        self.config: DetokenizerConfig = config
        self.sizes = sizes

    def model(self, device: torch.device, dtype: torch.dtype) -> DetokenizerModel:
        """Return the parts; raise as `parts`."""
        model = DetokenizerModel(self.parts(device), self.encoder(device), self.scheduler(), self.config.visual_tokens)
        self.prepared(model, device, dtype)
        return model

    def batches(
        self, sources: Sequence[SourceConfig], run: RunConfig, *, start: Position, rank: int, world: int
    ) -> Iterator[DenoisingBatch]:
        """Yield this rank's batches from a position on."""
        return image_pairs(
            sources,
            run,
            batch_size=self.config.batch_size,
            size=self.config.image_size,
            cell=self.sizes.encoder.image_size,
            start=start,
            rank=rank,
            world=world,
        )

    def example_batch(self, run: RunConfig) -> DenoisingBatch:
        """Return a full batch of black images, whatever the run; those that can have a condition image have one."""
        del run
        return self.example_images(self.config.batch_size)

    def counts(self, batch: DenoisingBatch) -> Mapping[str, int]:
        """Return the number of images."""
        return {TERM: len(batch.names)}

    def losses(self, model: nn.Module, batch: DenoisingBatch, generator: torch.Generator) -> Sequence[Loss]:
        """Return the mean squared error of the prediction, summed over the images of each source."""
        compute = partial(DetokenizerModel.image_losses, batch=batch, draws=self.draws(batch, generator))
        return losses_by_source(model(compute), batch.sources)

    def sample_sheet(self, model: nn.Module, batch: DenoisingBatch, path: Path, seed: int) -> None:
        """Write a row for each image: the condition image, if the U-Net takes one, the target, and what is drawn."""
        assert isinstance(model, DetokenizerModel)
        draw_sheet(self, model, batch, model.features(batch.encoder_view), path, seed)

"""The adaptation of a de-tokenizer to the features that a language model regresses, which is frozen.

The language model reads each document with its true tokens, and what it regresses for the images to draw takes the
place of the visual encoder's features. Source: train_sdxl_img2img_llm.py of SEED-Story. (The paper found images drawn
after it more monotonous, 4.3; it is for worlds as narrow as that of a story.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from seedx_finetune.data.batches import DenoisingBatch, PackedBatch, Position
from seedx_finetune.data.loader import packed_batches
from seedx_finetune.errors import ConfigError
from seedx_finetune.stages.denoising import TERM, DenoisingConfig, DenoisingStage, losses_by_source
from seedx_finetune.stages.detokenizer_model import DenoisingDraws, DetokenizerModel
from seedx_finetune.stages.detokenizer_sheet import draw_sheet
from seedx_finetune.stages.example_row import example_row
from seedx_finetune.stages.initial import CheckpointInitial, Description
from seedx_finetune.stages.multimodal_model import MultimodalModel
from seedx_finetune.stages.packed_attention import read_packed_rows
from seedx_finetune.training.config import RunConfig, SourceConfig
from seedx_finetune.training.stage import Loss
from seedx_sdk.checkpoints.directory import load_lvlm
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["AdaptDetokenizerConfig", "AdaptDetokenizerStage"]


class AdaptDetokenizerConfig(DenoisingConfig):
    """The adaptation; `checkpoint_dir` also has the language model. Nothing is dropped, as in the reference."""

    kind: Literal["adapt_detokenizer"] = "adapt_detokenizer"
    specialist: Path | None = None
    """Directory of the adapter package whose features are regressed; None takes the language model as it is."""
    pack_length: int = Field(8192, gt=0)
    """Most tokens of a row; a longer document is left out, by name."""
    drop_features: float = Field(0.0, ge=0, le=1)
    drop_condition: float = Field(0.0, ge=0, le=1)
    drop_both: float = Field(0.0, ge=0, le=1)

    def build(self) -> AdaptDetokenizerStage:
        """Return the stage.

        Raises:
            ConfigError: As `sizes`, and if the language model regresses another number of features.
        """
        language_model = CheckpointInitial(directory=self.checkpoint_dir).describe()
        if language_model.num_tokens != self.visual_tokens:
            raise ConfigError(
                f"stage.visual_tokens is {self.visual_tokens}, and the language model of {self.checkpoint_dir} "
                f"regresses {language_model.num_tokens} features of an image; set it to that"
            )
        return AdaptDetokenizerStage(self, language_model)


class AdaptationModel(DetokenizerModel):
    """A de-tokenizer beside the language model that it draws for."""

    multimodal: MultimodalModel

    def blocks(self) -> Iterator[nn.Module]:
        """Yield the layers of the language model, and what else runs once in every batch."""
        yield from self.multimodal.lvlm.causal_lm.model.layers
        yield from self.unet_blocks()

    def adaptation_losses(self, row: PackedBatch, images: DenoisingBatch, draws: DenoisingDraws) -> Tensor:
        """Return the loss of each image, drawn from what the language model regresses for it in the row.

        A row without images to draw stands for one of the zero image's features, so that all ranks compute the same.
        """
        features = self.multimodal.regressed(row)
        return self.image_losses(images, draws, self.null_features if features is None else features)


class AdaptDetokenizerStage(DenoisingStage):
    """Trains on documents with images to draw; see `training.stage.Stage`."""

    def __init__(self, config: AdaptDetokenizerConfig, language_model: Description) -> None:
        self.config: AdaptDetokenizerConfig = config
        self.sizes = config.sizes()
        self.language_model = language_model

    def model(self, device: torch.device, dtype: torch.dtype) -> AdaptationModel:
        """Return the parts; raise as `parts`."""
        model = AdaptationModel(self.parts(device), self.encoder(device), self.scheduler(), self.config.visual_tokens)
        lvlm = self._lvlm(device, dtype)
        read_packed_rows(lvlm.causal_lm)
        model.multimodal = MultimodalModel(lvlm, model.encoder, dtype)
        self.prepared(model, device, dtype)
        return model

    def _lvlm(self, device: torch.device, dtype: torch.dtype) -> LVLM:
        if device.type == "meta":
            return self.language_model.on_meta()[0]
        return load_lvlm(self.config.checkpoint_dir, adapter=self.config.specialist, dtype=dtype)

    def batches(
        self, sources: Sequence[SourceConfig], run: RunConfig, *, start: Position, rank: int, world: int
    ) -> Iterator[PackedBatch]:
        """Yield this rank's packed rows, with the images to draw, from a position on."""
        return packed_batches(
            sources,
            run,
            self._tokenizer,
            pack_length=self.config.pack_length,
            cell=self.sizes.encoder.image_size,
            num_tokens=self.config.visual_tokens,
            start=start,
            rank=rank,
            world=world,
            draw_size=self.config.image_size,
        )

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_pretrained(self.config.checkpoint_dir / "llm")

    def example_batch(self, run: RunConfig) -> PackedBatch:
        """Return a full row, whatever the run; `example_row` says what it is made of."""
        del run
        row = example_row(
            self.config.pack_length, cell=self.sizes.encoder.image_size, num_tokens=self.config.visual_tokens
        )
        return replace(row, drawn=self.example_images(len(row.draw_cells)))

    def counts(self, batch: PackedBatch) -> Mapping[str, int]:
        """Return the number of images to draw."""
        return {TERM: len(_drawn(batch).names)}

    def losses(self, model: nn.Module, batch: PackedBatch, generator: torch.Generator) -> Sequence[Loss]:
        """Return the mean squared error of the prediction, summed over the images of each source."""
        images = _drawn(batch)
        given = images if images.names else self.example_images(1)
        draws = self.draws(given, generator)
        losses = model(partial(AdaptationModel.adaptation_losses, row=batch, images=given, draws=draws))
        if not images.names:
            return [Loss(TERM, batch.sources[0], 0.0 * losses.sum(), 0)]
        return losses_by_source(losses, images.sources)

    @torch.no_grad()
    def sample_sheet(self, model: nn.Module, batch: PackedBatch, path: Path, seed: int) -> None:
        """Write a row for each image to draw: the condition image, if the U-Net takes one, the target, what is drawn.

        A row without images to draw shows what the zero image's features give.
        """
        assert isinstance(model, AdaptationModel)
        features = model.multimodal.regressed(batch)
        images = _drawn(batch) if features is not None else self.example_images(1)
        given = model.null_features if features is None else features
        draw_sheet(self, model, images, given, path, seed)


def _drawn(batch: PackedBatch) -> DenoisingBatch:
    assert batch.drawn is not None  # the loader was given the size to draw
    return batch.drawn

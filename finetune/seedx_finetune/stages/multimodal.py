"""The stages that train the language model: pre-training, instruction tuning and the specialists.

Shapes: as in `data.batches`, and S supervised tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from seedx_finetune.data.batches import PackedBatch, Position
from seedx_finetune.data.features import FeatureStore
from seedx_finetune.data.loader import packed_batches
from seedx_finetune.stages.example_row import example_row
from seedx_finetune.stages.export_multimodal import export_adapter, export_merged
from seedx_finetune.stages.initial import CheckpointInitial, Description, LlamaInitial
from seedx_finetune.stages.lora import LoraSettings, add_lora
from seedx_finetune.stages.multimodal_flops import encoder_flops, llm_flops
from seedx_finetune.stages.multimodal_model import (
    MultimodalModel,
    Outputs,
    drawn_positions,
    supervised_positions,
)
from seedx_finetune.stages.multimodal_sheet import write_sheet
from seedx_finetune.stages.packed_attention import read_packed_rows
from seedx_finetune.stages.trained_parts import Part, train_parts
from seedx_finetune.training.config import RunConfig, SourceConfig
from seedx_finetune.training.stage import Amounts, Loss, StageConfig
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["MultimodalConfig", "MultimodalStage"]


class MultimodalConfig(StageConfig):
    """Training of the language model with its resamplers; the visual encoder is frozen.

    Defaults: the reference's fine-tuning (agent_seed_x_i.yaml, llm_seed_x_lora.yaml), but for the parts.
    """

    kind: Literal["multimodal"] = "multimodal"
    initial: Annotated[CheckpointInitial | LlamaInitial, Field(discriminator="kind")]
    lora: LoraSettings | None = LoraSettings()
    """None trains without LoRA."""
    parts: tuple[Part, ...] = ("resamplers", "patch_positions")
    """What is trained in full (the paper's appendix B, instruction tuning)."""
    result: Literal["adapter", "merged"] = "adapter"
    """An adapter package, of which many are served over one backbone, or a whole checkpoint directory."""
    merged_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the weights of a merged result."""
    pack_length: int = Field(8192, gt=0)
    """Most tokens of a row; a longer sample is left out, by name."""
    lm_weight: float = Field(1.0, ge=0)
    """Of the cross-entropy."""
    regression_weight: float = Field(6.0, ge=0)
    """Of the distance between regressed features and those of the encoder; 0 regresses none (an ablation)."""
    feature_cache: Path | None = None
    """Folder that keeps the features of the visual encoder from one epoch to the next: 2 MB a cell at full size."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lora is None and not self.parts:
            raise ValueError("stage trains nothing; set stage.lora, or name stage.parts")
        outside = sorted({"llm", "embeddings", "norms"} & set(self.parts))
        if self.result == "adapter" and (self.lora is None or outside):
            raise ValueError(
                f"an adapter holds LoRA matrices and projectors alone, but stage.parts names {outside} and stage.lora "
                f"is {self.lora}; use LoRA without these parts, or set stage.result=merged"
            )
        return self

    def build(self) -> MultimodalStage:
        """Return the stage.

        Raises:
            ConfigError: If the initial model and the configuration do not fit together.
            ModelError: If a directory is none of ours.
        """
        self.initial.describe()
        return MultimodalStage(self)


@dataclass
class MultimodalStage:
    """One stage; `training.stage.Stage` says what each method does."""

    config: MultimodalConfig

    def model(self, device: torch.device, dtype: torch.dtype) -> MultimodalModel:
        """Return the model, in training mode but for the visual encoder."""
        on_meta = device.type == "meta"
        initial = self.config.initial
        lvlm, encoder = self._described.on_meta() if on_meta else initial.load(dtype)
        read_packed_rows(lvlm.causal_lm)
        if self.config.lora is not None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                # the wrapper stands in for what it wraps
                lvlm.llm = add_lora(lvlm.causal_lm, self.config.lora)  # type: ignore[assignment]
        train_parts(lvlm, self.config.parts, dtype)
        encoder.to(dtype).requires_grad_(False)
        return MultimodalModel(lvlm, encoder, dtype).to(device).train()

    def blocks(self, model: nn.Module) -> Iterator[nn.Module]:
        """Yield the decoder layers alone: only they run in every batch, with images or without."""
        yield from _inside(model).lvlm.causal_lm.model.layers

    def batches(
        self, sources: Sequence[SourceConfig], run: RunConfig, *, start: Position, rank: int, world: int
    ) -> Iterator[PackedBatch]:
        """Yield packed rows."""
        described = self._described
        yield from packed_batches(
            sources,
            run,
            self.tokenizer,
            pack_length=self.config.pack_length,
            cell=described.config.visual_encoder.image_size,
            num_tokens=described.num_tokens,
            start=start,
            rank=rank,
            world=world,
            features=self._features,
        )

    def example_batch(self, run: RunConfig) -> PackedBatch:
        """Return a full row of zeros, whatever the run; `example_row` says what it is made of."""
        del run
        described = self._described
        return example_row(
            self.config.pack_length, cell=described.config.visual_encoder.image_size, num_tokens=described.num_tokens
        )

    def counts(self, batch: PackedBatch) -> Mapping[str, int]:
        """Return the supervised tokens and the images to draw."""
        return {"lm": len(supervised_positions(batch)), "regression": len(batch.draw_cells)}

    def amounts(self, batch: PackedBatch) -> Amounts:
        """Return the tokens, the cells that are encoded or whose features are cached, and the operations of a row."""
        described = self._described
        lengths: list[int] = batch.boundaries.diff().tolist()
        cells = 0 if batch.pixels is None else len(batch.pixels)
        return Amounts(
            tokens=sum(lengths),
            images=len(batch.cell_keys),
            flops=encoder_flops(described.config.visual_encoder, cells)
            + llm_flops(
                described.llm,
                lengths,
                len(supervised_positions(batch)),
                all_weights="llm" in self.config.parts,
            ),
        )

    def losses(self, model: nn.Module, batch: PackedBatch, generator: torch.Generator) -> Sequence[Loss]:
        """Return the cross-entropy of each source, and the regression of those that draw."""
        outputs = self._run(model, batch, int(torch.randint(2**62, (), generator=generator)))
        if self._features is not None and batch.features is None and outputs.features is not None:
            for key, features in zip(batch.cell_keys, outputs.features, strict=True):
                self._features.put(key, features)
        return [
            *_by_source("lm", outputs.token_losses, supervised_positions(batch), batch, self.config.lm_weight),
            *_by_source(
                "regression",
                outputs.image_losses,
                _first_of_each(drawn_positions(batch), len(batch.draw_cells)),
                batch,
                self.config.regression_weight,
            ),
        ]

    @torch.no_grad()
    def sample_sheet(self, model: nn.Module, batch: PackedBatch, path: Path, seed: int) -> None:
        """Write what the model reads of the first samples, and what it would say and draw in the place of each answer.

        Every token is predicted from the true ones before it, so one forward pass suffices, on every rank.
        """
        outputs = self._run(model, batch, seed)
        write_sheet(batch, outputs, self.tokenizer, path)

    def export(self, model: nn.Module, directory: Path) -> None:
        """Write the adapter package, or the checkpoint directory."""
        trained = _inside(model)
        if self.config.result == "adapter":
            export_adapter(trained, directory)
        else:
            export_merged(trained, self.config.initial, directory, getattr(torch, self.config.merged_dtype))

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the initial weights."""
        return Tokenizer.from_pretrained(self.config.initial.tokenizer_directory)

    @cached_property
    def _described(self) -> Description:
        return self.config.initial.describe()

    @cached_property
    def _features(self) -> FeatureStore | None:
        if self.config.feature_cache is None:
            return None
        return FeatureStore(self.config.feature_cache, self.config.initial.encoder_hash())

    def _run(self, model: nn.Module, batch: PackedBatch, seed: int) -> Outputs:
        """Return the outputs, with dropout that depends on the seed alone."""
        device = _inside(model).lvlm.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            outputs: Outputs = model(batch)
        return outputs


def _inside(model: nn.Module) -> MultimodalModel:
    assert isinstance(model, MultimodalModel)  # sharding gives it a subclass of its class
    return model


def _first_of_each(positions: Tensor, blocks: int) -> Tensor:
    """Return the first position of each block of image tokens, all of which are equally long."""
    return positions.reshape(blocks, -1)[:, 0].contiguous() if blocks else positions


def _by_source(term: str, values: Tensor, positions: Tensor, batch: PackedBatch, weight: float) -> Iterator[Loss]:
    """Yield a term for each source that has any of the values, which belong to positions of the row."""
    examples = torch.bucketize(positions, batch.boundaries[1:].to(positions.dtype), right=True).tolist()
    names = [batch.sources[example] for example in examples]
    for source in sorted(set(names)):
        members = [index for index, name in enumerate(names) if name == source]
        yield Loss(term, source, values[torch.tensor(members, device=values.device)].sum(), len(members), weight)

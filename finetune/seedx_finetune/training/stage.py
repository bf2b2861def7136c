"""What the loop needs of a stage: a model, its batches and its losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from seedx_finetune.data.batches import Position, Skipped
from seedx_finetune.training.config import Config, RunConfig, SourceConfig

__all__ = ["Amounts", "Batch", "Loss", "Metered", "Stage", "StageConfig"]


class Batch(Protocol):
    """What one forward pass reads; a dataclass of tensors, on the CPU until `Stage.losses` moves them."""

    @property
    def after(self) -> Position:
        """The position of the batch that follows, over all ranks."""

    @property
    def names(self) -> tuple[str, ...]:
        """The records in it."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The source of each of these records."""

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The records left out of it."""


B = TypeVar("B", bound=Batch)
Input = TypeVar("Input", bound=Batch, contravariant=True)


@dataclass(frozen=True, slots=True)
class Loss:
    """A term of the loss for one source, summed over a batch.

    The loop minimizes, over all batches and ranks of an update, the sum over terms of
    weight * (sum of the term) / (count of the term).
    """

    term: str
    """Such as "lm" or "regression"; its counts are added up over sources, batches and ranks."""
    source: str
    total: Tensor
    """A scalar with gradients, float32: the sum over `count` items."""
    count: int
    """Supervised tokens, or images."""
    weight: float = 1.0


class Stage(Protocol[B]):
    """One stage of training."""

    def model(self, device: torch.device, dtype: torch.dtype) -> nn.Module:
        """Return the module with its weights, in training mode; parameters that require gradients are trained.

        Frozen weights have the given dtype, trained ones are float32. On the meta device no weight is read.
        """

    def blocks(self, model: nn.Module) -> Iterable[nn.Module]:
        """Yield the modules that are sharded, checkpointed and compiled on their own: decoder layers, U-Net blocks."""

    def batches(
        self, sources: Sequence[SourceConfig], run: RunConfig, *, start: Position, rank: int, world: int
    ) -> Iterator[B]:
        """Yield, without an end, this rank's batches from a position on: those whose number % world == rank."""

    def example_batch(self, run: RunConfig) -> B:
        """Return a batch of the usual size with arbitrary contents, for plans; no file is read."""

    def counts(self, batch: B) -> Mapping[str, int]:
        """Return the count of each term that `losses` will give, from the batch alone."""

    def losses(self, model: nn.Module, batch: B, generator: torch.Generator) -> Sequence[Loss]:
        """Return the terms of a batch, at least one, computed on the model's device.

        Where gradients are off, the values are those of float32.

        Args:
            model: What `model` returned, perhaps sharded: computes through `model(...)`, in every block.
            batch: On the CPU.
            generator: On the CPU, seeded by the run's seed and the number of the batch: the only source of noise.
        """

    def sample_sheet(self, model: nn.Module, batch: B, path: Path, seed: int) -> None:
        """Write an image with samples of the model as it stands, in evaluation mode; called on every rank.

        Args:
            model: As for `losses`; the parameters outside the blocks are whole.
            batch: The first held-out batch, the same on every rank.
            path: The .png file to write; a temporary one on ranks other than the first.
            seed: Of the noise.
        """

    def export(self, model: nn.Module, directory: Path) -> None:
        """Write the result: an adapter package or the parts of a checkpoint directory.

        Args:
            model: What `model` returns on the CPU in float32, with the trained weights (or their average), not sharded.
            directory: An empty one.
        """


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a batch costs."""

    tokens: int = 0
    """Tokens of samples."""
    images: int = 0
    """Images read or drawn."""
    padding: int = 0
    """Tokens that are computed and belong to no sample."""
    flops: float = 0.0
    """Of the forward and the backward pass, recomputation not counted."""


@runtime_checkable
class Metered(Protocol[Input]):
    """A stage that knows the amounts of a batch; the log then has rates and the utilization of the device."""

    def amounts(self, batch: Input) -> Amounts:
        """Return what a batch costs."""


class StageConfig(Config, ABC):
    """What is trained; a subclass for each kind of stage says from what weights, which parts, and how."""

    @abstractmethod
    def build(self) -> Stage[Any]:
        """Return the stage. Raises ConfigError before any weight is read."""

"""One run of a recipe: the directory it works in, and what every stage does around its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from seedx_finetune.nano.trainer import Loss, TrainConfig, load_weights, save_weights, train

__all__ = ["Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """A work directory, and how much of the recipe is done in it."""

    directory: Path
    """Holds a checkpoint directory and a weights file for each stage."""
    share: float = 1.0
    """Fraction of the updates and of the corpus; a small one tries the whole path out in a minute."""

    def count(self, number: int, *, least: int = 1) -> int:
        """Return this run's fraction of a number of updates or images."""
        return max(min(number, least), round(self.share * number))

    def weights(self, name: str) -> Path:
        """Return where the weights of a stage are kept."""
        return self.directory / f"{name}.safetensors"

    def train(self, name: str, module: nn.Module, loss: Loss, config: TrainConfig) -> None:
        """Train a module in the stage's own directory, resuming where it was interrupted; saves nothing else."""
        train(name, module, loss, replace(config, steps=self.count(config.steps)), self.directory / name)

    def stage(self, name: str, module: nn.Module, make_loss: Callable[[], Loss], config: TrainConfig) -> None:
        """Give a module the weights of a stage, training them if that wasn't done before.

        Args:
            name: Of the stage.
            module: What is trained.
            make_loss: Returns the loss function; not called when there is nothing to train.
            config: How it is trained; its steps are those of a whole run.
        """
        if not self.weights(name).exists():
            self.train(name, module, make_loss(), config)
            save_weights(module, self.weights(name))
        load_weights(module, self.weights(name))

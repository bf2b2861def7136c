"""One run of a recipe: the folder it works in, and what every stage does around its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from seedx_finetune.training.trainer import Loss, TrainConfig, load_weights, save_weights, train

__all__ = ["Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """A work folder, and how much of the recipe is done in it."""

    folder: Path
    """Holds a checkpoint folder and a weights file for each stage."""
    share: float = 1.0
    """Share of the updates and of the corpus; a small one tries the whole path out in a minute."""

    def count(self, number: int, *, least: int = 1) -> int:
        """Returns this run's share of a number of updates or pictures."""
        return max(min(number, least), round(self.share * number))

    def weights(self, name: str) -> Path:
        """Returns where the weights of a stage are kept."""
        return self.folder / f"{name}.safetensors"

    def train(self, name: str, module: nn.Module, loss: Loss, config: TrainConfig) -> None:
        """Trains a module in the stage's own folder, resuming where it was cut off; saves nothing else."""
        train(name, module, loss, replace(config, steps=self.count(config.steps)), self.folder / name)

    def stage(self, name: str, module: nn.Module, make_loss: Callable[[], Loss], config: TrainConfig) -> None:
        """Gives a module the weights of a stage, training them if that wasn't done before.

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

"""Why a run stops before its end.

    SeedXError
      TrainingError
        CheckpointError           no checkpoint of the run can be read
        DirectoryInUseError       another process trains in the directory
        UpdateError               an update failed
          TrainingMemoryError     it does not fit the device
          NonFiniteError          a loss or a gradient is NaN or infinite
          NothingSupervisedError  it has nothing to learn from
          BadRecordsError         too many records were skipped
          GeneralLossError        the model loses what it could do before
      InputError
        ConfigError             (seedx_finetune.errors)
          ConfigChangedError    the run was started with other settings or inputs

None of them loses a checkpoint: the next run in the same directory resumes from the last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from seedx_finetune.errors import ConfigError
from seedx_finetune.training.stage import Batch
from seedx_sdk.errors import SeedXError

__all__ = [
    "BadRecordsError",
    "CheckpointError",
    "ConfigChangedError",
    "DirectoryInUseError",
    "GeneralLossError",
    "NonFiniteError",
    "NothingSupervisedError",
    "TrainingError",
    "TrainingMemoryError",
    "UpdateError",
    "listed",
    "naming_memory_errors",
]

MAX_LISTED = 8
"""Names that a message shows."""


class TrainingError(SeedXError):
    """A run stopped before its end."""


class CheckpointError(TrainingError):
    """No checkpoint of the run can be read."""


class DirectoryInUseError(TrainingError):
    """Another process trains in the directory."""


class UpdateError(TrainingError):
    """An update failed; the last checkpoint is from before it."""

    def __init__(self, problem: str, *, step: int, sources: Sequence[str], samples: Sequence[str], cure: str) -> None:
        """Name the update (1-based), the sources and the records that it was computed from."""
        self.step, self.sources, self.samples = step, tuple(dict.fromkeys(sources)), tuple(samples)
        super().__init__(
            f"update {step}: {problem}; sources: {listed(self.sources)}; samples: {listed(self.samples)}; {cure}"
        )


class TrainingMemoryError(UpdateError):
    """An update does not fit the memory of the device."""


class NonFiniteError(UpdateError):
    """A loss or a gradient is NaN or infinite; the weights were not changed by it."""


class NothingSupervisedError(UpdateError):
    """No sample of an update has anything to learn from."""


class BadRecordsError(UpdateError):
    """More records were skipped than `run.max_bad_share` allows."""


class GeneralLossError(UpdateError):
    """The loss on general data rose by more than `run.max_general_growth` allows."""


class ConfigChangedError(ConfigError):
    """The directory holds a run with other settings or inputs."""

    def __init__(self, message: str, differences: Sequence[str]) -> None:
        """Keep the differences, one a line: "field: old -> new"."""
        super().__init__(message)
        self.differences = tuple(differences)

    def __reduce__(self) -> tuple[type[ConfigChangedError], tuple[str, tuple[str, ...]]]:
        """Pickle it whole, for every rank raises it."""
        return ConfigChangedError, (str(self), self.differences)


def listed(names: Sequence[str]) -> str:
    """Return the first names and how many more there are."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return (", ".join(names[:MAX_LISTED]) or "none") + more


@contextmanager
def naming_memory_errors(step: int, batch: Batch) -> Iterator[None]:
    """Turn an exhausted device into the error that names what was being computed.

    Raises:
        TrainingMemoryError: If the device ran out of memory inside the block.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingMemoryError(
            f"out of memory ({str(error).split('. ')[0]})",
            step=step,
            sources=batch.sources,
            samples=batch.names,
            cure="make the stage's batches smaller and raise run.batches_per_update, set "
            "run.checkpoint_activations=true, or use more processes",
        ) from error

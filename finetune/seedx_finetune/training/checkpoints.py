"""Checkpoints to resume from: every rank writes its own shard, and a checkpoint appears as a whole or not at all.

Only what training changes is in them; frozen weights are named by the configuration. Random numbers need no state: they
are seeded by the number of the batch that they are for.
"""

from __future__ import annotations

import json
import math
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from seedx_finetune.data.batches import Position
from seedx_finetune.training.distributed import Processes
from seedx_finetune.training.failures import CheckpointError
from seedx_finetune.training.fingerprint import check_unchanged

__all__ = ["Checkpoints", "Progress", "Tensors", "load_tensors"]

Tensors = dict[str, dict[str, Tensor]]
"""By kind ("weights", "average", "optimizer") and name; sharded or whole. Loading fills them in place."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    step: int = 0
    """Updates made."""
    position: Position = Position()
    """Of the next batch."""
    records: int = 0
    """Records read, those skipped among them."""
    skipped: int = 0
    held_out: float | None = None
    """The held-out loss, if it was measured after this update."""
    general: float | None = None
    """The general loss before the first update, if it was measured."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of a run, one directory each: shards, .metadata, and state.json."""

    directory: Path
    keep_last: int
    """Those to keep, beside the one with the lowest held-out loss."""
    group: Processes

    def path(self, step: int) -> Path:
        """Return where the checkpoint of an update is, or will be."""
        return self.directory / f"{step:08d}"

    def save(self, tensors: Tensors, progress: Progress, fingerprint: Mapping[str, Any]) -> None:
        """Write a checkpoint, rename it when it is whole, and delete those that are not kept."""
        path = self.path(progress.step)
        unfinished = self.directory / f".{path.name}.partial"
        self.group.first(lambda: _delete(*self.directory.glob(".*.partial")))
        save(tensors, checkpoint_id=unfinished, process_group=self.group.control)
        state = asdict(progress) | {"fingerprint": fingerprint}

        def finish() -> None:
            (unfinished / "state.json").write_text(json.dumps(state), encoding="utf-8")
            _delete(path)  # there is one if it was damaged
            unfinished.rename(path)
            self._prune()

        self.group.first(finish)

    def resume(
        self, tensors: Tensors, fingerprint: Mapping[str, Any], allow_change: Sequence[str] = ()
    ) -> Progress | None:
        """Load the newest checkpoint that can be read and return how far it had come, or None if there is none.

        A damaged one is named in a warning, and the one before it is used.

        Raises:
            ConfigChangedError: If the checkpoint is of a run with other settings, and they may not change.
            CheckpointError: If there are checkpoints and none can be read.
        """
        paths = self.group.first(self._paths)
        for path in reversed(paths):
            try:
                state = self.group.first(partial(_read_state, path))
            except (OSError, ValueError) as error:
                self._warn(path, error)
                continue
            check_unchanged(state.pop("fingerprint"), fingerprint, allow_change, self.directory.parent)
            try:
                load_tensors(path, tensors, self.group)
            except CheckpointError as error:
                self._warn(path, error)
                continue
            return Progress(**state | {"position": Position(*state["position"])})
        if paths:
            raise CheckpointError(
                f"none of the {len(paths)} checkpoints in {self.directory} can be read; delete the directory to begin "
                "from the start"
            )
        return None

    def _warn(self, path: Path, error: Exception) -> None:
        if self.group.rank == 0:
            warnings.warn(f"the checkpoint {path} is damaged ({error}); using the one before it", stacklevel=3)

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.directory.glob("[0-9]*") if path.is_dir())

    def _prune(self) -> None:
        paths = self._paths()
        best = min(paths, key=_held_out)
        _delete(*(path for path in paths[: -self.keep_last] if path != best or _held_out(best) == math.inf))


def load_tensors(path: Path, tensors: Tensors, group: Processes | None = None) -> None:
    """Fill tensors in place from a checkpoint; each rank reads what it holds.

    Args:
        path: The checkpoint.
        tensors: Some or all of those that were saved, sharded in any way.
        group: The processes that load together; None loads in this one alone.

    Raises:
        CheckpointError: If it is damaged, or lacks one of them.
    """
    try:
        if group is None:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "torch.distributed is disabled")
                load(tensors, checkpoint_id=path, no_dist=True)
        else:
            load(tensors, checkpoint_id=path, process_group=group.control)
    except CheckpointException as error:
        cause, _ = next(iter(error.failures.values()))
        raise CheckpointError(" ".join(f"{type(cause).__name__}: {cause}".split())) from error


def _read_state(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((path / "state.json").read_text(encoding="utf-8"))
    return state


def _held_out(path: Path) -> float:
    """Return the loss of a checkpoint; infinity if it was not measured, is NaN, or cannot be read."""
    try:
        loss = _read_state(path)["held_out"]
    except (OSError, ValueError):
        return math.inf
    return math.inf if loss is None or math.isnan(loss) else float(loss)


def _delete(*paths: Path) -> None:
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)

"""The directory of a run: where everything lies in it, and that only one run writes it."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedx_finetune.training.failures import DirectoryInUseError
from seedx_sdk.errors import OutputPathError
from seedx_sdk.files import write_file

__all__ = ["RunDirectory"]


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """recipe.json, log.jsonl, tensorboard/, samples/, checkpoints/, and in the end model/ and finished.json."""

    root: Path

    @property
    def checkpoints(self) -> Path:
        """To resume from."""
        return self.root / "checkpoints"

    @property
    def model(self) -> Path:
        """The result."""
        return self.root / "model"

    def sample_sheet(self, step: int) -> Path:
        """Return the path of the samples drawn after an update."""
        return self.root / "samples" / f"{step:08d}.png"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out. The lock goes with the process, however it ends, and workers do not inherit it.

        Raises:
            OutputPathError: If the directory cannot be written.
            DirectoryInUseError: If another process holds it.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            opened = open(self.root / ".lock", "w")
        except OSError as error:
            raise OutputPathError(
                f"cannot write in {self.root} ({error.strerror}); choose another directory"
            ) from error
        with opened as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise DirectoryInUseError(
                    f"another process trains in {self.root}; wait for its end, or choose another directory"
                ) from error
            yield

    def write_recipe(self, recipe: Mapping[str, Any]) -> None:
        """Write the whole configuration."""
        write_file(self.root / "recipe.json", _json(recipe))

    def finished(self) -> dict[str, Any] | None:
        """Return the fingerprint of the finished run, or None if there is none."""
        path = self.root / "finished.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() and self.model.is_dir() else None

    @contextmanager
    def result(self, fingerprint: Mapping[str, Any]) -> Iterator[Path]:
        """Yield an empty directory that becomes the result, of a run with this fingerprint, when the block ends."""
        partial = self.root / ".model.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
        (self.root / "finished.json").unlink(missing_ok=True)
        shutil.rmtree(self.model, ignore_errors=True)
        partial.rename(self.model)
        write_file(self.root / "finished.json", _json(fingerprint))


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()

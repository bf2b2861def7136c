"""Features of the frozen visual encoder on disk, so that each cell is encoded once in the life of a data set.

Shapes: T tokens of a cell, D their width.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

__all__ = ["FeatureStore"]

_log = logging.getLogger(__name__)


class FeatureStore:
    """One file for each cell, in a directory of its encoder; any number of processes may read and write.

    Args:
        directory: Of the cache; made when something is stored.
        encoder_hash: Of the encoder's weights: another encoder sees nothing of these features.
    """

    def __init__(self, directory: Path, encoder_hash: str) -> None:
        self.directory = directory / encoder_hash

    def get(self, key: str) -> Tensor | None:
        """Return the (T, D) features of a cell, or None if they are not stored (or their file is damaged)."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            return load_file(path)["features"]
        except SafetensorError as error:
            _log.warning("the cached features %s are damaged (%s); they are computed again", path, error)
            return None

    def get_all(self, keys: Iterable[str]) -> dict[str, Tensor] | None:
        """Return the features of cells by their keys, or None if those of any of them are not stored."""
        found: dict[str, Tensor] = {}
        for key in keys:
            if (features := self.get(key)) is None:
                return None
            found[key] = features
        return found

    def put(self, key: str, features: Tensor) -> None:
        """Store the (T, D) features of a cell, whole or not at all."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        try:
            save_file({"features": features.detach().cpu().contiguous()}, partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.directory / key[:2] / f"{key}.safetensors"

"""Least-recently-used cache of image features, so an image in a long conversation is encoded once."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Sequence

from cachetools import LRUCache
from PIL import Image
from torch import Tensor

__all__ = ["FeatureCache", "image_key"]


def image_key(image: Image.Image, grids: Sequence[str], revision: str) -> str:
    """Return a hash of all that the features depend on: RGB pixels, size, allowed grids, weights."""
    rgb = image.convert("RGB")
    digest = hashlib.blake2b(repr((rgb.size, tuple(grids), revision)).encode(), digest_size=20)
    digest.update(rgb.tobytes())
    return digest.hexdigest()


class FeatureCache:
    """Tensors by key, at most `max_bytes` of them; the least recently used go first. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self._entries: LRUCache[str, tuple[Tensor, ...]] = LRUCache(max_bytes, getsizeof=_num_bytes)
        self._lock = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return int(self._entries.currsize)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    def get(self, key: str) -> tuple[Tensor, ...] | None:
        """Return the tensors of a key, which must not be changed; None if they are not held."""
        with self._lock:
            return self._entries.get(key)

    def put(self, key: str, *tensors: Tensor) -> None:
        """Keep tensors, moved to the CPU, unless they alone exceed `max_bytes`."""
        held = tuple(tensor.cpu() for tensor in tensors)
        with self._lock, contextlib.suppress(ValueError):  # too large
            self._entries[key] = held


def _num_bytes(tensors: tuple[Tensor, ...]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

"""Least-recently-used cache of image features, so that a picture in a long conversation is encoded once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

__all__ = ["FeatureCache", "image_key"]


def image_key(picture: Image.Image, grids: Sequence[str], revision: str) -> str:
    """Returns a hash of all that the features depend on: RGB pixels, size, allowed grids, weights."""
    rgb = picture.convert("RGB")
    digest = hashlib.blake2b(repr((rgb.size, tuple(grids), revision)).encode(), digest_size=20)
    digest.update(rgb.tobytes())
    return digest.hexdigest()


class FeatureCache:
    """Tensors by key, at most `max_bytes` of them; the one that was asked for longest ago goes first. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[str, tuple[Tensor, ...]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return self._bytes

    def __len__(self) -> int:
        """Entries held."""
        return len(self._entries)

    def get(self, key: str) -> tuple[Tensor, ...] | None:
        """The tensors of a key, which are not to be changed; None if they are not here (any more)."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
        return found

    def put(self, key: str, *tensors: Tensor) -> None:
        """Keeps tensors, moved to the CPU; more than `max_bytes` of them are not kept at all."""
        kept = tuple(tensor.to(torch.device("cpu")) for tensor in tensors)
        size = _bytes(kept)
        if size > self.max_bytes:
            return
        with self._lock:
            self._bytes += size - _bytes(self._entries.pop(key, ()))
            self._entries[key] = kept
            while self._bytes > self.max_bytes:
                _, oldest = self._entries.popitem(last=False)
                self._bytes -= _bytes(oldest)


def _bytes(tensors: tuple[Tensor, ...]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

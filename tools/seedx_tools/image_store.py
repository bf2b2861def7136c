"""Images by name: a result names its image and a later call passes the name, so no pixels go through a chat model."""

from __future__ import annotations

import itertools
import re
import secrets
import threading
from collections.abc import Iterator, Mapping

from PIL import Image

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageSource, open_image

SCHEME = "image:"
"""Prefix of every name, so that a name is never mistaken for a path."""

_NUMBERED = re.compile(rf"{SCHEME}([1-9][0-9]{{0,8}})")


class ImageStore(Mapping[str, Image.Image]):
    """The images of one conversation by name: image:1, image:2, ... Thread-safe.

    Args:
        max_bytes: Capacity, at 3 bytes per pixel; the least recently used images are evicted first.
        secret: Whether names are unguessable (image:9f1c...), for a store that several users share.
    """

    def __init__(self, *, max_bytes: int = 512 * 1024 * 1024, secret: bool = False) -> None:
        self._max_bytes, self._secret = max_bytes, secret
        self._numbers = itertools.count(1)
        self._images: dict[str, Image.Image] = {}  # the most recently used is last
        self._lock = threading.Lock()

    def add(self, source: ImageSource) -> str:
        """Store an image and return its name; a PIL image that is stored already keeps its name.

        Raises:
            ImageError: If the image cannot be read.
        """
        if isinstance(source, Image.Image):
            with self._lock:
                for name, stored in self._images.items():
                    if stored is source:
                        return name
        image = source if isinstance(source, Image.Image) else open_image(source)
        with self._lock:
            name = SCHEME + (secrets.token_hex(8) if self._secret else str(next(self._numbers)))
            self._images[name] = image
            while len(self._images) > 1 and sum(map(_num_bytes, self._images.values())) > self._max_bytes:
                del self._images[next(iter(self._images))]
        return name

    def restore(self, images: Mapping[str, Image.Image]) -> None:
        """Store the images of an earlier conversation under their old names; new names continue after them.

        Raises:
            ImageError: If a name is not one that this class assigns.
        """
        numbers = [int(found.group(1)) for found in map(_NUMBERED.fullmatch, images) if found]
        if len(numbers) < len(images):
            raise ImageError(f"the names of restored images must be like {SCHEME}1")
        with self._lock:
            self._images.update(images)
            self._numbers = itertools.count(max(numbers, default=0) + 1)

    def __getitem__(self, name: str) -> Image.Image:
        """Return the image of a name.

        Raises:
            ImageError: If there is none; the message lists the latest names.
        """
        with self._lock:
            if name in self._images:
                self._images[name] = image = self._images.pop(name)
                return image
            known = [] if self._secret else list(self._images)[-8:]
        names = ", ".join(known) or "a name from an earlier result"
        raise ImageError(f"there is no image {name[:80]!r}; use {names}, a path or a data URI")

    def __contains__(self, name: object) -> bool:
        return name in self._images

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._images))

    def __len__(self) -> int:
        return len(self._images)


def _num_bytes(image: Image.Image) -> int:
    return image.width * image.height * 3

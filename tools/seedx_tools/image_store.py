"""Pictures by name: a tool's result names its picture, a later call gives the name, and no pixel passes the model."""

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
"""What every name begins with, so that it cannot be taken for a path."""

_NUMBERED = re.compile(rf"{SCHEME}([1-9][0-9]{{0,8}})")


class ImageStore(Mapping[str, Image.Image]):
    """The pictures of one conversation by their names: image:1, image:2, ... Safe to use from several threads.

    Args:
        max_bytes: Pixels that are kept, at 3 bytes each; the pictures used longest ago go first.
        secret: Names that nobody can guess (image:9f1c...), for a store that strangers share.
    """

    def __init__(self, *, max_bytes: int = 512 * 1024 * 1024, secret: bool = False) -> None:
        self._max_bytes, self._secret = max_bytes, secret
        self._numbers = itertools.count(1)
        self._pictures: dict[str, Image.Image] = {}  # the one used last stands last
        self._lock = threading.Lock()

    def add(self, source: ImageSource) -> str:
        """Return the name of a picture, kept under it; a PIL image that is kept already has its name.

        Raises:
            ImageError: The picture cannot be read.
        """
        if isinstance(source, Image.Image):
            with self._lock:
                for name, kept in self._pictures.items():
                    if kept is source:
                        return name
        picture = source if isinstance(source, Image.Image) else open_image(source)
        with self._lock:
            name = SCHEME + (secrets.token_hex(8) if self._secret else str(next(self._numbers)))
            self._pictures[name] = picture
            while len(self._pictures) > 1 and sum(map(_bytes, self._pictures.values())) > self._max_bytes:
                del self._pictures[next(iter(self._pictures))]
        return name

    def restore(self, pictures: Mapping[str, Image.Image]) -> None:
        """Keep pictures of an earlier conversation under the names that they had; new names come after these.

        Raises:
            ImageError: A name is none that this class gives.
        """
        numbers = [int(found.group(1)) for found in map(_NUMBERED.fullmatch, pictures) if found]
        if len(numbers) < len(pictures):
            raise ImageError(f"the names of restored pictures must be like {SCHEME}1")
        with self._lock:
            self._pictures.update(pictures)
            self._numbers = itertools.count(max(numbers, default=0) + 1)

    def __getitem__(self, name: str) -> Image.Image:
        """The picture of a name.

        Raises:
            ImageError: There is none; the message names those that there are.
        """
        with self._lock:
            if name in self._pictures:
                self._pictures[name] = picture = self._pictures.pop(name)
                return picture
            known = [] if self._secret else list(self._pictures)[-8:]
        there = f"there are {', '.join(known)}" if known else "use a name from an earlier result"
        raise ImageError(f"there is no picture {name[:80]!r}; {there}, or give a path or a data URI")

    def __contains__(self, name: object) -> bool:
        return name in self._pictures

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._pictures))

    def __len__(self) -> int:
        return len(self._pictures)


def _bytes(picture: Image.Image) -> int:
    return picture.width * picture.height * 3

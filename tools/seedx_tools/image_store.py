"""Images by name: a result names its image and a later call passes the name, so no pixels go through a chat model."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from weakref import WeakValueDictionary

from PIL import Image

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_tools.image_backends import ImageBackend, MemoryImages

SCHEME = "image:"
"""Prefix of every name, so that a name is never mistaken for a path."""

_LISTED = 8
"""How many names an error lists, the latest."""


class ImageStore(Mapping[str, Image.Image]):
    """The images of one thread (a conversation) by name: image:1, image:2, ... Thread-safe.

    No name is given to a second image, also after the first was evicted.

    Args:
        backend: Where the images of all threads lie; None: memory of its own.
        thread: The thread whose images these are; any text.
        secret: Whether names are unguessable (image:9f1c...), for users who share a thread.
    """

    def __init__(self, backend: ImageBackend | None = None, *, thread: str = "", secret: bool = False) -> None:
        self._backend: ImageBackend = MemoryImages() if backend is None else backend
        self._thread, self._secret = thread, secret
        self._taken: set[str] = set()
        self._stored: WeakValueDictionary[str, Image.Image] = WeakValueDictionary()  # by word, what passed through here

    def in_thread(self, thread: str) -> ImageStore:
        """Return the images of another thread in the same place."""
        return ImageStore(self._backend, thread=thread)

    def add(self, source: ImageSource, *, label: str | None = None) -> str:
        """Store an image and return its name; a PIL image that is stored already keeps its name.

        Args:
            source: The image.
            label: What the user calls it, such as the file name of an upload.

        Raises:
            ImageError: If the image cannot be read.
        """
        image = source if isinstance(source, Image.Image) else open_image(source)
        word = next((word for word, stored in self._stored.items() if stored is image), None)
        if word is None:
            word = self._backend.add(self._thread, image, self._new_words())
            self._stored[word] = image
        if label is not None:
            self._backend.set_label(self._thread, label, word)
        return SCHEME + word

    def take(self, names: Iterable[str]) -> None:
        """Mark names as taken: those that the thread's messages mention, whose images may be in another store."""
        self._taken.update(name.removeprefix(SCHEME) for name in names)

    def restore(self, images: Mapping[str, Image.Image]) -> None:
        """Store the images of an earlier conversation under their old names; new names continue after them.

        Raises:
            ImageError: If a name is not one that this class assigns, or has another image here.
        """
        if not all(name.startswith(SCHEME) and name.removeprefix(SCHEME).isalnum() for name in images):
            raise ImageError(f"the names of restored images must be like {SCHEME}1")
        for name, image in images.items():
            word = name.removeprefix(SCHEME)
            try:
                self._backend.add(self._thread, image, iter([word]))
            except StopIteration as error:
                raise ImageError(f"{name} is another image in this store") from error
            self._stored[word] = image

    @property
    def labels(self) -> Mapping[str, str]:
        """What users call images: each label with the name of its image."""
        labels = self._backend.labels(self._thread)
        return MappingProxyType({label: SCHEME + word for label, word in labels.items()})

    def __getitem__(self, name: str) -> Image.Image:
        """Return the image of a name or of a label.

        Raises:
            ImageError: If there is none; the message lists the latest names.
        """
        name = self.labels.get(name, name)
        word = name.removeprefix(SCHEME)
        if name.startswith(SCHEME) and (image := self._backend.get(self._thread, word)) is not None:
            self._stored[word] = image
            return image
        known = [] if self._secret else list(self)[-_LISTED:]
        use = f"use {', '.join(known) or 'a name from an earlier result'}, a path or a data URI"
        if word in self._taken or word in self._backend.words(self._thread):
            raise ImageError(f"{name} is gone: it is no longer stored; {use}")
        raise ImageError(f"there is no image {name[:80]!r}; {use}")

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        name = self.labels.get(name, name)
        return name.startswith(SCHEME) and self._backend.get(self._thread, name.removeprefix(SCHEME)) is not None

    def __iter__(self) -> Iterator[str]:
        names = [SCHEME + word for word in self._backend.words(self._thread)]
        return (name for name in names if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _new_words(self) -> Iterator[str]:
        if self._secret:
            return iter(lambda: secrets.token_hex(8), "")
        taken = {*self._backend.words(self._thread), *self._taken}
        last = max((int(word) for word in taken if word.isdecimal()), default=0)
        return map(str, itertools.count(last + 1))

"""Images by name: a result names its image and a later call passes the name, so no pixels go through a chat model."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from weakref import WeakValueDictionary

from PIL import Image

from seedx_sdk.errors import ImageError
from seedx_sdk.forks import ThreadLock
from seedx_sdk.imaging import ImageSource, open_image
from seedx_tools.image_backends import ImageBackend, MemoryImages

SCHEME = "image:"
"""Prefix of every name, so that a name is never mistaken for a path."""

_NAME = re.compile(rf"{SCHEME}\w{{1,80}}")
_LISTED = 8
"""How many names an error lists, the latest."""
_NO_THREAD = "\0"
"""Where the images lie that belong to no thread; no id of a thread is this."""


def names_in(text: str) -> list[str]:
    """Return the names of images that a text mentions, in its order."""
    return _NAME.findall(text)


class ImageStore(Mapping[str, Image.Image]):
    """The images of one thread (a conversation) by name: image:1, image:2, ... Thread-safe.

    No name is given to a second image, also after the first was evicted.

    Args:
        backend: Where the images of all threads lie; None: memory of its own.
        thread: The thread whose images these are; any text.
        unique: Whether names are random (image:r9f1c2ab3), for a thread whose earlier names are not known here.
        secret: Whether names are unguessable (image:9f1c...) and never listed, for users who share a thread.
    """

    def __init__(
        self,
        backend: ImageBackend | None = None,
        *,
        thread: str = "",
        unique: bool = False,
        secret: bool = False,
    ) -> None:
        self._backend: ImageBackend = MemoryImages() if backend is None else backend
        self._shared = secret and not thread
        self._thread, self._unique, self._secret = _NO_THREAD if self._shared else thread, unique, secret
        self._taken: dict[str, None] = {}  # words, in the order of the messages
        self._reopen: Callable[[str], Image.Image | None] = _nothing
        self._known = _KnownImages()

    def in_thread(self, thread: str | None, *, unique: bool = False, secret: bool = False) -> ImageStore:
        """Return the images of another thread in the same place.

        Args:
            thread: The thread; None: none, so names are secret and there are no labels.
            unique: Whether names are random; names of a place that outlives the process always count up.
            secret: Whether names are unguessable and never listed, also in a thread.
        """
        unique, secret = unique and not self.durable, secret or not thread
        store = ImageStore(self._backend, thread=thread or "", unique=unique, secret=secret)
        store._known = self._known
        return store

    def unseen(self, thread: str | None = None) -> ImageStore:
        """Return the images for a caller that does not see the messages of the conversation, to `take` their names.

        Unless the images outlive the process, new ones get random names, so that a name from before a restart is an
        error and never another image.

        Args:
            thread: The thread; None: this one.
        """
        if thread is not None:
            return self.in_thread(thread, unique=True)
        thread = "" if self._shared else self._thread
        store = ImageStore(self._backend, thread=thread, unique=not self.durable, secret=self._secret)
        store._known, store._taken, store._reopen = self._known, self._taken, self._reopen
        return store

    @property
    def thread(self) -> str:
        """The thread whose images these are."""
        return self._thread

    @property
    def shared(self) -> bool:
        """Whether these images are of no thread, for whoever has their names."""
        return self._shared

    @property
    def durable(self) -> bool:
        """Whether the images are there after a restart."""
        return self._backend.durable

    def add(self, source: ImageSource, *, label: str | None = None) -> str:
        """Store an image and return its name; a PIL image that is stored already keeps its name.

        Args:
            source: The image.
            label: What the user calls it, such as the file name of an upload.

        Raises:
            ImageError: If the image cannot be read.
        """
        image = source if isinstance(source, Image.Image) else open_image(source)
        word = self._known.word(self._thread, image)
        if word is None:
            word = self._backend.add(self._thread, image, self._new_words())
            self._known.add(self._thread, word, image)
        if label is not None and not self._shared:
            self._backend.set_label(self._thread, label, word)
        return SCHEME + word

    def take(self, names: Iterable[str], reopen: Callable[[str], Image.Image | None] | None = None) -> None:
        """Mark names as taken: those that the thread's messages mention, whose images may be in another store.

        Args:
            names: The names; no new image gets one of them.
            reopen: Returns the image of such a name from elsewhere, if it has it.
        """
        self._taken |= dict.fromkeys(name.removeprefix(SCHEME) for name in names)
        self._reopen = reopen or self._reopen

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
            self._known.add(self._thread, word, image)

    @property
    def labels(self) -> Mapping[str, str]:
        """What users call images: each label with the name of its image."""
        labels = {} if self._shared else self._backend.labels(self._thread)
        return MappingProxyType({label: SCHEME + word for label, word in labels.items()})

    def __getitem__(self, name: str) -> Image.Image:
        """Return the image of a name or of a label.

        Raises:
            ImageError: If there is none; the message lists the latest names.
        """
        word = self._word(name)
        try:
            image = None if word is None else self._get(word)
        except ImageError as error:
            raise ImageError(f"{name} is damaged: the store cannot read it; use {self.choices()}") from error
        if word is not None and image is not None:
            self._known.add(self._thread, word, image)
            return image
        if word in self._backend.words(self._thread):
            raise ImageError(f"{name} is gone: it is no longer stored; use {self.choices()}")
        if word in self._taken:
            raise ImageError(f"{name} is gone: it is not stored in this conversation; use {self.choices()}")
        raise ImageError(f"there is no image {name[:80]!r}; use {self.choices()}")

    def choices(self) -> str:
        """Return what may be given for an image, in words for a model: the latest names with labels, a path."""
        labels: dict[str, str] = {name: label for label, name in self.labels.items()}
        newest = () if self._secret else (SCHEME + word for word in reversed(self._words()) if self._has(word))
        latest = list(itertools.islice(newest, _LISTED))
        named = [f"{name} ({labels[name]})" if name in labels else name for name in reversed(latest)]
        return f"{', '.join(named) or 'a name from an earlier result'}, a path or a data URI"

    def __contains__(self, name: object) -> bool:
        word = self._word(name) if isinstance(name, str) else None
        return word is not None and self._has(word)

    def __iter__(self) -> Iterator[str]:
        return (SCHEME + word for word in self._words() if self._has(word))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _word(self, name: str) -> str | None:
        """Return the word of a name or of a label; a label never hides a name."""
        name = name if name.startswith(SCHEME) else self.labels.get(name, "")
        return name.removeprefix(SCHEME) or None

    def _words(self) -> list[str]:
        return list(dict.fromkeys((*self._taken, *self._backend.words(self._thread))))

    def _has(self, word: str) -> bool:
        """Return whether there is an image, without reading it where it lies in the store."""
        if self._backend.has(self._thread, word):
            return True
        return word in self._taken and self._reopen(SCHEME + word) is not None

    def _get(self, word: str) -> Image.Image | None:
        image = self._backend.get(self._thread, word)
        return self._reopen(SCHEME + word) if image is None and word in self._taken else image

    def _new_words(self) -> Iterator[str]:
        if self._secret:
            return iter(lambda: secrets.token_hex(8), "")
        if self._unique:
            return iter(lambda: f"r{secrets.token_hex(4)}", "")
        taken = {*self._backend.words(self._thread), *self._taken}
        last = max((int(word) for word in taken if word.isdecimal()), default=0)
        return map(str, itertools.count(last + 1))


class _KnownImages:
    """The words of images that passed through here, as long as these are used; a pickled copy knows none."""

    def __init__(self) -> None:
        self._images: WeakValueDictionary[tuple[str, str], Image.Image] = WeakValueDictionary()  # by thread and word
        self._lock = ThreadLock()

    def __reduce__(self) -> tuple[type[_KnownImages], tuple[()]]:
        return _KnownImages, ()

    def add(self, thread: str, word: str, image: Image.Image) -> None:
        with self._lock:
            self._images[thread, word] = image

    def word(self, thread: str, image: Image.Image) -> str | None:
        with self._lock:
            return next((key[1] for key, known in self._images.items() if known is image and key[0] == thread), None)


def _nothing(_name: str) -> None:
    """Reopen no image."""

"""Where the images of all threads lie: in memory or in a folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from PIL import Image

from seedx_sdk.errors import OutputPathError
from seedx_sdk.files import check_output_path, write_file
from seedx_sdk.forks import ThreadLock
from seedx_sdk.imaging import open_image, to_png

_WORD = re.compile(r"\w{1,80}")


class ImageBackend(Protocol):
    """Keeps the images of threads, each under a word such as "3" that is never given to another image of its thread.

    All methods may be called from several threads of the program at once.
    """

    @property
    def durable(self) -> bool:
        """Whether the images are there after a restart."""
        ...

    def words(self, thread: str) -> tuple[str, ...]:
        """Return all words given out in a thread, the oldest first, also those whose image is gone."""
        ...

    def add(self, thread: str, image: Image.Image, words: Iterator[str]) -> str:
        """Keep an image under the first of these words that was never given out, and return the word."""
        ...

    def has(self, thread: str, word: str) -> bool:
        """Return whether there is an image, without reading it."""
        ...

    def get(self, thread: str, word: str) -> Image.Image | None:
        """Return an image; None if there is none."""
        ...

    def labels(self, thread: str) -> Mapping[str, str]:
        """Return the names that users gave to images, each with the word of its image."""
        ...

    def set_label(self, thread: str, label: str, word: str) -> None:
        """Keep a name that a user gave to an image; the latest image of a label has it."""
        ...

    def delete(self, thread: str) -> None:
        """Forget a thread with its images."""
        ...


@dataclass
class _Thread:
    words: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


class MemoryImages:
    """Images in the memory of this process.

    Args:
        max_bytes: Capacity, at 3 bytes per pixel; the least recently used images of all threads are evicted first.
    """

    durable = False

    def __init__(self, *, max_bytes: int = 512 * 1024 * 1024) -> None:
        self._max_bytes, self._num_bytes = max_bytes, 0
        self._threads: dict[str, _Thread] = {}
        self._images: dict[tuple[str, str], Image.Image] = {}  # the most recently used is last
        self._lock = ThreadLock()

    def words(self, thread: str) -> tuple[str, ...]:
        """Return all words given out in a thread, the oldest first, also those whose image is gone."""
        with self._lock:
            return tuple(self._threads[thread].words) if thread in self._threads else ()

    def add(self, thread: str, image: Image.Image, words: Iterator[str]) -> str:
        """Keep an image under the first of these words that was never given out, and return the word."""
        with self._lock:
            given = self._threads.setdefault(thread, _Thread()).words
            word = next(word for word in words if word not in given)
            given.append(word)
            self._images[thread, word] = image
            self._num_bytes += _num_bytes(image)
            while len(self._images) > 1 and self._num_bytes > self._max_bytes:
                self._num_bytes -= _num_bytes(self._images.pop(next(iter(self._images))))
        return word

    def has(self, thread: str, word: str) -> bool:
        """Return whether there is an image."""
        with self._lock:
            return (thread, word) in self._images

    def get(self, thread: str, word: str) -> Image.Image | None:
        """Return an image; None if there is none."""
        with self._lock:
            if (thread, word) not in self._images:
                return None
            self._images[thread, word] = image = self._images.pop((thread, word))
            return image

    def labels(self, thread: str) -> Mapping[str, str]:
        """Return the names that users gave to images, each with the word of its image."""
        with self._lock:
            return dict(self._threads[thread].labels) if thread in self._threads else {}

    def set_label(self, thread: str, label: str, word: str) -> None:
        """Keep a name that a user gave to an image; the latest image of a label has it."""
        with self._lock:
            self._threads.setdefault(thread, _Thread()).labels[label] = word

    def delete(self, thread: str) -> None:
        """Forget a thread with its images."""
        with self._lock:
            self._threads.pop(thread, None)
            for key in [key for key in self._images if key[0] == thread]:
                self._num_bytes -= _num_bytes(self._images.pop(key))


class FolderImages:
    """Images as PNG files in a folder, one subfolder per thread; several processes may use one folder.

    A subfolder is named by a hash, so a thread id may be any text. Nothing is evicted: delete a thread when its
    conversation is deleted.

    Args:
        folder: Made if it is not there.

    Raises:
        OutputPathError: If it cannot be made or written.
    """

    durable = True

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()
        _make(self.folder)

    def words(self, thread: str) -> tuple[str, ...]:
        """Return all words given out in a thread, the oldest first, also those whose image is gone."""
        files = [(file.stat().st_mtime_ns, file.stem) for file in self._folder(thread).glob("*.png")]
        return tuple(word for _, word in sorted(files, key=lambda file: (file[0], len(file[1]), file[1])))

    def add(self, thread: str, image: Image.Image, words: Iterator[str]) -> str:
        """Keep an image under the first of these words that was never given out, and return the word.

        Raises:
            OutputPathError: If it cannot be written.
        """
        folder = _make(self._folder(thread))
        partial = folder / f".{secrets.token_hex(8)}"
        try:
            partial.write_bytes(to_png(image))
            return next(word for word in words if _link(partial, folder / f"{word}.png"))
        except OSError as error:
            raise OutputPathError(f"cannot write into '{folder}' ({error.strerror or error})") from error
        finally:
            partial.unlink(missing_ok=True)

    def has(self, thread: str, word: str) -> bool:
        """Return whether there is an image, without reading it."""
        return self._file(thread, word) is not None

    def get(self, thread: str, word: str) -> Image.Image | None:
        """Return an image; None if there is none.

        Raises:
            ImageError: If its file is damaged.
        """
        file = self._file(thread, word)
        return None if file is None else open_image(file)

    def labels(self, thread: str) -> Mapping[str, str]:
        """Return the names that users gave to images, each with the word of its image."""
        labels = {}
        for file in sorted(self._folder(thread).glob("*.label")):
            label, word = json.loads(file.read_text(encoding="utf-8"))
            labels[str(label)] = str(word)
        return labels

    def set_label(self, thread: str, label: str, word: str) -> None:
        """Keep a name that a user gave to an image; the latest image of a label has it.

        Raises:
            OutputPathError: If it cannot be written.
        """
        file = _make(self._folder(thread)) / f"{_sha256(label.encode())}.label"
        write_file(file, json.dumps([label, word]).encode())

    def delete(self, thread: str) -> None:
        """Forget a thread with its images."""
        folder = self._folder(thread)
        if folder.exists():
            for file in folder.iterdir():
                file.unlink(missing_ok=True)
            folder.rmdir()

    def _file(self, thread: str, word: str) -> Path | None:
        file = self._folder(thread) / f"{word}.png"
        return file if _WORD.fullmatch(word) and file.exists() else None

    def _folder(self, thread: str) -> Path:
        return self.folder / _sha256(thread.encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _num_bytes(image: Image.Image) -> int:
    return image.width * image.height * 3


def _make(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        check_output_path(folder)  # says what is wrong, if it can
        raise OutputPathError(f"cannot make the folder '{folder}' ({error.strerror})") from error
    return folder


def _link(source: Path, target: Path) -> bool:
    """Give a file a further name, and return whether that was free."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    return True

"""What tools may access when a language model calls them: named images, some folders, some hosts."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from anyio.from_thread import start_blocking_portal

from seedx_sdk.errors import ImageError, InputError, OutputPathError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import ImageLimits, ImageSource
from seedx_tools.image_store import SCHEME, ImageStore

_URL = re.compile(r"(?!file:)[a-zA-Z][a-zA-Z0-9+.-]*://")
_WRITTEN_AROUND = " \t\r\n\"'`<>[]"
"""What models write around a name."""
_ANY_NAME = re.compile(r"(?:image[\s:_#-]*(\w+?)(?:\.\w{3,4})?|#?(\d+))(?:\s*\(.*\))?", re.IGNORECASE)
"""A name as models write it: Image:1, image 1, image_1, image:1.png, image:1 (my cat.png), 1."""

_State: TypeAlias = tuple[tuple[str, int, int], ...]
"""The files at a path: names, sizes and times of change."""


class OutputFile(str):
    """The path of a file that a tool may write."""


class Workspace:
    """The images, folders and hosts of one thread (a conversation).

    Args:
        images: Images by name; None creates an empty store.
        roots: Folders that may be read and written, including their subfolders; relative paths start at the first.
            Symbolic links are resolved before a path is checked.
        image_hosts: Hosts from which images are fetched, or patterns such as "*.example.org". Private addresses are
            always rejected, also after a redirect.
        fetcher: Fetches image URLs; None creates one for image_hosts.
    """

    def __init__(
        self,
        *,
        images: ImageStore | None = None,
        roots: Sequence[str | os.PathLike[str]] = (".",),
        image_hosts: Sequence[str] = (),
        fetcher: ImageFetcher | None = None,
    ) -> None:
        self.images = ImageStore() if images is None else images
        self.roots = tuple(Path(root).resolve() for root in roots)
        self._fetcher = fetcher or ImageFetcher(image_hosts, max_bytes=ImageLimits().max_bytes)
        self._written: dict[tuple[str, Path], _State] = {}  # by thread and path, what tools wrote

    def in_thread(self, thread: str | None, *, unique: bool = False, secret: bool = False) -> Workspace:
        """Return a workspace with the images of another thread, and with the same folders and hosts.

        Args:
            thread: The thread; None: none, so new images get unguessable names.
            unique: Whether names are random, for a thread whose earlier names are not known here.
            secret: Whether names are unguessable and never listed, for users who share a thread.
        """
        return self.over(self.images.in_thread(thread, unique=unique, secret=secret))

    def over(self, images: ImageStore) -> Workspace:
        """Return a workspace with other images, and with the same folders and hosts."""
        other = Workspace(images=images, roots=self.roots, fetcher=self._fetcher)
        other._written = self._written
        return other

    def resolve_image(self, reference: str) -> ImageSource:
        """Return the image that a name, a data URI, a URL or a path refers to.

        Names may be written in another case, with other signs around them and as files ("`image:1`", "Image 1.png"),
        and users' names with a folder before them, if they mean one image and no file of that name exists.

        Raises:
            ImageError: If there is no such name or file, the URL is not allowed or not answered, or the path is outside
                the allowed folders.
        """
        plain = reference.strip(_WRITTEN_AROUND)
        for name in (reference, plain):
            if name in self.images:
                return self.images[name]
        if plain.startswith("data:"):
            return plain
        if _URL.match(plain):
            with start_blocking_portal() as portal:  # the caller's thread may run an event loop of its own
                return portal.call(self._fetcher.fetch, plain)
        path = self._inside(plain.removeprefix("file://"))
        if path is not None and os.path.isfile(path):
            return path
        if (label := self._label(plain)) is not None:
            return self.images[label]
        if found := _ANY_NAME.fullmatch(plain):
            return self.images[SCHEME + (found[1] or found[2])]
        fault = "does not exist" if path is not None else "is outside the allowed folders"
        raise ImageError(f"'{reference[:200]}' {fault}; use {self.images.choices()}")

    def _label(self, reference: str) -> str | None:
        """Return the one label that a reference means in another case, or with a folder before it."""
        labels = self.images.labels
        close = [label for label in labels if _file_name(label) == _file_name(reference)]
        return close[0] if len({labels[label] for label in close}) == 1 else None

    def file_to_read(self, path: str) -> Path:
        """Return the absolute path of a file that may be read.

        Raises:
            InputError: If it is outside the allowed folders.
        """
        inside = self._inside(path)
        if inside is None:
            raise InputError(f"'{path[:200]}' is outside the allowed folders; use a relative path, such as file.pptx")
        return inside

    def file_to_write(self, path: str, *, overwrite: bool = False) -> Path:
        """Return the absolute path of a file, or of a folder of files, that may be written.

        Args:
            path: Where to write; relative paths start at the first root.
            overwrite: Whether to replace a file that the tools of this thread did not write, or that was changed since.

        Raises:
            OutputPathError: If it is outside the allowed folders, or something is there that may not be replaced.
        """
        inside = self._inside(path, to_write=True)
        if inside is None:
            raise OutputPathError(f"'{path[:200]}' is outside the allowed folders; save as '{Path(path).name[:200]}'")
        if not _is_taken(inside) or self._wrote(inside) or (overwrite and inside.is_file()):
            return inside
        numbered = (inside.with_name(f"{inside.stem}-{number}{inside.suffix}") for number in range(2, 10_000))
        free = next(other for other in numbered if not other.exists())
        advice = f"use a free name, such as '{Path(path).with_name(free.name)}'"
        if inside.is_file():
            advice += ", or set overwrite to true if the user wants it replaced"
        raise OutputPathError(f"'{path}' exists and is not from these tools; {advice}")

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Make room for a folder that these tools wrote; it comes back if the block does not end well."""
        if not (path.is_dir() and _is_taken(path) and self._wrote(path)):
            yield
            return
        aside = path.rename(path.with_name(f".{path.name}-{secrets.token_hex(4)}"))
        try:
            yield
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            aside.rename(path)
            raise
        shutil.rmtree(aside, ignore_errors=True)

    def note_written(self, path: Path) -> None:
        """Remember that a tool wrote a file, or a folder of files: this thread's tools may write it anew."""
        self._written[self.images.thread, path] = _state(path)

    def _wrote(self, path: Path) -> bool:
        noted = self._written.get((self.images.thread, path))
        return noted is not None and noted == _state(path)

    def without_roots(self, text: str) -> str:
        """Return a text for a language model, with relative paths in place of the machine's."""
        for root in sorted(map(str, self.roots), key=len, reverse=True):
            if root != os.path.abspath(os.sep):
                text = text.replace(f"{root}{os.sep}", "").replace(root, ".")
        return text

    def _inside(self, path: str, *, to_write: bool = False) -> Path | None:
        """Return the absolute path; of a file to read, in the first root that has it."""
        inside = []
        for root in self.roots:
            try:
                resolved = Path(os.path.realpath(root / path))
            except (OSError, ValueError):
                return None
            if any(resolved.is_relative_to(allowed) for allowed in self.roots):
                inside.append(resolved)
            if to_write:
                break
        return next((found for found in inside if os.path.exists(found)), inside[0] if inside else None)


def _is_taken(path: Path) -> bool:
    """Return whether there is something at a path; an empty folder is nothing."""
    return any(path.iterdir()) if os.path.isdir(path) else os.path.lexists(path)


def _state(path: Path) -> _State:
    files = sorted(path.rglob("*")) if path.is_dir() else [path] if path.exists() else []
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)


def _file_name(reference: str) -> str:
    return re.split(r"[/\\]", reference)[-1].casefold()

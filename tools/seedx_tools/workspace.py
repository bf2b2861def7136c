"""What tools may access when a language model calls them: named images, some folders, some hosts."""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from seedx_sdk.errors import ImageError, InputError, OutputPathError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import ImageLimits, ImageSource
from seedx_tools.image_store import SCHEME, ImageStore
from seedx_tools.written_files import WrittenFiles, aside

_URL = re.compile(r"(?!file:)[a-zA-Z][a-zA-Z0-9+.-]*://")
_WRITTEN_AROUND = " \t\r\n\"'`<>[]"
"""What models write around a name."""
_ANY_NAME = re.compile(r"(?:image[\s:_#-]*(\w+?)(?:\.\w{3,4})?|#?(\d+))(?:\s*\(.*\))?", re.IGNORECASE)
"""A name as models write it: Image:1, image 1, image_1, image:1.png, image:1 (my cat.png), 1."""


class OutputFile(str):
    """The path of a file that a tool may write."""

    overwrite: bool
    """Whether it may be the user's."""


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
        self._written = WrittenFiles()

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
        raise ImageError(f"{_shown(reference)} {fault}; use {self.images.choices()}")

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
            raise InputError(f"{_shown(path)} is outside the allowed folders; use a relative path, such as 'file.pptx'")
        return inside

    def file_to_write(self, path: str, *, overwrite: bool = False) -> OutputFile:
        """Return the absolute path of a file, or of a folder of files, that may be written.

        Args:
            path: Where to write; relative paths start at the first root.
            overwrite: Whether to replace a file that the tools of this thread did not write, or that was changed since.

        Raises:
            OutputPathError: If it is outside the allowed folders, its folder does not exist, or something is there that
                may not be replaced.
        """
        inside, name = self._inside(path, to_write=True), os.path.basename(path)
        if inside is None or inside in self.roots:
            raise OutputPathError(f"{_shown(path)} is outside the allowed folders; use a relative path, such as 'file'")
        if not os.path.isdir(inside.parent):
            raise OutputPathError(f"the folder of {_shown(path)} does not exist; use one that exists, such as '{name}'")
        try:
            os.lstat(inside)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OutputPathError(f"{_shown(path)}: {error.strerror}; use another name") from error
        if not self._written.may_write(self.images.thread, inside, overwrite=overwrite):
            raise OutputPathError(f"{_shown(path)} exists and is not from these tools; {_other_name(path, inside)}")
        output = OutputFile(inside)
        output.overwrite = overwrite
        return output

    @contextmanager
    def writing(self, output: OutputFile) -> Iterator[None]:
        """Keep a file for this call, if it still may be written.

        Raises:
            OutputPathError: If another call writes it, or something is there now that may not be replaced.
        """
        path = Path(output)
        if not self._written.reserve(self.images.thread, path, overwrite=output.overwrite):
            raise OutputPathError(f"'{output}' exists and is not from these tools; {_other_name(output, path)}")
        try:
            with aside(path):
                yield
        finally:
            self._written.release(path)

    def note_written(self, path: Path) -> None:
        """Remember that a tool wrote a file, or a folder of files: this thread's tools may write it anew."""
        if not self.images.shared:
            self._written.note(self.images.thread, path)

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
                path.encode()  # half of a surrogate pair names a file on some machines, and is no text on any
                resolved = Path(os.path.realpath(root / path))
            except (OSError, ValueError):
                return None
            if any(resolved.is_relative_to(allowed) for allowed in self.roots):
                inside.append(resolved)
            if to_write:
                break
        return next((found for found in inside if os.path.exists(found)), inside[0] if inside else None)


def _other_name(given: str, path: Path) -> str:
    """Return advice for a path at which something is."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    free = next(other for other in numbered if not os.path.lexists(other))
    advice = f"use a free name, such as '{os.path.join(os.path.dirname(given), free.name)}'"
    return f"{advice}, or set overwrite to true if the user wants it replaced" if os.path.isfile(path) else advice


def _shown(text: str) -> str:
    return f"'{text.encode(errors='replace').decode()[:200]}'"


def _file_name(reference: str) -> str:
    return unicodedata.normalize("NFC", re.split(r"[/\\]", reference)[-1]).casefold()

"""What tools may access when a language model calls them: named images, some folders, some hosts."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from seedx_sdk.errors import ImageError, InputError, OutputPathError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import ImageLimits, ImageSource
from seedx_tools.image_store import SCHEME, ImageStore

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


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

    def in_thread(self, thread: str | None, *, unique: bool = False, secret: bool = False) -> Workspace:
        """Return a workspace with the images of another thread, and with the same folders and hosts.

        Args:
            thread: The thread; None: none, so new images get unguessable names.
            unique: Whether names are random, for a thread whose earlier names are not known here.
            secret: Whether names are unguessable and never listed, for users who share a thread.
        """
        images = self.images.in_thread(thread, unique=unique, secret=secret)
        return Workspace(images=images, roots=self.roots, fetcher=self._fetcher)

    def resolve_image(self, reference: str) -> ImageSource:
        """Return the image that a name, a data URI, a URL or a path refers to.

        Raises:
            ImageError: If there is no such name, the URL is not allowed or not answered, or the path is outside the
                allowed folders.
        """
        if reference.startswith(SCHEME):
            return self.images[reference]
        if reference.startswith("data:"):
            return reference
        if _URL.match(reference):
            with start_blocking_portal() as portal:  # the caller's thread may run an event loop of its own
                return portal.call(self._fetcher.fetch, reference)
        path = self._inside(reference)
        if path is None:
            raise ImageError(f"'{reference[:200]}' is outside {self._allowed()}; give the name of an earlier image")
        return path

    def file_to_read(self, path: str) -> Path:
        """Return the absolute path of a file that may be read.

        Raises:
            InputError: If it is outside the allowed folders.
        """
        inside = self._inside(path)
        if inside is None:
            raise InputError(f"'{path[:200]}' is outside {self._allowed()}; use a file in one of them")
        return inside

    def file_to_write(self, path: str) -> Path:
        """Return the absolute path of a file that may be written.

        Raises:
            OutputPathError: If it is outside the allowed folders.
        """
        inside = self._inside(path)
        if inside is None:
            raise OutputPathError(f"'{path[:200]}' is outside {self._allowed()}; save it in one of them")
        return inside

    def _inside(self, path: str) -> Path | None:
        try:
            resolved = Path(os.path.realpath((self.roots[0] if self.roots else Path()) / Path(path)))
        except (OSError, ValueError):
            return None
        return resolved if any(resolved.is_relative_to(root) for root in self.roots) else None

    def _allowed(self) -> str:
        return f"the allowed folders ({', '.join(map(str, self.roots)) or 'none'})"

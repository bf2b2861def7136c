"""What tools may reach when a language model calls them: named pictures, some folders, some hosts."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio

from seedx_sdk.errors import ImageError, InputError, OutputPathError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import ImageLimits, ImageSource
from seedx_tools.image_store import SCHEME, ImageStore

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


class Workspace:
    """The pictures, folders and hosts of one conversation.

    Args:
        images: Pictures by name; None makes an empty store.
        roots: Folders that may be read and written, with all that is in them; relative paths begin at the first.
            Symbolic links are followed before a path is judged.
        image_hosts: Hosts from which pictures are fetched, or patterns such as "*.example.org"; private addresses are
            refused all the same, also after a redirect.
        fetcher: Replaces the one for image_hosts, for tests.
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

    def picture(self, reference: str) -> ImageSource:
        """Return what a reference means: a name, a data URI, a URL or a path.

        Raises:
            ImageError: There is no such name, the URL is not allowed or not answered, or the path is outside.
        """
        if reference.startswith(SCHEME):
            return self.images[reference]
        if reference.startswith("data:"):
            return reference
        if _URL.match(reference):
            with ThreadPoolExecutor(1) as pool:  # the caller's thread may have an event loop of its own
                return pool.submit(anyio.run, self._fetcher.fetch, reference).result()
        path = self._inside(reference)
        if path is None:
            raise ImageError(f"'{reference[:200]}' is outside {self._allowed()}; give the name of an earlier picture")
        return path

    def file_to_read(self, path: str) -> Path:
        """Return the whole path of a file that may be read.

        Raises:
            InputError: It is outside the allowed folders.
        """
        inside = self._inside(path)
        if inside is None:
            raise InputError(f"'{path[:200]}' is outside {self._allowed()}; use a file in there")
        return inside

    def file_to_write(self, path: str) -> Path:
        """Return the whole path of a file that may be written.

        Raises:
            OutputPathError: It is outside the allowed folders.
        """
        inside = self._inside(path)
        if inside is None:
            raise OutputPathError(f"'{path[:200]}' is outside {self._allowed()}; save it in there")
        return inside

    def _inside(self, path: str) -> Path | None:
        try:
            whole = Path(os.path.realpath((self.roots[0] if self.roots else Path()) / Path(path)))
        except (OSError, ValueError):
            return None
        return whole if any(whole.is_relative_to(root) for root in self.roots) else None

    def _allowed(self) -> str:
        return f"the allowed folders ({', '.join(map(str, self.roots)) or 'none'})"

"""The versions of a design: the image it began with, and each change that was accepted."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from seedx_agents.designer.results import Change
from seedx_sdk.errors import InputError, OutputPathError
from seedx_sdk.imaging import save_image


@dataclass(slots=True)
class Versions:
    """One design over several rounds."""

    _images: list[Image.Image] = field(default_factory=list)
    _changes: list[Change] = field(default_factory=list)
    _written: set[Path] = field(default_factory=set)

    def begin(self, image: Image.Image) -> None:
        """Begin a design with an image."""
        self._images, self._changes = [image], []

    @property
    def latest(self) -> Image.Image | None:
        """The design as it is now, or None if there is none."""
        return self._images[-1] if self._images else None

    @property
    def image(self) -> Image.Image:
        """The design as it is now.

        Raises:
            InputError: If there is none.
        """
        if not self._images:
            raise InputError("there is no design yet; call draw() or open() first")
        return self._images[-1]

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that were accepted, in order."""
        return tuple(self._changes)

    def accept(self, change: Change, image: Image.Image) -> None:
        """Continue with a changed image."""
        self._images.append(image)
        self._changes.append(change)

    def undo(self) -> Image.Image:
        """Take back the change that was accepted last and return the image before it.

        Raises:
            InputError: If no change was accepted.
        """
        if not self._changes:
            raise InputError("there is no accepted change to undo")
        self._changes.pop()
        self._images.pop()
        return self._images[-1]

    def save(self, path: str | os.PathLike[str], *, overwrite: bool) -> Path:
        """Write the design as an image file; a file that this class did not write stays unless overwrite says so.

        Raises:
            OutputPathError: If the file exists, or cannot be written.
        """
        target = Path(path).absolute()
        if target.exists() and target not in self._written and not overwrite:
            raise OutputPathError(f"'{path}' exists; choose another name, or pass overwrite=True")
        save_image(self.image, target)
        self._written.add(target)
        return Path(path)

"""A training sample before tokenization: text and images in reading order, and which of it is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

__all__ = ["Document", "DrawImage", "Draws", "ImageRef", "RandomDraws", "ReadImage", "Segment", "Text"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image of a source, not opened yet."""

    name: str
    """What logs call it, such as "train-0001.tar:000012.jpg"."""
    path: Path
    """The file that holds it."""
    width: int
    """Pixels, after the rotation that EXIF asks for."""
    height: int
    offset: int = 0
    """First byte in the file."""
    length: int | None = None
    """Bytes; None goes on to the end of the file."""
    member: str | None = None
    """Name inside a ZIP archive, such as a .pptx file; offset and length then say nothing."""
    blank: tuple[int, int, int, int] | None = None
    """Corners x0, y0, x1, y1, in pixels, of a region that is blanked when the image is opened."""


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch of text, tokenized on its own."""

    text: str
    learn: bool = False
    """Whether its tokens are supervised."""


@dataclass(frozen=True, slots=True)
class ReadImage:
    """An image that the model sees: one block of tokens for each cell of its grid, then the global view."""

    image: ImageRef
    grids: tuple[str, ...] = ("1x1",)
    """Grids to choose from, "columns x rows"; none is the global view alone, as in stories."""


@dataclass(frozen=True, slots=True)
class DrawImage:
    """An image that the model learns to draw: `<img>` is supervised, its 64 hidden states are regressed."""

    image: ImageRef
    condition: ImageRef | None = None
    """The image that the de-tokenizer changes into this one, as in an edit; None begins with nothing."""


Segment = Text | ReadImage | DrawImage
Document = tuple[Segment, ...]
"""A sample; the start token, and the supervised end token, are added when it is encoded."""


class Draws(Protocol):
    """The random choices of a format, so that they can be recorded and replayed."""

    def uniform(self) -> float:
        """Return a number in [0, 1)."""

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options."""

    def randint(self, low: int, high: int) -> int:
        """Return an integer of low..high, both included."""


@dataclass(frozen=True, slots=True)
class RandomDraws:
    """Choices of a generator, which is seeded by the position of the sample."""

    rng: np.random.Generator

    def uniform(self) -> float:
        """Return a number in [0, 1)."""
        return float(self.rng.random())

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[int(self.rng.integers(len(options)))]

    def randint(self, low: int, high: int) -> int:
        """Return an integer of low..high, both included."""
        return int(self.rng.integers(low, high + 1))

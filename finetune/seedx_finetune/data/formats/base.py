"""What a format is: a reader that checks files once, and a pure function from its rows to documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from seedx_finetune.data.documents import Document, Draws, ImageRef

__all__ = ["BadRecord", "Filtered", "Format", "Record", "Row", "image_from_row", "image_to_row"]

Row = dict[str, Any]
"""A normalized record as JSON values. Its images, if any, stand under "images", as `image_to_row` gives them; only
there, so that the index can keep their paths relative to the source."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record that can be used."""

    name: str
    """What logs call it: "train.jsonl:17" (line, from 1), or "0001.tar:000012.jpg"; paths relative to the source."""
    row: Row


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot be used."""

    name: str
    reason: str
    """What is wrong with it, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """A sound record that the options leave out, such as a small image; no fault, and no sample either."""

    name: str
    reason: str
    """Counted by it, so it names the rule and not the value seen."""


class Format(Protocol):
    """A format with its options: a frozen dataclass; workers get a copy, and an index is named by its values."""

    @property
    def name(self) -> str:
        """Its name in `FORMATS`."""

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read a file or directory once: decode every image, check every field, and yield each record in order.

        One bad record costs that record alone; nothing is raised for it.

        Raises:
            DataError: If the path holds nothing of this format.
        """

    def document(self, row: Row, draws: Draws) -> Document:
        """Return the sample of a row that `scan` gave, with the random choices taken from `draws`; reads no file.

        Raises:
            DataError: If the row makes no sample under these options; it is then skipped, by name.
        """


def image_to_row(image: ImageRef) -> dict[str, Any]:
    """Return an image of a source as JSON values."""
    return asdict(image) | {"path": str(image.path)}


def image_from_row(values: dict[str, Any]) -> ImageRef:
    """Return the image that `image_to_row` wrote."""
    blank = values["blank"]
    return ImageRef(**values | {"path": Path(values["path"]), "blank": blank and tuple(blank)})

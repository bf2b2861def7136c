"""The smallest format of training data, and sources in it: questions and answers, with images to read or to draw.

    {"ask": "text", "answer": "text", "read": "a.png", "draw": "b.png", "from": "a.png"}

All but the first two may be left out; "from" is what the image to draw begins from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.documents import Document, DrawImage, Draws, ImageRef, ReadImage, Segment, Text
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row, image_from_row, image_to_row
from seedx_finetune.data.formats.records import OPTIONS, find_files
from seedx_finetune.errors import DataError
from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import open_image

__all__ = ["CELL", "ROLES", "TOKENS", "Check", "Line", "Notes", "Paint", "texts"]

ROLES = ("read", "draw", "from")
CELL = 32
"""Side of a cell in pixels."""
TOKENS = 64
"""Image tokens of a block."""

Line = dict[str, str]
Check = Callable[..., SourceConfig]
"""The fixture `source`."""
Paint = Callable[..., str]
"""The fixture `paint`."""


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class Notes:
    """The format; `path` is one file, or a directory of them."""

    grids: tuple[str, ...] = ("1x1",)
    at_least: int = 0
    """Records whose answer is shorter are left out."""
    name: ClassVar[str] = "notes"

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        for name, file in find_files(path, ".jsonl"):
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                try:
                    yield self._read(f"{name}:{number}", json.loads(line), file.parent)
                except (ImageError, json.JSONDecodeError) as error:
                    yield BadRecord(f"{name}:{number}", str(error))

    def _read(self, name: str, values: dict[str, Any], root: Path) -> Record | Filtered:
        if len(values["answer"]) < self.at_least:
            return Filtered(name, "the answer is too short")
        images = []
        for role in ROLES:
            if file := values.get(role):
                width, height = open_image(root / file).size
                images.append(image_to_row(ImageRef(file, root / file, width, height)))
        roles = [role for role in ROLES if role in values]
        return Record(name, {"ask": values["ask"], "answer": values["answer"], "roles": roles, "images": images})

    def document(self, row: Row, draws: Draws) -> Document:
        if row["ask"] == "nothing":
            raise DataError("there is nothing to ask")
        images = dict(zip(row["roles"], map(image_from_row, row["images"]), strict=True))
        segments: list[Segment] = [Text(draws.choice(("Please: ", "Now: ")) + row["ask"])]
        if "read" in images:
            segments.insert(draws.randint(0, 1), ReadImage(images["read"], self.grids))
        segments.append(Text(row["answer"], learn=True))
        if "draw" in images:
            segments.append(DrawImage(images["draw"], images.get("from")))
        return tuple(segments)


def texts(count: int, *, seed: int = 0, longest: int = 60) -> list[Line]:
    """Return lines of very different lengths: a few long, many short."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(longest, 1 + rng.lognormal(2.2, 1.0, count).astype(int))
    return [{"ask": f"number {i}", "answer": "a red fox " * int(length)} for i, length in enumerate(lengths)]

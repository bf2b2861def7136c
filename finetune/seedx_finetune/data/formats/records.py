"""What the readers of all formats share: options, checked fields, lines of JSON, decoded images, images in text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple, ParamSpec, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, DrawImage, ImageRef, ReadImage, Segment, Text
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row
from seedx_finetune.errors import DataError
from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import open_image
from seedx_sdk.model.grids import parse_grid

__all__ = [
    "IMAGE",
    "OPTIONS",
    "Fields",
    "FilteredOut",
    "Grids",
    "JsonLine",
    "SizeFilter",
    "Words",
    "attempt",
    "find_files",
    "json_lines",
    "open_reference",
    "parse",
    "reason_of",
    "with_images",
]

IMAGE = "\ufffc"
"""Stands for an image in a text that goes to `with_images` (the object replacement character of Unicode)."""
_NOT_TEXT = re.compile(rf"</?(?:img|patch)>|<img_\d{{5}}>|</?s>|<unk>|{IMAGE}")

M = TypeVar("M", bound=BaseModel)
P = ParamSpec("P")


class FilteredOut(Exception):
    """A sound record that the options leave out; the message names the rule."""


OPTIONS = ConfigDict(extra="forbid", validate_default=True)
"""For the dataclass of a format: unknown options and wrong types are refused."""


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class SizeFilter:
    """Options of a format that leaves out small and narrow images."""

    min_side: Annotated[int, Field(ge=0)] = 400
    """Pixels of the shorter side; records with smaller images are left out. Source: configs/data of the reference."""
    min_aspect: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Shorter side over longer side; records with narrower images are left out. Source: as `min_side`."""

    def check_size(self, image: ImageRef) -> None:
        """Raise FilteredOut if the image is too small or too narrow."""
        short, long = sorted((image.width, image.height))
        if short < self.min_side:
            raise FilteredOut(f"an image is smaller than min_side={self.min_side}")
        if short < long * self.min_aspect:
            raise FilteredOut(f"an image is narrower than min_aspect={self.min_aspect}")


class Fields(BaseModel):
    """The fields of a record; types are not coerced, and what a format does not need is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


def _check_words(text: str) -> str:
    if found := _NOT_TEXT.search(text):
        raise ValueError(f"the text holds {found[0]!r}, which stands for images or the end; take it out")
    return text


def _check_grids(grids: tuple[str, ...]) -> tuple[str, ...]:
    for grid in grids:
        parse_grid(grid)
    return grids


Words = Annotated[str, AfterValidator(_check_words)]
"""A text without the tokens of images and of the sequence's ends; location tokens may be in it."""
Grids = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_check_grids)]
"""Grids that an image that is read may get, "columns x rows"; the order breaks ties."""


class JsonLine(NamedTuple):
    """A line of a JSONL file."""

    name: str
    """Such as "train.jsonl:17", the path relative to the source."""
    directory: Path
    """That of the file."""
    text: bytes


def find_files(path: Path, suffix: str) -> list[tuple[str, Path]]:
    """Return the name, relative to the source, and the absolute path of every file of a suffix, in order of the names.

    Args:
        path: The file itself, or a directory that is searched with everything below it that is not hidden, as its
            index is.
        suffix: Such as ".jsonl".

    Raises:
        DataError: If there is none.
    """
    path = path.absolute()
    if path.is_file() and path.suffix == suffix:
        return [(path.name, path)]
    below = (
        {file.relative_to(path): file for file in path.rglob(f"*{suffix}") if file.is_file()} if path.is_dir() else {}
    )
    found = [(name.as_posix(), below[name]) for name in sorted(below) if not any(p.startswith(".") for p in name.parts)]
    if not found:
        raise DataError(f"{path} is no {suffix} file and no directory that holds one; give the path of the records")
    return found


def json_lines(path: Path) -> Iterator[JsonLine]:
    """Yield every line of the JSONL files at a path.

    Raises:
        DataError: If there is no such file.
    """
    for name, file in find_files(path, ".jsonl"):
        with file.open("rb") as lines:
            for number, text in enumerate(lines, start=1):
                yield JsonLine(f"{name}:{number}", file.parent, text)


def attempt(name: str, read: Callable[P, Row], /, *args: P.args, **kwargs: P.kwargs) -> Record | BadRecord | Filtered:
    """Return what became of a record: its row, or why there is none."""
    try:
        return Record(name, read(*args, **kwargs))
    except FilteredOut as rule:
        return Filtered(name, str(rule))
    except DataError as error:
        return BadRecord(name, str(error))


def parse(fields: type[M], text: bytes | str) -> M:
    """Return the checked fields of a record in JSON.

    Raises:
        DataError: If it is no JSON, or a field is missing or of the wrong type; each is named.
    """
    if not text.strip():
        raise DataError("the line is empty")
    try:
        return fields.model_validate_json(text)
    except ValidationError as error:
        raise DataError(reason_of(error)) from error


def reason_of(error: ValidationError) -> str:
    """Return what was wrong with each field, such as "data.1: Input should be a valid string"."""
    faults = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        faults.append(f"{where}: {text}" if where else text)
    return "; ".join(faults)


def open_reference(path: Path, name: str, data: bytes | None = None, offset: int = 0) -> ImageRef:
    """Decode an image once, as training will, and return how to find it.

    Args:
        path: Its file, or the file that holds it.
        name: What logs call it.
        data: Its bytes, if it is a part of the file.
        offset: Where they begin there.

    Raises:
        DataError: If there is no such image, it is damaged, of another format, or has several frames.
    """

    def refuse(text: str) -> None:
        raise DataError(f"{text}: save the frame to train on as an image of its own")

    try:
        image = open_image(path if data is None else data, on_warning=refuse)
    except ImageError as error:
        raise DataError(f"image {name}: {error}") from error
    return ImageRef(name, path, image.width, image.height, offset, None if data is None else len(data))


def with_images(text: str, *images: ReadImage | DrawImage, learn: bool = False) -> Document:
    """Return a text with images in the places of `IMAGE`.

    White space beside an image is dropped, for the tokenizer would drop it between text and the image's tokens.

    Args:
        text: Such as what a function of `prompts` returns for the image `IMAGE`.
        images: One for each place.
        learn: Whether the text is supervised.
    """
    parts = text.split(IMAGE)
    segments: list[Segment] = []
    for number, part in enumerate(parts):
        part = part.lstrip() if number else part
        part = part.rstrip() if number < len(parts) - 1 else part
        segments += [Text(part, learn)] if part else []
        segments += images[number : number + 1]
    if len(images) != len(parts) - 1:
        raise ValueError(f"{len(images)} images for {len(parts) - 1} places in {text!r}")
    return tuple(segments)

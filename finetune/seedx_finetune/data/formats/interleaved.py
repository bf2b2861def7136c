"""Documents of text with images in between: MMC4 and OBELICS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, DrawImage, Draws, ReadImage
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row, image_from_row, image_to_row
from seedx_finetune.data.formats.records import (
    IMAGE,
    OPTIONS,
    Fields,
    Grids,
    JsonLine,
    Words,
    attempt,
    json_lines,
    open_reference,
    parse,
    with_images,
)
from seedx_finetune.errors import DataError
from seedx_sdk.model.grids import EDIT_GRIDS

__all__ = ["Interleaved"]


class ImageInfo(Fields):
    """An image of a document of MMC4."""

    image_name: str
    matched_text_index: int


class InterleavedRecord(Fields):
    """A line of the file, in the form of MMC4 or of OBELICS."""

    text_list: tuple[Words, ...] | None = None
    image_info: tuple[ImageInfo, ...] = ()
    texts: tuple[Words | None, ...] | None = None
    images: tuple[str | None, ...] = ()


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class Interleaved:
    """Documents of text with images in between.

    MMC4 (ODC-BY): {"text_list": ["...", ...], "image_info": [{"image_name": "a.jpg", "matched_text_index": 0}, ...]};
    an image stands before the text that it matches. OBELICS (CC BY 4.0): {"texts": ["...", null, ...], "images": [null,
    "a.jpg", ...]}, two lists of one length in which each place has a text or an image; the images, which it names by
    links, are downloaded and named by their files. Images and texts of both have terms of their own.

    All text is supervised. With a probability of `draw_share` the document ends with one of its images that have text
    before them, which is drawn; all others are read. Ours: the reference has not released its reader.
    """

    name: ClassVar[str] = "interleaved"

    images: str = ""
    """Directory of the images, relative to that of the JSONL file."""
    grids: Grids = EDIT_GRIDS
    """One cell each, since a document may hold many."""
    draw_share: Annotated[float, Field(ge=0, le=1)] = 0.5

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every line of the JSONL files at a path."""
        for line in json_lines(path):
            yield attempt(line.name, self._row, line)

    def _row(self, line: JsonLine) -> Row:
        record = parse(InterleavedRecord, line.text)
        if (record.text_list is None) == (record.texts is None):
            raise DataError('the record must have either "text_list" (MMC4) or "texts" (OBELICS)')
        parts = _mmc4(record) if record.texts is None else _obelics(record.texts, record.images)
        texts = [""]
        files: list[str] = []
        for text, name in parts:
            if name is None:
                texts[-1] = f"{texts[-1]}\n{text.strip()}" if texts[-1] else text.strip()
            else:
                files.append(name)
                texts.append("")
        if not any(texts):
            raise DataError("the document has no text")
        images = [open_reference(line.directory / self.images / name.lstrip("/"), name) for name in files]
        return {"images": [image_to_row(image) for image in images], "texts": texts}

    def document(self, row: Row, draws: Draws) -> Document:
        """Return the document; draws whether an image is drawn, and if so which."""
        texts, images = row["texts"], [image_from_row(image) for image in row["images"]]
        drawable = [number for number in range(len(images)) if any(texts[: number + 1])]
        if not (draws.uniform() < self.draw_share and drawable):
            return with_images(IMAGE.join(texts), *(ReadImage(image, self.grids) for image in images), learn=True)
        last = draws.choice(drawable)
        read = (ReadImage(image, self.grids) for image in images[:last])
        text = IMAGE.join(texts[: last + 1]) + IMAGE
        return with_images(text, *read, DrawImage(images[last]), learn=True)


def _mmc4(record: InterleavedRecord) -> Iterator[tuple[str, str | None]]:
    """Yield texts and names of images in reading order."""
    texts = record.text_list or ()
    for number, info in enumerate(record.image_info):
        if not 0 <= info.matched_text_index < len(texts):
            raise DataError(
                f"image_info.{number}.matched_text_index: {info.matched_text_index} is none of the {len(texts)} texts"
            )
    for number, text in enumerate(texts):
        yield from (("", info.image_name) for info in record.image_info if info.matched_text_index == number)
        yield text, None


def _obelics(texts: tuple[str | None, ...], images: tuple[str | None, ...]) -> Iterator[tuple[str, str | None]]:
    """Yield texts and names of images in reading order."""
    if len(texts) != len(images):
        raise DataError(f"{len(texts)} texts and {len(images)} images; the lists must be of one length")
    for number, (text, image) in enumerate(zip(texts, images, strict=True)):
        if (text is None) == (image is None):
            raise DataError(f"place {number} must hold either a text or an image")
        yield text or "", image

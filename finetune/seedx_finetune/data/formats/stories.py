"""Stories: pages of text and an image in one style, VIST and StoryStream."""

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
    JsonLine,
    SizeFilter,
    Words,
    attempt,
    json_lines,
    open_reference,
    parse,
    with_images,
)
from seedx_finetune.errors import DataError
from seedx_sdk import prompts

__all__ = ["Stories"]


class StoryRecord(Fields):
    """A line of the file."""

    id: int | str | None = None
    images: tuple[str, ...]
    captions: tuple[Words, ...]
    orders: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class Stories(SizeFilter):
    """Stories of two pages or more: {"id": 7, "images": ["7_0.jpg", ...], "captions": [...], "orders": [0, 1, ...]}.

    A sample reads the first pages, at least one, and writes and draws the next; how many is drawn. Its form is that of
    SEED-Story, and `prompts.story_window` says what is read of more pages than its window. Supervised: the text of the
    page to write, with its "[INST]", and `<img>`.

    Long stories are cut into chunks that differ by one page at most, so that no page is lost (the reference cuts 30
    pages into chunks of 10 and drops the rest). VIST's photographs (Flickr) are under Creative Commons licenses, each
    its own; StoryStream comes with SEED-Story (Apache 2.0), its images are frames of series whose owners keep their
    rights.
    """

    name: ClassVar[str] = "stories"

    images: str = ""
    """Directory of the images, relative to that of the JSONL file."""
    min_side: Annotated[int, Field(ge=0)] = 128
    """Of every image. Source: the data configuration of SEED-Story, which checks the last image only."""
    min_aspect: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Source: as `min_side`."""
    chunk: Annotated[int, Field(ge=3)] = 10
    """Pages of a sample's story, at most. Source: chunk_data.py of SEED-Story."""

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every line of the JSONL files at a path; a long story gives several records."""
        for line in json_lines(path):
            try:
                record = _sorted(parse(StoryRecord, line.text))
            except DataError as error:
                yield BadRecord(line.name, str(error))
                continue
            pages = len(record.images)
            chunks = -(-pages // self.chunk)
            bounds = [pages * number // chunks for number in range(chunks + 1)]
            for begin, end in zip(bounds, bounds[1:], strict=False):
                name = line.name if chunks == 1 else f"{line.name}[{begin}:{end}]"
                yield attempt(name, self._row, line, record.images[begin:end], record.captions[begin:end])

    def _row(self, line: JsonLine, files: tuple[str, ...], captions: tuple[str, ...]) -> Row:
        images = [open_reference(line.directory / self.images / name.lstrip("/"), name) for name in files]
        for image in images:
            self.check_size(image)
        return {"images": [image_to_row(image) for image in images], "captions": list(captions)}

    def document(self, row: Row, draws: Draws) -> Document:
        """Return the pages that are read, then the one to write; draws how many more than one are read."""
        images = [image_from_row(image) for image in row["images"]]
        target = draws.randint(0, len(images) - 2) + 1
        parts = prompts.story_window(row["captions"][:target])
        text = "".join(part.text if part.page is None else part.text + IMAGE for part in parts)
        read = (ReadImage(images[part.page], grids=()) for part in parts if part.page is not None)
        answer = prompts.story_page(target, row["captions"][target]) + IMAGE
        return *with_images(text, *read), *with_images(answer, DrawImage(images[target]), learn=True)


def _sorted(record: StoryRecord) -> StoryRecord:
    """Return the story with its pages in order."""
    pages = len(record.images)
    if len(record.captions) != pages:
        raise DataError(f"{pages} images and {len(record.captions)} captions; each page has one of both")
    if pages < 2:
        raise DataError(f"the story has {pages} pages; two are needed, one to read and one to write")
    for number, caption in enumerate(record.captions):
        if not caption.strip():
            raise DataError(f"captions.{number}: it is empty")
    if record.orders is None:
        return record
    if len(record.orders) != pages or len(set(record.orders)) != pages:
        raise DataError(f"orders: {list(record.orders)} must be {pages} different numbers, one for each page")
    order = sorted(range(pages), key=record.orders.__getitem__)
    return StoryRecord(
        images=tuple(record.images[number] for number in order),
        captions=tuple(record.captions[number] for number in order),
    )

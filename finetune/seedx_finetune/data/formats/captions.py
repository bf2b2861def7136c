"""Images with captions in tar files: read and described, or drawn from the caption."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, DrawImage, Draws, ReadImage, Text
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row, image_from_row, image_to_row
from seedx_finetune.data.formats.records import (
    IMAGE,
    OPTIONS,
    Fields,
    FilteredOut,
    Grids,
    SizeFilter,
    Words,
    attempt,
    parse,
    with_images,
)
from seedx_finetune.data.formats.requests import DESCRIBE_REQUESTS, DRAW_REQUESTS, Request
from seedx_finetune.data.formats.tars import TarSample, tar_samples
from seedx_finetune.errors import DataError
from seedx_sdk import prompts
from seedx_sdk.model.grids import READ_GRIDS

__all__ = ["Captions", "draw_text"]

_SIMILARITIES = ("all_similarities", "similarity", "score", "SCORE")
"""Fields of the metadata, the first one counts. Source: filter_data_with_similarity of image_text_pairs_clm.py."""


class Caption(Fields):
    """A caption."""

    text: Words


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class Captions(SizeFilter):
    """Images with captions: tar files with key.jpg (.jpeg, .png, .webp), key.txt, and perhaps key.json of metadata.

    A sample is read (the image, then the caption, which is supervised) or drawn (the caption, then the image; `<img>`
    is supervised and the caption is not). Instruction tuning puts both in the form of a conversation, with one of
    several requests, and for drawing with a polite reply that is not supervised either, as in the reference.

    img2dataset downloads such tar files from lists of links: LAION-COCO (CC BY 4.0, the images have terms of their
    own), Unsplash (its own license), JourneyDB (for research only).
    """

    name: ClassVar[str] = "captions"

    read_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability that the image is read and not drawn; img_first_ratio of the reference, 0 in its fine-tuning."""
    instruct: bool = False
    """Whether the sample is a conversation."""
    requests: Annotated[tuple[Request, ...], Field(min_length=1)] = DRAW_REQUESTS
    """What asks for an image, before the caption, and what replies, if `instruct`."""
    grids: Grids = READ_GRIDS
    """For reading."""
    caption_key: str | None = None
    """Field of the metadata that holds the caption; None reads key.txt."""
    min_similarity: float = 0.1
    """Of image and caption, where the metadata has it; those below are left out. Source: configs/data."""

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every sample of the tar files at a path."""
        for sample in tar_samples(path):
            yield sample if isinstance(sample, BadRecord) else attempt(sample.name, self._row, sample)

    def _row(self, sample: TarSample) -> Row:
        metadata = read_metadata(sample)
        caption = sample.text("txt") if self.caption_key is None else metadata.get(self.caption_key)
        if caption is None:
            missing = "it has no .txt" if self.caption_key is None else f"its metadata has no {self.caption_key!r}"
            raise DataError(f"{missing}, and so no caption")
        text = parse(Caption, json.dumps({"text": caption})).text
        if not text.strip():
            raise DataError("its caption is empty")
        image = sample.image()
        self.check_size(image)
        self._check_similarity(metadata)
        return {"images": [image_to_row(image)], "caption": text}

    def _check_similarity(self, metadata: dict[str, Any]) -> None:
        name = next((name for name in _SIMILARITIES if name in metadata), None)
        value = metadata[name] if name is not None else None
        if isinstance(value, list):
            value = max(value, default=None)
        if name is not None and (not isinstance(value, int | float) or math.isnan(value)):
            raise DataError(f"{name} of its metadata is no number")
        if value is not None and value < self.min_similarity:
            raise FilteredOut(f"image and caption are less similar than min_similarity={self.min_similarity}")

    def document(self, row: Row, draws: Draws) -> Document:
        """Return the sample; draws the request, then whether the image is read."""
        (image,) = (image_from_row(image) for image in row["images"])
        request = draws.choice(self.requests) if self.instruct else None
        if draws.uniform() >= self.read_share:
            return Text(draw_text(row["caption"], request, instruct=self.instruct)), DrawImage(image)
        shown, caption = ReadImage(image, self.grids), Text(row["caption"], learn=True)
        if not self.instruct:
            return shown, caption
        question = prompts.instruct(draws.choice(DESCRIBE_REQUESTS), IMAGE)
        return *with_images(question, shown), caption


def draw_text(caption: str, request: Request | None, *, instruct: bool) -> str:
    """Return the text that an image is drawn from: the caption, with a request or without, as a conversation or not.

    Source: decode_image_text_pair of image_text_pairs_clm.py.
    """
    asked, reply = request if request is not None else ("", "")
    text = f"{asked} {caption.lstrip(' ')}" if asked else caption
    text = prompts.instruct(text) if instruct else text
    return f"{text.rstrip(' ')} {reply}" if reply else text


def read_metadata(sample: TarSample) -> dict[str, Any]:
    """Return the key.json of a sample, empty if there is none.

    Raises:
        DataError: If it is no JSON object.
    """
    text = sample.text("json")
    if text is None:
        return {}
    try:
        metadata = json.loads(text)
    except ValueError as error:
        raise DataError(f"its .json is damaged: {error}") from error
    if not isinstance(metadata, dict):
        raise DataError("its .json is not an object")
    return metadata

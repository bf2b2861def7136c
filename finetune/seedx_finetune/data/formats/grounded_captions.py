"""Captions whose phrases have boxes: GRIT."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, Draws, ReadImage
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row, image_from_row, image_to_row
from seedx_finetune.data.formats.captions import read_metadata
from seedx_finetune.data.formats.records import (
    IMAGE,
    OPTIONS,
    Fields,
    Grids,
    SizeFilter,
    Words,
    attempt,
    parse,
    with_images,
)
from seedx_finetune.data.formats.tars import TarSample, tar_samples
from seedx_finetune.errors import DataError
from seedx_sdk import prompts
from seedx_sdk.model.grids import READ_GRIDS
from seedx_sdk.tokens import Bins, box_from_pixels

__all__ = ["GroundedCaptions"]

Span = tuple[float, float, float, float, float, float, float]
"""First character, character after the last, x0, y0, x1, y1 as parts of the image's sides, confidence."""


class GroundedRecord(Fields):
    """The metadata of a sample."""

    caption: Words
    noun_chunks: tuple[Span, ...] = ()
    ref_exps: tuple[Span, ...] = ()


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class GroundedCaptions(SizeFilter):
    """Captions whose phrases have boxes: tar files with key.jpg and key.json, as img2dataset makes them of GRIT.

    The metadata has "caption" and "noun_chunks" or "ref_exps", lists of [first, end, x0, y0, x1, y1, confidence]: a
    stretch of the caption and a box in parts of the image's sides. Behind each phrase come its boxes, in the form in
    which the base model is asked to detect. All of the caption is supervised.

    GRIT is under the Microsoft Public License; its images (COYO-700M, LAION-2B) have terms of their own.
    """

    name: ClassVar[str] = "grounded_captions"

    grids: Grids = READ_GRIDS
    """Source: as for images that are read in configs/data of the reference."""
    spans: Literal["noun_chunks", "ref_exps"] = "noun_chunks"
    """Noun phrases, or the longer expressions around them."""
    min_confidence: float = 0.0
    """Boxes below are left out; GRIT itself keeps those above 0.65."""

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every sample of the tar files at a path."""
        for sample in tar_samples(path):
            yield sample if isinstance(sample, BadRecord) else attempt(sample.name, self._row, sample)

    def _row(self, sample: TarSample) -> Row:
        record = parse(GroundedRecord, json.dumps(read_metadata(sample)))
        phrases: defaultdict[int, list[Bins]] = defaultdict(list)
        for number, span in enumerate(getattr(record, self.spans)):
            end, box = _check_span(span, record.caption, f"{self.spans}.{number}")
            if span[6] >= self.min_confidence and box not in phrases[end]:
                phrases[end].append(box)
        grounded = sorted((end, boxes) for end, boxes in phrases.items() if boxes)
        if not grounded:
            raise DataError(f"{self.spans}: no phrase has a box")
        image = sample.image()
        self.check_size(image)
        return {"images": [image_to_row(image)], "caption": record.caption, "boxes": grounded}

    def document(self, row: Row, draws: Draws) -> Document:  # noqa: ARG002 -- nothing is left to chance
        """Return the image, then the caption with boxes."""
        (image,) = (image_from_row(image) for image in row["images"])
        return with_images(IMAGE + _grounded(row), ReadImage(image, self.grids), learn=True)


def _grounded(row: dict[str, Any]) -> str:
    caption: str = row["caption"]
    written, begin = "", 0
    for end, boxes in row["boxes"]:
        written += prompts.grounded_phrase(caption[begin:end], [(x, y, w, h) for x, y, w, h in boxes])
        begin = end
    return written + caption[begin:]


def _check_span(span: Span, caption: str, where: str) -> tuple[int, Bins]:
    begin, end, *corners, _ = span
    if not (begin == int(begin) and end == int(end) and 0 <= begin < end <= len(caption)):
        raise DataError(f"{where}: characters {begin:g} to {end:g} are no part of a caption of {len(caption)}")
    x0, y0, x1, y1 = corners
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise DataError(f"{where}: box {corners} must satisfy 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1")
    return int(end), box_from_pixels((x0, y0, x1, y1), 1, 1)

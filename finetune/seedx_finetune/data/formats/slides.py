"""Slides of .pptx files: the texts as an outline, the layout as the answer, and the pictures to draw."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from lxml.etree import LxmlError
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.shapes.group import GroupShape
from pptx.shapes.picture import Picture
from pptx.shapes.placeholder import PlaceholderPicture
from pydantic import ValidationError
from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, DrawImage, Draws, ImageRef, Text
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row, image_from_row, image_to_row
from seedx_finetune.data.formats.records import (
    IMAGE,
    OPTIONS,
    Fields,
    FilteredOut,
    Words,
    attempt,
    find_files,
    open_reference,
    reason_of,
    with_images,
)
from seedx_finetune.errors import DataError
from seedx_sdk import prompts
from seedx_sdk.prompts import SlideBlock, SlideKind
from seedx_sdk.tokens import Bins, box_from_pixels

__all__ = ["Slides"]

_TITLES = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE)
_FURNITURE = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER, PP_PLACEHOLDER.SLIDE_NUMBER)
_FILE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tiff", ".webp", ".emf", ".wmf")


class Frame(NamedTuple):
    """How coordinates become those of the slide: offset + scale * coordinate."""

    x: float = 0.0
    y: float = 0.0
    x_scale: float = 1.0
    y_scale: float = 1.0


class Block(NamedTuple):
    """A shape that shows something."""

    kind: SlideKind
    box: Bins
    text: str
    """Its text, or what a picture shows."""
    picture: Any = None


class SlideTexts(Fields):
    """All that is written on a slide."""

    texts: tuple[Words, ...]


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class Slides:
    """Slides of .pptx files, a record for each slide.

    The outline is the text of the title, of text boxes, of tables (their first row) and of charts (their title), in
    the order of the slide's shapes, which is the order in which they overlap and in which screen readers read. The
    answer is the layout in that order, then the images of the pictures, whose captions are their alternative texts;
    both are supervised. A picture is drawn as its file has it, without the cropping of the slide. Groups count as
    their members; lines, SmartArt, media, footers, empty placeholders and shapes without text are no blocks.

    Left out are slides without text, and with pictures whose alternative text is missing or the name of a file. The
    slides that the paper uses are in-house data (appendix A); yours have the license of whoever made them.
    """

    name: ClassVar[str] = "slides"

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every slide of the .pptx files at a path."""
        for name, file in find_files(path, ".pptx"):
            try:
                deck = Presentation(str(file))
                slides = list(deck.slides)
            except (PythonPptxError, LxmlError, zipfile.BadZipFile, OSError, KeyError, ValueError) as error:
                yield BadRecord(name, f"the file is no readable .pptx ({error}); open and save it again")
                continue
            size = (int(deck.slide_width or 0), int(deck.slide_height or 0))
            for number, slide in enumerate(slides, start=1):
                yield attempt(f"{name}:{number}", self._row, name, file, slide, size)

    def _row(self, name: str, file: Path, slide: Any, size: tuple[int, int]) -> Row:
        try:
            found = [block for block in _blocks(slide.shapes, Frame(), size) if block is not None]
        except (DataError, FilteredOut):
            raise
        except Exception as error:  # python-pptx raises many kinds at damaged XML
            raise DataError(f"the slide is damaged ({type(error).__name__}: {error}); save it again") from error
        texts = [block.text for block in found if block.kind != "picture"]
        if not texts:
            raise FilteredOut("the slide has no text")
        try:
            SlideTexts(texts=tuple(block.text for block in found))
        except ValidationError as error:
            raise DataError(reason_of(error)) from error
        blocks: list[SlideBlock] = []
        images: list[ImageRef] = []
        for block in found:
            if block.kind == "picture":
                images.append(_image(name, file, block))
                blocks.append(SlideBlock(len(texts) + len(images), block.kind, block.box, block.text))
            else:
                blocks.append(SlideBlock(1 + len(blocks) - len(images), block.kind, block.box))
        return {"images": [image_to_row(image) for image in images], "texts": texts, "blocks": blocks}

    def document(self, row: Row, draws: Draws) -> Document:  # noqa: ARG002 -- nothing is left to chance
        """Return the outline, then the layout and the images."""
        images = [DrawImage(image_from_row(image)) for image in row["images"]]
        blocks = [SlideBlock(number, kind, tuple(box), caption) for number, kind, box, caption in row["blocks"]]
        request = prompts.instruct(prompts.slide_outline(row["texts"]))
        answer = prompts.slide_answer(blocks) + IMAGE * len(images)
        return Text(request), *with_images(answer, *images, learn=True)


def _blocks(shapes: Any, frame: Frame, size: tuple[int, int]) -> Iterator[Block | None]:
    for shape in shapes:
        if isinstance(shape, GroupShape):
            yield from _blocks(shape.shapes, _frame_of(shape, frame), size)
        else:
            yield _block(shape, frame, size)


def _frame_of(group: Any, outer: Frame) -> Frame:
    """Return the frame of a group's members, whose coordinates are those of the group."""
    element = group.element
    x_scale = group.width / element.chExt.cx if element.chExt.cx else 1.0
    y_scale = group.height / element.chExt.cy if element.chExt.cy else 1.0
    x, y = group.left - element.chOff.x * x_scale, group.top - element.chOff.y * y_scale
    return Frame(
        outer.x + outer.x_scale * x, outer.y + outer.y_scale * y, outer.x_scale * x_scale, outer.y_scale * y_scale
    )


def _block(shape: Any, frame: Frame, size: tuple[int, int]) -> Block | None:
    """Return what a shape shows, None if that is nothing."""
    role = shape.placeholder_format.type if shape.is_placeholder else None
    if role in _FURNITURE:
        return None
    if isinstance(shape, Picture | PlaceholderPicture):
        return Block("picture", _box(shape, frame, size), _caption(shape), shape)
    if shape.has_table:
        text = " / ".join(cell.text for cell in shape.table.rows[0].cells)
        return Block("table", _box(shape, frame, size), text)
    if shape.has_chart:
        chart = shape.chart
        titled = chart.has_title and chart.chart_title.has_text_frame
        return Block("chart", _box(shape, frame, size), chart.chart_title.text_frame.text if titled else "Chart")
    text = shape.text_frame.text.strip() if shape.has_text_frame else ""
    return Block("title" if role in _TITLES else "text", _box(shape, frame, size), text) if text else None


def _box(shape: Any, frame: Frame, size: tuple[int, int]) -> Bins:
    """Return the part of a shape's box that is on the slide."""
    if None in (shape.left, shape.top, shape.width, shape.height):
        raise DataError(f"shape {shape.name!r} has no position")
    width, height = size
    x0, y0 = frame.x + frame.x_scale * shape.left, frame.y + frame.y_scale * shape.top
    x1, y1 = x0 + frame.x_scale * shape.width, y0 + frame.y_scale * shape.height
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        raise DataError(f"shape {shape.name!r} lies outside of the slide; delete it")
    return box_from_pixels((max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)), width, height)


def _caption(shape: Any) -> str:
    text = " ".join((shape.element.nvPicPr.cNvPr.get("descr") or "").split())
    if not text or text.lower().endswith(_FILE_SUFFIXES):
        raise FilteredOut("a picture has no alternative text")
    return text


def _image(name: str, file: Path, block: Block) -> ImageRef:
    shape = block.picture
    try:
        part = shape.part.related_part(shape.element.blipFill.blip.rEmbed)
        data = part.blob
    except (KeyError, AttributeError) as error:
        raise DataError(f"the image of {shape.name!r} is not in the file; insert it there") from error
    member = part.partname.membername
    reference = open_reference(file, f"{name}:{member}", data)
    return ImageRef(reference.name, file, reference.width, reference.height, member=member)

"""Samples as the reference's own readers make them: cut, padded, dropped or turned around where they are too long.

Training does none of this: the packer drops what is too long, by name. Golden cases hold our documents to the
reference through these functions. Paths are those of the reference: sft_clm.py and image_text_pairs_clm.py of SEED-X,
story_telling.py of SEED-Story.
"""

from __future__ import annotations

from dataclasses import dataclass

from seedx_finetune.data.documents import Document, DrawImage, Draws, ImageRef, ReadImage, Text
from seedx_finetune.data.examples import IGNORE, Example
from seedx_finetune.data.formats.base import Row, image_from_row
from seedx_finetune.data.formats.captions import Captions, draw_text
from seedx_sdk.model.grids import choose_grid, patch_positions
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import image_block

__all__ = ["Limits", "ReferenceSample", "View", "caption_document", "cut", "pad", "story_time_ids", "views"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes of a reader."""

    max_length: int
    """Tokens of a sample, padding included."""
    cell: int = 448
    """Side of a cell, in pixels."""
    num_tokens: int = 64
    """Image tokens of a block."""
    grids: tuple[str, ...] = ("1x1",)
    """Of images that are read and, though their cells are not used, of those that are drawn; none in SEED-Story."""


@dataclass(frozen=True, slots=True)
class ReferenceSample:
    """A sample of `max_length` tokens."""

    input_ids: list[int]
    attention_mask: list[int]
    labels: list[int]
    read_mask: list[bool]
    draw_mask: list[bool]


@dataclass(frozen=True, slots=True)
class View:
    """A cell or a global view in the batch of images."""

    position: tuple[float, float]
    """Of its center in the image, 0..1."""
    read: bool
    draw: bool


def pad(example: Example, tokenizer: Tokenizer, limits: Limits) -> ReferenceSample | None:
    """Return an edit or a story, padded; None if it has no place (one token less than the others have)."""
    return cut(example, tokenizer, limits) if len(example.input_ids) < limits.max_length else None


def cut(example: Example, tokenizer: Tokenizer, limits: Limits) -> ReferenceSample | None:
    """Return a conversation or caption, its text cut off or padded; None if the end of an image would be cut off."""
    length = limits.max_length
    end_of_image = tokenizer.token_to_id("</img>")
    if end_of_image in example.input_ids[length:]:
        return None
    space = max(0, length - len(example.input_ids))
    return ReferenceSample(
        example.input_ids[:length] + [tokenizer.pad_id] * space,
        [1] * (length - space) + [0] * space,
        example.labels[:length] + [IGNORE] * space,
        example.read_mask[:length] + [False] * space,
        example.draw_mask[:length] + [False] * space,
    )


def caption_document(
    row: Row, captions: Captions, draws: Draws, tokenizer: Tokenizer, limits: Limits, *, ask: bool
) -> Document | None:
    """Return a caption with its image; None if even the image is too long.

    Source: tokenize_text of image_text_pairs_clm.py. What is too long to be drawn is read instead, and then the whole
    text is supervised, the request too.

    Args:
        row: A record.
        captions: Its format: requests, share that is read, whether it is a conversation.
        draws: Random numbers, the request first.
        tokenizer: Encodes the text.
        limits: Of the reader.
        ask: Whether one of the requests comes before the caption, and its reply behind.
    """
    (image,) = (image_from_row(image) for image in row["images"])
    request = draws.choice(captions.requests) if ask else None
    text = draw_text(row["caption"], request, instruct=captions.instruct)
    columns, rows = choose_grid((image.width, image.height), limits.grids, limits.cell)
    length = len(tokenizer.encode(image_block(columns * rows, limits.num_tokens))) + 2
    if length > limits.max_length:
        return None
    read = draws.uniform() < captions.read_share
    if read or length + len(tokenizer.encode(text)) > limits.max_length:
        return ReadImage(image, limits.grids), Text(text, learn=True)
    return Text(text), DrawImage(image)


def views(document: Document, limits: Limits) -> list[list[View]]:
    """Return what the batch holds of each image: its cells, then its global view."""
    found = []
    for segment in document:
        if isinstance(segment, Text):
            continue
        size = segment.image.width, segment.image.height
        positions = patch_positions(*(choose_grid(size, limits.grids, limits.cell) if limits.grids else (0, 0)))
        draw = isinstance(segment, DrawImage)
        found.append([View(at, not draw, draw and n == len(positions)) for n, at in enumerate(positions, start=1)])
    return found


def story_time_ids(image: ImageRef, size: int) -> tuple[int, int, int, int, int, int]:
    """Return what SEED-Story tells SDXL of a target's size: height, width, top and left of the crop, size, size.

    The crop of a landscape image is given as if it were a portrait, for the reader takes the two sides of the resized
    image in the wrong order.

    Args:
        image: The last of the story, which is not the target.
        size: Side of the square that is drawn, in pixels.
    """
    width, height = image.width, image.height
    resized = (size, int(width * (size / height))) if height < width else (int(height * (size / width)), size)
    read_as_width, read_as_height = resized
    top, left = (max(0, round((side - size) / 2.0)) for side in (read_as_height, read_as_width))
    return height, width, top, left, size, size

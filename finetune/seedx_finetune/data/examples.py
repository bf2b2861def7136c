"""Documents as token ids, labels and masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from seedx_finetune.data.documents import Document, DrawImage, ImageRef, ReadImage, Text
from seedx_sdk.model.grids import choose_grid
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, image_block, input_mask

__all__ = ["IGNORE", "Example", "ImageUse", "encode"]

IGNORE = -100
"""Label of a position where nothing is learned."""


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image in an example."""

    image: ImageRef
    role: Literal["read", "draw"]
    columns: int = 1
    """Of the grid, for an image that is read; 0 x 0 is the global view alone."""
    rows: int = 1
    condition: ImageRef | None = None
    """What the de-tokenizer changes into an image that is drawn."""

    @property
    def blocks(self) -> int:
        """Blocks of image tokens: the cells and the global view, or the one that is drawn."""
        return self.columns * self.rows + 1 if self.role == "read" else 1


@dataclass(frozen=True, slots=True)
class Example:
    """One tokenized sample."""

    name: str
    """What logs call the record, such as "train.jsonl:17"."""
    source: str
    """Name of its source."""
    input_ids: list[int]
    labels: list[int]
    """Of the same length; IGNORE where nothing is learned, else the token itself, predicted from those before."""
    read_mask: list[bool]
    """Positions that the features of an image overwrite."""
    draw_mask: list[bool]
    """Positions whose hidden states are regressed onto the features of an image."""
    images: tuple[ImageUse, ...]
    """In the order of their tokens."""


def encode(
    document: Document,
    tokenizer: Tokenizer,
    *,
    name: str,
    source: str,
    cell: int = 448,
    num_tokens: int = NUM_IMAGE_TOKENS,
) -> Example:
    """Return the ids of a document with bos and eos, and what of it is supervised.

    Supervised are the texts to learn, the `<img>` of images to draw, and eos. Image tokens, `</img>` and everything
    else are not (sft_clm.py).

    Args:
        document: Text and images in reading order.
        tokenizer: Encodes every text on its own, as the reference does.
        name: Of the record.
        source: Its source.
        cell: Side of a cell of the visual encoder, in pixels.
        num_tokens: Image tokens of a block.
    """
    ids, labels, read, draw = [tokenizer.bos_id], [IGNORE], [False], [False]
    images: list[ImageUse] = []
    for segment in document:
        match segment:
            case Text(text, learn):
                piece = tokenizer.encode(text)
                inside = [False] * len(piece)
                piece_labels = list(piece) if learn else [IGNORE] * len(piece)
                reads, draws = inside, inside
            case ReadImage(image, grids):
                columns, rows = choose_grid((image.width, image.height), list(grids), cell) if grids else (0, 0)
                images.append(ImageUse(image, "read", columns, rows))
                piece, reads = _blocks(tokenizer, columns * rows, num_tokens)
                piece_labels, draws = [IGNORE] * len(piece), [False] * len(piece)
            case DrawImage(image, condition):
                images.append(ImageUse(image, "draw", condition=condition))
                piece, draws = _blocks(tokenizer, 0, num_tokens)
                piece_labels, reads = [piece[0], *([IGNORE] * (len(piece) - 1))], [False] * len(piece)
        ids += piece
        labels += piece_labels
        read += reads
        draw += draws
    eos = tokenizer.eos_id
    return Example(name, source, [*ids, eos], [*labels, eos], [*read, False], [*draw, False], tuple(images))


@lru_cache(maxsize=64)
def _blocks(tokenizer: Tokenizer, cells: int, num_tokens: int) -> tuple[list[int], list[bool]]:
    """Return the ids of an image, which are always the same, and which of them its features overwrite."""
    ids = tokenizer.encode(image_block(cells, num_tokens))
    return ids, input_mask(ids, tokenizer.token_ids(num_tokens))

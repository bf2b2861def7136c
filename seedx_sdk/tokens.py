"""The token protocol: names and ids of the added tokens, and boxes as text.

One home for these facts; training, the engine and the client all import them. No torch here.

A box is four location tokens, center x, center y, width and height, each one of 224 bins of the image's side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = [
    "BEGIN_IMAGE",
    "BEGIN_PATCH",
    "BOX_END",
    "BOX_START",
    "END_IMAGE",
    "END_PATCH",
    "NUM_IMAGE_NAMES",
    "NUM_IMAGE_TOKENS",
    "NUM_LOC_BINS",
    "TokenIds",
    "added_tokens",
    "box_from_pixels",
    "box_text",
    "box_to_normalized",
    "box_to_pixels",
    "clean_text",
    "image_block",
    "image_token",
    "input_mask",
    "loc_token",
    "parse_bins",
    "parse_boxes",
]

BEGIN_IMAGE = "<img>"
END_IMAGE = "</img>"
BEGIN_PATCH = "<patch>"
END_PATCH = "</patch>"
BOX_START = "<box_start>"
BOX_END = "<box_end>"

NUM_IMAGE_TOKENS = 64
"""Image tokens of one image or sub-image, in and out."""
NUM_IMAGE_NAMES = 100
"""Image tokens in the vocabulary; only the first 64 are ever used."""
NUM_LOC_BINS = 224
"""Bins of a side."""

Bins = tuple[int, int, int, int]
"""Center x, center y, width, height, each 0..223."""

_LOC = re.compile(r"<loc-(\d+)>")
_TAG = re.compile(r"<[^>]*>")
_OPENED_BOX = re.compile(r"(.*?)<box_end>")
_WHOLE_BOX = re.compile(r"<box_start>(.*?)<box_end>")


def image_token(index: int) -> str:
    """Return the name of the image token, 0..99."""
    return f"<img_{index:05d}>"


def loc_token(index: int) -> str:
    """Return the name of the location token, 0..223."""
    return f"<loc-{index}>"


def added_tokens() -> list[str]:
    """Return the 330 tokens that follow the text pieces, in the released order.

    Source: added_tokens.json of the released tokenizer (100 image tokens, 224 locations).
    """
    return [
        *(image_token(index) for index in range(NUM_IMAGE_NAMES)),
        BEGIN_IMAGE,
        END_IMAGE,
        BEGIN_PATCH,
        END_PATCH,
        *(loc_token(index) for index in range(NUM_LOC_BINS)),
        BOX_START,
        BOX_END,
    ]


@dataclass(kw_only=True, slots=True, frozen=True)
class TokenIds:
    """Ids of the tokens that the model code has to know."""

    bos: int
    """Start of a sequence."""
    eos: int
    """End of an answer."""
    pad: int
    """Fills short sequences of a batch."""
    begin_image: int
    """Opens an image (its global view, or one to draw)."""
    end_image: int
    """Close an image."""
    begin_patch: int
    """Open a sub-image."""
    end_patch: int
    """Close a sub-image."""
    image: tuple[int, ...]
    """The image tokens of one image, in order."""

    @classmethod
    def from_lookup(
        cls,
        lookup: Callable[[str], int],
        *,
        bos: int,
        eos: int,
        pad: int,
        num_image_tokens: int = NUM_IMAGE_TOKENS,
    ) -> TokenIds:
        """Read the ids from a tokenizer's name-to-id function, such as `Tokenizer.token_to_id`."""
        return cls(
            bos=bos,
            eos=eos,
            pad=pad,
            begin_image=lookup(BEGIN_IMAGE),
            end_image=lookup(END_IMAGE),
            begin_patch=lookup(BEGIN_PATCH),
            end_patch=lookup(END_PATCH),
            image=tuple(lookup(image_token(index)) for index in range(num_image_tokens)),
        )


def image_block(num_patches: int, num_image_tokens: int = NUM_IMAGE_TOKENS) -> str:
    """Return the text that stands for one image: its sub-images, then the global view.

    Args:
        num_patches: Cells of the any-resolution grid; 0 leaves only the global view.
        num_image_tokens: Tokens of each.
    """
    inside = "".join(image_token(index) for index in range(num_image_tokens))
    return f"{BEGIN_PATCH}{inside}{END_PATCH}" * num_patches + f"{BEGIN_IMAGE}{inside}{END_IMAGE}"


def input_mask(ids: Sequence[int], tokens: TokenIds) -> list[bool]:
    """Return, for each id, whether an input image feature goes there: strictly inside a closed image or patch.

    An image that is still open is not an input. Source: eval_img2text_seed_x.py.
    """
    mask = [False] * len(ids)
    closing = {tokens.begin_image: tokens.end_image, tokens.begin_patch: tokens.end_patch}
    start: int | None = None
    for position, token in enumerate(ids):
        if token in closing:
            start = position
        elif start is not None and token == closing[ids[start]]:
            mask[start + 1 : position] = [True] * (position - start - 1)
            start = None
    return mask


def box_text(bins: Bins) -> str:
    """Return the box as the model writes it."""
    return BOX_START + "".join(loc_token(value) for value in bins) + BOX_END


def box_from_pixels(corners: tuple[float, float, float, float], width: int, height: int) -> Bins:
    """Return the bins of a box given by its corners x0, y0, x1, y1 in pixels of a width x height image.

    Raises:
        ValueError: If the corners are not in order or lie outside of the image.
    """
    x0, y0, x1, y1 = corners
    if not (0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height):
        raise ValueError(f"box {corners} must satisfy 0 <= x0 <= x1 <= {width} and 0 <= y0 <= y1 <= {height}")
    parts = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
    x, y, w, h = (min(NUM_LOC_BINS - 1, round(part * NUM_LOC_BINS)) for part in parts)
    return x, y, w, h


def box_to_pixels(bins: Bins, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the corners x0, y0, x1, y1 in pixels, truncated as the reference's scripts do; they may lie outside."""
    x, w = bins[0] / NUM_LOC_BINS * width, bins[2] / NUM_LOC_BINS * width
    y, h = bins[1] / NUM_LOC_BINS * height, bins[3] / NUM_LOC_BINS * height
    return int(x - w / 2), int(y - h / 2), int(x + w / 2), int(y + h / 2)


def box_to_normalized(bins: Bins) -> tuple[float, float, float, float]:
    """Return the corners x0, y0, x1, y1 as parts of the image's sides, clipped to 0..1."""
    x, y, w, h = (value / NUM_LOC_BINS for value in bins)
    x0, y0, x1, y1 = (min(1.0, max(0.0, value)) for value in (x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    return x0, y0, x1, y1


def parse_bins(text: str, *, opened: bool = False) -> list[list[int]]:
    """Return the location numbers of every box in the text, however many each holds.

    Args:
        text: What the model wrote.
        opened: Whether the prompt already opened the first box, as the base model's detection prompt does; then
            a box is everything up to `<box_end>`.

    Source: extract_box in eval_img2text_seed_x.py and eval_img2text_seed_x_i.py.
    """
    pattern = _OPENED_BOX if opened else _WHOLE_BOX
    return [[int(number) for number in _LOC.findall(inside)] for inside in pattern.findall(text)]


def parse_boxes(text: str, *, opened: bool = False) -> list[Bins]:
    """Return the boxes of the text that are whole: exactly four numbers, each 0..223; arguments as `parse_bins`."""
    boxes: list[Bins] = []
    for numbers in parse_bins(text, opened=opened):
        if len(numbers) == 4 and max(numbers) < NUM_LOC_BINS:
            x, y, w, h = numbers
            boxes.append((x, y, w, h))
    return boxes


def clean_text(text: str) -> str:
    """Return the text without anything between angle brackets, for display."""
    return _TAG.sub("", text)

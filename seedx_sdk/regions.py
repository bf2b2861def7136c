"""Regions of images: where a person is dressed, and what the model sees of it. Training and use blank it alike."""

from __future__ import annotations

from typing import TypeAlias

from PIL import Image

from seedx_sdk.errors import InputError

__all__ = ["Region", "blank_region", "check_region", "scaled_region"]

Region: TypeAlias = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of an image; x1 and y1 are outside."""
_BLANK = (128, 128, 128)
"""Middle gray: as near to 0 as 8 bits come in the -1..1 that the de-tokenizer's VAE reads."""


def check_region(region: object, size: tuple[int, int]) -> Region:
    """Return a region of an image of `size` (width, height) pixels.

    Raises:
        InputError: If it is not four whole numbers, is empty, or lies partly outside.
    """
    width, height = size
    corners = tuple(region) if isinstance(region, tuple | list) else ()
    if len(corners) != 4 or not all(isinstance(value, int) and not isinstance(value, bool) for value in corners):
        raise InputError(f"region {str(region)[:80]} is not four whole numbers; give x0, y0, x1, y1 in pixels")
    x0, y0, x1, y1 = corners
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise InputError(
            f"region {corners} is empty or not inside the image of {width}x{height} pixels; "
            f"0 <= x0 < x1 <= {width} and 0 <= y0 < y1 <= {height} must hold"
        )
    return x0, y0, x1, y1


def scaled_region(region: Region, size: tuple[int, int], other: tuple[int, int]) -> Region:
    """Return the region of an image of `size` in the same image of `other` (width, height) pixels, rounded outwards."""
    (x0, y0, x1, y1), (width, height), (wide, high) = region, size, other
    return x0 * wide // width, y0 * high // height, -(-x1 * wide // width), -(-y1 * high // height)


def blank_region(image: Image.Image, region: Region, mask: Image.Image | None = None) -> Image.Image:
    """Return a copy of an image in which a region is gray.

    Args:
        image: RGB.
        region: What to blank.
        mask: Of the image's size, in mode "1" or "L": only pixels where it is not 0 are blanked. None: all of them.

    Raises:
        InputError: If the region is not inside the image, or the mask has another size.
    """
    region = check_region(region, image.size)
    if mask is not None and mask.size != image.size:
        raise InputError(f"the mask has {mask.size} pixels and the image {image.size}; they must be of one size")
    blanked = image.copy()
    inside = None if mask is None else mask.crop(region).convert("L").point(lambda value: 255 * (value > 0))
    blanked.paste(_BLANK, region, inside)
    return blanked

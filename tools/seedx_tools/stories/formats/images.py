"""Images of a story as its files hold them."""

from __future__ import annotations

from PIL import Image

MIN_SIDE_PX = 768
"""Smaller images are enlarged to this longer side, because readers show large pixels as blocks or blur."""


def enlarged(image: Image.Image) -> Image.Image:
    """Return the image, enlarged by a whole factor if it is small."""
    factor = -(-MIN_SIDE_PX // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)

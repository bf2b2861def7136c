"""Many images on one, so that a model sees a whole deck or story at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageOps

COLUMNS = 3
CELL_WIDTH_PX = 320
"""Enough to read a slide's title."""
MAX_IMAGES = 30
"""Further images are left out."""
_GAP_PX = 8


def contact_sheet(images: Sequence[Image.Image]) -> Image.Image | None:
    """Return the images in rows of three, in reading order and equally wide; None if there are none."""
    if not images:
        return None
    shown = images[:MAX_IMAGES]
    height = max(round(CELL_WIDTH_PX * image.height / image.width) for image in shown)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    size = (columns * (CELL_WIDTH_PX + _GAP_PX) + _GAP_PX, rows * (height + _GAP_PX) + _GAP_PX)
    sheet = Image.new("RGB", size, "white")
    for index, image in enumerate(shown):
        row, column = divmod(index, columns)
        cell = ImageOps.contain(image, (CELL_WIDTH_PX, height))
        sheet.paste(cell, (_GAP_PX + column * (CELL_WIDTH_PX + _GAP_PX), _GAP_PX + row * (height + _GAP_PX)))
    return sheet

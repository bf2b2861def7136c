"""Many pictures on one, so that a model sees a whole deck or story with one look."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageOps

COLUMNS = 3
CELL_WIDTH = 320
"""Pixels; enough to read a slide's title."""
MOST = 30
"""Pictures on a sheet; those after it are left out."""
_GAP = 8


def contact_sheet(pictures: Sequence[Image.Image]) -> Image.Image | None:
    """Return the pictures in rows of three, in reading order, each as wide as the others; None for no pictures."""
    if not pictures:
        return None
    shown = pictures[:MOST]
    height = max(round(CELL_WIDTH * picture.height / picture.width) for picture in shown)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    size = (columns * (CELL_WIDTH + _GAP) + _GAP, rows * (height + _GAP) + _GAP)
    sheet = Image.new("RGB", size, "white")
    for index, picture in enumerate(shown):
        row, column = divmod(index, columns)
        cell = ImageOps.contain(picture, (CELL_WIDTH, height))
        sheet.paste(cell, (_GAP + column * (CELL_WIDTH + _GAP), _GAP + row * (height + _GAP)))
    return sheet

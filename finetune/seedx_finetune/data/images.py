"""Images of a source: opened within the SDK's limits, and cut into cells as at inference.

Shapes: N cells of the grid, H x W pixels of an image, S side of a cell in pixels.
"""

from __future__ import annotations

import hashlib
import zipfile
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seedx_finetune.data.documents import ImageRef
from seedx_finetune.errors import DataError
from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageLimits, open_image
from seedx_sdk.model.anyres import split_image
from seedx_sdk.regions import blank_region

__all__ = ["StoredImage", "cell_keys", "cell_pixels", "to_pixels"]

MAX_BYTES = ImageLimits().max_bytes


class StoredImage:
    """The bytes of an image, decoded when its pixels are asked for.

    Raises:
        DataError: If it cannot be read.
    """

    def __init__(self, ref: ImageRef) -> None:
        self.ref = ref
        try:
            self.data = _read(ref)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{ref.name} cannot be read ({error}); restore {ref.path}") from error

    @cached_property
    def digest(self) -> str:
        """32 hex digits that are the same for two images only if they show the same."""
        blank = "" if self.ref.blank is None else str(tuple(self.ref.blank))
        return hashlib.sha256(self.data + blank.encode()).hexdigest()[:32]

    @cached_property
    def image(self) -> Image.Image:
        """The image: upright, RGB, its region blanked.

        Raises:
            DataError: If it is damaged, over a limit of `ImageLimits`, or not of the size that it had when checked.
        """
        ref = self.ref
        try:
            image = open_image(self.data, on_warning=_ignore_further_frames)
        except ImageError as error:
            raise DataError(f"{ref.name}: {error}") from error
        if image.size != (ref.width, ref.height):
            found = f"{image.width}x{image.height}"
            raise DataError(f"{ref.name} is {found}, and was {ref.width}x{ref.height} when checked; check it again")
        return image if ref.blank is None else blank_region(image, ref.blank)


def cell_keys(image: StoredImage, columns: int, rows: int, side: int) -> list[str]:
    """Return a name for the content of each cell, row by row, then of the global view.

    An image of one cell has two blocks of one key: both show the whole image at the same size. A grid of 0 x 0 has
    the global view alone.
    """
    whole = f"{image.digest}-{side}"
    if columns * rows <= 1:
        return [whole] * (columns * rows + 1)
    return [*(f"{whole}-{columns}x{rows}-{cell}" for cell in range(columns * rows)), whole]


def cell_pixels(image: Image.Image, columns: int, rows: int, side: int) -> Tensor:
    """Return the uint8 (N + 1, 3, S, S) cells and global view, as the engine cuts them."""
    if columns * rows <= 1:
        whole = to_pixels(image.resize((side, side), Image.Resampling.BICUBIC))
        return whole.expand(columns * rows + 1, -1, -1, -1)
    return split_image(image, (f"{columns}x{rows}",), side, to_pixels).images


def to_pixels(image: Image.Image) -> Tensor:
    """Return an RGB image as uint8 (3, H, W)."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _read(ref: ImageRef) -> bytes:
    """Return the bytes of an image, one more than is allowed at most."""
    if ref.member is not None:
        with zipfile.ZipFile(ref.path) as archive, archive.open(ref.member) as member:
            return member.read(MAX_BYTES + 1)
    with ref.path.open("rb") as file:
        file.seek(ref.offset)
        return file.read(MAX_BYTES + 1 if ref.length is None else min(ref.length, MAX_BYTES + 1))


def _ignore_further_frames(_: str) -> None:
    """Only the first frame of an animation is used, as the engine does."""

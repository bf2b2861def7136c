"""Any-resolution input: the sub-images of an image on its grid, and their positions. S is the side of a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk.model.grids import choose_grid, patch_positions

__all__ = ["AnyResImage", "split_image"]


@dataclass(kw_only=True, slots=True)
class AnyResImage:
    """An image as the visual encoder and the LLM read it."""

    images: Tensor
    """(N + 1, 3, S, S): N cells row by row, then the global view."""
    positions: Tensor
    """(N + 1, 2): x and y of each center, 0..1."""

    @property
    def num_patches(self) -> int:
        """Number of cells, N."""
        return self.images.shape[0] - 1


def split_image(
    image: Image.Image,
    grids: Sequence[str],
    base_resolution: int,
    transform: Callable[[Image.Image], Tensor],
) -> AnyResImage:
    """Return the cells and the global view of an image.

    The image is resized bicubically to the whole grid, ignoring its aspect, and cut row by row.

    Args:
        image: Any size.
        grids: Allowed grids, such as READ_GRIDS; none leaves only the global view.
        base_resolution: S.
        transform: Image of S x S to (3, S, S) tensor.

    Source: process_anyres_image in any_res.py.
    """
    side = base_resolution
    image = image.convert("RGB")
    columns, rows = choose_grid(image.size, grids, side) if grids else (0, 0)
    views: list[Image.Image] = []
    if grids:
        whole = image.resize((columns * side, rows * side), Image.Resampling.BICUBIC)
        corners = [(column * side, row * side) for row in range(rows) for column in range(columns)]
        views = [whole.crop((x, y, x + side, y + side)) for x, y in corners]
    views.append(image.resize((side, side), Image.Resampling.BICUBIC))
    return AnyResImage(
        images=torch.stack([transform(view) for view in views]),
        positions=torch.tensor(patch_positions(columns, rows)),
    )

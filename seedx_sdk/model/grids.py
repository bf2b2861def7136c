"""Any-resolution input: which grid of cells an image gets. No torch.

A grid is named "columns x rows": "1x2" is one cell wide and two high. S is the side of a cell in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "EDIT_GRIDS",
    "READ_GRIDS",
    "choose_grid",
    "grid_by_aspect",
    "grid_by_pixels",
    "parse_grid",
    "patch_positions",
]

READ_GRIDS = ("1x1", "1x2", "1x3", "2x1", "3x1", "1x4", "4x1", "2x2")
"""Grids for reading images. Source: eval_img2text_seed_x.py; the order breaks ties."""
EDIT_GRIDS = ("1x1",)
"""Grids for editing and for images to generate. Source: eval_img2edit_seed_x_edit.py."""


def parse_grid(name: str) -> tuple[int, int]:
    """Return (columns, rows) of a grid name.

    Raises:
        ValueError: If the name is not two positive numbers joined by x.
    """
    columns, separator, rows = name.partition("x")
    if not (separator and columns.isdecimal() and rows.isdecimal() and int(columns) and int(rows)):
        raise ValueError(f"grid {name!r} must be columns x rows, for example '2x1'")
    return int(columns), int(rows)


def patch_positions(columns: int, rows: int) -> list[tuple[float, float]]:
    """Return the center (x, y) of each cell, row by row, then of the global view; 0..1."""
    cells = [((column + 0.5) / columns, (row + 0.5) / rows) for row in range(rows) for column in range(columns)]
    return [*cells, (0.5, 0.5)]


def choose_grid(size: tuple[int, int], grids: Sequence[str], base_resolution: int) -> tuple[int, int]:
    """Return (columns, rows) for an image of (width, height) pixels.

    Two rules each name a grid, and the smaller area wins (the first rule's, if equal).

    Source: select_best_resolution_v2 in any_res.py; the paper asks for the smallest grid that covers the image.
    """
    candidates = [parse_grid(name) for name in grids]
    by_pixels = grid_by_pixels(size, candidates, base_resolution)
    by_aspect = grid_by_aspect(size, candidates, base_resolution)
    return min((by_pixels, by_aspect), key=lambda grid: grid[0] * grid[1])


def grid_by_pixels(size: tuple[int, int], grids: list[tuple[int, int]], side: int) -> tuple[int, int]:
    """Return the grid that keeps most of the image's pixels, then wastes the fewest of its own."""
    width, height = size

    def rank(grid: tuple[int, int]) -> tuple[int, int]:
        grid_width, grid_height = grid[0] * side, grid[1] * side
        scale = min(grid_width / width, grid_height / height)
        effective = min(int(width * scale) * int(height * scale), width * height)
        return -effective, grid_width * grid_height - effective

    return min(grids, key=rank)


def grid_by_aspect(size: tuple[int, int], grids: list[tuple[int, int]], side: int) -> tuple[int, int]:
    """Return the grid whose aspect, then area, is nearest to the image's."""
    width, height = size
    aspect, area = height / width, height * width

    def rank(grid: tuple[int, int]) -> tuple[float, float]:
        grid_width, grid_height = grid[0] * side, grid[1] * side
        grid_aspect, grid_area = grid_height / grid_width, grid_height * grid_width
        return (
            max(grid_aspect, aspect) / min(grid_aspect, aspect),
            max(grid_area, area) / min(grid_area, area),
        )

    return min(grids, key=rank)

"""Draw native tables in previews, from their cells, in the slide's colors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from PIL import ImageDraw
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, scheme_color
from seedx_tools.decks.text.layout import Line, height_of
from seedx_tools.decks.text.shapes import PointRect
from seedx_tools.decks.text.tables import CELL_INSETS, cell_fill, cell_lines, row_heights

DrawLine: TypeAlias = Callable[[Line, float, float], None]
"""Draws a line of text in a box with this left and top, in points."""


def draw_table(
    slide: Slide, shape: Any, area: PointRect, pen: ImageDraw.ImageDraw, pixels: float, line: DrawLine
) -> None:
    """Draw the cells of a table; `pixels` is pixels per point."""
    widths = [int(column.width) / EMU_PER_POINT for column in shape.table.columns]
    lefts = [area[0] + sum(widths[:number]) for number in range(len(widths))]
    if shape.table._tbl.tblPr.get("rtl") in ("1", "true"):
        lefts = [area[0] + area[2] - left - width for left, width in zip(lefts, widths, strict=True)]
    ink = scheme_color(slide, "tx1")
    top = area[1]
    edges: list[float] = []
    for row, height in zip(shape.table.rows, row_heights(slide, shape), strict=True):
        for cell, left, width in zip(row.cells, lefts, widths, strict=True):
            box = [value * pixels for value in (left, top, left + width, top + height)]
            fill = cell_fill(slide, cell)
            if fill is not None:
                pen.rectangle(box, fill=f"#{fill}")
            lines = cell_lines(slide, shape, cell, width)
            free = (height - CELL_INSETS[1] - CELL_INSETS[3] - height_of(lines)) / 2
            for text in lines:
                line(text, left + CELL_INSETS[0], top + CELL_INSETS[1] + max(0.0, free))
        top += height
        edges.append(top)
    for edge in edges:
        pen.line([area[0] * pixels, edge * pixels, area[2] * pixels, edge * pixels], fill=f"#{ink}")

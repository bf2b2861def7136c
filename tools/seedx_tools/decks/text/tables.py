"""Lay out the text of native tables and compute the heights they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, TextStyle, level_of, resolve_color, text_style
from seedx_tools.decks.text.layout import Line, height_of, lay_out
from seedx_tools.decks.text.shapes import paragraph_text

CELL_INSETS = (7.2, 3.6, 7.2, 3.6)
"""The default margins of a cell in points: left, top, right, bottom (ECMA-376 part 1, 21.1.3.17)."""


def cell_runs(slide: Slide, shape: Any) -> Iterator[tuple[str, TextStyle, str | None]]:
    """Yield the text, the style and the cell's own fill (RRGGBB, or None) of every run in a table."""
    for row in shape.table.rows:
        for cell in row.cells:
            ground = cell_fill(slide, cell)
            for paragraph in cell.text_frame.paragraphs:
                for run in paragraph._p.findall(qn("a:r")):
                    text = str(run.findtext(qn("a:t")) or "")
                    if text.strip():
                        yield text, _style(slide, shape, paragraph, run), ground


def cell_fill(slide: Slide, cell: Any) -> str | None:
    """Return a cell's own fill color; None if the table style sets it."""
    properties = cell._tc.find(qn("a:tcPr"))
    fill = None if properties is None else properties.find(qn("a:solidFill"))
    return None if fill is None else resolve_color(slide, fill)


def cell_lines(slide: Slide, shape: Any, cell: Any, width: float) -> list[Line]:
    """Return the laid-out lines of a cell of this width in points, including margins."""
    styled = [
        (paragraph_text(paragraph._p), _style(slide, shape, paragraph, None))
        for paragraph in cell.text_frame.paragraphs
    ]
    return lay_out(styled, width - CELL_INSETS[0] - CELL_INSETS[2])


def row_heights(slide: Slide, shape: Any) -> list[float]:
    """Return the height of each row in points: its own, or more if its text needs it."""
    widths = [int(column.width) / EMU_PER_POINT for column in shape.table.columns]
    heights = []
    for row in shape.table.rows:
        needed = [
            height_of(cell_lines(slide, shape, cell, _width(cell, widths[number:])))
            for number, cell in enumerate(row.cells)
            if not cell.is_spanned
        ]
        heights.append(max(int(row.height) / EMU_PER_POINT, max(needed) + CELL_INSETS[1] + CELL_INSETS[3]))
    return heights


def table_height(slide: Slide, shape: Any) -> float:
    """Return the height of a table in points."""
    return sum(row_heights(slide, shape))


def table_style(slide: Slide, shape: Any) -> TextStyle:
    """Return the style of plain text in a table."""
    return _style(slide, shape, shape.table.cell(0, 0).text_frame.paragraphs[0], None)


def _width(cell: Any, widths: list[float]) -> float:
    return sum(widths[: cell.span_width if cell.is_merge_origin else 1])


def _style(slide: Slide, shape: Any, paragraph: Any, run: Any) -> TextStyle:
    """Return the style of text in a table, which inherits otherStyle and the defaults, but no placeholder."""
    nowhere = shape.element.makeelement(qn("p:sp"))
    return text_style(slide, nowhere, paragraph._p, level_of(paragraph._p), run)

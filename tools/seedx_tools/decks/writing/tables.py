"""Write native tables, editable in PowerPoint, in the theme's colors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pptx.enum.dml import MSO_THEME_COLOR as COLOR
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Emu, Pt

from seedx_tools.decks.data.numbers import is_number
from seedx_tools.decks.ooxml.contrast import contrast
from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, remove
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, scheme_color
from seedx_tools.decks.outline import TableData
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.text.strings import clean, runs_right_to_left
from seedx_tools.decks.text.tables import row_heights, table_height
from seedx_tools.decks.writing.frames import claim_frame, fill_placeholder
from seedx_tools.decks.writing.text import set_right_to_left

TABLE_POINTS = (18.0, 16.0, 14.0, 12.0)
"""The font sizes of tables, the largest that fits first."""
_PLAIN_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""PowerPoint's built-in table design "No Style, No Grid": the cells set the theme colors themselves."""


def place_table(slide: Slide, slots: LayoutSlots, table: TableData, page_height: int) -> list[tuple[str, ...]] | None:
    """Place a table on a slide; return the rows that did not fit, or None if there is no room for a table."""
    place = claim_frame(slide, slots, slots.table, page_height)
    if place is None:
        return None
    frame, ph = place
    shape, rows = _fitted_table(slide, frame, table)
    fill_placeholder(shape, ph)
    shape._element.nvGraphicFramePr.cNvPr.set("descr", _table_alt(table))
    return rows


def _table_alt(table: TableData) -> str:
    return f"Table of {len(table.rows)} rows. Columns: {', '.join(clean(cell) for cell in table.header)}."


def _fitted_table(slide: Slide, frame: EmuFrame, table: TableData) -> tuple[Any, list[tuple[str, ...]]]:
    room = frame[3] / EMU_PER_POINT
    for size in TABLE_POINTS:
        shape = _add_table(slide, frame, table.header, table.rows, size)
        if table_height(slide, shape) <= room:
            break
        if size != TABLE_POINTS[-1]:
            remove(shape)
    else:
        remove(shape)
        size = TABLE_POINTS[2]
        shape = _add_table(slide, frame, table.header, table.rows, size)
        heights = row_heights(slide, shape)
        count = sum(1 for number in range(1, len(heights)) if sum(heights[: number + 1]) <= room)
        kept, rest = table.rows[: max(1, count)], table.rows[max(1, count) :]
        remove(shape)
        shape = _add_table(slide, frame, table.header, kept, size)
        shape.height = Emu(round(table_height(slide, shape) * EMU_PER_POINT))
        _set_heights(slide, shape)
        return shape, list(rest)
    _set_heights(slide, shape)
    return shape, []


def _set_heights(slide: Slide, shape: Any) -> None:
    """Set the rows to the heights they need, so that the frame matches the table as displayed."""
    heights = [Emu(round(height * EMU_PER_POINT)) for height in row_heights(slide, shape)]
    for row, height in zip(shape.table.rows, heights, strict=True):
        row.height = height
    shape.height = Emu(sum(heights))


def _add_table(slide: Slide, frame: EmuFrame, header: Sequence[str], rows: Sequence[Sequence[str]], size: float) -> Any:
    shapes: Any = slide.shapes
    low = Emu(round(size * 1.9 * EMU_PER_POINT))
    left, top, width, _ = (Emu(value) for value in frame)
    shape = shapes.add_table(len(rows) + 1, len(header), left, top, width, Emu(low * (len(rows) + 1)))
    table = shape.table
    shape._element.find(f".//{qn('a:tableStyleId')}").text = _PLAIN_STYLE
    if runs_right_to_left(" ".join(header)):
        shape._element.find(f".//{qn('a:tblPr')}").set("rtl", "1")
    for column, share in enumerate(_shares(header, rows, size)):
        table.columns[column].width = Emu(round(width * share))
    head_fill, head_text = _header_colors(slide)
    for line, cells in enumerate((header, *rows)):
        for column, text in enumerate(cells):
            cell = table.cell(line, column)
            paragraph = cell.text_frame.paragraphs[0]
            run = paragraph.add_run()
            run.text = clean(text)
            if runs_right_to_left(text):
                set_right_to_left(paragraph)
            run.font.size, run.font.bold = Pt(size), line == 0
            run.font.color.theme_color = head_text if line == 0 else COLOR.TEXT_1
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            if column and rows and all(is_number(row[column]) for row in rows if row[column]):
                paragraph.alignment = PP_ALIGN.RIGHT
            cell.fill.solid()
            cell.fill.fore_color.theme_color = head_fill if line == 0 else COLOR.BACKGROUND_1
            if line:
                _underline(cell)
    return shape


def _shares(header: Sequence[str], rows: Sequence[Sequence[str]], size: float) -> list[float]:
    """Return the columns' shares of the width, by their longest line, within limits."""
    longest = [
        max(text_width(clean(text), size, bold=line == 0) for line, text in enumerate((header[number], *column)))
        for number, column in enumerate(zip(*rows, strict=True) if rows else [()] * len(header))
    ]
    wanted = [min(max(length + 2 * size, 5 * size), 22 * size) for length in longest]
    return [length / sum(wanted) for length in wanted]


def _header_colors(slide: Slide) -> tuple[Any, Any]:
    """Return the theme colors of the header, fill and text: the first pair with enough contrast."""
    is_readable = contrast(scheme_color(slide, "tx2"), scheme_color(slide, "bg1")) >= 4.5
    return COLOR.TEXT_2 if is_readable else COLOR.TEXT_1, COLOR.BACKGROUND_1


def _underline(cell: Any) -> None:
    line = parse_xml(
        f"<a:lnB {nsdecls('a')} w='9525'><a:solidFill><a:schemeClr val='tx1'><a:alpha val='25000'/></a:schemeClr>"
        "</a:solidFill></a:lnB>"
    )
    cell._tc.get_or_add_tcPr().insert(0, line)

"""Write native tables, editable in PowerPoint, in the theme's colors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pptx.enum.dml import MSO_THEME_COLOR as COLOR
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Emu, Pt

from seedx_tools.decks.data.totals import is_total
from seedx_tools.decks.ooxml.contrast import contrast
from seedx_tools.decks.ooxml.layouts import EmuFrame, remove
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, scheme_color, soft_line
from seedx_tools.decks.outline import TableData
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.languages.direction import slide_is_mirrored
from seedx_tools.decks.text.strings import clean, mostly_right_to_left, runs_right_to_left
from seedx_tools.decks.text.tables import row_heights, table_style
from seedx_tools.decks.writing.frames import fill_placeholder
from seedx_tools.decks.writing.runs import write_runs
from seedx_tools.decks.writing.table_pages import TablePage, table_pages
from seedx_tools.decks.writing.text import set_right_to_left

_PLAIN_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""PowerPoint's built-in table design "No Style, No Grid": the cells set the theme colors themselves."""
_FULL = 0.75
"""Rows grow until a table takes this share of its frame."""
_AIRIEST = 1.45
"""The most that rows grow."""
_ALIGN = {"left": PP_ALIGN.LEFT, "center": PP_ALIGN.CENTER, "right": PP_ALIGN.RIGHT}


def share_out(slide: Slide, frame: EmuFrame, table: TableData, warn: Callable[[str], None]) -> list[TablePage]:
    """Return the parts of a table that slides with this frame show, one each; see table_pages."""
    shapes: Any = slide.shapes
    sample = shapes.add_table(1, 1, *(Emu(value) for value in frame))
    style = table_style(slide, sample)
    remove(sample)
    return table_pages(table, (frame[2] / EMU_PER_POINT, frame[3] / EMU_PER_POINT), style, warn)


def place_table(slide: Slide, frame: EmuFrame, ph: Any, page: TablePage) -> None:
    """Place a part of a table in a frame; `ph` is the p:ph of the placeholder that it fills, or None."""
    shape = _add_table(slide, frame, page)
    needed = row_heights(slide, shape)
    airy = min(_AIRIEST, max(1.0, _FULL * frame[3] / EMU_PER_POINT / sum(needed)))
    heights = [Emu(round(height * airy * EMU_PER_POINT)) for height in needed]
    for row, height in zip(shape.table.rows, heights, strict=True):
        row.height = height
    shape.height = Emu(sum(heights))
    fill_placeholder(shape, ph)
    shape._element.nvGraphicFramePr.cNvPr.set("descr", table_alt(page.table))


def table_alt(table: TableData) -> str:
    """Return the alt text of a table: its size and its columns."""
    columns = ", ".join(plain_text(clean(cell)) for cell in table.header)
    rows = f"{len(table.rows)} row{'' if len(table.rows) == 1 else 's'}"
    return f"Table of {rows}. Columns: {columns}."


def _add_table(slide: Slide, frame: EmuFrame, page: TablePage) -> Any:
    lines = (page.table.header, *page.table.rows)
    low = Emu(round(page.size * 1.9 * EMU_PER_POINT))
    left, top, width, _ = (Emu(value) for value in frame)
    shapes: Any = slide.shapes
    shape = shapes.add_table(len(lines), len(page.widths), left, top, width, Emu(low * len(lines)))
    shape._element.find(f".//{qn('a:tableStyleId')}").text = _PLAIN_STYLE
    texts = (plain_text(cell) for cells in lines for cell in cells)
    if slide_is_mirrored(slide) or mostly_right_to_left(texts):
        shape._element.find(f".//{qn('a:tblPr')}").set("rtl", "1")
    for column, points in zip(shape.table.columns, page.widths, strict=True):
        column.width = Emu(round(points * EMU_PER_POINT))
    head_fill, head_text = _header_colors(slide)
    soft = soft_line(slide)
    for line, (row, cells) in enumerate(zip(shape.table.rows, lines, strict=True)):
        is_sum = line > 0 and is_total(plain_text(cells[0]))
        for cell, text, align in zip(row.cells, cells, page.table.align, strict=True):
            paragraph = cell.text_frame.paragraphs[0]
            write_runs(paragraph, clean(text))
            if runs_right_to_left(plain_text(text)):
                set_right_to_left(paragraph)
            if align in ("center", "right"):
                paragraph.alignment = _ALIGN[align]
            for run in paragraph.runs or (paragraph.add_run(),):  # an empty cell needs a size too
                run.font.size = Pt(page.size)
                run.font.color.theme_color = COLOR.TEXT_1 if line else head_text
                if not line or is_sum:
                    run.font.bold = True
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            cell.fill.solid()
            cell.fill.fore_color.theme_color = COLOR.BACKGROUND_1 if line else head_fill
            if line:
                _rule(cell, "b", 9525, soft)
            if is_sum:
                _rule(cell, "t", 19050, "")
    return shape


def _header_colors(slide: Slide) -> tuple[Any, Any]:
    """Return the theme colors of the header, fill and text: the first pair with enough contrast."""
    is_readable = contrast(scheme_color(slide, "tx2"), scheme_color(slide, "bg1")) >= 4.5
    return COLOR.TEXT_2 if is_readable else COLOR.TEXT_1, COLOR.BACKGROUND_1


def _rule(cell: Any, side: str, width: int, changes: str) -> None:
    """Draw a line at the top ("t") or bottom ("b") of a cell, `width` EMU wide, in the color of text with changes."""
    name = f"ln{side.upper()}"
    line = parse_xml(
        f"<a:{name} {nsdecls('a')} w='{width}'><a:solidFill><a:schemeClr val='tx1'>{changes}</a:schemeClr>"
        f"</a:solidFill></a:{name}>"
    )
    cell._tc.get_or_add_tcPr().insert(0, line)  # the top comes before the bottom, and is drawn after it

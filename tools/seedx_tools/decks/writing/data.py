"""Write native tables and charts, editable in PowerPoint, in the theme's colors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION
from pptx.enum.dml import MSO_THEME_COLOR as COLOR
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Emu, Pt

from seedx_tools.decks.ooxml.contrast import contrast
from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, frame_of, placeholder, remove
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, resolve_color
from seedx_tools.decks.outline import ChartData, TableData
from seedx_tools.decks.tables import is_number
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.text.strings import clean, runs_right_to_left
from seedx_tools.decks.text.tables import row_heights, table_height
from seedx_tools.decks.writing.pictures import room_below_title
from seedx_tools.decks.writing.text import set_right_to_left

TABLE_POINTS = (18.0, 16.0, 14.0, 12.0)
"""The font sizes of tables, the largest that fits first."""

CHART_POINTS = 14
_KINDS = {"bar": XL_CHART_TYPE.COLUMN_CLUSTERED, "line": XL_CHART_TYPE.LINE_MARKERS, "pie": XL_CHART_TYPE.PIE}
_PLAIN_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""PowerPoint's built-in table design "No Style, No Grid": the cells set the theme colors themselves."""
_ALT_POINTS = 12


def place_table(slide: Slide, slots: LayoutSlots, table: TableData, page_height: int) -> list[tuple[str, ...]] | None:
    """Place a table on a slide; return the rows that did not fit, or None if there is no room for a table."""
    place = _claim_frame(slide, slots, slots.table, page_height)
    if place is None:
        return None
    frame, ph = place
    shape, rows = _fitted_table(slide, frame, table)
    _into_placeholder(shape, ph)
    shape._element.nvGraphicFramePr.cNvPr.set("descr", _table_alt(table))
    return rows


def place_chart(slide: Slide, slots: LayoutSlots, chart: ChartData, page_height: int) -> bool:
    """Place a chart on a slide; return whether there was room."""
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = [clean(category) for category in chart.categories]
    for series in chart.series:
        data.add_series(clean(series.name), series.values)
    place = _claim_frame(slide, slots, slots.chart, page_height)
    if place is None:
        return False
    frame, ph = place
    shapes: Any = slide.shapes
    shape = shapes.add_chart(_KINDS[chart.kind], *(Emu(value) for value in frame), data)
    _into_placeholder(shape, ph)
    shape._element.nvGraphicFramePr.cNvPr.set("descr", chart_alt(chart))
    _style_chart(slide, shape.chart, chart)
    return True


def chart_alt(chart: ChartData) -> str:
    """Return the alt text of a chart: its kind, title and first values."""
    title = clean(chart.title)
    sentences = [f"{chart.kind.capitalize()} chart{f': {title}' if title else ''}."]
    for series in chart.series:
        points = [f"{clean(name)} {value:.15g}" for name, value in zip(chart.categories, series.values, strict=True)]
        more = f", and {len(points) - _ALT_POINTS} more" if len(points) > _ALT_POINTS else ""
        sentences.append(f"{clean(series.name)}: {', '.join(points[:_ALT_POINTS])}{more}.")
    return " ".join(sentences)


def _table_alt(table: TableData) -> str:
    return f"Table of {len(table.rows)} rows. Columns: {', '.join(clean(cell) for cell in table.header)}."


def _claim_frame(slide: Slide, slots: LayoutSlots, own: int | None, page_height: int) -> tuple[EmuFrame, Any] | None:
    """Return the frame of a table or chart, and the p:ph of the placeholder it replaces if that may hold it."""
    index = own if own is not None else slots.bodies[0] if slots.bodies else None
    if index is None:
        room = room_below_title(slide, slots, page_height)
        return None if room is None else (room, None)
    holder = placeholder(slide, index)
    frame, ph = frame_of(holder), holder.element.find(f".//{qn('p:ph')}")
    remove(holder)
    return frame, ph if ph.get("type", "obj") in ("obj", "tbl", "chart") else None


def _into_placeholder(shape: Any, ph: Any) -> None:
    """Make a table or chart the content of a placeholder, as PowerPoint does (ECMA-376 part 1, 19.3.1.36)."""
    if ph is not None:
        shape._element.nvGraphicFramePr.find(qn("p:nvPr")).append(ph)


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
    pairs = ((COLOR.TEXT_2, COLOR.BACKGROUND_1), (COLOR.TEXT_1, COLOR.BACKGROUND_1))
    for fill, text in pairs:
        colors = [resolve_color(slide, _scheme(color)) for color in (fill, text)]
        if contrast(*colors) >= 4.5:
            return fill, text
    return pairs[-1]


def _is_dark(slide: Slide, color: Any) -> bool:
    return contrast(resolve_color(slide, _scheme(color)), "FFFFFF") > 4.5


def _scheme(color: Any) -> Any:
    name = {COLOR.TEXT_1: "tx1", COLOR.TEXT_2: "tx2", COLOR.BACKGROUND_1: "bg1"}[color]
    return parse_xml(f"<a:solidFill {nsdecls('a')}><a:schemeClr val='{name}'/></a:solidFill>")


def _underline(cell: Any) -> None:
    line = parse_xml(
        f"<a:lnB {nsdecls('a')} w='9525'><a:solidFill><a:schemeClr val='tx1'><a:alpha val='25000'/></a:schemeClr>"
        "</a:solidFill></a:lnB>"
    )
    cell._tc.get_or_add_tcPr().insert(0, line)


def _style_chart(slide: Slide, chart: Any, data: ChartData) -> None:
    chart.font.size = Pt(CHART_POINTS)
    chart.font.color.theme_color = COLOR.TEXT_1
    title = clean(data.title)
    chart.has_title = bool(title)
    if title:
        frame = chart.chart_title.text_frame
        frame.text = title
        frame.paragraphs[0].runs[0].font.size = Pt(CHART_POINTS + 2)
    chart.has_legend = len(data.series) > 1 or data.kind == "pie"
    if chart.has_legend:
        chart.legend.position = XL_LEGEND_POSITION.RIGHT if data.kind == "pie" else XL_LEGEND_POSITION.BOTTOM
        chart.legend.include_in_layout = False
    plot = chart.plots[0]
    if data.kind == "pie":
        plot.has_data_labels = True
        labels = plot.data_labels
        labels.show_percentage, labels.show_value = True, False
        labels.number_format, labels.number_format_is_linked = "0%", False
        labels.position = XL_LABEL_POSITION.OUTSIDE_END
        return
    axis = chart.value_axis
    axis.major_gridlines.format.line.width = Pt(0.5)
    axis.major_gridlines.format.line.color.theme_color = COLOR.TEXT_1
    axis.major_gridlines.format.line.color.brightness = 0.7 if _is_dark(slide, COLOR.TEXT_1) else -0.6
    axis.format.line.fill.background()
    if data.kind == "bar":
        plot.gap_width = 60
        plot.has_data_labels = len(data.series) == 1
    else:
        for series in plot.series:
            series.smooth = False
            series.format.line.width = Pt(3)
    if data.kind == "bar" and plot.has_data_labels:
        plot.data_labels.number_format, plot.data_labels.number_format_is_linked = "General", False

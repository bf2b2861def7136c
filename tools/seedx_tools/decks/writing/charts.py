"""Write native charts, editable in PowerPoint, in the theme's colors."""

from __future__ import annotations

from typing import Any

from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION
from pptx.enum.dml import MSO_THEME_COLOR as COLOR
from pptx.slide import Slide
from pptx.util import Emu, Pt

from seedx_tools.decks.ooxml.contrast import contrast
from seedx_tools.decks.ooxml.layouts import LayoutSlots
from seedx_tools.decks.ooxml.styles import scheme_color
from seedx_tools.decks.outline import ChartData
from seedx_tools.decks.text.strings import clean
from seedx_tools.decks.writing.frames import claim_frame, fill_placeholder

CHART_POINTS = 14
_KINDS = {"bar": XL_CHART_TYPE.COLUMN_CLUSTERED, "line": XL_CHART_TYPE.LINE_MARKERS, "pie": XL_CHART_TYPE.PIE}
_ALT_POINTS = 12


def place_chart(slide: Slide, slots: LayoutSlots, chart: ChartData, page_height: int) -> bool:
    """Place a chart on a slide; return whether there was room."""
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = [clean(category) for category in chart.categories]
    for series in chart.series:
        data.add_series(clean(series.name), series.values)
    place = claim_frame(slide, slots, slots.chart, page_height)
    if place is None:
        return False
    frame, ph = place
    shapes: Any = slide.shapes
    shape = shapes.add_chart(_KINDS[chart.kind], *(Emu(value) for value in frame), data)
    fill_placeholder(shape, ph)
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
    axis.major_gridlines.format.line.color.brightness = (
        0.7 if contrast(scheme_color(slide, "tx1"), "FFFFFF") > 4.5 else -0.6
    )
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

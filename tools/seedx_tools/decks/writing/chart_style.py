"""The look of native charts: theme colors, units, legends, and labels where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pptx.enum.chart import XL_LABEL_POSITION as POSITION
from pptx.enum.chart import XL_LEGEND_POSITION, XL_MARKER_STYLE, XL_TICK_LABEL_POSITION, XL_TICK_MARK
from pptx.enum.dml import MSO_THEME_COLOR as COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Pt

from seedx_tools.decks.data.dates import Dates, are_times
from seedx_tools.decks.data.numbers import axis_format, is_in_format, label_format, shown
from seedx_tools.decks.ooxml.contrast import AA_NORMAL, contrast
from seedx_tools.decks.ooxml.styles import scheme_color
from seedx_tools.decks.outline import ChartData, ChartSeries
from seedx_tools.decks.text.languages.direction import slide_is_mirrored
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.text.strings import clean, mostly_right_to_left, runs_right_to_left
from seedx_tools.decks.writing.chart_axes import (
    has_second_axis,
    lines_of,
    order_axes,
    thin_labels,
    value_axes,
)

CHART_POINTS = 14
_MOST_LINE_LABELS = 8
_LEAST_PART = 0.06
"""A part of a stack lower than this share of the highest stack has no room for a label."""
_THIN = 0.05
"""Two neighboring slices under this share have no room for their names."""
_PIE_SHARE = 0.75
"""The diameter of a pie as a share of its chart's height."""
_WIDE = 1.4
"""A chart this many times wider than high has room for a legend beside a pie."""
_ROUNDING = 0.5
_GAP = 60
"""The space between bars, in percent of a bar."""


def style_chart(slide: Slide, native: Any, chart: ChartData, dates: Dates | None, size: tuple[float, float]) -> int:
    """Style a native chart; return how many labels apart those are that are written along its axis.

    Args:
        slide: Its slide.
        native: The chart.
        chart: What it shows.
        dates: The dates along its axis, if it has a date axis.
        size: Its width and height in points.
    """
    native.font.size = Pt(CHART_POINTS)
    native.font.color.theme_color = COLOR.TEXT_1
    words = (chart.title, *chart.categories, *(series.name for series in chart.series))
    right_to_left = slide_is_mirrored(slide) or mostly_right_to_left(words)
    if right_to_left:
        native._chartSpace.find(f"{qn('c:txPr')}/{qn('a:p')}").get_or_add_pPr().set("rtl", "1")
    _set_title(native, clean(chart.title))
    is_round = chart.kind in ("pie", "doughnut")
    native.has_legend = len(chart.series) > 1 or (is_round and not _separator(chart, size))
    if native.has_legend:
        side = XL_LEGEND_POSITION.LEFT if right_to_left else XL_LEGEND_POSITION.RIGHT
        native.legend.position = side if is_round and size[0] > _WIDE * size[1] else XL_LEGEND_POSITION.BOTTOM
        native.legend.include_in_layout = False
    _keep_gaps(native)
    if is_round:
        _label_slices(slide, native.plots[0], chart, _separator(chart, size))
        return 1
    _style_values(slide, native, chart)
    if chart.kind == "scatter":
        _style_scatter(native, chart, right_to_left=right_to_left)
        return 1
    order_axes(native, chart, right_to_left=right_to_left)
    apart = thin_labels(native, chart, dates, size, CHART_POINTS)
    native.category_axis.format.line.color.theme_color = COLOR.TEXT_1
    _style_plots(native, chart)
    if _has_room_for_labels(chart, size):
        _label(slide, native.plots[0], chart)
        if "bar" in chart.kind and (not chart.kind.startswith("stacked")):
            _hide_scale(value_axes(native)[0])
    return apart


def _set_title(native: Any, title: str) -> None:
    native.has_title = bool(title)
    if title:
        frame = native.chart_title.text_frame
        frame.text = title
        frame.paragraphs[0].runs[0].font.size = Pt(CHART_POINTS + 2)
        if runs_right_to_left(title):
            frame.paragraphs[0]._p.get_or_add_pPr().set("rtl", "1")


def _keep_gaps(native: Any) -> None:
    """Let a missing number be a gap and not a zero."""
    blanks = native._chartSpace.chart.find(qn("c:dispBlanksAs"))
    if blanks is not None:
        blanks.set("val", "gap")


def _style_values(slide: Slide, native: Any, chart: ChartData) -> None:
    axis, second = value_axes(native)
    lines = lines_of(chart) if second else []
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.width = Pt(0.5)
    axis.major_gridlines.format.line.color.theme_color = COLOR.TEXT_1
    is_dark = contrast(scheme_color(slide, "tx1"), "FFFFFF") > 4.5
    axis.major_gridlines.format.line.color.brightness = 0.8 if is_dark else -0.6
    first = [series for place, series in enumerate(chart.series) if place not in lines]
    _set_unit(axis, first, chart)
    values = [value for series in first for value in series.values if value is not None]
    if chart.kind not in ("line", "scatter") and values:  # bars and areas that don't start at zero mislead
        if min(values) >= 0:
            axis.minimum_scale = 0
        elif max(values) <= 0:
            axis.maximum_scale = 0
    if second:
        _set_unit(second, [chart.series[place] for place in lines], chart)


def _hide_scale(axis: Any) -> None:
    """Leave out the scale and the grid of bars that have their numbers; the axis' title still tells the unit."""
    axis.has_major_gridlines = False
    axis.major_tick_mark = XL_TICK_MARK.NONE
    axis.tick_label_position = XL_TICK_LABEL_POSITION.NONE


def _set_unit(axis: Any, series: Sequence[ChartSeries], chart: ChartData) -> None:
    axis.format.line.fill.background()
    unit = series[0].unit if len({one.unit for one in series}) == 1 else ""
    is_share = chart.kind.startswith("percent")
    values = [value for one in series for value in one.values]
    axis.tick_labels.number_format = "0%" if is_share else axis_format(values, unit)
    axis.tick_labels.number_format_is_linked = False
    extra = "" if is_in_format(unit) or is_share else unit
    is_untold = not chart.title or len(chart.series) > 1 or chart.kind == "scatter"
    named = series[0].name if len(series) == 1 and is_untold else ""
    title = f"{named} ({extra})" if named and extra and extra not in named else named or extra
    axis.has_title = bool(title.strip())
    if axis.has_title:
        _write_axis_title(axis, clean(title))


def _write_axis_title(axis: Any, text: str) -> None:
    frame = axis.axis_title.text_frame
    frame.text = text
    font = frame.paragraphs[0].runs[0].font
    font.size, font.bold = Pt(CHART_POINTS - 2), False


def _style_plots(native: Any, chart: ChartData) -> None:
    for plot in native.plots:
        kind = plot._element.tag
        if kind == qn("c:barChart"):
            plot.gap_width = _GAP if len(chart.categories) <= 40 else 20
            for series in plot.series:
                series.invert_if_negative = False
        elif chart.kind == "area" and len(chart.series) > 1:
            _let_through(plot)
        elif kind == qn("c:lineChart"):
            over_bars = chart.kind == "combo" and not are_times(chart.categories)
            for series in plot.series:
                series.smooth = False
                if over_bars:
                    _set_markers(series, XL_MARKER_STYLE.DIAMOND, 12)
                else:
                    series.format.line.width = Pt(3 if len(chart.categories) <= 60 else 2)


def _let_through(plot: Any) -> None:
    """Make areas half transparent under an edge in their color: programs differ in which one they draw in front."""
    for series in plot.series:
        color = f"<a:schemeClr {nsdecls('a')} val='accent{series._element.idx.val % 6 + 1}'/>"
        series.format.fill.solid()
        fill = series.format.fill._xPr.find(qn("a:solidFill"))
        fill.append(parse_xml(color.replace("/>", "><a:alpha val='55000'/></a:schemeClr>")))
        series.format.line.width = Pt(2.25)
        series.format.line.fill.solid()
        series.format.line.fill._xPr.find(qn("a:solidFill")).append(parse_xml(color))


def _style_scatter(native: Any, chart: ChartData, *, right_to_left: bool) -> None:
    axis = native.category_axis
    axis.has_major_gridlines = False
    along = [float(category) for category in chart.categories]
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = axis_format(along), False
    axis.reverse_order = right_to_left
    axis.has_title = bool(chart.axis_title)
    if chart.axis_title:
        _write_axis_title(axis, clean(chart.axis_title))
    for series in native.plots[0].series:
        _set_markers(series, XL_MARKER_STYLE.CIRCLE, 9)


def _set_markers(series: Any, style: Any, size: int) -> None:
    """Show a series as markers without a line, in its accent color."""
    accent = getattr(COLOR, f"ACCENT_{series._element.idx.val % 6 + 1}")
    series.format.line.fill.background()
    series.marker.style, series.marker.size = style, size
    series.marker.format.fill.solid()
    series.marker.format.fill.fore_color.theme_color = accent
    series.marker.format.line.color.theme_color = COLOR.BACKGROUND_1


def _has_room_for_labels(chart: ChartData, size: tuple[float, float]) -> bool:
    """Return whether every number of a chart can be written at its bar or point without touching another."""
    if has_second_axis(chart) or chart.kind in ("combo", "area", "stacked_area"):
        return False
    texts = [shown(value, series.unit) for series in chart.series for value in series.values if value is not None]
    widest = max((text_width(text, CHART_POINTS) for text in texts), default=0.0)
    is_stacked, is_lying = "stacked" in chart.kind, "horizontal" in chart.kind
    beside = 1 if is_stacked or chart.kind == "line" else len(chart.series)
    slot = (size[1] if is_lying else size[0]) * 0.85 / len(chart.categories) / (1 + _GAP / 100 / beside)
    if chart.kind == "line" and (len(chart.series) > 1 or len(chart.categories) > _MOST_LINE_LABELS):
        return False
    if slot / beside < (CHART_POINTS * 1.2 if is_lying else widest):
        return False
    if not is_stacked:
        return True
    columns = zip(*(series.values for series in chart.series), strict=True)
    sums = [sum(abs(value or 0.0) for value in column) for column in columns]
    tall = max(sums, default=0.0)
    parts = [
        abs(value) / ((sums[place] if chart.kind.startswith("percent") else tall) or 1.0)
        for series in chart.series
        for place, value in enumerate(series.values)
        if value
    ]
    return bool(parts) and min(parts) >= max(_LEAST_PART, widest / size[0] if is_lying else 0.0)


def _label(slide: Slide, plot: Any, chart: ChartData) -> None:
    plot.has_data_labels = True
    units = {series.unit for series in chart.series}
    values = [value for series in chart.series for value in series.values]
    unit = next(iter(units)) if len(units) == 1 else ""
    in_bars = "stacked" in chart.kind
    for number, labels in enumerate([plot.data_labels, *(one.data_labels for one in plot.series if in_bars)]):
        labels.number_format = label_format(values, "%" if not unit and _are_shares(chart) else unit)
        labels.number_format_is_linked = False
        labels.show_value = True
        if in_bars:
            labels.position = POSITION.CENTER
            labels.font.size = Pt(CHART_POINTS)
            labels.font.color.theme_color = _on_accent(slide, max(0, number - 1))
        else:
            labels.position = POSITION.ABOVE if chart.kind == "line" else POSITION.OUTSIDE_END


def _are_shares(chart: ChartData) -> bool:
    """Return whether the numbers of a chart of shares are percentages already."""
    columns = zip(*(series.values for series in chart.series), strict=True)
    return chart.kind.startswith("percent") and all(
        abs(sum(value or 0.0 for value in column) - 100) <= _ROUNDING for column in columns
    )


def _separator(chart: ChartData, size: tuple[float, float]) -> str:
    """Return what stands between name and share at the slices of a pie; empty if there is no room for the names."""
    if chart.kind != "pie":
        return ""
    values = [value or 0.0 for value in chart.series[0].values]
    thin = [value < _THIN * sum(values) for value in values]
    if any(one and other for one, other in zip(thin, [*thin[1:], thin[0]], strict=True)):
        return ""
    beside = (size[0] - _PIE_SHARE * size[1]) / 2
    widths = [text_width(clean(name), CHART_POINTS) for name in chart.categories]
    share = text_width(" 99%", CHART_POINTS)
    return " " if max(widths) + share <= beside else "\n" if max(widths) <= beside else ""


def _label_slices(slide: Slide, plot: Any, chart: ChartData, separator: str) -> None:
    plot.has_data_labels = True
    plot.vary_by_categories = True
    labels = plot.data_labels
    labels.show_percentage, labels.show_value, labels.show_category_name = True, False, bool(separator)
    if separator:
        labels._element.find(qn("c:showBubbleSize")).addnext(
            parse_xml(f"<c:separator {nsdecls('c')}>{separator}</c:separator>")
        )
    labels.number_format, labels.number_format_is_linked = "0%", False
    if chart.kind == "pie":
        labels.position = POSITION.OUTSIDE_END
    else:
        for number in range(len(chart.categories)):
            label = plot.series[0].points[number].data_label
            label.font.size = Pt(CHART_POINTS)
            label.font.color.theme_color = _on_accent(slide, number)
        for element in plot.series[0]._element.iter(qn("c:dLbls"), qn("c:dLbl")):
            for name, shows in (("c:showVal", "0"), ("c:showPercent", "1")):
                element.find(qn(name)).set("val", shows)


def _on_accent(slide: Slide, number: int) -> Any:
    """Return the theme color of text that stands out better from an accent color; they count from 0."""
    accent = scheme_color(slide, f"accent{number % 6 + 1}")
    light, dark = (contrast(scheme_color(slide, name), accent) for name in ("bg1", "tx1"))
    return COLOR.BACKGROUND_1 if light >= min(dark, AA_NORMAL) else COLOR.TEXT_1

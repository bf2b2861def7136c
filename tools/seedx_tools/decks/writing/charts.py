"""Write native charts, editable in PowerPoint: numbers with their gaps, dates as dates, and an alt text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE as XL
from pptx.slide import Slide
from pptx.util import Emu

from seedx_tools.decks.data.dates import Dates, are_times, read_dates
from seedx_tools.decks.data.numbers import number_format, shown
from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.outline import ChartData, ChartSeries
from seedx_tools.decks.text.strings import clean
from seedx_tools.decks.writing.chart_axes import add_line_plot
from seedx_tools.decks.writing.chart_style import style_chart
from seedx_tools.decks.writing.frames import claim_frame, fill_placeholder, write_source

_TYPES = {
    "bar": XL.COLUMN_CLUSTERED,
    "horizontal_bar": XL.BAR_CLUSTERED,
    "stacked_bar": XL.COLUMN_STACKED,
    "stacked_horizontal_bar": XL.BAR_STACKED,
    "percent_stacked_bar": XL.COLUMN_STACKED_100,
    "percent_stacked_horizontal_bar": XL.BAR_STACKED_100,
    "line": XL.LINE_MARKERS,
    "area": XL.AREA,
    "stacked_area": XL.AREA_STACKED,
    "pie": XL.PIE,
    "doughnut": XL.DOUGHNUT,
    "scatter": XL.XY_SCATTER,
    "combo": XL.COLUMN_CLUSTERED,
}
_MOST_MARKERS = 24
"""A line through more points has no markers."""
_ON_DATE_AXIS = ("line", "area", "stacked_area")
_ALT_POINTS = 12


def place_chart(
    slide: Slide,
    slots: LayoutSlots,
    chart: ChartData,
    page_height: int,
    warn: Callable[[str], None],
    source: str = "",
) -> bool:
    """Place a chart on a slide, with a line under it that names its source; return whether there was room."""
    place = claim_frame(slide, slots, slots.chart, page_height)
    if place is None:
        return False
    frame, ph = place
    frame = write_source(slide, frame, source)
    dates = _dates(chart)
    kind = XL.LINE if chart.kind == "line" and len(chart.categories) > _MOST_MARKERS else _TYPES[chart.kind]
    shapes: Any = slide.shapes
    shape = shapes.add_chart(kind, *(Emu(value) for value in frame), _data(chart, dates))
    fill_placeholder(shape, ph)
    shape._element.nvGraphicFramePr.cNvPr.set("descr", chart_alt(chart))
    add_line_plot(shape.chart, chart)
    apart = style_chart(slide, shape.chart, chart, dates, _size(frame))
    if apart > 1 and not are_times(chart.categories):
        count = len(chart.categories)
        warn(f"its chart has room for one in {apart} of the {count} names along its axis; its data has all of them")
    return True


def chart_numbers(chart: ChartData, formats: Sequence[str | None]) -> Any:
    """Return the numbers of a chart for python-pptx, each series in its own number format; None: what suits it."""
    return _data(chart, _dates(chart), formats)


def chart_alt(chart: ChartData) -> str:
    """Return the alt text of a chart: its kind, title and numbers, or their range if there are many."""
    title = clean(chart.title)
    sentences = [f"{chart.kind.replace('_', ' ').capitalize()} chart{f': {title}' if title else ''}."]
    for series in chart.series:
        named = f"{clean(series.name)}: "
        pairs = zip(chart.categories, series.values, strict=True)
        points = [(clean(name), value) for name, value in pairs if value is not None]
        gaps = len(chart.categories) - len(points)
        if len(points) > _ALT_POINTS:
            lowest, highest = (pick(points, key=lambda point: point[1]) for pick in (min, max))
            told = [f"{len(points)} values from {_point(points[0], series)} to {_point(points[-1], series)}"]
            told += [f"lowest {_point(lowest, series)}", f"highest {_point(highest, series)}"]
        else:
            told = [_point(point, series) for point in points]
        told += [f"{gaps} without a value"] if gaps else []
        sentences.append(f"{named}{', '.join(told)}.")
    return " ".join(sentences)


def _point(point: tuple[str, float], series: ChartSeries) -> str:
    unit = series.unit
    return f"{point[0]} {shown(point[1], unit) if unit else f'{point[1]:.15g}'}"


def _dates(chart: ChartData) -> Dates | None:
    """Return the dates along the axis of a chart that has a date axis; None for any other chart.

    Bars have one only where there is a bar for each day or month: they would be too thin.
    """
    dates = read_dates(chart.categories)
    if dates is None or not dates.are_rising or len(dates.days) < 2:
        return None
    if chart.kind in _ON_DATE_AXIS:
        return dates
    return dates if chart.kind in ("bar", "stacked_bar", "percent_stacked_bar", "combo") and dates.are_even else None


def _data(chart: ChartData, dates: Dates | None, formats: Sequence[str | None] = ()) -> Any:
    own = formats or [None] * len(chart.series)
    codes = [code or number_format(one.values, one.unit) for one, code in zip(chart.series, own, strict=True)]
    if chart.kind == "scatter":
        data: Any = XyChartData()  # type: ignore[no-untyped-call]
        for series, code in zip(chart.series, codes, strict=True):
            points = data.add_series(clean(series.name), number_format=code)
            for x, y in zip(chart.categories, series.values, strict=True):
                if y is not None:
                    points.add_data_point(float(x), y)
        return data
    data = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = [clean(category) for category in chart.categories] if dates is None else dates.days
    for series, code in zip(chart.series, codes, strict=True):
        data.add_series(clean(series.name), series.values, code)
    return data


def _size(frame: EmuFrame) -> tuple[float, float]:
    return frame[2] / EMU_PER_POINT, frame[3] / EMU_PER_POINT

"""Read the numbers of a native chart."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from pptx.enum.chart import XL_CHART_TYPE as XL
from pptx.oxml.ns import qn
from pydantic import ValidationError

from seedx_tools.decks.data.kinds import ChartKind
from seedx_tools.decks.outline import ChartData, ChartSeries

_KINDS: dict[XL, ChartKind] = {
    XL.COLUMN_CLUSTERED: "bar",
    XL.BAR_CLUSTERED: "horizontal_bar",
    XL.COLUMN_STACKED: "stacked_bar",
    XL.BAR_STACKED: "stacked_horizontal_bar",
    XL.COLUMN_STACKED_100: "percent_stacked_bar",
    XL.BAR_STACKED_100: "percent_stacked_horizontal_bar",
    XL.LINE: "line",
    XL.LINE_MARKERS: "line",
    XL.AREA: "area",
    XL.AREA_STACKED: "stacked_area",
    XL.PIE: "pie",
    XL.DOUGHNUT: "doughnut",
    XL.XY_SCATTER: "scatter",
}
_DAY_ZERO = date(1899, 12, 30)
"""The date of the number 0 in a spreadsheet."""
_SHARE = re.compile(r"[#0,.]+\s?%")
_UNIT = re.compile(r'(?:"([^"]*)")?(?:General|[#0,.]+)(?:"([^"]*)")?')


def chart_data_of(native: Any) -> ChartData | None:
    """Return what a native chart shows; None if it is of a kind that a plan cannot hold."""
    try:
        kind = _KINDS[native.chart_type]
        plots = list(native.plots)
    except (KeyError, IndexError, NotImplementedError, ValueError):  # python-pptx does not know 3-D, stock or surface
        return None
    area = native._chartSpace.find(f".//{qn('c:plotArea')}")
    axes = [_value_axis(area, plot._element) for plot in plots]
    if len(plots) == 2 and kind in ("bar", "line") and plots[1]._element.tag == qn("c:lineChart"):
        kind = "combo" if kind == "bar" else "line"
        if axes[0] == axes[1] and len(list(plots[1].series)) > 1:
            return None
    elif len(plots) > 1:
        return None
    try:
        if kind == "scatter":
            labels = _along(plots[0])
        else:
            if plots[0].categories.depth > 1:
                return None
            labels = [str(category) for category in plots[0].categories]
        dates = area.find(qn("c:dateAx"))
        if dates is not None:
            labels = [_date(label, dates) for label in labels]
        has_title = native.has_title and native.chart_title.has_text_frame
        return ChartData(
            kind=kind,
            title=native.chart_title.text_frame.text if has_title else "",
            categories=tuple(labels),
            series=tuple(
                _series(series, second=axis != axes[0])
                for plot, axis in zip(plots, axes, strict=True)
                for series in plot.series
            ),
        )
    except (ValidationError, ValueError):
        return None


def _series(series: Any, *, second: bool) -> ChartSeries:
    numbers = next(series._element.iter(qn("c:val"), qn("c:yVal")), None)
    code = None if numbers is None else next(numbers.iter(qn("c:formatCode")), None)
    found = None if code is None else _UNIT.fullmatch(code.text or "")
    unit = "" if found is None else f"{found[1] or ''}{found[2] or ''}"
    values = tuple(series.values)
    if code is not None and is_share(code.text or ""):
        unit, values = "%", tuple(None if value is None else round(value * 100, 10) for value in values)
    return ChartSeries(name=str(series.name), values=values, unit=unit, second_axis=second)


def is_share(code: str) -> bool:
    """Return whether a number format shows shares as percentages: 0.25 as 25%."""
    return _SHARE.fullmatch(code) is not None


def _value_axis(area: Any, plot: Any) -> str:
    """Return the id of the value axis of a plot; empty for a pie."""
    values = {axis.find(qn("c:axId")).get("val") for axis in area.findall(qn("c:valAx"))}
    own = [axis.get("val") for axis in plot.findall(qn("c:axId"))]
    return next((axis for axis in reversed(own) if axis in values), "")


def _along(plot: Any) -> list[str]:
    """Return the numbers along the axis of a scatter chart, which all its series must share.

    Raises:
        ValueError: If they don't.
    """
    found = [
        [value.text for value in series._element.findall(f"{qn('c:xVal')}//{qn('c:pt')}/{qn('c:v')}")]
        for series in plot.series
    ]
    if not found or any(other != found[0] for other in found):
        raise ValueError("the series lie at different numbers")
    return [f"{float(text):.15g}" for text in found[0]]


def _date(label: str, axis: Any) -> str:
    """Return a date of a date axis: the day, or the month if its unit is months."""
    base = axis.find(qn("c:baseTimeUnit"))
    day = _DAY_ZERO + timedelta(days=int(float(label)))
    return f"{day:%Y-%m}" if base is not None and base.get("val") == "months" else day.isoformat()

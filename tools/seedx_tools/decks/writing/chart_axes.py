"""The axes of native charts: a second one for lines over bars, dates, direction, and labels that don't crowd."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

from pptx.chart.axis import ValueAxis
from pptx.enum.chart import XL_TICK_LABEL_POSITION
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Pt

from seedx_tools.decks.data.dates import Dates, are_times
from seedx_tools.decks.outline import ChartData
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.text.strings import clean

_SECOND_CATEGORIES, _SECOND_VALUES = "50990001", "50990002"
_ONLY_BARS = ("c:invertIfNegative",)
_SMALL = 12
"""The type of names along an axis that is crowded, in points."""
_MOST_DATES = 8
"""Dates that are written along an axis."""
_MOST_SHORT = 14
"""Months that are all written, in short."""


def lines_of(chart: ChartData) -> list[int]:
    """Return which series of a chart are drawn in a plot of their own: on the second axis, or a combo's line."""
    if chart.kind not in ("bar", "line", "combo"):
        return []
    second = [place for place, series in enumerate(chart.series) if series.second_axis]
    if len(second) == len(chart.series):
        return []
    last = len(chart.series) - 1
    return second or ([last] if chart.kind == "combo" and last else [])


def has_second_axis(chart: ChartData) -> bool:
    """Return whether a chart has a second axis."""
    return any(chart.series[place].second_axis for place in lines_of(chart))


def value_axes(native: Any) -> tuple[Any, Any]:
    """Return the value axis of a native chart, and its second one or None; python-pptx takes the last for the first."""
    found = {axis.find(qn("c:axId")).get("val"): axis for axis in native._chartSpace.iter(qn("c:valAx"))}
    second = found.pop(_SECOND_VALUES, None)
    *_, first = found.values()  # that of a scatter chart comes after the one for its categories
    axes = (None if axis is None else ValueAxis(axis) for axis in (first, second))  # type: ignore[no-untyped-call]
    return next(axes), next(axes)


def add_line_plot(native: Any, chart: ChartData) -> None:
    """Move the series that are lines over bars, or on a second axis, to a plot of their own."""
    lines = lines_of(chart)
    if not lines:
        return
    area = native._chartSpace.find(f".//{qn('c:plotArea')}")
    first = next(child for child in area if child.tag in (qn("c:barChart"), qn("c:lineChart")))
    series = first.findall(qn("c:ser"))
    ids = [axis.get("val") for axis in first.findall(qn("c:axId"))]
    is_second = has_second_axis(chart)
    plot = parse_xml(f"<c:lineChart {nsdecls('c')}><c:grouping val='standard'/><c:varyColors val='0'/></c:lineChart>")
    for place in lines:
        line = series[place]
        for name in _ONLY_BARS:
            for child in line.findall(qn(name)):
                line.remove(child)
        if line.find(qn("c:smooth")) is None:
            line.append(parse_xml(f"<c:smooth {nsdecls('c')} val='0'/>"))
        plot.append(line)
    plot.append(parse_xml(f"<c:marker {nsdecls('c')} val='1'/>"))
    for axis in (_SECOND_CATEGORIES, _SECOND_VALUES) if is_second else ids:
        plot.append(parse_xml(f"<c:axId {nsdecls('c')} val='{axis}'/>"))
    first.addnext(plot)
    if is_second:
        _add_axes(area)


def order_axes(native: Any, chart: ChartData, *, right_to_left: bool) -> None:
    """Let the first category come first: at the top of lying bars, and at the right in a right-to-left chart."""
    is_lying = "horizontal" in chart.kind
    category, (value, _) = native.category_axis, value_axes(native)
    if is_lying:
        category.reverse_order = True
        value._element.find(qn("c:crosses")).set("val", "max")
        value.reverse_order = right_to_left
    elif right_to_left:
        for axis in native._chartSpace.iter(qn("c:catAx"), qn("c:dateAx")):
            axis.find(f"{qn('c:scaling')}/{qn('c:orientation')}").set("val", "maxMin")
    if right_to_left:  # what stood at the left crosses at the right
        for place in native._chartSpace.iter(qn("c:axPos")):
            place.set("val", {"l": "r", "r": "l"}.get(place.get("val"), place.get("val")))
    if any(value is not None and value < 0 for series in chart.series for value in series.values):
        category.tick_label_position = XL_TICK_LABEL_POSITION.LOW


def thin_labels(native: Any, chart: ChartData, dates: Dates | None, size: tuple[float, float], points: float) -> int:
    """Write only as many labels along the axis of a chart as there is room for; return how many labels apart.

    Names are set in smaller type before one is left out.
    """
    axis = native.category_axis._element
    is_lying = "horizontal" in chart.kind
    room = size[1] - 2 * points if is_lying else size[0] - 4 * points
    if dates is not None:
        _set_dates(native, dates, room, points)
        return 1
    slot = room / len(chart.categories)
    if are_times(chart.categories) and not is_lying:
        needed = max(text_width(clean(name), points) for name in chart.categories) + points
        if needed <= slot:
            _turn(native, 0)
    else:
        words = (word for name in chart.categories for word in clean(name).split())
        is_turned = not is_lying and max((text_width(word, points) for word in words), default=0.0) > slot - 4
        needed = points * 1.4 if is_turned or is_lying else 0.0
        if needed > slot:
            native.category_axis.tick_labels.font.size, needed = Pt(_SMALL), _SMALL * 1.2
        if is_turned:
            _turn(native, 45 if slot >= 2 * points else 90)
    every = max(1, math.ceil(needed / slot)) if needed < room else len(chart.categories)
    last = axis.find(qn("c:noMultiLvlLbl"))
    for name in ("tickLblSkip", "tickMarkSkip"):
        last.addprevious(parse_xml(f"<c:{name} {nsdecls('c')} val='{every}'/>"))
    return every


def _turn(native: Any, degrees: int) -> None:
    """Write the labels of an axis upward at an angle, from 0 to 90 degrees."""
    font = native.category_axis.tick_labels.font
    font.size = font.size  # makes the element
    body = native.category_axis._element.find(f"{qn('c:txPr')}/{qn('a:bodyPr')}")
    body.set("rot", str(-60000 * degrees))
    body.set("vert", "horz")


def _set_dates(native: Any, dates: Dates, room: float, points: float) -> None:
    """Give an axis of dates its unit, and labels as many days, months or years apart as there is room for."""
    days = (dates.days[-1] - dates.days[0]).days + 1
    short, long = (max(2, int(room / (text_width(text, points) + points))) for text in ("May '26", "May 2026"))
    months = days / 30.5
    if dates.precision == "days" and days <= _MOST_DATES * 7:
        step, unit, shown = max(1, math.ceil(days / min(_MOST_DATES, short))), "days", "d mmm"
        step = 7 if 4 <= step <= 7 else step
    elif dates.precision == "days" and days <= _MOST_DATES * 14:
        step, unit, shown = 14, "days", "d mmm"
    elif months <= short * 12:
        is_short = months <= min(short, _MOST_SHORT)
        least = 1.0 if is_short else months / min(long, _MOST_DATES)
        step, unit = next(one for one in (1, 2, 3, 4, 6, 12) if one >= least or one == 12), "months"
        shown = "mmm \\'yy" if is_short else "mmm yyyy"
    else:
        step, unit, shown = math.ceil(days / 366 / _MOST_DATES), "years", "yyyy"
    axis = native.category_axis._element
    axis.find(qn("c:baseTimeUnit")).set("val", dates.precision)
    for name, value in (("majorTimeUnit", unit), ("majorUnit", step)):
        axis.find(qn("c:baseTimeUnit")).addnext(parse_xml(f"<c:{name} {nsdecls('c')} val='{value}'/>"))
    labels = native.category_axis.tick_labels
    labels.number_format, labels.number_format_is_linked = shown, False
    _turn(native, 0)


def _add_axes(area: Any) -> None:
    """Add the axes of a second plot: its values at the right, and hidden categories."""
    values = area.find(qn("c:valAx"))
    categories = next(child for child in area if child.tag in (qn("c:catAx"), qn("c:dateAx")))
    hidden = deepcopy(categories)
    hidden.find(qn("c:axId")).set("val", _SECOND_CATEGORIES)
    hidden.find(qn("c:crossAx")).set("val", _SECOND_VALUES)
    hidden.find(qn("c:delete")).set("val", "1")
    values.addnext(hidden)
    hidden.addprevious(
        parse_xml(
            f"<c:valAx {nsdecls('c')}><c:axId val='{_SECOND_VALUES}'/><c:scaling/><c:delete val='0'/>"
            "<c:axPos val='r'/><c:majorTickMark val='out'/><c:minorTickMark val='none'/><c:tickLblPos val='nextTo'/>"
            f"<c:crossAx val='{_SECOND_CATEGORIES}'/><c:crosses val='max'/></c:valAx>"
        )
    )

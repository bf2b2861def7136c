"""Decide how numbers are drawn, so that a chart never hides a series or mixes units on an axis."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from seedx_tools.decks.data.dates import are_times, read_dates
from seedx_tools.decks.data.kinds import ChartKind
from seedx_tools.decks.data.numbers import shown
from seedx_tools.decks.data.totals import is_total
from seedx_tools.decks.outline import ChartData, ChartSeries

MAX_SLICES = 6
"""A pie with more slices can't be read; bars can."""
MAX_LYING = 15
"""Horizontal bars that a slide has room for with their names; more stand upright."""
MAX_UPRIGHT = 60
"""Upright bars that a slide has room for with their names, turned."""
_UPRIGHT: dict[ChartKind, ChartKind] = {
    "horizontal_bar": "bar",
    "stacked_horizontal_bar": "stacked_bar",
    "percent_stacked_horizontal_bar": "percent_stacked_bar",
}
LONG_LABEL = 16
"""Characters above which the labels of bars are set beside them rather than below."""
_VISIBLE = 0.05
"""A series lower than this share of the highest one on its axis can't be seen."""
_YEAR = re.compile(r"[12]\d{3}")
_ALONG_TIME = ("line", "area", "stacked_area")
_WITH_SECOND_AXIS = ("bar", "line", "combo")
_NAMED = 4
"""Series that a title names."""
_TREND = 0.6
"""The least correlation with time at which numbers are said to rise or fall."""


def natural_kind(labels: Sequence[str]) -> ChartKind:
    """Return the kind of chart that suits labels: a line along time, else bars, lying where the labels are long."""
    if len(labels) > 2 and are_times(labels):
        return "line"
    return "horizontal_bar" if max(map(len, labels), default=0) > LONG_LABEL else "bar"


def readable_charts(chart: ChartData, warn: Callable[[str], None]) -> list[ChartData]:
    """Return the chart, or several, in a form that shows all its numbers.

    A pie of many slices or of negative numbers becomes bars. Series of another unit, or far lower than the others, get
    the second axis, or charts of their own if there is no such axis.

    Args:
        chart: The chart, with its numbers.
        warn: Called with one sentence for each change.
    """
    chart = _nested(_suited(_without_total(in_time_order(chart, warn), warn), warn), warn)
    groups = axis_groups(chart)
    if len(groups) == 1 or any(series.second_axis for series in chart.series):
        return [chart]
    names = "; ".join(", ".join(series.name for series in group) for group in groups)
    if len(groups) == 2 and chart.kind in _WITH_SECOND_AXIS:
        warn(f"its numbers differ in unit or size, so the chart has two axes: {names}")
        second = {series.name for series in groups[1]}
        marked = tuple(one.model_copy(update={"second_axis": one.name in second}) for one in chart.series)
        kind: ChartKind = "line" if chart.kind == "line" else "combo"
        return [chart.model_copy(update={"series": marked, "kind": kind})]
    warn(f"its numbers differ in unit or size, so there are {len(groups)} charts: {names}")
    kind = "bar" if chart.kind == "combo" else chart.kind
    return [chart.model_copy(update={"series": tuple(group), "kind": kind}) for group in groups]


def in_time_order(chart: ChartData, warn: Callable[[str], None]) -> ChartData:
    """Return a line or area chart with its dates or years in order, and any other chart as it is."""
    keys = _times(chart.categories) if chart.kind in _ALONG_TIME else []
    order = sorted(range(len(keys)), key=keys.__getitem__)
    if len(set(keys)) < len(keys):
        warn("several of its values have the same date; add them up, or give each kind of value a column of its own")
        return chart
    if order == list(range(len(keys))):
        return chart
    warn("its dates were not in order; the chart shows them from the first to the last")
    series = tuple(
        one.model_copy(update={"values": tuple(one.values[place] for place in order)}) for one in chart.series
    )
    return chart.model_copy(update={"categories": tuple(chart.categories[place] for place in order), "series": series})


def _times(categories: Sequence[str]) -> list[int]:
    """Return the days of dates, or the numbers of years; nothing for other categories."""
    if all(_YEAR.fullmatch(category.strip()) for category in categories):
        return [int(category) for category in categories]
    dates = read_dates(categories)
    return [] if dates is None else [day.toordinal() for day in dates.days]


def axis_groups(chart: ChartData) -> list[list[ChartSeries]]:
    """Return the series that can share an axis: of one unit, and all visible beside the highest."""
    if chart.kind in ("pie", "doughnut"):
        return [list(chart.series)]
    groups: list[list[ChartSeries]] = []
    for series in chart.series:
        fitting = (group for group in groups if _share_axis([*group, series], stacked="stacked" in chart.kind))
        group = next(fitting, None)
        if group is None:
            groups.append([series])
        else:
            group.append(series)
    return groups


def headline(chart: ChartData, label: str) -> str:
    """Return a sentence-like title that the numbers of a chart support.

    Args:
        chart: The chart.
        label: What its categories are, such as "Region".
    """
    names = _listed(_few([series.name for series in chart.series]))
    plain = f"{names} by {label}" if label else names
    if are_times(chart.categories):
        return _trend(chart) if len(chart.series) == 1 else f"{names} over time"
    leaders = {_leaders(chart, series) for series in chart.series}
    if len(leaders) > 1 or len(chart.categories) < 2 or not (found := next(iter(leaders))):
        return plain
    return f"{_listed(found)} {'leads' if len(found) == 1 else 'lead'} in {names}"


def told(value: float, series: ChartSeries) -> str:
    """Return a number of a series with its unit, unless the name of the series tells it."""
    return shown(value, "" if series.unit and series.unit in series.name and series.unit != "%" else series.unit)


def _without_total(chart: ChartData, warn: Callable[[str], None]) -> ChartData:
    """Return a pie without the slice that adds up the others, and any other chart as it is."""
    if chart.kind not in ("pie", "doughnut") or len(chart.categories) < 3 or not is_total(chart.categories[-1]):
        return chart
    *parts, total = (value or 0.0 for value in chart.series[0].values)
    if abs(sum(parts) - total) > 0.01 * abs(total):
        return chart
    warn(f"'{chart.categories[-1]}' is the sum of the others and was left out of the {chart.kind}")
    series = tuple(one.model_copy(update={"values": one.values[:-1]}) for one in chart.series)
    return chart.model_copy(update={"categories": chart.categories[:-1], "series": series})


def _suited(chart: ChartData, warn: Callable[[str], None]) -> ChartData:
    """Return the chart with a kind that can show its numbers."""
    values = [value for series in chart.series for value in series.values if value is not None]
    kind, why = chart.kind, ""
    if kind in ("pie", "doughnut"):
        kind = natural_kind(chart.categories)
        if len(chart.series) > 1:
            why = f"a {chart.kind} shows one series, and there are {len(chart.series)}"
        elif any(value < 0 for value in values) or not any(values):
            why = f"a {chart.kind} can't show negative numbers or nothing but zeros"
        elif len(chart.categories) > MAX_SLICES:
            kind = "horizontal_bar"
            why = f"a {chart.kind} of {len(chart.categories)} slices can't be read"
    elif "horizontal" in kind and MAX_LYING < len(chart.categories) <= MAX_UPRIGHT:
        kind = _UPRIGHT[kind]
        why = f"{len(chart.categories)} horizontal bars have no room for their names"
    elif kind.startswith("percent") and any(value < 0 for value in values):
        kind, why = (
            ("stacked_horizontal_bar" if "horizontal" in kind else "stacked_bar"),
            "negative numbers are no shares",
        )
    elif kind == "area" and not _are_nested(_highest_first(chart)):
        kind, why = "line", "areas that cross hide each other"
    elif kind == "scatter" and not all(_is_plain_number(category) for category in chart.categories):
        kind, why = natural_kind(chart.categories), "a scatter chart needs numbers along its axis"
    if not why:
        return chart
    warn(f"{why}; it became a {kind.replace('_', ' ')} chart")
    return chart.model_copy(update={"kind": kind})


def _nested(chart: ChartData, warn: Callable[[str], None]) -> ChartData:
    """Return an area chart with its highest area at the back, and any other chart as it is."""
    ordered = _highest_first(chart)
    if chart.kind != "area" or ordered == list(chart.series):
        return chart
    warn("its areas are drawn from the highest to the lowest, so that none hides another")
    return chart.model_copy(update={"series": tuple(ordered)})


def _highest_first(chart: ChartData) -> list[ChartSeries]:
    return sorted(chart.series, key=lambda series: -sum(value or 0.0 for value in series.values))


def _are_nested(series: Sequence[ChartSeries]) -> bool:
    """Return whether no area is above the one before it anywhere."""
    return all(
        one is None or other is None or one >= other
        for before, after in zip(series, series[1:], strict=False)
        for one, other in zip(before.values, after.values, strict=True)
    )


def _share_axis(group: Sequence[ChartSeries], *, stacked: bool) -> bool:
    if len({series.unit for series in group}) > 1:
        return False
    highest = [max((abs(value) for value in series.values if value is not None), default=0.0) for series in group]
    return stacked or all(high == 0 or high >= _VISIBLE * max(highest) for high in highest)


def _leaders(chart: ChartData, series: ChartSeries) -> tuple[str, ...]:
    """Return the one or two categories with the highest number of a series; none if more share it."""
    known = [value for value in series.values if value is not None]
    best = [name for name, value in zip(chart.categories, series.values, strict=True) if known and value == max(known)]
    return tuple(best) if len(best) <= 2 and len(known) > len(best) else ()


def _trend(chart: ChartData) -> str:
    """Return how a series develops: from its first number to its last if it rises or falls, else where it peaks."""
    (series,) = chart.series
    known = [(place, value) for place, value in enumerate(series.values) if value is not None]
    if len(known) < 2:
        return series.name
    (start, first), (end, last) = known[0], known[-1]
    trend = _correlation(known)
    if first != last and abs(trend) >= _TREND and (trend > 0) == (last > first):
        verb = "rose" if last > first else "fell"
        return f"{series.name} {verb} from {told(first, series)} to {told(last, series)}"
    top = max(value for _, value in known)
    peaks = [place for place, value in known if value == top]
    if len(peaks) > 1:
        return f"{series.name} from {chart.categories[start]} to {chart.categories[end]}"
    return f"{series.name} peaked at {told(top, series)} in {chart.categories[peaks[0]]}"


def _correlation(points: Sequence[tuple[int, float]]) -> float:
    count = len(points)
    middle = sum(place for place, _ in points) / count, sum(value for _, value in points) / count
    along = sum((place - middle[0]) ** 2 for place, _ in points)
    across = sum((value - middle[1]) ** 2 for _, value in points)
    both = sum((place - middle[0]) * (value - middle[1]) for place, value in points)
    return both / (along * across) ** 0.5 if along * across > 0 else 0.0


def _few(names: Sequence[str]) -> list[str]:
    """Return the names that a title has room for, and how many more there are."""
    return list(names) if len(names) <= _NAMED else [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _is_plain_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

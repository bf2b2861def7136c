"""Outlines of tables without a language model: the table, charts of its numbers that say something, its extremes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from seedx_sdk.errors import InputError
from seedx_tools.decks.charts import axis_groups, headline, in_time_order, told
from seedx_tools.decks.data.dates import read_dates
from seedx_tools.decks.outline import ChartData, ChartSeries, Outline, SlidePlan, TableData
from seedx_tools.decks.tables import chart_of
from seedx_tools.decks.text.inline import escape_inline, plain_text
from seedx_tools.documents.found_tables import FoundTable
from seedx_tools.documents.key_figures import key_figures
from seedx_tools.documents.reshaping import measured
from seedx_tools.documents.tables import Tables

MAX_ROWS = 40
"""Rows of a table that a deck shows; a longer one is shown by its charts, or by its first rows if it has none."""
MAX_CHARTS = 4
"""Charts that a table becomes."""
MAX_BARS = 12
"""Bars of a chart; of more rows it shows the highest."""
_UNNAMED = "The figures"
_DEFAULT_SHEET = re.compile(
    r"(sheet|tabelle|feuil|hoja|foglio|blad|planilha|\u043b\u0438\u0441\u0442) ?\d*", re.IGNORECASE
)
"""The names that spreadsheet programs give to sheets."""
_NAME = re.compile(r"(.*\W)?(id|ids|no\.?|nr\.?|#|code|year|jahr|zip|plz|postcode|phone)", re.IGNORECASE)
"""The heading of a column whose numbers name things and measure nothing."""


def tables_outline(found: Tables, num_slides: int | None) -> Outline:
    """Return the outline of tables: each table, charts of its numbers, and the extremes of each column.

    Args:
        found: The tables; the first column of each labels the rows.
        num_slides: How many slides, including the title slide, at most; None: all. The tables themselves come first.
    """
    warnings = [*found.warnings, "planned without a language model: the table, its charts, and its extremes"]
    several = len(found.tables) > 1
    parts = [_table_slides(one, one.heading if several else "", warnings) for one in _told_apart(found.tables)]
    chosen = {(number, 0) for number in range(len(parts))}
    room = sum(map(len, parts)) if num_slides is None else num_slides - 1 - len(parts)
    more = sorted((place, number) for number, slides in enumerate(parts) for place in range(1, len(slides)))
    chosen |= {(number, place) for place, number in more[: max(0, room)]}
    slides = [
        slide.model_copy(update={"source": escape_inline(found.tables[number].source or found.name)})
        if slide.table or slide.chart
        else slide
        for number, part in enumerate(parts)
        for place, slide in enumerate(part)
        if (number, place) in chosen
    ]
    return Outline(title=found.title, slides=tuple(slides), warnings=tuple(warnings))


def _told_apart(tables: Sequence[FoundTable]) -> list[FoundTable]:
    """Return tables of which no two have the same heading."""
    names = [one.heading for one in tables]
    return [
        one._replace(heading=f"{one.heading} ({names[: place + 1].count(one.heading)} of {names.count(one.heading)})")
        if names.count(one.heading) > 1
        else one
        for place, one in enumerate(tables)
    ]


def _table_slides(found: FoundTable, name: str, warnings: list[str]) -> list[SlidePlan]:
    """Return the slides of a table, the most important one first; `name` tells it apart from other tables."""
    table = found.table
    said = f"{name}: " if name else ""
    before = escape_inline(said)
    title = _UNNAMED if not found.heading or _DEFAULT_SHEET.fullmatch(found.heading) else found.heading
    if (figures := key_figures(table)) is not None:
        return [SlidePlan(title=escape_inline(title), visual=figures, notes=found.notes, picture="")]
    chart = _chart(table, lambda text: warnings.append(f"{said}{text}"))
    slides: list[SlidePlan] = []
    if chart is None:
        warnings.append(f"{said}no column holds only numbers, so there is no chart")
    else:
        label = plain_text(table.header[0])
        if _are_headings(chart, table.header) and not said and title != _UNNAMED:
            before = escape_inline(f"{title}: ")  # its rows are the series, so nothing else says what the numbers are
        groups = axis_groups(chart)
        slides += [_chart_slide(before, chart, group, label) for group in groups[:MAX_CHARTS]]
        if lost := [series.name for group in groups[MAX_CHARTS:] for series in group]:
            warnings.append(f"{said}not shown in a chart: {', '.join(lost)}")
        slides = _with_extremes(before, slides, chart)
    count = len(table.rows)
    if count <= MAX_ROWS:
        slides.insert(0, SlidePlan(title=escape_inline(title), table=table, picture=""))
    elif slides:
        warnings.append(f"{said}the table has {count} rows, more than the {MAX_ROWS} of a slide; its charts show them")
    else:
        shown = table.model_copy(update={"rows": table.rows[:MAX_ROWS]})
        slides = [SlidePlan(title=escape_inline(title), table=shown, picture="")]
        warnings.append(f"{said}the table has {count} rows; the deck shows the first {MAX_ROWS}")
    notes = "\n".join(filter(None, (slides[0].notes, found.notes)))
    return [slides[0].model_copy(update={"notes": notes}), *slides[1:]]


def _chart_slide(before: str, chart: ChartData, series: Sequence[ChartSeries], label: str) -> SlidePlan:
    """Return the slide of series that share an axis; of many rows it shows the highest."""
    chart = chart.model_copy(update={"series": tuple(series)})
    count = len(chart.categories)
    title = headline(chart, label)
    if count > MAX_BARS and chart.kind != "line":
        known = [(value, place) for place, value in enumerate(series[0].values) if value is not None]
        order = [place for _, place in sorted(known, key=lambda one: (-one[0], one[1]))[:MAX_BARS]]
        kept = [one.model_copy(update={"values": tuple(one.values[place] for place in order)}) for one in series]
        categories = tuple(chart.categories[place] for place in order)
        chart = chart.model_copy(update={"kind": "horizontal_bar", "categories": categories, "series": tuple(kept)})
        title = f"{series[0].name}: the highest {len(order)} of {count}"
    return SlidePlan(title=before + escape_inline(title), chart=chart, picture="")


def _chart(table: TableData, warn: Callable[[str], None]) -> ChartData | None:
    """Return the chart of all columns of numbers in a table, without totals; None if it has none."""
    if not table.rows or len(table.header) < 2:
        return None
    header, table = table.header, measured(table, warn)
    try:
        chart = chart_of(table, None, "", "its chart", warn)
    except InputError:
        return None
    if len(chart.categories) > MAX_BARS and _are_headings(chart, header):
        chart = chart.model_copy(update={"kind": "line"})  # columns have an order, so the highest would say nothing
    series = tuple(one for one in chart.series if not _NAME.fullmatch(one.name.strip()))
    return in_time_order(chart.model_copy(update={"series": series}), warn) if series else None


def _are_headings(chart: ChartData, header: Sequence[str]) -> bool:
    """Return whether the columns of the table run along the axis of its chart."""
    return {*chart.categories} <= {*map(plain_text, header)}


def _with_extremes(before: str, slides: list[SlidePlan], chart: ChartData) -> list[SlidePlan]:
    """Return slides with the highest and lowest numbers: on a slide of their own, or a single fact in the notes."""
    facts = [fact for series in chart.series if (fact := _extremes(chart.categories, series))]
    if len(facts) > 1:
        return [
            *slides,
            SlidePlan(title=f"{before}Highest and lowest", bullets=tuple(map(escape_inline, facts)), picture=""),
        ]
    return [slide.model_copy(update={"notes": "".join(facts)}) for slide in slides]


def _extremes(categories: Sequence[str], series: ChartSeries) -> str:
    known = [(value, name) for name, value in zip(categories, series.values, strict=True) if value is not None and name]
    if len(known) < 2:
        return ""
    dates = read_dates(categories)
    at = "on" if dates is not None and dates.precision == "days" else "in"
    extremes = (pick(known, key=lambda one: one[0]) for pick in (max, min))
    return escape_inline(
        f"{series.name}: {', '.join(f'{told(value, series)} {at} {name}' for value, name in extremes)}"
    )

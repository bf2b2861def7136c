"""Parse tables and charts from CSV text."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from seedx_sdk.errors import InputError
from seedx_tools.decks.charts import natural_kind
from seedx_tools.decks.data.dates import are_times
from seedx_tools.decks.data.kinds import ChartKind
from seedx_tools.decks.data.numbers import (
    DecimalMark,
    Numbers,
    decimal_mark,
    is_gap,
    is_number,
    read_numbers,
    unit_in_header,
    units_of,
)
from seedx_tools.decks.data.rows import Rows, split_lines, tidied, within
from seedx_tools.decks.outline import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SERIES,
    ChartData,
    ChartSeries,
    ColumnAlignment,
    TableData,
)
from seedx_tools.decks.text.inline import escape_inline, plain_text

SOURCE_LINE = re.compile(
    r"(sources?|quellen?|fuentes?|fontes?|fonti?|bron|k\u00e4lla|kilde|"
    r"\u0438\u0441\u0442\u043e\u0447\u043d\u0438\u043a|\u0627\u0644\u0645\u0635\u062f\u0631|\u05de\u05e7\u05d5\u05e8|\u51fa\u5178|\u6765\u6e90|\u8cc7\u6599\u4f86\u6e90)\s*[:\uff1a]\s*\S",
    re.IGNORECASE,
)
"""A line that names the source of the figures above it."""
_MOST = 0.5
"""A column whose cells are numbers or gaps in at least this share is one of numbers; its other cells are gaps."""


def read_table(text: str, name: str, warn: Callable[[str], None] | None = None) -> TableData:
    """Return the table in a CSV text; the first line holds the headings, and short lines are padded with empty cells.

    Args:
        text: Lines of cells separated by commas, semicolons, tabs or bars; a cell may be quoted.
        name: The name of the text in error messages.
        warn: Called with one sentence on lines that are not of the table; columns and rows beyond what a table may have
            are then left out with a warning, too.

    Raises:
        InputError: If it has no lines, more columns or rows than a table may have, or is not CSV.
    """
    rows = read_rows(text, name)
    lines = rows.lines
    if warn is not None:
        lines = within(lines, MAX_COLUMNS, MAX_ROWS, name, warn)
        if said := (*rows.above, *rows.below):
            warn(f"{name}: lines outside the table were left out: {'; '.join(said)}")
    return raw_table_of(lines, name)


def read_rows(text: str, name: str) -> Rows:
    """Return the rows of a CSV text, and the lines of text around them.

    Raises:
        InputError: If it is not CSV.
    """
    try:
        return tidied(split_lines(text))
    except csv.Error as error:
        raise InputError(f"{name} is not CSV ({error}); look for an unclosed quotation mark") from error


def raw_table_of(cells: Sequence[Sequence[str]], name: str) -> TableData:
    """Return the table of lines of cells that hold plain text; see table_of.

    Raises:
        InputError: If there are no lines, or more columns or rows than a table may have.
    """
    return table_of([[escape_inline(cell) for cell in line] for line in cells], name)


def table_of(cells: Sequence[Sequence[str]], name: str, align: Sequence[ColumnAlignment] = ()) -> TableData:
    """Return the table of lines of cells in inline Markdown, the headings first; short lines are padded.

    Raises:
        InputError: If there are no lines, or more columns or rows than a table may have.
    """
    lines = [[cell.strip() for cell in line] for line in cells]
    lines = [line for line in lines if any(line)]
    if not lines:
        raise InputError(f"{name} is empty; its first line must hold the headings, separated by commas")
    width = max(len(line) for line in lines)
    square = [tuple(line + [""] * (width - len(line))) for line in lines]
    try:
        return TableData(header=square[0], rows=tuple(square[1:]), align=tuple(align) if any(align) else ())
    except ValidationError as error:
        if width > MAX_COLUMNS or len(lines) > MAX_ROWS:
            raise InputError(
                f"{name} has {width} columns and {len(lines) - 1} rows; a table takes {MAX_COLUMNS} and {MAX_ROWS}: "
                "keep those that matter"
            ) from error
        raise InputError(f"{name} cannot be a table on a slide: {_reason(error)}") from error


def chart_of(
    table: TableData, kind: ChartKind | None, title: str, name: str, warn: Callable[[str], None] | None = None
) -> ChartData:
    """Return the chart of a table: the first column labels the categories, every other column of numbers is a series.

    Args:
        table: The table.
        kind: The kind of chart; None: the one that suits the labels.
        title: The title of the chart, or empty.
        name: The name of the table in messages.
        warn: Called with one sentence for each column and cell that is left out.

    Raises:
        InputError: If there is no column of numbers.
    """
    if len(table.header) < 2 or not table.rows:
        raise InputError(f"{name} needs a column of labels, a column of numbers, and a line below the headings")
    warnings: list[str] = []
    table = _with_one_unit_a_column(table, name, warnings)
    columns = table_columns(table)
    labels, header = columns[0], [plain_text(cell) for cell in table.header]
    mark = decimal_mark(cell for column in columns for cell in column)
    found = {place: _numbers(columns[place], mark, header[place], warnings) for place in range(1, len(header))}
    series = [
        ChartSeries(name=header[place] or f"Series {place}", values=numbers.values, unit=numbers.unit)
        for place, numbers in found.items()
        if numbers is not None
    ]
    if not series:
        line, place, text = next(
            (line, place, text)
            for line, row in enumerate(zip(*columns, strict=True), start=2)
            for place, text in enumerate(row, start=1)
            if place > 1 and (not is_gap(text) or line == len(table.rows) + 1)
        )
        raise InputError(f"{name}, line {line}, column {place}: '{text}' is not a number; write it like 1234.5")
    series = _told_apart(series)
    axis_title = ""
    if kind == "scatter":
        axis_title, labels, series = _along(header[0], labels, series, mark, warnings)
    left_out = [header[place] for place, numbers in found.items() if numbers is None]
    if left_out:
        warnings.append(f"not shown in the chart, as they hold no numbers: {', '.join(left_out)}")
    if len(series) > MAX_SERIES:
        lost = ", ".join(one.name for one in series[MAX_SERIES:])
        warnings.append(f"not shown in the chart, which has room for {MAX_SERIES} columns: {lost}")
    if warn is not None:
        for warning in warnings:
            warn(f"{name}: {warning}")
    try:
        return ChartData(
            kind=kind or natural_kind(labels),
            title=title,
            categories=tuple(labels),
            axis_title=axis_title,
            series=tuple(series[:MAX_SERIES]),
        )
    except ValidationError as error:
        raise InputError(f"{name} cannot be a {(kind or 'bar').replace('_', ' ')} chart: {_reason(error)}") from error


def turned(table: TableData) -> TableData:
    """Return a table whose rows are the columns of another one."""
    lines = list(zip(*(table.header, *table.rows), strict=True))
    return TableData(header=lines[0], rows=tuple(lines[1:]))


def mixed_columns(table: TableData) -> list[int]:
    """Return the places of the columns, after the first, whose numbers are of different units.

    Along time, a number without a unit has that of its neighbors.
    """
    columns = table_columns(table)
    if are_times(columns[0]):
        return []
    return [
        place
        for place in range(1, len(columns))
        if len(units_of(columns[place])) > 1 and not unit_in_header(plain_text(table.header[place]))
    ]


def has_rows_of_one_unit(table: TableData) -> bool:
    """Return whether the numbers of each row are of one unit, and there are several of them."""
    return len(table.header) > 2 and all(len(units_of(map(plain_text, row[1:]))) <= 1 for row in table.rows)


def _with_one_unit_a_column(table: TableData, name: str, warnings: list[str]) -> TableData:
    """Return the table, turned if its rows are of different units."""
    mixed = mixed_columns(table)
    if not mixed:
        return table
    if has_rows_of_one_unit(table):
        warnings.append("its rows are of different units, so each row is a series")
        return turned(table)
    if len(mixed) == len(table.header) - 1:
        units = sorted(filter(None, units_of(table_columns(table)[mixed[0]])))
        raise InputError(f"{name} has numbers of different units in one column ({', '.join(units)}); draw them as kpis")
    return table


def table_columns(table: TableData) -> list[list[str]]:
    """Return the cells of each column below its heading, as plain text."""
    return [[plain_text(row[place]) for row in table.rows] for place in range(len(table.header))]


def _told_apart(series: Sequence[ChartSeries]) -> list[ChartSeries]:
    """Return series of which no two have the same name."""
    names = [one.name for one in series]
    return [
        one if names.index(one.name) == place else one.model_copy(update={"name": f"{one.name} ({count})"})
        for place, one in enumerate(series)
        for count in (names[: place + 1].count(one.name),)
    ]


def _along(
    header: str, labels: list[str], series: list[ChartSeries], mark: DecimalMark | None, warnings: list[str]
) -> tuple[str, list[str], list[ChartSeries]]:
    """Return what is along the axis of a scatter chart, the numbers there, and the series without gaps along it."""
    numbers = read_numbers(labels, mark)
    if numbers is not None:
        along = numbers.values
    elif len(series) > 1:
        warnings.append(f"the names in '{header}' are not shown: a scatter chart has numbers on both axes")
        header, along, series = series[0].name, series[0].values, series[1:]
    else:
        return "", labels, series
    places = [place for place, value in enumerate(along) if value is not None]
    return (
        header,
        [f"{along[place]:.15g}" for place in places],
        [one.model_copy(update={"values": tuple(one.values[place] for place in places)}) for one in series],
    )


def _numbers(cells: Sequence[str], mark: DecimalMark | None, header: str, warnings: list[str]) -> Numbers | None:
    """Return the numbers of a column; a few other cells in it become gaps, with a warning; None if it has too few."""
    numbers = read_numbers(cells, mark)
    if numbers is None:
        others = [cell for cell in cells if not (is_gap(cell) or is_number(cell))]
        if not others or len(cells) - len(others) < max(1, _MOST * len(cells)):
            return None
        numbers = read_numbers(["" if cell in others else cell for cell in cells], mark)
        if numbers is not None:
            warnings.append(f"'{others[0]}' in the column '{header}' is not a number and became a gap")
    unit = unit_in_header(header)
    return numbers if numbers is None or numbers.unit or not unit else Numbers(numbers.values, unit)


def _reason(error: ValidationError) -> str:
    return "; ".join(str(fault["msg"]) for fault in error.errors(include_url=False))

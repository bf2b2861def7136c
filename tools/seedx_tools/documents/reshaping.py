"""Tables in the form that charts need: one measure a column, one row a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seedx_tools.decks.charts import MAX_SLICES
from seedx_tools.decks.data.dates import are_times
from seedx_tools.decks.data.numbers import read_numbers, shown
from seedx_tools.decks.data.totals import is_total
from seedx_tools.decks.outline import MAX_SERIES, TableData
from seedx_tools.decks.tables import has_rows_of_one_unit, mixed_columns, table_columns, turned
from seedx_tools.decks.text.inline import escape_inline, plain_text

_MIN_TIMES = 3
"""Columns that are a time each, from which on they are drawn along time."""


def measured(table: TableData, warn: Callable[[str], None]) -> TableData:
    """Return a table of the numbers that charts show: without totals, each measure in a column, each label in one row.

    Args:
        table: At least one column.
        warn: Called with one sentence on columns that mix units, and on rows that are added up.
    """
    table = _without_totals(table)
    columns = table_columns(table)
    mixed = mixed_columns(table)
    if _runs_along_rows(table, columns) or (mixed and has_rows_of_one_unit(table)):
        return turned(table)
    names = [plain_text(table.header[place]) for place in mixed]
    if names:
        warn(f"not shown in a chart, as their rows are measured in different units: {', '.join(names)}")
        kept = [place for place in range(len(columns)) if place not in mixed]
        table = _with_columns(table, kept)
    return _one_row_a_label(table, warn)


def _without_totals(table: TableData) -> TableData:
    rows = tuple(row for row in table.rows if not is_total(plain_text(row[0])))
    table = table.model_copy(update={"rows": rows})
    kept = [place for place, name in enumerate(table.header) if not (place and is_total(plain_text(name)))]
    return _with_columns(table, kept) if len(kept) > 2 else table


def _with_columns(table: TableData, kept: Sequence[int]) -> TableData:
    return TableData(
        header=tuple(table.header[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
    )


def _runs_along_rows(table: TableData, columns: Sequence[Sequence[str]]) -> bool:
    """Return whether each row is a series: its columns are times, or are too many to be series."""
    names = [plain_text(cell) for cell in table.header[1:]]
    if not 1 <= len(table.rows) <= MAX_SLICES or are_times(columns[0]):
        return False
    if any(read_numbers(column) is None and any(column) for column in columns[1:]):
        return False
    return len(names) > MAX_SERIES or (len(names) >= _MIN_TIMES and are_times(names))


def _one_row_a_label(table: TableData, warn: Callable[[str], None]) -> TableData:
    """Return a table whose labels differ: a column of a few names becomes columns, else rows are added up."""
    columns = table_columns(table)
    labels = columns[0]
    if len(set(labels)) == len(labels):
        return table
    numbers = [place for place in range(1, len(columns)) if read_numbers(columns[place]) is not None]
    for place in range(1, len(columns)):
        values = list(dict.fromkeys(columns[place]))
        pairs = set(zip(labels, columns[place], strict=True))
        if place not in numbers and 2 <= len(values) <= MAX_SLICES and len(pairs) == len(labels) and numbers:
            return _spread(table, place, values, numbers[0], warn)
    return _added_up(table, columns, numbers, warn)


def _spread(table: TableData, by: int, values: Sequence[str], measure: int, warn: Callable[[str], None]) -> TableData:
    """Return a column for each value of a column of names, with the numbers of one measure."""
    cells: dict[str, dict[str, str]] = {}
    for row in table.rows:
        cells.setdefault(row[0], {})[plain_text(row[by])] = row[measure]
    name = plain_text(table.header[measure])
    warn(f"its chart shows '{name}' by '{plain_text(table.header[by])}'")
    return TableData(
        header=(table.header[0], *(escape_inline(value or name) for value in values)),
        rows=tuple((label, *(found.get(value, "") for value in values)) for label, found in cells.items()),
    )


def _added_up(
    table: TableData, columns: Sequence[Sequence[str]], numbers: Sequence[int], warn: Callable[[str], None]
) -> TableData:
    """Return one row for each label, with the sums of its numbers; percentages are averaged."""
    labels = list(dict.fromkeys(columns[0]))
    groups = {label: [place for place, name in enumerate(columns[0]) if name == label] for label in labels}
    made: list[list[str]] = []
    for column in numbers:
        found = read_numbers(columns[column])
        assert found is not None
        values, unit = found.values, found.unit
        line: list[str] = []
        for label in labels:
            known = [value for place in groups[label] if (value := values[place]) is not None]
            total = sum(known) / (len(known) if unit == "%" else 1) if known else None
            line.append("" if total is None else escape_inline(shown(total, unit)))
        made.append(line)
    if numbers:
        what = "percentages are averaged, other numbers added up"
        warn(f"several rows have the same '{plain_text(table.header[0])}': in its chart, {what}")
    return TableData(
        header=(table.header[0], *(table.header[column] for column in numbers)),
        rows=tuple((escape_inline(label), *(line[place] for line in made)) for place, label in enumerate(labels)),
    )

"""Parse tables and charts from CSV text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from pydantic import ValidationError

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import ChartData, ChartKind, ChartSeries, TableData

_NUMBER = re.compile(r"^[-+]?(\d+([ ,]\d{3})*|\d+)?(\.\d+)?$")
_UNITS = " %$€£¥"
_DELIMITERS = ",;\t|"


def read_table(text: str, name: str) -> TableData:
    """Return the table in a CSV text; the first line holds the headings, and short lines are padded with empty cells.

    Args:
        text: Lines of cells separated by commas, semicolons, tabs or bars; a cell may be quoted.
        name: The name of the text in error messages.

    Raises:
        InputError: If it has no lines, more columns or rows than a slide's table may have, or is not CSV.
    """
    try:
        cells = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise InputError(f"{name} is not CSV ({error}); look for an unclosed quotation mark") from error
    return table_of(cells, name)


def table_of(cells: Sequence[Sequence[str]], name: str) -> TableData:
    """Return the table of these lines of cells; see read_table.

    Raises:
        InputError: If there are no lines, or more columns or rows than a slide's table may have.
    """
    lines = [[cell.strip() for cell in line] for line in cells]
    lines = [line for line in lines if any(line)]
    if not lines:
        raise InputError(f"{name} is empty; its first line must hold the headings, separated by commas")
    width = max(len(line) for line in lines)
    square = [tuple(line + [""] * (width - len(line))) for line in lines]
    try:
        return TableData(header=square[0], rows=tuple(square[1:]))
    except ValidationError as error:
        raise InputError(f"{name} cannot be a table on a slide: {_reason(error)}") from error


def chart_of(table: TableData, kind: ChartKind, title: str, name: str) -> ChartData:
    """Return the chart of a table: the first column labels the categories, every other column is a series.

    Raises:
        InputError: If a cell is not a number, there is no column of numbers, or the kind cannot show them.
    """
    if len(table.header) < 2 or not table.rows:
        raise InputError(f"{name} needs a column of labels, a column of numbers, and a line below the headings")
    columns = range(1, len(table.header))
    try:
        series = tuple(
            ChartSeries(
                name=table.header[column] or f"Series {column}",
                values=tuple(
                    _number(row[column], f"{name}, line {line}, column {column + 1}") for line, row in _lines(table)
                ),
            )
            for column in columns
        )
        return ChartData(kind=kind, title=title, categories=tuple(row[0] for row in table.rows), series=series)
    except ValidationError as error:
        raise InputError(f"{name} cannot be a {kind} chart: {_reason(error)}") from error


def is_number(text: str) -> bool:
    """Return whether a cell is a number, with or without a unit such as % or a currency sign."""
    bare = text.strip(_UNITS)
    return any(char.isdigit() for char in bare) and _NUMBER.match(bare) is not None


def _lines(table: TableData) -> list[tuple[int, tuple[str, ...]]]:
    return list(enumerate(table.rows, start=2))


def _number(text: str, where: str) -> float:
    if not is_number(text):
        raise InputError(f"{where}: '{text}' is not a number; write it like 1234.5")
    return float(re.sub(r"[ ,]", "", text.strip(_UNITS)))


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=first.count)


def _reason(error: ValidationError) -> str:
    return "; ".join(str(fault["msg"]) for fault in error.errors(include_url=False))

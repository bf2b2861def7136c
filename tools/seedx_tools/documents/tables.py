"""Tables as the source of a deck: rows in Python, and .csv, .tsv and .xlsx files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import ChartData, TableData
from seedx_tools.decks.tables import raw_table_of, read_rows
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.documents.excel.workbook import read_xlsx
from seedx_tools.documents.files import decode, read_bytes, title_of_file
from seedx_tools.documents.found_tables import FoundTable, found_table

Rows: TypeAlias = Sequence[Sequence[object]] | Sequence[Mapping[str, object]]
"""A table: rows of cells, the header first, or one mapping per row."""
WORKBOOKS = (".xlsx", ".xlsm")
"""A file with macros is read like any other; they are not run."""
SUFFIXES = (".csv", ".tsv", *WORKBOOKS)


class Tables(BaseModel):
    """One or several tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    """The name of their file, or empty."""
    title: str = "The figures"
    """What the deck is called."""
    tables: tuple[FoundTable, ...]
    charts: tuple[tuple[str, ChartData], ...] = ()
    """Charts that the file draws itself, each with its title."""
    warnings: tuple[str, ...] = ()


def read_tables(source: Path | TableData | Rows) -> Tables:
    """Return the tables of a source.

    Raises:
        InputError: If it is not a table, or one that is too large for slides.
        MissingExtraError: If it is an .xlsx file and openpyxl is not installed.
    """
    if isinstance(source, TableData):
        return Tables(tables=(FoundTable("", source),))
    if not isinstance(source, Path):
        return Tables(tables=(FoundTable("", _table_of_rows(source)),))
    data, warnings = read_bytes(source), list[str]()
    charts: list[tuple[str, ChartData]] = []
    if source.suffix.lower() in WORKBOOKS:
        tables, charts = read_xlsx(data, source, warnings)
    else:
        name = f"'{source.name}'"
        tables = [found_table(read_rows(decode(data, source, warnings), name), name, warnings.append)]
    return Tables(
        name=source.name,
        title=title_of_file(source),
        tables=tuple(tables),
        charts=tuple(charts),
        warnings=tuple(warnings),
    )


def as_csv(table: TableData) -> str:
    """Return a table as CSV."""
    text = io.StringIO()
    lines = ([plain_text(cell) for cell in line] for line in (table.header, *table.rows))
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _table_of_rows(source: Rows) -> TableData:
    if not isinstance(source, Sequence) or not source:
        raise InputError(
            f"a deck cannot be made of {type(source).__name__}; pass a string, a Path, an Outline, or a table as rows"
        )
    lines: list[list[object]] = []
    for row in source:
        if isinstance(row, Mapping):
            lines = lines or [list(row)]
            lines.append([row.get(str(heading), "") for heading in lines[0]])
        elif isinstance(row, Sequence) and not isinstance(row, str | bytes):
            lines.append(list(row))
        else:
            raise InputError(f"a row of the table is {type(row).__name__}; pass lists of cells, or mappings")
    return raw_table_of([["" if cell is None else str(cell) for cell in line] for line in lines], "the table")

"""Reads Excel files: the tables of the visible sheets as the sheets show them, and their charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seedx_sdk.errors import InputError, needs_extra
from seedx_tools.decks.data.numbers import is_gap, is_number
from seedx_tools.decks.outline import ChartData, TableData
from seedx_tools.decks.tables import SOURCE_LINE, raw_table_of
from seedx_tools.documents.files import check_archive
from seedx_tools.documents.number_formats import shown_text

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell, MergedCell
    from openpyxl.workbook.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

MAX_CELLS = 500_000
"""Cells of a sheet, also empty ones; larger sheets are rejected."""
_MAX_NAMED = 5


class SheetTable(NamedTuple):
    """A table of a sheet."""

    heading: str
    """The line above it, else the name of its sheet."""
    table: TableData


class Sheets(NamedTuple):
    """What a workbook shows."""

    tables: list[SheetTable]
    charts: list[tuple[str, ChartData]]
    """Each with its title, else the name of its sheet."""


def read_xlsx(data: bytes, path: Path, warnings: list[str]) -> Sheets:
    """Return the tables and charts of the visible sheets of an Excel file.

    Raises:
        InputError: If it is not an Excel file, holds neither tables nor charts, or a sheet that is too large.
        MissingExtraError: If openpyxl is not installed.
    """
    with needs_extra("documents"):
        from openpyxl import load_workbook

        from seedx_tools.documents.workbook_charts import charts_of
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise InputError(f"'{path}' is protected with a password, or an .xls file; save a copy as .xlsx without one")
    check_archive(data, path, "an Excel workbook (.xlsx)")
    try:
        shown, written = (load_workbook(BytesIO(data), data_only=values) for values in (True, False))
    except Exception as error:  # a damaged file makes its reader raise all kinds of errors
        raise InputError(f"cannot read '{path}' as an Excel workbook ({error}); save it again as .xlsx") from error
    found = Sheets([], [])
    for sheet in shown.worksheets:
        where = f"the sheet '{sheet.title}' of '{path.name}'"
        if sheet.sheet_state != "visible":
            warnings.append(f"{where} is hidden and was left out")
            continue
        if sheet.max_row * sheet.max_column > MAX_CELLS:
            raise InputError(f"{where} has over {MAX_CELLS} cells; delete the empty rows and columns, or split it")
        _warn_of_formulas(sheet, written, where, warnings)
        lines = _visible(sheet, where, warnings)
        for heading, cells in _blocks(lines, where, warnings):
            found.tables.append(SheetTable(heading or sheet.title, raw_table_of(cells, where)))
        for title, chart in charts_of(sheet, shown, where, warnings.append):
            found.charts.append((title or sheet.title, chart))
        if images := len(getattr(sheet, "_images", ())):
            warnings.append(f"{where}: {images} pictures were left out")
    if not (found.tables or found.charts):
        raise InputError(f"'{path}' holds no table; put headings in the first row of a sheet")
    return found


def cell_text(cell: Cell | MergedCell) -> str:
    """Return what a cell shows on one line."""
    return " ".join(shown_text(cell.value, cell.number_format).split())


def _warn_of_formulas(sheet: Worksheet, written: Workbook, where: str, warnings: list[str]) -> None:
    formulas = [cell for row in written[sheet.title].iter_rows() for cell in row if cell.data_type == "f"]
    if empty := [cell.coordinate for cell in formulas if sheet[cell.coordinate].value is None]:
        warnings.append(
            f"{len(empty)} formulas of {where} have no saved result ({', '.join(empty[:_MAX_NAMED])}): "
            "open the file in a spreadsheet program and save it"
        )


def _visible(sheet: Worksheet, where: str, warnings: list[str]) -> list[list[str]]:
    """Return the visible cells of a sheet as they are shown; a merged cell is repeated in each place that it covers."""
    lines = [[cell_text(cell) for cell in row] for row in sheet.iter_rows(min_row=1, min_col=1)]
    for area in sheet.merged_cells.ranges:
        text = lines[area.min_row - 1][area.min_col - 1]
        for row in range(area.min_row - 1, min(area.max_row, len(lines))):
            for column in range(area.min_col - 1, min(area.max_col, len(lines[row]))):
                lines[row][column] = text
    rows = [n for n in range(len(lines)) if not sheet.row_dimensions[n + 1].hidden]
    hidden = _hidden_columns(sheet)
    columns = [n for n in range(sheet.max_column) if n + 1 not in hidden]
    for what, count in (
        ("rows", sum(any(lines[n]) for n in range(len(lines))) - sum(any(lines[n]) for n in rows)),
        ("columns", sum(any(line[n - 1] for line in lines) for n in hidden if n <= sheet.max_column)),
    ):
        if count:
            warnings.append(f"{where}: {count} hidden {what} were left out")
    return [[lines[n][column] for column in columns] for n in rows]


def _hidden_columns(sheet: Worksheet) -> set[int]:
    return {
        number
        for dimension in sheet.column_dimensions.values()
        if dimension.hidden
        for number in range(dimension.min or 0, (dimension.max or -1) + 1)
    }


def _blocks(lines: Sequence[Sequence[str]], where: str, warnings: list[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the tables among the lines of a sheet, each with the line of text above it."""
    heading = ""
    loose: list[str] = []
    block: list[list[str]] = []

    def done() -> Iterator[tuple[str, list[list[str]]]]:
        if block:
            used = [column for column in range(len(block[0])) if any(line[column] for line in block)]
            yield heading, [[line[column] for column in used] for line in block]

    after_gap = True
    for line in lines:
        said = list(dict.fromkeys(filter(None, line)))
        if not said:
            after_gap = True
        elif len(said) == 1 and (after_gap or not block or SOURCE_LINE.match(said[0])) and not is_number(said[0]):
            loose.append(said[0])
        elif block and after_gap and (loose or _is_header(line)):
            yield from done()
            heading, loose, block, after_gap = loose.pop() if loose else "", loose, [list(line)], False
        else:
            if not block and loose:
                heading = loose.pop()
            block.append(list(line))
            after_gap = False
    yield from done()
    if loose:
        named = "; ".join(f"'{text}'" for text in loose[:_MAX_NAMED])
        warnings.append(f"{where}: text outside its tables was left out: {named}")


def _is_header(line: Sequence[str]) -> bool:
    """Return whether a line begins a new table: it holds several words, and no number."""
    said = [cell for cell in line if not is_gap(cell)]
    return len(said) > 1 and not any(is_number(cell) for cell in said)

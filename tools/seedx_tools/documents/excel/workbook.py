"""Reads Excel files: the tables of the visible sheets as the sheets show them, and their charts."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seedx_sdk.errors import InputError, needs_extra
from seedx_tools.decks.outline import ChartData
from seedx_tools.documents.excel.number_formats import shown_text
from seedx_tools.documents.files import check_archive
from seedx_tools.documents.found_tables import FoundTable, blocks_of, found_table

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell, MergedCell
    from openpyxl.workbook.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

MAX_CELLS = 500_000
"""Cells of a sheet, also empty ones; larger sheets are rejected."""
_MAX_NAMED = 5
_ERROR = re.compile(r"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!)")


class Sheets(NamedTuple):
    """What a workbook shows."""

    tables: list[FoundTable]
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

        from seedx_tools.documents.excel.charts import charts_of
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
        lines = _without_errors(_visible(sheet, where, warnings), where, warnings)
        for rows in blocks_of(lines):
            if len(rows.lines) == 1:
                warnings.append(f"{where}: headings without rows were left out: {', '.join(rows.lines[0])}")
            else:
                found.tables.append(found_table(rows, where, warnings.append, heading=sheet.title))
        for title, chart in charts_of(sheet, shown, where, warnings.append):
            found.charts.append((title or sheet.title, chart))
        if images := len(getattr(sheet, "_images", ())):
            warnings.append(f"{where}: {images} pictures were left out")
    for page in (page for page in shown.chartsheets if page.sheet_state == "visible"):
        where = f"the sheet '{page.title}' of '{path.name}'"
        found.charts.extend(
            (title or page.title, chart) for title, chart in charts_of(page, shown, where, warnings.append)
        )
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


def _without_errors(lines: list[list[str]], where: str, warnings: list[str]) -> list[list[str]]:
    """Return lines with n/a in place of errors such as #DIV/0!."""
    if errors := sorted({cell for line in lines for cell in line if _ERROR.fullmatch(cell)}):
        warnings.append(f"{where}: cells with errors ({', '.join(errors)}) are shown as n/a; mend their formulas")
    return [["n/a" if _ERROR.fullmatch(cell) else cell for cell in line] for line in lines]


def _hidden_columns(sheet: Worksheet) -> set[int]:
    return {
        number
        for dimension in sheet.column_dimensions.values()
        if dimension.hidden
        for number in range(dimension.min or 0, (dimension.max or -1) + 1)
    }

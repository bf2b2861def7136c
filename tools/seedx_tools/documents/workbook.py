"""Reads the tables of Excel files."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from seedx_sdk.errors import InputError, needs_extra
from seedx_tools.decks.outline import TableData
from seedx_tools.decks.tables import raw_table_of
from seedx_tools.documents.files import check_archive

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell, MergedCell


def read_xlsx(data: bytes, path: Path, warnings: list[str]) -> list[tuple[str, TableData]]:
    """Return the tables of an Excel file, one for each visible sheet that holds one, with the names of the sheets.

    Raises:
        InputError: If it is not an Excel file, holds no table, or one that is too large for slides.
        MissingExtraError: If openpyxl is not installed.
    """
    with needs_extra("documents"):
        from openpyxl import load_workbook
    check_archive(data, path, "an Excel workbook (.xlsx)")
    try:
        shown, written = (load_workbook(BytesIO(data), data_only=values) for values in (True, False))
    except Exception as error:  # a damaged file makes its reader raise all kinds of errors
        raise InputError(f"cannot read '{path}' as an Excel workbook ({error}); save it again as .xlsx") from error
    tables: list[tuple[str, TableData]] = []
    for sheet in shown.worksheets:
        if sheet.sheet_state != "visible":
            warnings.append(f"the sheet '{sheet.title}' of '{path.name}' is hidden and was left out")
            continue
        lines = [[_text(cell) for cell in row] for row in sheet.iter_rows()]
        formulas = [cell for row in written[sheet.title].iter_rows() for cell in row if cell.data_type == "f"]
        if empty := [cell.coordinate for cell in formulas if sheet[cell.coordinate].value is None]:
            warnings.append(
                f"{len(empty)} formulas of the sheet '{sheet.title}' have no saved result ({', '.join(empty[:5])}): "
                "open the file in a spreadsheet program and save it"
            )
        used = [column for column in range(sheet.max_column) if any(line[column] for line in lines)]
        if used:
            cells = [[line[column] for column in used] for line in lines]
            tables.append((sheet.title, raw_table_of(cells, f"the sheet '{sheet.title}' of '{path.name}'")))
    if not tables:
        raise InputError(f"'{path}' holds no table; put headings in the first row of a sheet")
    return tables


def _text(cell: Cell | MergedCell) -> str:
    """Return a cell as a spreadsheet shows it, in its main forms: 0.25 as "25%" where that is its format."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float | int) and not isinstance(value, bool):
        if percent := re.search(r"0(?:\.(0+))?%", cell.number_format):
            return f"{value * 100:.{len(percent.group(1) or '')}f}%"
        return f"{value:.12g}"
    return str(value)

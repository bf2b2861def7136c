"""Excel files as the source of a deck: cells as they are shown, hidden and merged ones, headings and charts."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

pytest.importorskip("openpyxl")

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, RadarChart, Reference

from seedx_sdk import InputError
from seedx_tools.documents.excel.number_formats import shown_text
from seedx_tools.documents.excel.workbook import Sheets, read_xlsx

ACCOUNTING = '_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)'


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (None, "General", ""),
        (True, "General", "TRUE"),
        ("x", "@", "x"),
        (3, "General", "3"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "General", "1.00000E+20"),
        (0.25, "0%", "25%"),
        (0.333, "0.0%", "33.3%"),
        (1234.5, "#,##0.00", "1,234.50"),
        (1234.5, "#,##0.00\\ [$\u20ac-407]", "1,234.50 \u20ac"),
        (1234.5, "[$$-409]#,##0", "$1,235"),
        (-1234.5, "#,##0;(#,##0)", "(1,235)"),
        (-5, '"$"#,##0.00;[Red]-"$"#,##0.00', "-$5.00"),
        (0, '0;-0;"-"', "-"),
        (1_500_000, '0.0,,"M"', "1.5M"),
        (1_500_000, "#,##0,", "1,500"),
        (7, "000", "007"),
        (12345, "0.00E+00", "1.23E+4"),
        (3.0, "0.##", "3"),
        (42, '"n; "0', "n; 42"),
        (-0.001, "0.0", "0.0"),
        (1234.5, ACCOUNTING, "$1,234.50"),
        (-12, ACCOUNTING, "$(12.00)"),
        (0, ACCOUNTING, "$-"),
        (0.5, "# ?/?", "0.5"),
        (datetime(2024, 5, 1, 14, 7), "General", "2024-05-01 14:07"),
        (date(2024, 5, 1), "General", "2024-05-01"),
        (datetime(2024, 5, 1), "d-mmm-yy", "1-May-24"),
        (datetime(2024, 5, 1), "[$-409]mmmm d, yyyy", "May 1, 2024"),
        (datetime(2024, 5, 1), 'dddd "the" dd.mm.', "Wednesday the 01.05."),
        (datetime(2024, 5, 1, 14, 7, 9), "m/d/yy h:mm", "5/1/24 14:07"),
        (datetime(2024, 5, 1, 14, 7, 9), "h:mm AM/PM", "2:07 PM"),
        (datetime(2024, 5, 1, 14, 7, 9), "mm:ss", "07:09"),
        (time(14, 30), "h:mm", "14:30"),
        (timedelta(hours=30, minutes=5), "[h]:mm", "30:05"),
    ],
)
def test_cells_are_shown_in_their_format(value: object, number_format: str, text: str) -> None:
    assert shown_text(value, number_format) == text


def read(workbook: Workbook, path: Path) -> tuple[Sheets, list[str]]:
    workbook.save(path)
    warnings: list[str] = []
    return read_xlsx(path.read_bytes(), path, warnings), warnings


def test_merged_cells_are_repeated_and_hidden_ones_left_out(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Sales"
    rows: list[list[object]] = [["Sales of the year"], [], ["Region", "Revenue", None, "Secret"], ["", "Q1", "Q2", "x"]]
    for row in (*rows, ["West", 10, 0.5, 1], ["East", 12, 0.25, 1], ["North", 1, 1, 1]):
        sheet.append(row)
    sheet.merge_cells("A1:D1")
    sheet.merge_cells("B3:C3")
    for name in ("C5", "C6"):
        sheet[name].number_format = "0%"
    sheet.row_dimensions[7].hidden = True
    sheet.column_dimensions["D"].hidden = True
    sheets, warnings = read(workbook, tmp_path / "sales.xlsx")
    ((heading, table, source, notes),) = sheets.tables
    assert (heading, source, notes) == ("Sales of the year", "", "")
    assert table.header == ("Region", "Revenue Q1", "Revenue Q2")
    assert table.rows == (("West", "10", "50%"), ("East", "12", "25%"))
    where = "the sheet 'Sales' of 'sales.xlsx'"
    assert warnings == [f"{where}: 1 hidden rows were left out", f"{where}: 1 hidden columns were left out"]


def test_several_tables_of_a_sheet_have_the_line_above_as_heading(tmp_path: Path) -> None:
    workbook = Workbook()
    assert workbook.active is not None
    rows: list[list[str | int]] = [["Year", "Boats"], ["2023", 3], [], ["Total", 3], [], ["Pupils"], ["Year", "Pupils"]]
    rows += [[2023, 25], [], ["Town", "Pupils"], ["Ebb", 4], [], ["Counted by hand"]]
    for row in rows:
        workbook.active.append(row)
    sheets, warnings = read(workbook, tmp_path / "boats.xlsx")
    assert [(found.heading, len(found.table.rows), found.notes) for found in sheets.tables] == [
        ("Sheet", 2, ""),
        ("Pupils", 1, ""),
        ("Sheet", 1, "Counted by hand"),
    ]
    assert warnings == []


def test_charts_of_a_sheet_are_charts_with_the_numbers_of_its_cells(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.create_sheet("It's 2024")
    workbook.move_sheet(sheet, -1)
    for row in (["Year", "Boats", "Share"], [2022, 3, 0.25], [2023, 4, 0.5], [2024, 6, 0.5]):
        sheet.append(row)
    for cell in sheet["C"][1:]:
        cell.number_format = "0%"
    charts = BarChart(), LineChart(), RadarChart()
    for chart, column in zip(charts, (2, 3, 2), strict=True):
        chart.add_data(Reference(sheet, min_col=column, min_row=1, max_row=4), titles_from_data=True)
        chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=4))
        sheet.add_chart(chart, "F1")
    bars, *_ = charts
    bars.type, bars.grouping, bars.title = "bar", "stacked", "Our boats"
    sheets, warnings = read(workbook, tmp_path / "charts.xlsx")
    (title, shown), (_, line) = sheets.charts
    assert (title, shown.kind, shown.categories) == ("Our boats", "stacked_horizontal_bar", ("2022", "2023", "2024"))
    assert [(series.name, series.values) for series in shown.series] == [("Boats", (3, 4, 6))]
    assert (line.kind, line.series[0].values, line.series[0].unit) == ("line", (25, 50, 50), "%")
    assert warnings == [
        "the sheet 'It's 2024' of 'charts.xlsx': the chart 'without a title' was left out: slides have no radar charts"
    ]


def test_formulas_without_a_result_and_files_that_cannot_be_read_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = Workbook()
    assert workbook.active is not None
    for row in (["Day", "Boats"], [date(2024, 5, 1), 3], [date(2024, 6, 1), "=B2*2"]):
        workbook.active.append(row)
    sheets, warnings = read(workbook, tmp_path / "boats.xlsx")
    assert sheets.tables[0].table.rows == (("2024-05-01", "3"), ("2024-06-01", ""))
    assert warnings == [
        "1 formulas of the sheet 'Sheet' of 'boats.xlsx' have no saved result (B3): "
        "open the file in a spreadsheet program and save it"
    ]
    Workbook().save(tmp_path / "empty.xlsx")
    (tmp_path / "locked.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 secret")
    (tmp_path / "broken.xlsx").write_bytes(b"nothing")
    for name, message in (
        ("empty.xlsx", "holds no table"),
        ("locked.xlsx", "has a password, or is of an old format; save it as an Excel workbook"),
        ("broken.xlsx", "as an Excel workbook"),
    ):
        with pytest.raises(InputError, match=message):
            read_xlsx((tmp_path / name).read_bytes(), tmp_path / name, [])
    monkeypatch.setattr("seedx_tools.documents.excel.workbook.MAX_CELLS", 5)
    with pytest.raises(InputError, match="has over 5 cells"):
        read(workbook, tmp_path / "boats.xlsx")
    monkeypatch.setattr("seedx_tools.documents.files.MAX_XML_BYTES", 5)
    with pytest.raises(InputError, match="unpacks to 0 MiB"):
        read(workbook, tmp_path / "boats.xlsx")

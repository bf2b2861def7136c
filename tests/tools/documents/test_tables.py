"""Decks of tables as people have them: long lists, mixed units, dates out of order, figures without headings."""

from pathlib import Path

import pytest

pytest.importorskip("openpyxl")

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.worksheet.worksheet import Worksheet

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import ChartData, Outline
from seedx_tools.documents.sources import read_source, sources_outline


def outline(path: Path, text: str) -> Outline:
    path.write_text(text, encoding="utf-8")
    return sources_outline([read_source(path)], None)


def charts(made: Outline) -> list[ChartData]:
    return [slide.chart for slide in made.slides if slide.chart is not None]


def test_rows_of_one_unit_each_are_series_so_that_no_unit_is_made_up(tmp_path: Path) -> None:
    made = outline(tmp_path / "a.csv", "Metric,2023,2024\nChurn,4%,3%\nRevenue,$12M,$14M\nNPS,31,40\n")
    assert [(one.series[0].name, one.series[0].unit, one.series[0].values) for one in charts(made)] == [
        ("Churn", "%", (4, 3)),
        ("Revenue", "$M", (12, 14)),
        ("NPS", "", (31, 40)),
    ]
    assert "NPS: 40 in 2024, 31 in 2023" in made.slides[-1].bullets


@pytest.mark.parametrize("head", ["KPI,Value\n", ""])
def test_key_figures_become_cards_with_or_without_headings(tmp_path: Path, head: str) -> None:
    made = outline(tmp_path / "kpi.csv", f"{head}Revenue,$4.2M\nMargin,12 %\nNPS,41\n")
    (slide,) = made.slides
    assert slide.visual is not None and slide.visual.kind == "kpis"
    assert [(item.label, item.value) for item in slide.visual.items] == [
        ("Revenue", "$4.2M"),
        ("Margin", "12 %"),
        ("NPS", "41"),
    ]


def test_dates_are_drawn_in_order_and_titles_say_what_they_show(tmp_path: Path) -> None:
    made = outline(tmp_path / "a.csv", "Date,Sales\n2024-05-01,9\n2024-03-01,5\n2024-01-01,3\n")
    (chart,) = charts(made)
    assert (chart.categories, chart.series[0].values) == (("2024-01-01", "2024-03-01", "2024-05-01"), (3, 5, 9))
    assert made.slides[1].title == "Sales rose from 3 to 9"
    assert any("dates were not in order" in warning for warning in made.warnings)


def test_a_long_list_is_drawn_with_a_line_for_each_name(tmp_path: Path) -> None:
    rows = "".join(
        f"2024-0{month},{site},{month * 10 + len(site)}\n" for month in (1, 2, 3) for site in ("Ely", "Leeds")
    )
    (chart,) = charts(outline(tmp_path / "a.csv", f"Month,Site,Visits\n{rows}"))
    assert [(one.name, one.values) for one in chart.series] == [("Ely", (13, 23, 33)), ("Leeds", (15, 25, 35))]


def test_rows_of_the_same_label_are_added_up_with_a_warning(tmp_path: Path) -> None:
    text = "Region,Orders,Share\nNorth,3,10%\nSouth,4,20%\nNorth,5,30%\n"
    made = outline(tmp_path / "a.csv", text)
    orders, share = charts(made)
    assert (orders.categories, orders.series[0].values, share.series[0].values) == (
        ("North", "South"),
        (8, 4),
        (20, 20),
    )
    assert any("percentages are averaged" in warning for warning in made.warnings)


def test_more_columns_than_a_chart_has_series_run_along_its_axis(tmp_path: Path) -> None:
    head = ",".join(f"M{number}" for number in range(1, 31))
    made = outline(tmp_path / "a.csv", f"Site,{head}\nEly,{','.join('1' * 30)}\nLeeds,{','.join('2' * 30)}\n")
    (chart,) = charts(made)
    assert [one.name for one in chart.series] == ["Ely", "Leeds"]
    assert (chart.kind, len(chart.categories)) == ("line", 30)


def test_the_lines_around_a_table_are_its_title_source_and_notes(tmp_path: Path) -> None:
    text = "Sales by region\n\nRegion;Sales\nNorth;1,5\nSouth;2,5\nSource: ERP\nNote: preliminary\n"
    table, chart = outline(tmp_path / "a.csv", text).slides
    assert (table.title, table.source) == ("Sales by region", "Source: ERP")
    assert "Note: preliminary" in table.notes and chart.source == "Source: ERP"
    assert chart.chart is not None and chart.chart.series[0].values == (1.5, 2.5)


def test_headings_without_rows_are_refused_and_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'a.csv' has headings and no rows below them"):
        outline(tmp_path / "a.csv", "Region,Sales\n")


def test_a_sheet_with_tables_side_by_side_errors_and_a_combined_chart(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    sheet: Worksheet = workbook.create_sheet("Dash")
    rows: list[list[object]] = [["Region", "Sales", "Growth", None, "Product", "Units"]]
    rows += [["North", 10, 0.1, None, "A", 5], ["South", 12, 0.2, None, "B", "#DIV/0!"]]
    for row in rows:
        sheet.append(row)
    workbook.create_sheet("Heads").append(["A", "B"])
    bars, line = BarChart(), LineChart()
    bars.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    line.add_data(Reference(sheet, min_col=3, min_row=1, max_row=3), titles_from_data=True)
    bars.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=3))
    line.y_axis.axId = 200
    bars += line
    sheet.add_chart(bars, "H2")
    workbook.save(tmp_path / "dash.xlsm")
    made = sources_outline([read_source(tmp_path / "dash.xlsm")], None)
    tables = [slide for slide in made.slides if slide.table is not None]
    assert [(slide.title, slide.table and slide.table.rows) for slide in tables] == [
        ("Dash (1 of 2)", (("North", "10", "0.1"), ("South", "12", "0.2"))),
        ("Dash (2 of 2)", (("A", "5"), ("B", "n/a"))),
    ]
    combined = charts(made)[0]
    assert (combined.kind, [(one.name, one.second_axis) for one in combined.series]) == (
        "combo",
        [("Sales", False), ("Growth", True)],
    )
    assert any("(#DIV/0!) are shown as n/a" in warning for warning in made.warnings)
    assert any("headings without rows were left out: A, B" in warning for warning in made.warnings)

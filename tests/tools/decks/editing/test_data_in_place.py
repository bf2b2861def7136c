"""Tables and charts of any origin are revised in place: rows, columns, series and categories come and go."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.oxml.ns import qn

from seedx_sdk import SeedX
from seedx_tools import revise_slide
from seedx_tools.decks.reader import read_slide
from tests.support.foreign_decks import Builder, combo, table

ROWS = [["Item", "2024", "2025"], ["Rent", "10", "12"], ["Staff", "20", "22"], ["Sum", "30", "34"]]


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Return a table with merged headings and a bold cell."""
    builder = Builder(layout=5)
    slide = builder.slide()
    slide.shapes.title.text = "Costs"
    made = table(slide, ROWS)
    made.cell(1, 1).text_frame.paragraphs[0].runs[0].font.bold = True
    made.cell(0, 2).text = ""
    made.cell(0, 1).merge(made.cell(0, 2))
    return builder.save(tmp_path / "table.pptx")


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """Return bars in dollars with a line in percent on a second axis; the second bar of Sales has its own color."""
    builder = Builder(layout=5)
    slide = builder.slide()
    slide.shapes.title.text = "Growth"
    point = combo(slide).plots[0].series[0].points[1].format.fill
    point.solid()
    point.fore_color.rgb = _red()
    return builder.save(tmp_path / "chart.pptx")


def _red() -> Any:
    return RGBColor(0xC0, 0, 0)  # type: ignore[no-untyped-call]


def _table(path: Path) -> Any:
    return next(shape.table for shape in Presentation(str(path)).slides[0].shapes if shape.has_table)


def _chart(path: Path) -> Any:
    return next(shape.chart for shape in Presentation(str(path)).slides[0].shapes if shape.has_chart)


def _cells(path: Path) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in _table(path).rows]


def _ids(path: Path) -> list[str]:
    found = [element for element in _table(path)._tbl.iter() if str(element.tag).endswith(("rowId", "colId"))]
    return [f"{element.tag[-5:]} {element.get('val')}" for element in found]


def test_a_row_comes_and_goes_and_the_others_stay_as_they_are(seedx: SeedX, tables: Path) -> None:
    before = [etree.tostring(row) for row in _table(tables)._tbl.tr_lst]
    assert revise_slide(seedx, tables, 1, "add row: Power | 5 | 6").warnings == ()
    after = [etree.tostring(row) for row in _table(tables)._tbl.tr_lst]
    assert (after[:4], _cells(tables)[4]) == (before, ["Power", "5", "6"])
    assert len(set(_ids(tables))) == len(_ids(tables)) == 8
    revise_slide(seedx, tables, 1, "remove row 2")
    rest = [etree.tostring(row) for row in _table(tables)._tbl.tr_lst]
    assert rest == [*before[:2], before[3], after[4]]


def test_the_frame_of_a_table_grows_with_it_and_what_a_change_leaves_out_is_named(seedx: SeedX, tables: Path) -> None:
    def frame() -> Any:
        return next(shape for shape in Presentation(str(tables)).slides[0].shapes if shape.has_table)

    before, row = int(frame().height), int(_table(tables).rows[3].height)
    revise_slide(seedx, tables, 1, "add row: Power | 5 | 6")
    assert int(frame().height) == before + row
    (warning,) = revise_slide(seedx, tables, 1, "## Costs, again\n", pictures=False).warnings
    assert warning == "slide 1: the change has no table, so the slide's own was left out"
    assert not any(shape.has_table for shape in Presentation(str(tables)).slides[0].shapes)


def test_a_column_joins_and_leaves_merged_headings(seedx: SeedX, tables: Path) -> None:
    widths = sum(int(column.width) for column in _table(tables).columns)
    assert revise_slide(seedx, tables, 1, "add column: 2026 | 14 | 24 | 38").warnings == ()
    assert [row[3] for row in _cells(tables)] == ["2026", "14", "24", "38"]
    assert _table(tables).cell(0, 1).span_width == 2
    assert _table(tables).cell(1, 1).text_frame.paragraphs[0].runs[0].font.bold is True
    assert abs(sum(int(column.width) for column in _table(tables).columns) - widths) < 10
    revise_slide(seedx, tables, 1, "remove column 2")
    assert _cells(tables) == [
        ["Item", "2024", "2026"],
        ["Rent", "12", "14"],
        ["Staff", "22", "24"],
        ["Sum", "34", "38"],
    ]
    assert not any(cell.is_merge_origin or cell.is_spanned for cell in _table(tables).iter_cells())


def test_a_cell_of_two_paragraphs_keeps_them(seedx: SeedX, tables: Path) -> None:
    deck = Presentation(str(tables))
    cell = next(shape.table for shape in deck.slides[0].shapes if shape.has_table).cell(2, 0)
    cell.text = "Staff in the office\nand on the road"
    deck.save(str(tables))
    revise_slide(seedx, tables, 1, "replace 'office' with 'head office'")
    assert [p.text for p in _table(tables).cell(2, 0).text_frame.paragraphs] == [
        "Staff in the head office",
        "and on the road",
    ]


def _series(path: Path) -> list[tuple[str, tuple[float | None, ...]]]:
    return [(series.name, series.values) for plot in _chart(path).plots for series in plot.series]


def _workbook(path: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_chart(path).part.chart_workbook.xlsx_part.blob)) as package:
        return package.read("xl/worksheets/sheet1.xml")


def test_a_number_changes_in_a_combined_chart(seedx: SeedX, charts: Path) -> None:
    assert revise_slide(seedx, charts, 1, "set Margin in Q3 to 80 %").warnings == ()
    assert _series(charts) == [("Sales", (10, 20, 30)), ("Costs", (5, 8, 9)), ("Margin", (0.5, 0.6, 0.8))]
    codes = [
        code.text for values in _chart(charts)._chartSpace.iter(qn("c:val")) for code in values.iter(qn("c:formatCode"))
    ]
    assert codes == ['"$"#,##0', '"$"#,##0', "0%"]
    assert b"0.8" in _workbook(charts)
    assert [len(plot.series) for plot in _chart(charts).plots] == [2, 1]


def test_a_category_takes_what_is_set_for_single_points_along(seedx: SeedX, charts: Path) -> None:
    revise_slide(seedx, charts, 1, "remove category Q1")
    revise_slide(seedx, charts, 1, "add category: Q4 | 40 | 10 | 75 %")
    assert list(_chart(charts).plots[0].categories) == ["Q2", "Q3", "Q4"]
    assert _series(charts)[2] == ("Margin", (0.6, 0.7, 0.75))
    (point,) = _chart(charts)._chartSpace.iter(qn("c:dPt"))
    assert point.find(qn("c:idx")).get("val") == "0"


def test_a_series_leaves_without_touching_the_look_of_the_others(seedx: SeedX, charts: Path) -> None:
    revise_slide(seedx, charts, 1, "remove series Costs; rename series Sales to Revenue")
    assert [name for name, _ in _series(charts)] == ["Revenue", "Margin"]
    assert len(list(_chart(charts)._chartSpace.iter(qn("c:dPt")))) == 1
    revise_slide(seedx, charts, 1, "add series: Tax | 1 | 2 | 3")
    assert _series(charts)[1] == ("Tax", (1, 2, 3))
    orders = [order.get("val") for order in _chart(charts)._chartSpace.iter(qn("c:order"))]
    assert sorted(orders) == ["0", "1", "2"]
    assert read_slide(Presentation(str(charts)).slides[0]).chart is not None


def test_the_last_series_of_a_plot_takes_its_axes_along(seedx: SeedX, charts: Path) -> None:
    revise_slide(seedx, charts, 1, "remove series Margin")
    area = _chart(charts)._chartSpace.plotArea
    used = {axis.get("val") for plot in area.iter_xCharts() for axis in plot.findall(qn("c:axId"))}
    axes = {axis.find(qn("c:axId")).get("val") for axis in area if axis.tag.endswith("Ax")}
    assert axes == used


def test_an_own_alt_text_of_a_chart_stays(seedx: SeedX, charts: Path) -> None:
    deck = Presentation(str(charts))
    frame: Any = next(shape for shape in deck.slides[0].shapes if shape.has_chart)
    frame._element.nvGraphicFramePr.cNvPr.set("descr", "Sales and margin by quarter")
    deck.save(str(charts))
    revise_slide(seedx, charts, 1, "set Sales in Q1 to 11")
    kept: Any = next(shape for shape in Presentation(str(charts)).slides[0].shapes if shape.has_chart)
    assert kept._element.nvGraphicFramePr.cNvPr.get("descr") == "Sales and margin by quarter"

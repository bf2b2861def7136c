"""Native tables: shared out over slides, aligned, with totals and inline marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.enum.text import PP_ALIGN
from pptx.oxml.ns import qn

from seedx_sdk import SeedX
from seedx_tools import check_deck, make_slides
from seedx_tools.decks.outline import Outline, SlidePlan, TableData
from seedx_tools.decks.results import Deck


def made(seedx: SeedX, path: Path, table: TableData) -> tuple[Deck, list[Any]]:
    """Return a deck of one table, and the native tables on its slides."""
    outline = Outline(title="T", slides=(SlidePlan(title="Figures", table=table, picture=""),))
    deck = make_slides(seedx, outline, path=path, pictures=False)
    assert check_deck(path).ok
    shapes = [shape for slide in Presentation(str(path)).slides for shape in slide.shapes]
    return deck, [shape.table for shape in shapes if shape.has_table]


def cells(table: Any) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_the_rows_of_a_long_table_are_shared_evenly(seedx: SeedX, tmp_path: Path) -> None:
    rows = tuple((f"Row {number}", "some words") for number in range(26))
    deck, tables = made(seedx, tmp_path / "deck.pptx", TableData(header=("Name", "What"), rows=rows))
    counts = [len(table.rows) - 1 for table in tables]
    assert sum(counts) == 26 and len(counts) > 1 and max(counts) - min(counts) <= 1
    assert [slide.title for slide in deck.slides[1:]] == [
        f"Figures ({number}/{len(counts)})" for number in range(1, len(counts) + 1)
    ]
    assert {tuple(cells(table)[0]) for table in tables} == {("Name", "What")}
    assert "its table is too large for one slide" in deck.warnings[0]


def test_a_wide_table_of_few_rows_is_turned(seedx: SeedX, tmp_path: Path) -> None:
    header = ("Model", *(f"Feature {n}" for n in range(20)))
    table = TableData(header=header, rows=(("A", *("1,000,000",) * 20), ("B", *("2,000,000",) * 20)))
    deck, tables = made(seedx, tmp_path / "deck.pptx", table)
    assert "its table of 21 columns is too wide; it was turned" in deck.warnings[0]
    assert {tuple(cells(table)[0]) for table in tables} == {("Model", "A", "B")}
    lines = [line for table in tables for line in cells(table)[1:]]
    assert lines == [[name, "1,000,000", "2,000,000"] for name in header[1:]]


def test_a_wide_table_of_many_rows_is_split_by_columns_beside_the_first(seedx: SeedX, tmp_path: Path) -> None:
    header = ("Name", *(f"Responsibility {n}" for n in range(12)))
    rows = tuple((f"Row {line}", *(f"{line}-{n}" for n in range(12))) for line in range(14))
    deck, tables = made(seedx, tmp_path / "deck.pptx", TableData(header=header, rows=rows))
    assert "it is split by columns, each time with the first one" in deck.warnings[0]
    assert all(cells(table)[0][0] == "Name" and cells(table)[1][0].startswith("Row ") for table in tables)
    shown = {cell for table in tables for line in cells(table) for cell in line}
    assert shown == {cell for line in (header, *rows) for cell in line}


def test_fifteen_narrow_columns_stay_on_one_slide(seedx: SeedX, tmp_path: Path) -> None:
    table = TableData(header=("Item", *(f"M{n}" for n in range(14))), rows=(("Row", *map(str, range(14))),))
    deck, tables = made(seedx, tmp_path / "deck.pptx", table)
    assert (len(tables), deck.warnings) == (1, ())


def test_totals_alignment_and_inline_marks_show(seedx: SeedX, tmp_path: Path) -> None:
    text = (
        "# T\n## S\n| Region | Revenue | Status | Note |\n|---|---|:-:|:--|\n"
        "| North | 1,200 | **open** | [site](https://example.org) |\n| South | n/a | *late* | 7 |\n"
        "| Total | 1,200 | | |\n"
    )
    deck = make_slides(seedx, text, path=tmp_path / "deck.pptx", pictures=False)
    (shape,) = (shape for shape in Presentation(str(deck.path)).slides[1].shapes if shape.has_table)
    rows = list(shape.table.rows)
    aligned = [[cell.text_frame.paragraphs[0].alignment for cell in row.cells] for row in rows]
    assert aligned == [[None, PP_ALIGN.RIGHT, PP_ALIGN.CENTER, None]] * 4
    north, south, total = ([cell.text_frame.paragraphs[0].runs[0] for cell in row.cells] for row in rows[1:])
    assert (north[2].text, north[2].font.bold, north[3].hyperlink.address) == ("open", True, "https://example.org")
    assert (south[2].font.italic, south[0].font.bold, total[0].font.bold) == (True, None, True)
    rules = [child.tag for child in rows[3].cells[0]._tc.tcPr]
    assert rules[:2] == [qn("a:lnT"), qn("a:lnB")]
    assert shape._element.nvGraphicFramePr.cNvPr.get("descr") == (
        "Table of 3 rows. Columns: Region, Revenue, Status, Note."
    )

"""Word, Excel and HTML files as the source of a deck."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

pytest.importorskip("openpyxl")

import docx
from openpyxl import Workbook
from pptx import Presentation

from seedx_agents import Presenter
from seedx_sdk import SeedX
from tests.agents.conftest import Script

HTML = """<html><head><title>Boat school - Ebb</title><style>p {color: red}</style></head><body>
<nav><a href="/">Home</a></nav><main><h1>Boat school</h1><p>For everybody.</p>
<h2>The bay</h2><ul><li>Wind</li><li>Waves<ul><li>Small ones</li></ul></li></ul>
<h2>Pupils</h2><table><tr><th>Year</th><th>Pupils</th></tr><tr><td>2023</td><td>25</td></tr></table></main>
<footer>Imprint</footer></body></html>"""


@pytest.fixture
def presenter(seedx: SeedX) -> Presenter:
    return Presenter(seedx, pictures=False)


def word(path: Path) -> Path:
    document = docx.Document()
    document.add_paragraph("Boat school", style="Title")
    document.add_heading("The bay", level=1)
    for point in ("Wind", "Waves"):
        document.add_paragraph(point, style="List Bullet")
    document.add_heading("Pupils", level=1)
    table = document.add_table(rows=2, cols=2)
    for row, texts in zip(table.rows, (("Year", "Pupils"), ("2023", "25")), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    document.save(str(path))
    return path


def test_a_word_file_becomes_slides_by_its_headings_lists_and_tables(presenter: Presenter, tmp_path: Path) -> None:
    deck = presenter.make(word(tmp_path / "school.docx"), path=tmp_path / "deck.pptx")
    assert deck.title == "Boat school"
    assert [slide.title for slide in deck.slides] == ["Boat school", "The bay", "Pupils"]
    assert deck.slides[1].bullets == ("Wind", "Waves")
    (table,) = (shape.table for shape in list(Presentation(str(deck.path)).slides)[2].shapes if shape.has_table)
    assert [[cell.text for cell in row.cells] for row in table.rows] == [["Year", "Pupils"], ["2023", "25"]]


def test_an_html_file_is_read_without_its_navigation(presenter: Presenter, tmp_path: Path) -> None:
    (tmp_path / "school.html").write_text(HTML, encoding="utf-8")
    deck = presenter.make(tmp_path / "school.html", path=tmp_path / "deck.pptx")
    assert [slide.title for slide in deck.slides] == ["Boat school", "The bay", "Pupils"]
    assert deck.slides[1].bullets == ("Wind", "Waves", "\tSmall ones")
    told = " ".join(" ".join((slide.title, *slide.bullets, slide.notes)) for slide in deck.slides)
    assert "Imprint" not in told and "Home" not in told


def test_tables_of_a_document_reach_the_chat_models_slides_from_the_file(
    seedx: SeedX, script: Script, tmp_path: Path
) -> None:
    slides = [{"title": "Pupils", "table": {"csv": "data.csv"}}]
    chat_model = script(("Outline", {"title": "School", "slides": slides}))
    presenter = Presenter(seedx, chat_model, pictures=False)
    deck = presenter.make(word(tmp_path / "school.docx"), path=tmp_path / "deck.pptx")
    (table,) = (shape.table for shape in list(Presentation(str(deck.path)).slides)[1].shapes if shape.has_table)
    assert [cell.text for cell in table.rows[1].cells] == ["2023", "25"]
    asked = chat_model.seen[0][1].text
    assert "'school.docx'" in asked and "Year,Pupils\n2023,25" in asked and "## The bay" in asked


def book(path: Path) -> Path:
    workbook = Workbook()
    pupils = workbook.active
    assert pupils is not None
    pupils.title = "Pupils"
    for row in (["Year", "Pupils", None, "Share"], [2023, 25, None, 0.5], [2024, 41.0, None, 0.333]):
        pupils.append(row)
    for cell in pupils["D"][1:]:
        cell.number_format = "0.0%"
    days = workbook.create_sheet("Days")
    days.append(["Day", "What"])
    days.append([date(2024, 5, 1), "Start"])
    secret = workbook.create_sheet("Secret")
    secret.append(["x"])
    secret.sheet_state = "hidden"
    workbook.save(path)
    return path


def test_each_sheet_of_a_workbook_becomes_a_table_and_a_chart(presenter: Presenter, tmp_path: Path) -> None:
    deck = presenter.make(book(tmp_path / "boat_school.xlsx"), path=tmp_path / "deck.pptx")
    assert [slide.title for slide in deck.slides] == [
        "Boat school",
        "Pupils",
        "Pupils: Pupils rose from 25 to 41",
        "Pupils: Share fell from 50% to 33.3%",
        "Pupils: Highest and lowest",
        "Days",
    ]
    (table,) = (shape.table for shape in list(Presentation(str(deck.path)).slides)[1].shapes if shape.has_table)
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["Year", "Pupils", "Share"],
        ["2023", "25", "50.0%"],
        ["2024", "41", "33.3%"],
    ]
    (chart,) = (shape.chart for shape in list(Presentation(str(deck.path)).slides)[2].shapes if shape.has_chart)
    assert list(chart.plots[0].series[0].values) == [25, 41]
    assert "the sheet 'Secret' of 'boat_school.xlsx' is hidden and was left out" in deck.warnings
    assert "Days: no column holds only numbers, so there is no chart" in deck.warnings

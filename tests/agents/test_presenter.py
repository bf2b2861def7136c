"""The presenter: decks from a subject, a document and a table, and what a revision changes."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF
from pptx import Presentation

from seedx_agents import Presenter
from seedx_sdk import InputError, OutputPathError, PromptError, SeedX, TemplateError
from seedx_tools import (
    ChartData,
    ChartSeries,
    Column,
    Outline,
    Region,
    ReviewPage,
    SlidePlan,
    SlideRevision,
    ToolFailed,
    check_deck,
)
from seedx_tools.decks.editing.edit_commands import RuleReviser
from seedx_tools.decks.outline import TableData
from tests.agents.conftest import Script

PARAGRAPHS = (
    "The boat school opened in 1998. It had one boat and two teachers.",
    "Pupils learn to sail in the bay. Every pupil has a life jacket, and the first lesson is on land.",
    "In winter the boats are repaired. Parents help on Saturdays.",
    "A second boat is planned. It will cost a lot.",
)
LONG = "One, and a very long point that goes on and on until the end of it"
ROWS: list[list[object]] = [["Year", "Pupils", "Town"], [2022, 18, "Ebb"], [2023, 41, "Ebb"], [2024, 25, "Flow"]]


@pytest.fixture
def presenter(seedx: SeedX) -> Presenter:
    return Presenter(seedx, pictures=False)


def titles(path: Path) -> list[str]:
    return [slide.shapes.title.text for slide in Presentation(str(path)).slides]


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist() if "slides/slide" in name}


def pdf(path: Path, *paragraphs: str, title: str = "", pages: int = 1, password: str = "") -> Path:
    document = FPDF()
    document.set_font("Helvetica", size=12)
    if title:
        document.set_title(title)
    for _ in range(pages):
        document.add_page()
        for paragraph in paragraphs:
            document.multi_cell(95, 6, paragraph, new_x="LMARGIN", new_y="NEXT")
            document.ln(6)
    if password:
        document.set_encryption(owner_password=password + "x", user_password=password)
    document.output(str(path))
    return path


def test_a_subject_becomes_a_deck_with_generated_images_and_is_revised(nano: SeedX, tmp_path: Path) -> None:
    presenter = Presenter(nano, seed=4)
    deck = presenter.make("A boat school: why we sail", path=tmp_path / "deck.pptx", num_slides=2)
    assert titles(deck.path) == ["A boat school", "Why we sail"]
    assert deck.slides[1].picture is not None and "boat" in (deck.slides[1].picture_prompt or "")
    before = parts(deck.path)
    revised = presenter.revise(2, "title: Why everybody sails; add: It is fun; no picture")
    assert titles(revised.path) == ["A boat school", "Why everybody sails"]
    assert revised.slides[1].bullets == ("It is fun",) and revised.slides[1].picture is None
    after = parts(revised.path)
    assert after["ppt/slides/slide1.xml"] == before["ppt/slides/slide1.xml"]
    assert check_deck(revised.path).findings == ()


def test_a_markdown_document_keeps_its_headings_and_its_long_paragraphs_in_the_notes(
    presenter: Presenter, tmp_path: Path
) -> None:
    long = " ".join(["A sentence of some length stands here."] * 8)
    text = f"# Sailing\n\nFor all.\n\n## The bay\n\n{long}\n\n## Winter\n\n- Mend\n- Paint\n"
    (tmp_path / "sail.md").write_text(text, encoding="utf-8")
    deck = presenter.make(tmp_path / "sail.md", path=tmp_path / "deck.pptx")
    assert titles(deck.path) == ["Sailing", "The bay", "Winter"]
    assert deck.slides[1].bullets == ("A sentence of some length stands here.",) * 6
    assert deck.slides[1].notes == long
    assert deck.slides[2].bullets == ("Mend", "Paint")


@pytest.mark.parametrize("suffix", [".txt", ".pdf"])
def test_a_text_and_a_pdf_are_laid_out_by_their_paragraphs(presenter: Presenter, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"boat_school{suffix}"
    if suffix == ".pdf":
        pytest.importorskip("pdfplumber")
        pdf(path, *PARAGRAPHS, title="The Boat School")
    else:
        path.write_text("\n\n".join(PARAGRAPHS), encoding="utf-8")
    deck = presenter.make(path, path=tmp_path / "deck.pptx", num_slides=3)
    assert titles(deck.path) == [
        "The Boat School" if suffix == ".pdf" else "Boat school",
        "The boat school opened in 1998",
        "In winter the boats are repaired",
    ]
    assert deck.slides[1].bullets == (
        "It had one boat and two teachers.",
        "Pupils learn to sail in the bay.",
        "Every pupil has a life jacket, and the first lesson is on land.",
    )


def test_the_notes_hold_a_long_text_whole(presenter: Presenter, tmp_path: Path) -> None:
    paragraphs = [f"{number}. Boat {number} sails. {'It is red. ' * 100}".strip() for number in range(1, 13)]
    (tmp_path / "long.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
    (tmp_path / "long.md").write_text("# Boats\n\n## All\n\n" + "\n".join(paragraphs), encoding="utf-8")
    deck = presenter.make(tmp_path / "long.txt", path=tmp_path / "deck.pptx", num_slides=4)
    assert "\n".join(slide.notes for slide in deck.slides[1:]) == "\n".join(paragraphs)
    assert deck.slides[1].bullets[:2] == ("1. Boat 1 sails.", "2. Boat 2 sails.") and len(deck.slides[1].bullets) <= 6
    deck = presenter.make(tmp_path / "long.txt", path=tmp_path / "deck.pptx", num_slides=1)
    assert deck.slides[0].notes == "\n".join(paragraphs)
    deck = presenter.make(tmp_path / "long.md", path=tmp_path / "deck.pptx")
    assert deck.slides[1].bullets == tuple(f"{number}. Boat {number} sails." for number in range(1, 7))
    assert deck.slides[1].notes == "\n".join(paragraphs)


@pytest.mark.parametrize("form", ["rows", "mappings", "data", "csv", "tsv"])
def test_a_table_becomes_a_native_table_a_chart_and_its_extremes(
    presenter: Presenter, tmp_path: Path, form: str
) -> None:
    source: Any = ROWS
    if form == "mappings":
        source = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]
    elif form == "data":
        source = TableData(header=("Year", "Pupils", "Town"), rows=tuple(tuple(map(str, row)) for row in ROWS[1:]))
    elif form in ("csv", "tsv"):
        source = tmp_path / f"pupils.{form}"
        lines = ("\t" if form == "tsv" else ",").join
        source.write_text("\n".join(lines(map(str, row)) for row in ROWS), encoding="utf-8")
    deck = presenter.make(source, path=tmp_path / "deck.pptx")
    _, figures, numbers = Presentation(str(deck.path)).slides
    (table,) = (shape.table for shape in figures.shapes if shape.has_table)
    assert [cell.text for cell in table.rows[2].cells] == ["2023", "41", "Ebb"]
    (chart,) = (shape.chart for shape in numbers.shapes if shape.has_chart)
    assert list(chart.plots[0].series[0].values) == [18, 41, 25] and "LINE" in str(chart.chart_type)
    assert deck.slides[2].notes == "Pupils: 41 in 2023, 18 in 2022"
    assert numbers.shapes.title.text == "Pupils peaked at 41 in 2023"
    sources = [shape.text_frame.text for shape in numbers.shapes if shape.name == "Source"]
    assert sources == ([f"Source: pupils.{form}"] if form in ("csv", "tsv") else [])


def test_a_chat_model_plans_from_a_table_by_name_so_that_the_numbers_stay(
    seedx: SeedX, script: Script, tmp_path: Path
) -> None:
    slides = [{"title": "We grow", "chart": {"kind": "bar", "csv": "data.csv"}, "picture": ""}]
    chat_model = script(("Outline", {"title": "Pupils", "slides": slides}))
    rows = [row[:2] for row in ROWS]
    deck = Presenter(seedx, chat_model).make(rows, path=tmp_path / "deck.pptx", num_slides=2)
    (chart,) = (shape.chart for shape in Presentation(str(deck.path)).slides[1].shapes if shape.has_chart)
    assert list(chart.plots[0].series[0].values) == [18, 41, 25]
    assert (
        "Year,Pupils\n2022,18\n" in chat_model.seen[0][1].text and "'data.csv' as its csv" in chat_model.seen[0][1].text
    )


def test_a_chat_model_plans_from_a_document_and_revises(seedx: SeedX, script: Script, tmp_path: Path) -> None:
    pytest.importorskip("pdfplumber")
    slides = [{"title": "Why", "bullets": ["Fun"]}, {"title": "How", "bullets": ["By boat"]}]
    plan = {"title": "Boat school", "slides": slides}
    chat_model = script(
        ("Outline", {"title": "Too much", "slides": slides * 160}),
        ("Outline", plan),
        ("SlidePlan", {"titel": "How we sail"}),
        ("SlidePlan", {"title": "How we sail", "bullets": ["By boat", "By wind"], "picture": ""}),
    )
    presenter = Presenter(seedx, chat_model, pictures=False)
    source = pdf(tmp_path / "school.pdf", *PARAGRAPHS)
    deck = presenter.make(source, path=tmp_path / "deck.pptx", num_slides=3)
    assert PARAGRAPHS[0] in chat_model.seen[0][1].text
    assert "the outline has 321 slides; at most 300" in chat_model.seen[1][-1].text
    before = parts(deck.path)
    revised = presenter.revise(3, "say more about the wind")
    assert titles(revised.path) == ["Boat school", "Why", "How we sail"]
    assert revised.slides[2].bullets == ("By boat", "By wind")
    assert "title: Field required" in chat_model.seen[3][-1].text
    assert "By boat" in chat_model.seen[2][1].text and "say more about the wind" in chat_model.seen[2][1].text
    assert parts(revised.path)["ppt/slides/slide2.xml"] == before["ppt/slides/slide2.xml"]


@pytest.mark.parametrize(
    ("command", "bullets"),
    [
        ("add a point: And wind", (LONG, "Two", "And wind")),
        ("remove point 1", ("Two",)),
        ("Remove the last point.", (LONG,)),
        ("shorter", ("One", "Two")),
        ("## Why\n- Whole", ("Whole",)),
    ],
)
def test_edit_commands_change_a_slide(
    presenter: Presenter, tmp_path: Path, command: str, bullets: tuple[str, ...]
) -> None:
    plan = SlidePlan(title="Why", bullets=(LONG, "Two"))
    presenter.make(Outline(title="Boats", slides=(plan,)), path=tmp_path / "deck.pptx")
    assert presenter.revise(2, command).slides[1].bullets == bullets


@pytest.mark.parametrize(
    ("command", "bullets"),
    [
        ("remove point 1", ("\t1. thin", "\t2. real", "1. show", "2. ask", "rest", "5. five")),
        ("remove point 2", ("1. build", "\t1. real", "2. show", "3. ask", "rest", "5. five")),
        ("remove point 4", ("1. build", "\t1. thin", "\t2. real", "2. ask", "rest", "5. five")),
        ("remove point 6", ("1. build", "\t1. thin", "\t2. real", "2. show", "3. ask", "5. five")),
    ],
)
def test_a_numbered_list_has_no_gap_after_a_bullet_is_removed(command: str, bullets: tuple[str, ...]) -> None:
    points = ("1. build", "\t1. thin", "\t2. real", "2. show", "3. ask", "rest", "5. five")
    assert RuleReviser().revise(SlidePlan(title="Steps", bullets=points), command).bullets == bullets


def test_a_shorter_bullet_keeps_its_number() -> None:
    points = (f"\t12. {LONG}. {LONG}",)
    assert RuleReviser().revise(SlidePlan(title="Steps", bullets=points), "shorter").bullets == ("\t12. One",)


@pytest.mark.parametrize(
    ("slide", "command", "message"),
    [
        (2, "jazz it up", "'jazz it up' cannot be followed; use 'title: ...', 'add: ...'"),
        (2, "remove point 7", "there is no bullet 7; the slide has 1"),
        (9, "shorter", "there is no slide 9; the deck has slides 1 to 3"),
        (2, " ", "change is empty"),
    ],
)
def test_a_command_that_cannot_be_followed_leaves_the_deck_unchanged(
    presenter: Presenter, tmp_path: Path, slide: int, command: str, message: str
) -> None:
    slides = (SlidePlan(title="Why", bullets=("One",)), SlidePlan(title="Numbers"))
    deck = presenter.make(Outline(title="Boats", slides=slides), path=tmp_path / "deck.pptx")
    before = deck.path.read_bytes()
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        presenter.revise(slide, command)
    assert deck.path.read_bytes() == before and presenter.path == deck.path


def test_a_command_keeps_a_chart_and_changes_columns(presenter: Presenter, tmp_path: Path) -> None:
    chart = ChartData(kind="bar", categories=("a", "b"), series=(ChartSeries(name="n", values=(1, 2)),))
    columns = (Column(heading="Sail", bullets=(LONG,)), Column(heading="Row", bullets=("Steady",)))
    slides = (SlidePlan(title="Numbers", chart=chart), SlidePlan(title="Sail or row", columns=columns))
    path = presenter.make(Outline(title="Boats", slides=slides), path=tmp_path / "deck.pptx").path
    presenter.revise(2, "title: Growth")
    presenter.revise(3, "shorter")
    growth, boats = list(Presentation(str(path)).slides)[1:]
    (kept,) = (shape.chart for shape in growth.shapes if shape.has_chart)
    assert growth.shapes.title.text_frame.text == "Growth" and list(kept.plots[0].series[0].values) == [1, 2]
    texts = [shape.text_frame.text for shape in boats.placeholders]
    assert {"Sail", "Row", "Steady"} <= set(texts) and LONG not in texts


def test_an_existing_deck_can_be_opened_and_saved_elsewhere(presenter: Presenter, seedx: SeedX, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no deck yet"):
        presenter.revise(1, "shorter")
    first = presenter.make("# Boats\n\n## Why\n- Fun\n", path=tmp_path / "a.pptx").path
    other = Presenter(seedx, pictures=False)
    assert other.open(first) == first
    assert other.append("## Thanks\n- To all\n").slides[-1].title == "Thanks"
    assert other.revise(2, "title: Why sail", output=tmp_path / "b.pptx").path == tmp_path / "b.pptx"
    assert (titles(first), titles(tmp_path / "b.pptx")) == (["Boats", "Why", "Thanks"], ["Boats", "Why sail", "Thanks"])
    assert other.path == tmp_path / "b.pptx"
    with pytest.raises(TemplateError):
        other.open(tmp_path / "missing.pptx")


def test_a_chat_model_that_fails_leaves_no_deck(seedx: SeedX, script: Script, tmp_path: Path) -> None:
    for says in (ConnectionError("no route"), "no structure"):
        presenter = Presenter(seedx, script(says))
        with pytest.raises(ToolFailed, match="the chat model failed: no route|no valid Outline in 3 tries"):
            presenter.make("boats", path=tmp_path / "deck.pptx")
        assert list(tmp_path.iterdir()) == [] and presenter.path is None


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("", PromptError, "prompt is empty"),
        (Path("missing.pdf"), InputError, "cannot read 'missing.pdf'"),
        (
            Path("a.xyz"),
            InputError,
            ".pdf, .docx, .html, .htm, or a table as .csv, .tsv or .xlsx",
        ),
        ([], InputError, "cannot be made of list"),
        (7, InputError, "cannot be made of int"),
        ([1, 2], InputError, "a row of the table is int"),
        ([["a"] * 61, ["b"] * 61], InputError, "the table has 61 columns and 1 rows; a table takes 60"),
    ],
)
def test_a_source_that_cannot_be_used(
    presenter: Presenter, tmp_path: Path, source: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        presenter.make(source, path=tmp_path / "deck.pptx")
    with pytest.raises(OutputPathError):
        presenter.make("boats", path=tmp_path / "no" / "deck.pptx")
    with pytest.raises(InputError, match="num_slides is 0"):
        presenter.make("boats", path=tmp_path / "deck.pptx", num_slides=0)


def test_a_table_of_dates_without_numbers_has_no_chart(presenter: Presenter, tmp_path: Path) -> None:
    rows: list[list[object]] = [["Day", "What"], [date(2024, 5, 1), "Start"], [date(2024, 6, 1), None]]
    deck = presenter.make(rows, path=tmp_path / "deck.pptx")
    assert titles(deck.path) == ["The figures", "The figures"]
    assert "no column holds only numbers, so there is no chart" in deck.warnings


def test_a_layout_planner_and_a_reviewer_go_along(seedx: SeedX, tmp_path: Path) -> None:
    class Left:
        def arrange(self, *_args: object) -> list[Region]:
            return [Region("title", (0.05, 0.1, 0.6, 0.3)), Region("text", (0.05, 0.35, 0.6, 0.85))]

    class Louder:
        def review(self, pages: Sequence[ReviewPage]) -> list[SlideRevision]:
            wanted = [page for page in pages if page.plan.title.islower()]
            return [SlideRevision(page.slide, f"title: {page.plan.title.upper()}") for page in wanted]

    presenter = Presenter(seedx, pictures=False, layout=Left(), reviewer=Louder())
    deck = presenter.make("# Boats\n## We sail\n- every day\n- always\n## why\n- a\n- b\n", path=tmp_path / "d.pptx")
    assert [slide.title for slide in deck.slides] == ["Boats", "We sail", "WHY"]
    assert "slide 3: revised after the review: title: WHY" in deck.warnings
    file: Any = Presentation(str(deck.path))
    assert file.slides[1].shapes.title.width < file.slide_width * 0.6
    assert presenter.append("## how\n- c\n- d\n").slides[3].title == "HOW"

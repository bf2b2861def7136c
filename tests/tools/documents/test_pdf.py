"""PDF files as the source of a deck: headings, columns, running heads, lists, tables, figures and footnotes."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path

import pytest

pytest.importorskip("pdfplumber")

from fpdf import FPDF
from PIL import Image

from seedx_sdk import InputError
from seedx_tools.documents.document import read_document

SENTENCES = (
    "Street trees cool the air around them on every day of summer. We measured forty streets in two summers.",
    "Sensors stood at one and three metres. Each was read every ten minutes from June to August.",
    "Shaded streets were 2.1 degrees cooler at noon. At night the difference was gone.",
    "Cooling depends on the crown of a tree. Watering in the first years decides whether it lives.",
)


class Paper(FPDF):
    """A paper with a running head and foot."""

    def header(self) -> None:
        self.set_font("Helvetica", "I", 8)
        self.cell(0, 5, "Journal of Urban Trees")
        self.ln(12)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("Helvetica", "", 8)
        self.cell(0, 5, f"Page {self.page_no()} of 9", align="C")


def written(page: FPDF, path: Path) -> Path:
    page.output(str(path))
    return path


def paragraph(page: FPDF, text: str, x: float = 20, width: float = 170, size: float = 10, style: str = "") -> None:
    page.set_x(x)
    page.set_font("Helvetica", style, size)
    page.multi_cell(width, 0.5 * size, text, new_x="LMARGIN", new_y="NEXT")
    page.ln(3)


def two_columns(path: Path) -> Path:
    page = Paper()
    page.add_page()
    paragraph(page, "Effects of Shade Trees on City Streets", size=18)
    page.set_y(45)
    for x, parts in ((20, (("1 Introduction", 0), ("2 Method", 1))), (110, (("3 Results", 2), ("4 Discussion", 3)))):
        page.set_y(45)
        for heading, number in parts:
            paragraph(page, heading, x, 80, 11, "B")
            paragraph(page, SENTENCES[number] + " " + SENTENCES[number], x, 80)
    page.add_page()
    paragraph(page, "5 Outlook", size=11, style="B")
    paragraph(page, SENTENCES[0])
    return written(page, path)


def test_two_columns_are_read_in_order_under_their_headings_without_running_heads(tmp_path: Path) -> None:
    document = read_document(two_columns(tmp_path / "trees.pdf"))
    assert document.title == "Effects of Shade Trees on City Streets"
    blocks = document.text.split("\n\n")
    assert blocks == [
        "## 1 Introduction",
        f"{SENTENCES[0]} {SENTENCES[0]}",
        "## 2 Method",
        f"{SENTENCES[1]} {SENTENCES[1]}",
        "## 3 Results",
        f"{SENTENCES[2]} {SENTENCES[2]}",
        "## 4 Discussion",
        f"{SENTENCES[3]} {SENTENCES[3]}",
        "## 5 Outlook",
        SENTENCES[0],
    ]
    assert document.warnings == ("'trees.pdf': running heads and feet were left out: 'Journal of Urban Trees'",)


def test_headings_have_the_levels_of_their_sizes_and_numbers(tmp_path: Path) -> None:
    page = FPDF()
    page.add_page()
    for text, size, style in (
        ("Trees", 24, ""),
        ("Why", 16, "B"),
        (SENTENCES[0], 10, ""),
        ("Costs", 12, "B"),
        (SENTENCES[1], 10, ""),
        ("2.1 Shade", 16, "B"),
        (SENTENCES[2], 10, ""),
    ):
        paragraph(page, text, size=size, style=style)
    text = read_document(written(page, tmp_path / "levels.pdf")).text
    assert [line for line in text.splitlines() if line.startswith("#")] == ["## Why", "### Costs", "### 2.1 Shade"]


def test_lists_keep_their_levels_and_words_parted_at_a_line_end_are_joined(tmp_path: Path) -> None:
    page = FPDF()
    page.add_page()
    paragraph(page, "Boats and *stars* have many uses, and so this para-\ngraph has: a list of them.")
    for x, text in ((20, "\x95 Wind"), (30, "\x95 From the west"), (20, "\x95 Waves that are high"), (20, "1. First")):
        paragraph(page, text, x)
    assert read_document(written(page, tmp_path / "lists.pdf")).text == (
        "Boats and \\*stars\\* have many uses, and so this paragraph has: a list of them.\n\n"
        "- Wind\n    - From the west\n- Waves that are high\n1. First"
    )


def test_tables_with_and_without_rules_between_columns_are_tables(tmp_path: Path) -> None:
    page = FPDF()
    page.add_page()
    paragraph(page, SENTENCES[0])
    with page.table(width=100) as table:
        for cells in (("Year", "Pupils"), ("2023", "25 | 30")):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    page.ln(10)
    paragraph(page, SENTENCES[1])
    top = page.get_y()
    for number, (tree, degrees) in enumerate((("Tree", "Cooling"), ("Lime", "2.1"), ("Plane tree", "1.7"))):
        page.text(30, top + 5 + 6 * number, tree)
        page.text(90, top + 5 + 6 * number, degrees)
    for y in (0, 7, 20):
        page.line(28, top + y, 120, top + y)
    text = read_document(written(page, tmp_path / "tables.pdf")).text
    assert text.split("\n\n") == [
        SENTENCES[0],
        "| Year | Pupils |\n| --- | --- |\n| 2023 | 25 \\| 30 |",
        SENTENCES[1],
        "| Tree | Cooling |\n| --- | --- |\n| Lime | 2.1 |\n| Plane tree | 1.7 |",
    ]


def test_figures_are_pictures_with_their_caption_and_footnotes_are_footnotes(tmp_path: Path) -> None:
    Image.new("RGB", (200, 120), "red").save(tmp_path / "red.png")
    page = FPDF()
    page.add_page()
    paragraph(page, SENTENCES[0])
    page.set_x(20)
    page.write(5, "Trees were planted")
    page.set_font_size(6)
    page.set_char_spacing(0)
    page.text(page.get_x(), page.get_y() + 2, "1")
    page.set_font_size(10)
    page.text(page.get_x() + 3, page.get_y() + 3.6, "in spring.")
    page.ln(10)
    page.image(str(tmp_path / "red.png"), x=30, w=60)
    page.ln(2)
    paragraph(page, "Figure 1: A red field")
    page.set_y(250)
    paragraph(page, "1 Most of them by hand.", size=7)
    document = read_document(written(page, tmp_path / "figure.pdf"))
    (figure,) = document.figures
    assert f"![Figure 1: A red field]({figure.name})" in document.text
    with Image.open(BytesIO(figure.data)) as image:
        assert image.getpixel((50, 50)) == (255, 0, 0) and image.width > 300
    assert "Trees were planted[^1] in spring." in document.text
    assert document.text.endswith("[^1]: Most of them by hand.")


def test_what_cannot_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    Image.new("RGB", (200, 120), "red").save(tmp_path / "red.png")
    page = FPDF()
    page.add_page()
    page.image(str(tmp_path / "red.png"), x=0, y=0, w=200)
    written(page, tmp_path / "scan.pdf")
    page = FPDF()
    page.set_encryption(owner_password="ax", user_password="a")
    page.add_page()
    paragraph(page, "secret")
    written(page, tmp_path / "locked.pdf")
    bomb = zlib.compress(bytes(2**20))
    (tmp_path / "bomb.pdf").write_bytes(
        b"%PDF-1.4\n1 0 obj\n<</Filter /FlateDecode>>\nstream\n" + bomb + b"\nendstream"
    )
    twice = b"%PDF-1.4\n1 0 obj\n<</Filter [/FlateDecode /FlateDecode]>>\nstream\n"
    (tmp_path / "twice.pdf").write_bytes(twice)
    monkeypatch.setattr("seedx_tools.documents.pdf.reader.MAX_UNPACKED_BYTES", 2**19)
    for name, message in (
        ("broken.pdf", "cannot read .* as a PDF"),
        ("scan.pdf", "holds no text, only scanned pages; run OCR on it first"),
        ("locked.pdf", "is encrypted with a password; save a copy without one"),
        ("bomb.pdf", "unpacks to over 0 MiB; pass only the pages that matter"),
        ("twice.pdf", "packed twice"),
    ):
        with pytest.raises(InputError, match=message):
            read_document(tmp_path / name)


def test_the_first_pages_of_a_long_file_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedx_tools.documents.pdf.reader.MAX_PAGES", 2)
    page = FPDF()
    for number in range(3):
        page.add_page()
        paragraph(page, f"{SENTENCES[number]} {SENTENCES[number]}")
        paragraph(page, "Short.")
    document = read_document(written(page, tmp_path / "long.pdf"))
    assert document.warnings == ("'long.pdf' has 3 pages; the first 2 were read",)
    assert document.text.split("\n\n") == [
        f"{SENTENCES[0]} {SENTENCES[0]}",
        "Short.",
        f"{SENTENCES[1]} {SENTENCES[1]}",
        "Short.",
    ]


def table(page: FPDF, rows: list[tuple[str, ...]], borders: str = "ALL") -> None:
    page.set_font("Helvetica", "", 10)
    with page.table(borders_layout=borders) as drawn:
        for row in rows:
            line = drawn.row()
            for cell in row:
                line.cell(cell)


def test_a_table_that_goes_on_over_pages_is_one_and_one_without_rules_is_a_table(tmp_path: Path) -> None:
    page = FPDF()
    page.add_page()
    table(page, [("Risk", "Owner"), *((f"Risk {number}", "Ann") for number in range(40))])
    read = read_document(written(page, tmp_path / "risks.pdf"))
    rows = read.text.split("\n")
    assert len(rows) == 42 and rows[0] == "| Risk | Owner |" and rows[-1] == "| Risk 39 | Ann |"
    page = FPDF()
    page.add_page()
    paragraph(page, SENTENCES[0])
    table(page, [("Region", "2023", "2024"), ("North", "12", "14.5"), ("South", "10", "(9)")], "NONE")
    assert read_document(written(page, tmp_path / "bare.pdf")).text == (
        f"{SENTENCES[0]}\n\n| Region | 2023 | 2024 |\n| --- | --- | --- |\n| North | 12 | 14.5 |\n| South | 10 | (9) |"
    )


def test_titles_at_the_top_of_each_page_are_headings_and_no_running_heads(tmp_path: Path) -> None:
    page = FPDF(orientation="L")
    for number in (1, 2, 3, 4):
        page.add_page()
        paragraph(page, f"Part {number} of the plan", size=28, style="B")
        paragraph(page, "- Costs rose", size=18)
        paragraph(page, "- Staff left", size=18)
    read = read_document(written(page, tmp_path / "slides.pdf"))
    assert [line for line in read.text.split("\n") if line.startswith("#")] == [
        f"## Part {number} of the plan" for number in (1, 2, 3, 4)
    ]
    assert read.warnings == ()

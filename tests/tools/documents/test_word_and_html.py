"""Word and HTML files as the source of a deck: headings, lists, tables, figures, footnotes and quotations."""

from __future__ import annotations

import base64
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

pytest.importorskip("mammoth")

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from PIL import Image

from seedx_sdk import InputError
from seedx_tools.documents.document import read_document
from seedx_tools.documents.outlines import document_outline


def png(size: tuple[int, int] = (64, 48)) -> bytes:
    data = BytesIO()
    Image.new("RGB", size, "red").save(data, "PNG")
    return data.getvalue()


def test_a_word_file_keeps_headings_lists_tables_links_and_pictures(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Boat school", style="Title")
    document.add_heading("The bay", level=1)
    paragraph = document.add_paragraph("Wind is ")
    paragraph.add_run("strong").bold = True
    paragraph.add_run(" and costs $5 or $6.")
    document.add_paragraph("Waves", style="List Bullet")
    document.add_heading("Tides", level=2)
    table = document.add_table(rows=3, cols=3)
    for row, texts in zip(table.rows, (("Year", "Pupils", ""), ("", "girls", "boys"), ("2023", "9", "8")), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 0).merge(table.cell(1, 0))
    document.add_picture(BytesIO(png()))
    document.add_picture(BytesIO(png((4, 4))))
    document.element.xpath("//wp:docPr")[0].set("descr", "A red field")
    document.sections[0].header.paragraphs[0].text = "Running head"
    document.save(str(tmp_path / "school.docx"))
    read = read_document(tmp_path / "school.docx")
    assert (read.title, [figure.name for figure in read.figures]) == ("Boat school", ["school-figure-1.png"])
    assert read.text.split("\n\n") == [
        "## The bay",
        "Wind is **strong** and costs \\$5 or \\$6.",
        "- Waves",
        "### Tides",
        "| Year | Pupils girls | Pupils boys |\n| --- | --- | --- |\n| 2023 | 9 | 8 |",
        "![A red field](school-figure-1.png)",
    ]
    assert read.warnings == ("merged cells of a table were parted: each holds the text of all",)


def test_bold_paragraphs_are_headings_where_a_word_file_has_no_others_and_formulas_are_named(tmp_path: Path) -> None:
    document = docx.Document()
    for text, bold in (("Why", True), ("It is fun.", False), ("Bold words", True), ("Fine.", False)):
        document.add_paragraph().add_run(text).bold = bold
    document.paragraphs[1]._p.append(OxmlElement("m:oMath"))
    document.save(str(tmp_path / "plain.docx"))
    read = read_document(tmp_path / "plain.docx")
    assert read.text == "## Why\n\nIt is fun.\n\n## Bold words\n\nFine."
    assert read.warnings == ("'plain.docx': formulas were left out; paste them as pictures to keep them",)


def test_footnotes_of_a_word_file_are_footnotes(tmp_path: Path) -> None:
    document = docx.Document()
    run = document.add_paragraph("We sail").add_run()
    reference = OxmlElement("w:footnoteReference")
    reference.set(qn("w:id"), "2")
    run._r.append(reference)
    document.save(str(tmp_path / "raw.docx"))
    note = (
        '<?xml version="1.0"?><w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        '<w:footnote w:id="2"><w:p><w:r><w:t>In *May*.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    relation = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    with zipfile.ZipFile(tmp_path / "raw.docx") as old, zipfile.ZipFile(tmp_path / "notes.docx", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "word/_rels/document.xml.rels":
                data = data.replace(b"</Relationships>", relation.encode())
            new.writestr(name, data)
        new.writestr("word/footnotes.xml", note)
    assert read_document(tmp_path / "notes.docx").text == "We sail[^1]\n\n[^1]: In \\*May\\*."


PAGE = """<html><head><title>Boat school - Ebb</title><style>p {color: red}</style></head><body>
<nav><a href="/">Home</a></nav><main><h1>Boat school</h1><p>For everybody.</p><p style="display: none">Secret</p>
<h2>The bay</h2><ul><li>Wind</li><li>Waves<ul><li>Small ones</li></ul></li></ul><hr>
<blockquote>We sail. <footer>- Ann</footer></blockquote><pre>a  = 1</pre>
<figure><img src="data:image/png;base64,DATA"><figcaption>The bay</figcaption></figure>
<img src="near.png" alt="Near"><img src="../far.png"><img src="https://example.com/x.png"></main>
<footer>Imprint</footer></body></html>"""


def test_a_page_keeps_its_content_and_pictures_near_it_and_fetches_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    (tmp_path / "far.png").write_bytes(png())
    (folder / "near.png").write_bytes(png((50, 50)))
    html = PAGE.replace("DATA", base64.b64encode(png()).decode())
    (folder / "school.html").write_text(html, encoding="utf-8")
    read = read_document(folder / "school.html")
    assert (read.title, len(read.figures)) == ("Boat school", 2)
    assert read.text.split("\n\n") == [
        "For everybody.",
        "## The bay",
        "- Wind\n- Waves\n  - Small ones",
        '"We sail." \u2014 Ann',
        "```\na  = 1\n```",
        "![The bay](school-figure-1.png)",
        "![Near](school-figure-2.png)",
    ]
    assert read.warnings == (
        "1 pictures were left out: they are on the Web, and nothing is fetched",
        "1 pictures were left out: their files are not in the folder of the page",
    )


@pytest.mark.parametrize(
    ("html", "title", "text"),
    [
        ("<title>A page</title><h1>One</h1><p>a</p><h1>Two</h1><p>b</p>", "A page", "## One\n\na\n\n## Two\n\nb"),
        ("<p>a</p><ul><li>b</li><li>c</li></ul>", "A page", "a\n\n- b\n- c"),
        ('<meta charset="latin-1"><p>Gr\u00f6\u00dfe</p>', "A page", "Gr\u00f6\u00dfe"),
        ("<h1>Main</h1><h4>Deep</h4><p>1. a # b</p>", "Main", "## Deep\n\n1\\. a \\# b"),
    ],
)
def test_main_headings_of_a_page_have_two_marks_whatever_their_level(
    tmp_path: Path, html: str, title: str, text: str
) -> None:
    (tmp_path / "a_page.html").write_text(html, encoding="latin-1")
    read = read_document(tmp_path / "a_page.html")
    assert (read.title, read.text) == (title, text)


def test_files_that_cannot_be_read_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.docx").write_bytes(b"not a zip")
    (tmp_path / "latin.txt").write_bytes(b"\xff\xfeodd")
    (tmp_path / "empty.md").write_text(" \n", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "other.docx", "w") as archive:
        archive.writestr("a.txt", "hello")
    (tmp_path / "empty.html").write_text("<nav>Home</nav>", encoding="utf-8")
    for name, message in (
        ("broken.docx", "as a Word document .* save it again, without a password"),
        ("other.docx", "as a Word document .* save it again as .docx"),
        ("empty.html", "holds no text"),
        ("latin.txt", "is no text, or is damaged at byte 4"),
        ("empty.md", "holds no text"),
        ("a.odt", "save it as .docx"),
        ("a.xyz", "use one of .md, .markdown, .txt, .pdf"),
    ):
        with pytest.raises(InputError, match=message):
            read_document(tmp_path / name)
    monkeypatch.setattr("seedx_tools.documents.files.MAX_UNPACKED_BYTES", 3)
    with pytest.raises(InputError, match="unpacks to 0 MiB; pass only the part that matters"):
        read_document(tmp_path / "other.docx")


def test_headings_are_known_by_the_style_that_theirs_is_based_on_and_hidden_text_stays_hidden(tmp_path: Path) -> None:
    document = docx.Document()
    own = document.styles.add_style("\u00dcberschrift ACME", WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = document.styles["Heading 1"]
    document.add_paragraph("Lage", own)
    document.add_paragraph("Die Kosten ").add_run("steigen (nicht zeigen)").font.hidden = True
    document.save(str(tmp_path / "a.docx"))
    read = read_document(tmp_path / "a.docx")
    assert (read.title, read.text) == ("Lage", "Die Kosten")
    assert read.warnings == ("'a.docx': 1 pieces of hidden text were left out",)


def test_larger_type_is_a_heading_where_a_word_file_has_no_others(tmp_path: Path) -> None:
    document = docx.Document()
    for size, text in ((20, "Background"), (None, "Costs rose."), (20, "Decision"), (16, "Money"), (None, "We ask.")):
        run = document.add_paragraph().add_run(text)
        run.font.size = None if size is None else Pt(size)
    document.save(str(tmp_path / "a.docx"))
    assert read_document(tmp_path / "a.docx").text == (
        "## Background\n\nCosts rose.\n\n## Decision\n\n### Money\n\nWe ask."
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<table><tr><td><h1>T</h1><p>Text.</p></td><td><ul><li>more</li></ul></td></tr></table>", "Text.\n\n- more"),
        ("<h1>T</h1><table><tr><td>Note: read this.</td></tr></table>", "Note: read this."),
        (
            "<h1>T</h1><table><tr><th>A<th>B<tr><td>x<td><table><tr><td>1<td>2<tr><td>3<td>4</table></table>",
            "| A | B |\n| --- | --- |\n| x | 1, 2; 3, 4 |",
        ),
        (
            "<h1>T</h1><table><caption>Cost of <b>all</b></caption><tr><th>A<th>B<tr><td>1<td>2</table>",
            "Table: Cost of all\n\n| A | B |\n| --- | --- |\n| 1 | 2 |",
        ),
        ("<h1>T</h1><dl><dt>SLA</dt><dd>Service</dd><dt>KPI</dt></dl>", "- **SLA**: Service\n- **KPI**"),
        (
            "<h1>T</h1><p>x<sup>2</sup>, H<sub>2</sub>O, 1<sup>st</sup>, a<sup>x+1</sup></p>",
            "x\u00b2, H\u2082O, 1st, a^(x+1)",
        ),
        (
            "<h1>T</h1><p><math><mi>E</mi><mo>=</mo><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac>"
            "<msup><mi>c</mi><mn>2</mn></msup></math></p>",
            "E=(a+b)/cc\u00b2",
        ),
    ],
)
def test_tables_terms_and_raised_text_of_a_page(tmp_path: Path, html: str, text: str) -> None:
    (tmp_path / "a.html").write_text(html, encoding="utf-8")
    read = read_document(tmp_path / "a.html")
    assert (read.title, read.text.replace("\\", "")) == ("T", text)


def test_pictures_inside_a_page_are_kept_whatever_their_size_and_other_parts_are_named(tmp_path: Path) -> None:
    noise = BytesIO()
    Image.effect_noise((3400, 3400), 90).save(noise, "PNG")
    data = base64.b64encode(noise.getvalue()).decode()
    assert len(data) > 10_000_000
    (tmp_path / "a.html").write_text(
        f"<h1>T</h1><p>Text.</p><img alt='Noise' src='data:image/png;base64,{data}'><iframe src='x'></iframe>"
        "<svg><text>Flow</text></svg>",
        encoding="utf-8",
    )
    read = read_document(tmp_path / "a.html")
    assert read.text == "Text.\n\n![Noise](a-figure-1.png)"
    assert read.warnings == (
        "1 drawings inside the page were left out; save them as .svg files",
        "embedded content was left out: iframe",
    )


def test_the_caption_of_a_picture_without_a_description_is_its_alt_text(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Sites", level=1)
    document.add_heading("Leeds", level=2)
    document.add_picture(BytesIO(png()))
    document.add_paragraph("Figure 1: The new hall", style="Caption")
    document.save(str(tmp_path / "a.docx"))
    (slide,) = document_outline(read_document(tmp_path / "a.docx"), None).slides
    assert (slide.title, slide.picture, slide.picture_file) == ("The new hall", "The new hall", "a-figure-1.png")


@pytest.mark.parametrize("part", ["word/document.xml", "word/styles.xml"])
def test_a_word_file_that_defines_entities_is_refused(tmp_path: Path, part: str) -> None:
    docx.Document().save(str(tmp_path / "plain.docx"))
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'
    with zipfile.ZipFile(tmp_path / "plain.docx") as old, zipfile.ZipFile(tmp_path / "a.docx", "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            new.writestr(entry, data.replace(b"?>", b"?>" + bomb, 1) if entry.filename == part else data)
    with pytest.raises(InputError, match=f"has a DOCTYPE in {part}, which is not allowed"):
        read_document(tmp_path / "a.docx")


def test_a_word_file_with_a_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(InputError, match="has a password, or is of an old format; save it as a Word document"):
        read_document(tmp_path / "a.docx")

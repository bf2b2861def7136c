"""The linter on one slide: text, contrast, placeholders, alt text; damaged files; the command."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches, Pt
from typer.testing import CliRunner, Result

from seedx_sdk import SeedX, TemplateError
from seedx_tools import DeckReport, check_deck, make_slides
from seedx_tools.cli.documents import slides as slides_command
from seedx_tools.decks.lint.findings import Finding
from seedx_tools.decks.ooxml.contrast import contrast, least_contrast
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.theme.build import DeckSize

OUTLINE = "# Deck\nsub\n> Hello.\n## One\n- a\n- b\n    - c\n## Two\n"


class Page:
    """A sound slide in a file of python-pptx's own, the page 10 x 7.5 inches."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = Presentation()
        slide = self.file.slides.add_slide(self.file.slide_layouts[5])
        self.shapes = slide.shapes
        self.shapes.title.text = "A title"

    def found(self) -> tuple[Finding, ...]:
        self.file.save(str(self.path))
        return check_deck(self.path).findings


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path / "page.pptx")


def _box(
    page: Page,
    text: str,
    left: float,
    top: float,
    width: float,
    height: float,
    size: int = 18,
    color: str = "000000",
) -> Any:
    box = page.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    box.text_frame.word_wrap = True
    run = box.text_frame.paragraphs[0].add_run()
    run.text = text
    run.font.size = Pt(size)
    run.font.color.rgb = RGBColor.from_string(color)  # type: ignore[no-untyped-call]
    return box


def _picture(page: Page, tmp_path: Path, left: float, top: float, side: float) -> Any:
    Image.new("RGB", (300, 300), "red").save(tmp_path / "red.png")
    picture = page.shapes.add_picture(str(tmp_path / "red.png"), Inches(left), Inches(top), Inches(side), Inches(side))
    picture._element.nvPicPr.cNvPr.set("descr", "A red square")
    return picture


def _kinds(findings: Iterable[Finding]) -> list[str]:
    return [finding.kind for finding in findings]


def test_a_sound_slide_has_no_findings(page: Page, tmp_path: Path) -> None:
    _box(page, "Words", 1, 3, 3, 1)
    _picture(page, tmp_path, 5, 3, 2)
    assert page.found() == ()


def test_overflow_is_measured_with_the_metrics_of_the_named_font(page: Page) -> None:
    words = "wide words " * 6
    box = _box(page, words, 1, 3, 4, 0.7)
    box.text_frame.paragraphs[0].runs[0].font.name = "Courier New"
    assert _kinds(page.found()) == ["overflow"]
    box.text_frame.paragraphs[0].runs[0].font.name = "Times New Roman"
    assert page.found() == ()


def test_overflow_of_a_table(page: Page) -> None:
    table = page.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(3), Inches(1.5))
    assert page.found() == ()
    table.table.cell(1, 0).text = "far too many words for such a narrow cell " * 3
    (finding,) = page.found()
    assert finding.kind == "overflow"
    assert finding.message.startswith("the table's text needs ")


def test_text_that_runs_off_the_slide(page: Page) -> None:
    _box(page, "Words", 9.8, 3, 3, 1)
    assert _kinds(page.found()) == ["off_slide"]


@pytest.mark.parametrize("grouped", [False, True])
def test_text_over_text_is_an_overlap_and_says_by_how_much(page: Page, grouped: bool) -> None:
    _box(page, "Some words", 1, 3, 3, 1)
    second = _box(page, "Other words", 1.2, 3.1, 3, 1)
    if grouped:
        page.shapes.add_group_shape([second])
    (finding,) = page.found()
    assert finding.kind == "overlap"
    assert finding.slide == 1
    assert "'TextBox 3' overlap by" in finding.message or "'TextBox 2' overlap by" in finding.message


def test_boxes_that_overlap_where_they_hold_no_text_are_fine(page: Page) -> None:
    _box(page, "Some words", 1, 3, 3, 2)
    _box(page, "Other words", 1, 4, 3, 1)
    assert page.found() == ()


def test_text_under_a_picture_is_an_overlap(page: Page, tmp_path: Path) -> None:
    _box(page, "Some words", 1, 3, 3, 1)
    _picture(page, tmp_path, 1, 2.5, 3)
    assert _kinds(page.found()) == ["overlap"]


def test_small_text(page: Page) -> None:
    _box(page, "Fine print", 1, 3, 3, 1, size=11)
    (finding,) = page.found()
    assert (finding.kind, finding.shape) == ("small_text", "TextBox 2")
    assert finding.message == "'Fine print' is 11.0 pt; use at least 12 pt"


def test_text_that_powerpoint_shrinks_is_small_text(page: Page) -> None:
    box = _box(page, "Shrunk", 1, 3, 3, 1, size=18)
    properties = box.text_frame._txBody.bodyPr
    properties.append(parse_xml(f"<a:normAutofit {nsdecls('a')} fontScale='60000'/>"))
    (finding,) = page.found()
    assert finding.message == "'Shrunk' is 10.8 pt; use at least 12 pt"


@pytest.mark.parametrize(
    ("color", "size", "passes"), [("767676", 12, True), ("777777", 12, False), ("777777", 18, True)]
)
def test_contrast_follows_wcag_aa(page: Page, color: str, size: int, passes: bool) -> None:
    _box(page, "Grey", 1, 3, 3, 1, size=size, color=color)
    assert _kinds(page.found()) == ([] if passes else ["low_contrast"])


def test_contrast_is_taken_on_the_shape_that_lies_under_the_text(page: Page) -> None:
    panel = page.shapes.add_shape(1, Inches(1), Inches(3), Inches(4), Inches(2))
    panel.fill.solid()
    panel.fill.fore_color.rgb = RGBColor(0x10, 0x10, 0x10)  # type: ignore[no-untyped-call]
    _box(page, "Black on black", 1.5, 3.2, 3, 1)
    (finding,) = page.found()
    assert finding.kind == "low_contrast"
    assert "#000000 on #101010" in finding.message


def test_empty_placeholders(page: Page) -> None:
    slide = page.file.slides.add_slide(page.file.slide_layouts[1])
    slide.shapes.title.text = "Another"
    (finding,) = page.found()
    assert (finding.kind, finding.slide, finding.shape) == ("empty_placeholder", 2, "Content Placeholder 2")


def test_missing_alt_text_of_pictures_and_charts(page: Page, tmp_path: Path) -> None:
    picture = _picture(page, tmp_path, 1, 3, 2)
    picture._element.nvPicPr.cNvPr.set("descr", " ")
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["a"]
    data.add_series("s", (1,))
    page.shapes.add_chart(XL_CHART_TYPE.PIE, Inches(5), Inches(3), Inches(3), Inches(3), data)
    assert _kinds(page.found()) == ["missing_alt_text", "missing_alt_text"]


def test_a_shape_without_a_geometry_is_looked_at_like_any_other(page: Page) -> None:
    box = _box(page, "small", 1, 2, 4, 1, size=8)
    box._element.spPr.remove(box._element.spPr.find(qn("a:prstGeom")))
    assert _kinds(page.found()) == ["small_text"]


def test_missing_title(page: Page) -> None:
    page.shapes.title.text = " "
    assert _kinds(page.found()) == ["missing_title", "empty_placeholder"]


def test_preset_colors_are_read(page: Page) -> None:
    box = _box(page, "White", 1, 3, 3, 1)
    fill = box._element.find(f".//{qn('a:rPr')}/{qn('a:solidFill')}")
    fill[:] = [parse_xml(f"<a:prstClr {nsdecls('a')} val='white'/>")]
    (finding,) = page.found()
    assert "'White' is #FFFFFF on #FFFFFF" in finding.message
    fill[:] = []
    assert page.found() == ()


def test_a_damaged_deck_is_refused(page: Page, tmp_path: Path) -> None:
    page.found()
    path = tmp_path / "page.pptx"
    with zipfile.ZipFile(path) as package:
        types = package.getinfo("[Content_Types].xml")
    data = bytearray(path.read_bytes())
    start = types.header_offset + 30 + len(types.filename)
    data[start + 2 : start + 20] = bytes(byte ^ 0xFF for byte in data[start + 2 : start + 20])
    path.write_bytes(data)
    with pytest.raises(TemplateError, match=r"page\.pptx' is damaged or not a \.pptx"):
        check_deck(path)


def test_a_file_that_is_no_deck_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deck.pptx").write_bytes(b"hello")
    with pytest.raises(TemplateError, match=r"not a \.pptx"):
        check_deck(tmp_path / "deck.pptx")


@pytest.mark.parametrize("size", ["16:9", "4:3"])
@pytest.mark.parametrize("pictures", [True, False])
def test_our_own_decks_pass(seedx: SeedX, tmp_path: Path, size: DeckSize, pictures: bool) -> None:
    make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", size=size, pictures=pictures)
    report = check_deck(tmp_path / "deck.pptx")
    assert report.ok, report.findings
    assert report.slides == 3


def test_contrast_figures_of_the_guidelines() -> None:
    assert contrast("000000", "FFFFFF") == 21.0
    assert contrast("777777", "FFFFFF") == pytest.approx(4.48, abs=0.005)
    assert [least_contrast(size, bold=bold) for size, bold in ((18, False), (17, False), (14, True))] == [3.0, 4.5, 3.0]


def test_letter_widths_are_those_of_the_named_font() -> None:
    assert text_width("Hello", 1000) == pytest.approx(722 + 556 + 222 + 222 + 556)
    assert text_width("Hello", 1000, bold=True) == pytest.approx(722 + 556 + 278 + 278 + 611)
    assert text_width("iiii", 10, family="Courier New") == pytest.approx(24.0)
    assert text_width("\u2014\u8239", 10, family="Times New Roman") == pytest.approx(20.0)
    assert text_width("x", 12, family="No Such Font") == text_width("x", 12)


def _command(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(slides_command)
    return CliRunner().invoke(app, list(arguments))


def test_the_command_prints_findings_and_exits_with_1(page: Page, tmp_path: Path) -> None:
    _box(page, "Fine print", 1, 3, 3, 1, size=8)
    page.found()
    path = str(tmp_path / "page.pptx")
    result = _command("--check", path)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "slide 1 'TextBox 2': small_text: 'Fine print' is 8.0 pt; use at least 12 pt",
        f"{path}: 1 findings on 1 slides",
    ]
    report = DeckReport.model_validate(json.loads(_command("--check", path, "--json").stdout))
    assert report == check_deck(path)


def test_the_command_exits_with_0_when_nothing_is_wrong(page: Page, tmp_path: Path) -> None:
    page.found()
    assert _command("--check", str(tmp_path / "page.pptx")).exit_code == 0
    assert _command().exit_code == 2

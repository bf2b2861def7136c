"""One test or more for each family of checks, on slides with one fault."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import MSO_SHAPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches, Pt

from seedx_tools import check_deck
from seedx_tools.decks.lint.findings import Finding

WORDS = "The quick brown fox jumps over the lazy dog "


class Slides:
    """Sound slides in python-pptx's own template, 10 x 7.5 inches; what is added goes to the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = Presentation()
        self.add("A title")

    def add(self, title: str) -> Any:
        self.slide: Any = self.file.slides.add_slide(self.file.slide_layouts[5])
        self.slide.shapes.title.text = title
        return self.slide

    def box(self, text: str, left: float, top: float, width: float = 3, height: float = 1, size: int = 18) -> Any:
        box = self.slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
        box.text_frame.word_wrap = True
        box.text_frame.text = text
        for paragraph in box.text_frame.paragraphs:
            paragraph.runs[0].font.size = Pt(size)
        return box

    def panel(self, left: float, top: float, width: float, height: float, color: str, kind: int = 1) -> Any:
        shape = self.slide.shapes.add_shape(kind, Inches(left), Inches(top), Inches(width), Inches(height))
        shape.fill.solid()
        shape.fill.fore_color.rgb = RGBColor.from_string(color)  # type: ignore[no-untyped-call]
        shape.line.fill.background()
        return shape

    def picture(
        self, image: Image.Image, left: float, top: float, width: float, height: float, alt: str = "x y"
    ) -> Any:
        data = io.BytesIO()
        image.save(data, "PNG")
        picture = self.slide.shapes.add_picture(data, Inches(left), Inches(top), Inches(width), Inches(height))
        picture._element.nvPicPr.cNvPr.set("descr", alt)
        return picture

    def found(self) -> tuple[Finding, ...]:
        self.file.save(str(self.path))
        return check_deck(self.path).findings

    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.found()]


@pytest.fixture
def slides(tmp_path: Path) -> Slides:
    return Slides(tmp_path / "deck.pptx")


def _color(shape: Any, color: str) -> None:
    for paragraph in shape.text_frame.paragraphs:
        paragraph.runs[0].font.color.rgb = RGBColor.from_string(color)  # type: ignore[no-untyped-call]


def test_pictures_out_of_proportion(slides: Slides) -> None:
    picture = slides.picture(Image.new("RGB", (600, 400)), 1, 2, 4, 2)
    (finding,) = slides.found()
    assert finding.kind == "stretched_picture"
    assert "1.33 times too wide" in finding.message
    picture.crop_top = 0.25
    assert slides.found() == ()


def test_pictures_with_too_few_pixels(slides: Slides) -> None:
    slides.picture(Image.new("RGB", (240, 160)), 1, 2, 6, 4)
    (finding,) = slides.found()
    assert finding.kind == "blurred_picture"
    assert finding.message.startswith("the picture has 40 pixels per inch")


@pytest.mark.parametrize(
    ("add", "kinds"),
    [
        (lambda slides: slides.panel(8, 3, 4, 1, "336699", MSO_SHAPE.CHEVRON), ["off_slide"]),
        (lambda slides: slides.picture(Image.new("RGB", (600, 400)), 6, 5.5, 3, 3), ["stretched_picture", "off_slide"]),
        (lambda slides: slides.panel(8, 5, 4, 4, "336699", MSO_SHAPE.OVAL), []),
        (lambda slides: slides.panel(-0.2, 3, 10.4, 1, "336699"), []),
        (lambda slides: setattr(slides.panel(4, 3, 6.5, 0.5, "336699"), "rotation", 90), []),
        (lambda slides: setattr(slides.panel(3, 6.6, 3, 0.5, "336699"), "rotation", 90), ["off_slide"]),
    ],
)
def test_shapes_that_leave_the_slide(slides: Slides, add: Callable[[Slides], object], kinds: list[str]) -> None:
    add(slides)
    assert sorted(slides.kinds()) == sorted(kinds)


@pytest.mark.parametrize(
    "text",
    [
        "Lorem ipsum dolor sit",
        "Click to add text",
        "Add your text",
        "Headline here",
        "Your logo",
        "Presentation title",
        "Text hier einf\u00fcgen",
        "Your text here",
        "Dear <name>",
        "[Company name]",
        "Sales grew by XX %",
        "EUR XX.X m",
        "FY 20XX",
    ],
)
def test_leftovers_of_templates(slides: Slides, text: str) -> None:
    slides.box(text, 1, 3)
    assert slides.kinds() == ["leftover_text"]


@pytest.mark.parametrize(
    "text",
    [
        "Louis XX",
        "The XX century",
        "Size XXL",
        "a < b and b > c",
        "Click here",
        "Enter your password",
        "Your titles",
        "We add your text to the page",
        "{{template}}",
        "see [2] and [Smith 2020]",
    ],
)
def test_words_that_only_look_like_leftovers(slides: Slides, text: str) -> None:
    slides.box(text, 1, 3)
    assert slides.found() == ()


def test_a_tag_in_code_is_no_leftover(slides: Slides) -> None:
    slides.box("x = <name>", 1, 3).text_frame.paragraphs[0].runs[0].font.name = "Courier New"
    assert slides.found() == ()


def test_duplicate_titles_name_the_first(slides: Slides) -> None:
    slides.add("Results")
    slides.add(" results ")
    (finding,) = slides.found()
    assert (finding.kind, finding.slide) == ("duplicate_title", 3)
    assert finding.message.startswith("slide 2 has the title 'results', too")
    slides.slide._element.set("show", "0")
    assert slides.found() == ()


def test_a_wall_of_text(slides: Slides) -> None:
    slides.box(WORDS * 22, 0.5, 1.7, 9, 5.5, size=14)
    assert slides.found() == ()
    slides.slide.shapes[1].text_frame.text = WORDS * 24
    slides.slide.shapes[1].text_frame.paragraphs[0].runs[0].font.size = Pt(14)
    assert slides.kinds() == ["wall_of_text"]


def test_a_fourth_typeface(slides: Slides) -> None:
    for row, family in enumerate(("Arial", "Arial Black", "Georgia", "Wingdings")):
        slides.box("Words", 1, 1.8 + row).text_frame.paragraphs[0].runs[0].font.name = family
    assert slides.found() == ()
    slides.add("Another").shapes.title.text_frame.paragraphs[0].runs[0].font.name = "Verdana"
    (finding,) = slides.found()
    assert (finding.kind, finding.slide) == ("many_typefaces", 2)
    assert "(Calibri, Arial, Georgia, Verdana)" in finding.message


@pytest.mark.parametrize(("count", "kinds"), [(7, []), (8, ["many_slices"])])
def test_pies_with_many_slices(slides: Slides, count: int, kinds: list[str]) -> None:
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = [f"c{number}" for number in range(count + 1)]
    data.add_series("outer", [*range(1, count + 1), 0])
    data.add_series("inner", [1, 2])
    frame = slides.slide.shapes.add_chart(XL_CHART_TYPE.DOUGHNUT, Inches(1), Inches(2), Inches(6), Inches(4), data)
    frame._element.nvGraphicFramePr.cNvPr.set("descr", "Shares")
    assert slides.kinds() == kinds


@pytest.mark.parametrize(("shift", "kinds"), [(0.0, []), (0.01, []), (0.06, ["misaligned"]), (0.5, [])])
def test_cards_that_are_nearly_in_line(slides: Slides, shift: float, kinds: list[str]) -> None:
    for number in range(3):
        slides.panel(0.5 + 3 * number, 2 + shift * (number == 1), 2.5, 2, "003B5C")
    assert slides.kinds() == kinds


@pytest.mark.parametrize(
    ("alt", "kinds"),
    [
        ("image1.png", ["poor_alt_text"]),
        ("IMG_2041", ["poor_alt_text"]),
        ("Alt text", ["poor_alt_text"]),
        ("A picture", []),
    ],
)
def test_file_names_are_no_alt_text(slides: Slides, alt: str, kinds: list[str]) -> None:
    slides.picture(Image.new("RGB", (600, 400)), 1, 2, 3, 2, alt)
    assert slides.kinds() == kinds


def test_a_group_may_have_the_alt_text_of_its_pictures(slides: Slides) -> None:
    picture = slides.picture(Image.new("RGB", (600, 400)), 1, 2, 3, 2, "")
    group = slides.slide.shapes.add_group_shape([picture])
    assert slides.kinds() == ["missing_alt_text"]
    group._element.nvGrpSpPr.cNvPr.set("descr", "A black square")
    assert slides.found() == ()


def test_texts_are_read_from_top_to_bottom(slides: Slides) -> None:
    low = slides.box("Low", 1, 5)
    slides.box("High", 1, 3)
    (finding,) = slides.found()
    assert (finding.kind, finding.shape) == ("reading_order", low.name)
    low.left = Inches(5)
    assert slides.found() == ()


def test_the_title_is_read_first(slides: Slides) -> None:
    slides.box("Words", 1, 3)
    tree = slides.slide.shapes._spTree
    tree.append(slides.slide.shapes.title._element)
    (finding,) = slides.found()
    assert finding.kind == "reading_order"
    assert finding.message.startswith("it is read before the title")


def test_tables_mark_their_header_row(slides: Slides) -> None:
    table = slides.slide.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(5), Inches(1)).table
    assert slides.found() == ()
    table.first_row = False
    assert slides.kinds() == ["missing_header_row"]


def _photo(left: str, right: str) -> Image.Image:
    image = Image.new("RGB", (1000, 500), left)
    image.paste(right, (500, 0, 1000, 500))
    return image


def test_contrast_on_a_picture_is_that_of_its_pixels_under_the_text(slides: Slides) -> None:
    slides.picture(_photo("black", "white"), 0, 2, 10, 5)
    text = slides.box("White words", 1, 3)
    _color(text, "FFFFFF")
    assert slides.found() == ()
    text.left = Inches(6)
    (finding,) = slides.found()
    assert finding.kind == "low_contrast"
    assert "100% of the picture under it" in finding.message


@pytest.mark.parametrize(("opacity", "kinds"), [(100, []), (80, []), (20, ["low_contrast"])])
def test_a_panel_between_text_and_picture_counts_by_its_opacity(slides: Slides, opacity: int, kinds: list[str]) -> None:
    slides.picture(_photo("white", "white"), 0, 2, 10, 5)
    panel = slides.panel(1, 3, 5, 2, "000000")
    color = panel._element.spPr.find(f"{qn('a:solidFill')}/{qn('a:srgbClr')}")
    color.append(parse_xml(f"<a:alpha {nsdecls('a')} val='{opacity * 1000}'/>"))
    _color(slides.box("White words", 1.2, 3.2), "FFFFFF")
    assert slides.kinds() == kinds


def test_a_panel_in_front_of_text_covers_it(slides: Slides) -> None:
    slides.box("Words", 1, 3)
    slides.panel(1, 3, 3, 1, "003B5C")
    assert slides.kinds() == ["overlap"]


def test_text_on_a_band_of_the_layout_stands_on_it(slides: Slides) -> None:
    tree = slides.file.slide_layouts[5].shapes._spTree
    panel = slides.panel(0, 0, 10, 1.6, "003B5C")
    tree.insert(2, panel._element)
    _color(slides.slide.shapes.title, "FFFFFF")
    assert slides.found() == ()
    slides.slide._element.set("showMasterSp", "0")
    assert slides.kinds() == ["low_contrast"]


def test_a_drawn_shape_has_the_colors_of_its_style(slides: Slides) -> None:
    shape = slides.slide.shapes.add_shape(1, Inches(1), Inches(3), Inches(4), Inches(1))
    shape.text_frame.text = "White on blue"
    assert slides.found() == ()
    shape.fill.solid()
    shape.fill.fore_color.rgb = RGBColor(0xF2, 0xF2, 0xF2)  # type: ignore[no-untyped-call]
    (finding,) = slides.found()
    assert finding.message.startswith("'White on blue' is #FFFFFF on #F2F2F2")


def test_a_fault_of_the_template_is_reported_once(slides: Slides) -> None:
    style = slides.file.slide_master.element.find(f"{qn('p:txStyles')}/{qn('p:titleStyle')}/{qn('a:lvl1pPr')}")
    style.find(qn("a:defRPr")).set("sz", "1000")
    slides.add("Another")
    slides.add("A third one")
    (finding,) = slides.found()
    assert (finding.kind, finding.slide) == ("small_text", 1)
    assert finding.message.endswith("use at least 12 pt (from the template, found 3 times)")


@pytest.mark.parametrize(
    ("geometry", "kinds"),
    [(MSO_SHAPE.RECTANGLE, []), (MSO_SHAPE.CHEVRON, ["overflow"]), (MSO_SHAPE.DIAMOND, ["overflow"])],
)
def test_text_has_the_room_that_a_geometry_leaves_it(geometry: int, kinds: list[str], slides: Slides) -> None:
    slides.panel(1, 3, 2.2, 1.3, "003B5C", geometry).text_frame.text = "Plan the budget of all regions"
    assert slides.kinds() == kinds


def test_faults_are_found_in_groups(slides: Slides) -> None:
    text = slides.box("Lorem ipsum", 1, 5, size=8)
    image = slides.picture(Image.new("RGB", (600, 400)), 1, 2, 4, 2)
    slides.slide.shapes.add_group_shape([text, image])
    assert sorted(slides.kinds()) == ["leftover_text", "small_text", "stretched_picture"]

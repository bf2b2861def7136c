from __future__ import annotations

import re
import zipfile
from xml.etree import ElementTree

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.oxml.ns import qn

from seedx_sdk import InputError, OutputPathError, PromptError, TemplateError
from seedx_tools import Outline, SlidePlan, append_slides, check_deck, make_slides, revise_slide
from seedx_tools.pptx_style import auto_number

OUTLINE = """# The boat school
By the sea
## One
- first
![a red boat](draw)
> Notes of one.
## Two
- second
## Three
| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.fixture
def deck(seedx, tmp_path):
    """A deck whose slide XML is not as python-pptx writes it, and whose parts are not numbered in order."""
    made = make_slides(seedx, OUTLINE, path=tmp_path / "made.pptx")
    path = tmp_path / "deck.pptx"
    names = {"slides/slide2.xml": "slides/slide7.xml", "slides/slide4.xml": "slides/slide2.xml"}
    with zipfile.ZipFile(made.path) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if re.fullmatch(r"ppt/slides/slide\d+\.xml", name):
                data = data.replace(b"?>\n", b"?>\r\n<!-- kept by hand -->", 1)
            if name.endswith(".rels") or name == "[Content_Types].xml":
                data = re.sub(rb"slides/slide([24])\.xml", lambda m: names[m[0].decode()].encode(), data)
            moved = re.match(r"ppt/slides/(_rels/)?slide([24])\.xml(.*)", name)
            if moved:
                number = {"2": "7", "4": "2"}[moved[2]]
                name = f"ppt/slides/{moved[1] or ''}slide{number}.xml{moved[3]}"
            new.writestr(name, data)
    return path


def _xml(path):
    """The slides' XML in the order of the deck, as it stands in the file."""
    with zipfile.ZipFile(path) as package:
        relations = ElementTree.fromstring(package.read("ppt/_rels/presentation.xml.rels"))
        targets = {relation.get("Id"): relation.get("Target") for relation in relations}
        order = re.findall(r'<p:sldId [^>]*r:id="(rId\d+)"', package.read("ppt/presentation.xml").decode())
        return [package.read(f"ppt/{targets[one]}") for one in order]


def _titles(path):
    return [slide.shapes.title.text_frame.text for slide in Presentation(str(path)).slides]


def test_a_revised_slide_is_new_and_every_other_is_the_same_byte_for_byte(seedx, deck, tmp_path):
    before = _xml(deck)
    result = revise_slide(
        seedx, deck, 3, "## Two, again\n- better\n- shorter\n> Say this.\n![](none)", output=tmp_path / "new.pptx"
    )
    after = _xml(tmp_path / "new.pptx")
    assert [b"kept by hand" in xml for xml in after] == [True, True, False, True]
    assert [after[0], after[1], after[3]] == [before[0], before[1], before[3]]
    assert _titles(tmp_path / "new.pptx") == ["The boat school", "One", "Two, again", "Three"]
    assert _xml(deck) == before
    slide = Presentation(str(tmp_path / "new.pptx")).slides[2]
    assert slide.notes_slide.notes_text_frame.text == "Say this."
    assert [made.title for made in result.slides] == _titles(tmp_path / "new.pptx")
    assert result.slides[1].notes == "Notes of one."
    assert check_deck(tmp_path / "new.pptx").findings == ()
    footers = [
        shape.text_frame.text
        for shape in slide.placeholders
        if shape.element.find(f".//{qn('p:ph')}").get("type") == "ftr"
    ]
    assert footers == ["The boat school"]


def test_a_deck_is_revised_in_place_again_and_again(seedx, deck):
    first = _xml(deck)
    for number in range(2):
        revise_slide(seedx, deck, 4, SlidePlan(title=f"Try {number}", picture=""))
    assert _titles(deck) == ["The boat school", "One", "Two", "Try 1"]
    assert _xml(deck)[:3] == first[:3]
    with zipfile.ZipFile(deck) as package:
        assert sum(name.startswith("ppt/slides/slide") for name in package.namelist()) == 4


def test_the_picture_is_kept_unless_another_is_asked_for(seedx, engine, deck):
    drawn = len(engine.requests)
    revise_slide(seedx, deck, 2, "## One\n- changed words")
    assert len(engine.requests) == drawn
    picture = next(shape for shape in Presentation(str(deck)).slides[1].shapes if shape.element.tag == qn("p:pic"))
    assert picture._element.nvPicPr.cNvPr.get("descr").startswith("Drawn picture: a red boat")
    result = revise_slide(seedx, deck, 2, "## One\n- changed words\n![a green tree](draw)")
    assert len(engine.requests) == drawn + 1
    assert result.slides[1].picture_prompt.startswith("a green tree")


def test_a_revised_slide_that_needs_room_goes_on_after_itself(seedx, deck):
    bullets = tuple(f"Point {number} says something that takes a line and a bit more of it" for number in range(14))
    revise_slide(seedx, deck, 2, SlidePlan(title="Much", bullets=bullets, picture=""))
    assert _titles(deck)[:4] == ["The boat school", "Much", "Much (continued)", "Two"]


def test_slides_are_added_to_a_saved_deck(seedx, deck):
    before = _xml(deck)
    steps = []
    result = append_slides(
        seedx, deck, "## Four\n- fourth\n## Five\n- fifth\n", on_progress=lambda *step: steps.append(step)
    )
    append_slides(seedx, deck, Outline(title="ignored", slides=(SlidePlan(title="Six"),)))
    assert _titles(deck) == ["The boat school", "One", "Two", "Three", "Four", "Five", "Six"]
    assert _xml(deck)[:4] == before
    assert steps == [(0, 2, "Four"), (1, 2, "Five"), (2, 2, "done")]
    assert [made.bullets for made in result.slides[4:]] == [("fourth",), ("fifth",)]
    assert result.title == "The boat school"
    assert check_deck(deck).findings == ()


class _Shouting:
    def revise(self, plan, instruction):
        assert instruction == "make it louder"
        return plan.model_copy(update={"title": plan.title.upper()})


def test_an_instruction_goes_to_the_planner_with_the_slide_as_it_is(seedx, deck):
    revise_slide(seedx, deck, 4, "make it louder", planner=_Shouting())
    slide = Presentation(str(deck)).slides[3]
    assert slide.shapes.title.text_frame.text == "THREE"
    table = next(shape.table for shape in slide.shapes if shape.has_table)
    assert [cell.text for cell in table.rows[1].cells] == ["1", "2"]


def test_an_instruction_keeps_a_chart_and_two_columns(seedx, tmp_path):
    outline = (
        "# Pupils\n## Growth\n```chart bar\nyear,pupils\n2022,18\n2023,25\n```\n"
        "## Sail or row\n### Sail\n- quiet\n### Row\n- steady\n\t- and dry\n"
    )
    path = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False).path
    for number in (2, 3):
        revise_slide(seedx, path, number, "make it louder", planner=_Shouting())
    growth, boats = list(Presentation(str(path)).slides)[1:]
    assert [slide.shapes.title.text_frame.text for slide in (growth, boats)] == ["GROWTH", "SAIL OR ROW"]
    (chart,) = (shape.chart for shape in growth.shapes if shape.has_chart)
    assert (list(chart.plots[0].categories), chart.plots[0].series[0].values) == (["2022", "2023"], (18.0, 25.0))
    told = {shape.text_frame.text: shape.left for shape in boats.placeholders}
    assert told["Sail"] == told["quiet"] < told["Row"] == told["steady\nand dry"]


def _with_diagram(slide):
    frame = slide.shapes.add_table(1, 1, 0, 0, 914400, 914400)
    frame._element.find(f".//{qn('a:graphicData')}").set("uri", "http://schemas.openxmlformats.org/drawingml/diagram")


def _with_wide_table(slide):
    slide.shapes.add_table(2, 13, 0, 0, 914400, 914400).table.cell(0, 0).text = "a"


def _with_area_chart(slide):
    data = CategoryChartData()
    data.categories = ["a", "b"]
    data.add_series("x", (1, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.AREA, 0, 0, 914400, 914400, data)


def _with_3d_chart(slide):
    data = CategoryChartData()
    data.categories = ["a", "b"]
    data.add_series("x", (1, 2))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 914400, 914400, data).chart
    chart._chartSpace.find(f".//{qn('c:barChart')}").tag = qn("c:bar3DChart")


def _with_second_table(slide):
    for _ in range(2):
        slide.shapes.add_table(2, 1, 0, 0, 914400, 914400).table.cell(0, 0).text = "a"


class _Longer:
    def revise(self, plan, instruction):
        assert instruction == "add a step"
        assert plan.bullets == ("1. one", "2. two")
        return plan.model_copy(update={"bullets": (*plan.bullets, "3. three")})


def test_an_instruction_keeps_the_numbers_of_a_list(seedx, tmp_path):
    made = make_slides(seedx, "# D\n## S\n1. one\n2. two\n", path=tmp_path / "d.pptx", pictures=False)
    revise_slide(seedx, made.path, 2, "add a step", planner=_Longer())
    slide = Presentation(str(made.path)).slides[1]
    (body,) = (shape for shape in slide.placeholders if shape.placeholder_format.type in (PH.BODY, PH.OBJECT))
    assert [(p.text, auto_number(p._p)) for p in body.text_frame.paragraphs] == [("one", 1), ("two", 2), ("three", 3)]


@pytest.mark.parametrize(
    ("add", "lost"),
    [
        (_with_diagram, "a diagram or an embedded object"),
        (_with_wide_table, "more than 12 columns"),
        (_with_area_chart, "a chart of a kind that is not written here"),
        (_with_3d_chart, "a chart of a kind that is not written here"),
        (_with_second_table, "a second table"),
    ],
)
def test_no_instruction_loses_what_a_plan_cannot_hold(seedx, deck, add, lost):
    opened = Presentation(str(deck))
    add(opened.slides[2])
    opened.save(str(deck))
    before = deck.read_bytes()
    with pytest.raises(InputError, match=f"slide 3 holds .*{lost}.*, which an instruction would lose"):
        revise_slide(seedx, deck, 3, "make it louder", planner=_Shouting())
    assert deck.read_bytes() == before


@pytest.mark.parametrize(
    ("number", "change", "error", "told"),
    [
        (0, "## A", InputError, "slides 1 to 4"),
        (5, "## A", InputError, "there is no slide 5"),
        (2, "make it nicer", InputError, "needs a planner"),
        (2, "## A\n## B\n", InputError, "the change has 2 slides"),
        (2, " ", PromptError, "empty"),
    ],
)
def test_changes_that_cannot_be_made_leave_the_deck_alone(seedx, engine, deck, number, change, error, told):
    before, drawn = deck.read_bytes(), len(engine.requests)
    with pytest.raises(error, match=told):
        revise_slide(seedx, deck, number, change)
    assert deck.read_bytes() == before
    assert len(engine.requests) == drawn


def test_decks_that_cannot_be_opened_or_written(seedx, deck, tmp_path):
    with pytest.raises(TemplateError, match="there is no template file"):
        revise_slide(seedx, tmp_path / "none.pptx", 1, "## A")
    with pytest.raises(OutputPathError):
        append_slides(seedx, deck, "## A", output=tmp_path / "none" / "deck.pptx")
    with pytest.raises(InputError, match="at most 60"):
        append_slides(seedx, deck, "## A\n" * 60)
    with pytest.raises(InputError, match="Markdown"):
        append_slides(seedx, deck, "more about boats please")


def test_a_deck_with_a_chart_of_another_kind_can_be_continued(seedx, deck):
    opened = Presentation(str(deck))
    _with_3d_chart(opened.slides[2])
    opened.save(str(deck))
    before = _xml(deck)
    assert append_slides(seedx, deck, "## Four\n- fourth\n", pictures=False).slides[-1].title == "Four"
    assert _xml(deck)[: len(before)] == before

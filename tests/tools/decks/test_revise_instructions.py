from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Inches

from seedx_sdk import InputError, SeedX
from seedx_tools import Column, SlidePlan, make_slides, revise_slide
from seedx_tools.decks.ooxml.styles import auto_number
from tests.support.pptx_files import Shouting, add_3d_chart, add_picture


def test_an_instruction_goes_to_the_planner_with_the_slide_as_it_is(seedx: SeedX, deck: Path) -> None:
    revise_slide(seedx, deck, 4, "make it louder", planner=Shouting())
    slide = Presentation(str(deck)).slides[3]
    assert slide.shapes.title.text_frame.text == "THREE"
    table = next(shape.table for shape in slide.shapes if shape.has_table)
    assert [cell.text for cell in table.rows[1].cells] == ["1", "2"]


def test_an_instruction_keeps_a_chart_and_two_columns(seedx: SeedX, tmp_path: Path) -> None:
    outline = (
        "# Pupils\n## Growth\n```chart bar\nyear,pupils\n2022,18\n2023,25\n```\n"
        "## Sail or row\n### Sail\n- quiet\n### Row\n- steady\n\t- and dry\n"
    )
    path = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False).path
    for number in (2, 3):
        revise_slide(seedx, path, number, "make it louder", planner=Shouting())
    growth, boats = list(Presentation(str(path)).slides)[1:]
    assert [slide.shapes.title.text_frame.text for slide in (growth, boats)] == ["GROWTH", "SAIL OR ROW"]
    (chart,) = (shape.chart for shape in growth.shapes if shape.has_chart)
    assert (list(chart.plots[0].categories), chart.plots[0].series[0].values) == (["2022", "2023"], (18.0, 25.0))
    told = {shape.text_frame.text: shape.left for shape in boats.placeholders}
    assert told["Sail"] == told["quiet"] < told["Row"] == told["steady\nand dry"]


_FRAME = (Inches(0), Inches(0), Inches(1), Inches(1))


def _with_diagram(slide: Slide) -> None:
    frame = slide.shapes.add_table(1, 1, *_FRAME)
    frame._element.find(f".//{qn('a:graphicData')}").set("uri", "http://schemas.openxmlformats.org/drawingml/diagram")


def _with_wide_table(slide: Slide) -> None:
    slide.shapes.add_table(2, 61, *_FRAME).table.cell(0, 0).text = "a"


def _with_radar_chart(slide: Slide) -> None:
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["a", "b"]
    data.add_series("x", (1, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.RADAR, *_FRAME, data)


def _with_second_table(slide: Slide) -> None:
    for _ in range(2):
        slide.shapes.add_table(2, 1, *_FRAME).table.cell(0, 0).text = "a"


class _Longer:
    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        assert instruction == "add a step"
        assert plan.bullets == ("1. one", "2. two")
        return plan.model_copy(update={"bullets": (*plan.bullets, "3. three")})


def test_an_instruction_keeps_the_numbers_of_a_list(seedx: SeedX, tmp_path: Path) -> None:
    made = make_slides(seedx, "# D\n## S\n1. one\n2. two\n", path=tmp_path / "d.pptx", pictures=False)
    revise_slide(seedx, made.path, 2, "add a step", planner=_Longer())
    slide = Presentation(str(made.path)).slides[1]
    (body,) = (shape for shape in slide.placeholders if shape.placeholder_format.type in (PH.BODY, PH.OBJECT))
    assert [(p.text, auto_number(p._p)) for p in body.text_frame.paragraphs] == [("one", 1), ("two", 2), ("three", 3)]


def _with_shape(slide: Slide) -> None:
    slide.shapes.add_shape(MSO_SHAPE.OVAL, *_FRAME).name = "Start"


def _with_line(slide: Slide) -> None:
    slide.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, *_FRAME).name = "Arrow"


def _with_table(slide: Slide) -> None:
    slide.shapes.add_table(2, 1, *_FRAME).table.cell(0, 0).text = "a"


def _with_video(slide: Slide) -> None:
    properties: Any = add_picture(slide)._element.nvPicPr
    properties.nvPr.append(parse_xml(f"<a:videoFile {nsdecls('a', 'r')} r:link='rId1'/>"))


def _with_ink(slide: Slide) -> None:
    slide.shapes._spTree.append(
        parse_xml("<m:AlternateContent xmlns:m='http://schemas.openxmlformats.org/markup-compatibility/2006'/>")
    )


@pytest.mark.parametrize(
    ("add", "lost"),
    [
        (_with_shape, r"a drawn shape \('Start'\)"),
        (_with_line, r"a drawn line \('Arrow'\)"),
        (_with_video, "a video or a sound"),
        (_with_ink, "an object that only some versions"),
        (_with_table, "a picture beside content that leaves no room"),
        (_with_diagram, "a diagram or an embedded object"),
        (_with_wide_table, "more than 60 columns"),
        (_with_radar_chart, "a chart of an unsupported kind"),
        (add_3d_chart, "a chart of an unsupported kind"),
        (_with_second_table, "a second table"),
    ],
)
def test_no_instruction_loses_what_a_plan_cannot_hold(
    seedx: SeedX, deck: Path, add: Callable[[Slide], object], lost: str
) -> None:
    opened = Presentation(str(deck))
    add(opened.slides[2])
    opened.save(str(deck))
    before = deck.read_bytes()
    with pytest.raises(InputError, match=f"slide 3 holds .*{lost}.*, which this instruction would lose"):
        revise_slide(seedx, deck, 3, "compare them", planner=Comparing())
    assert deck.read_bytes() == before
    kept = _shapes_but_title(deck, 3)
    made = revise_slide(seedx, deck, 3, "make it louder", planner=Shouting())
    assert (made.slides[2].title, made.warnings) == (opened.slides[2].shapes.title.text_frame.text.upper(), ())
    assert _shapes_but_title(deck, 3) == kept
    whole = revise_slide(seedx, deck, 3, Comparing().revise(SlidePlan(title="C"), ""))
    named = [warning for warning in whole.warnings if re.search(f"the new slide is without .*{lost}", warning)]
    assert named or lost.startswith("a picture")  # which this plan does without, as it says


class Comparing:
    """Turns a slide into a comparison, which takes another layout."""

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:  # noqa: ARG002
        columns = (Column(heading="A", bullets=("a",)), Column(heading="B", bullets=("b",)))
        return SlidePlan(title=plan.title, columns=columns, picture="")


def _shapes_but_title(path: Path, number: int) -> list[bytes]:
    slide = Presentation(str(path)).slides[number - 1]
    tree: Any = slide.shapes._spTree
    title: Any = slide.shapes.title
    return [etree.tostring(child) for child in tree if child is not title.element]

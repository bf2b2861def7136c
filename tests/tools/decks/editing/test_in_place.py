"""Slides that are revised in place: what nobody spoke of stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches, Pt

from seedx_sdk import SeedX
from seedx_tools import SlidePlan, make_slides, revise_slide
from seedx_tools.decks.reader import read_slide

RED: Any = RGBColor(0xC0, 0, 0)  # type: ignore[no-untyped-call]


@pytest.fixture
def styled(tmp_path: Path) -> Path:
    """A slide of PowerPoint's own template whose second point has a red bold figure and a link."""
    deck: Any = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "New pricing"
    first, second, third = _lines(slide, "Valid from May", "", "Ask Finance")
    second.add_run().text = "Price rises by "
    figure = second.add_run()
    figure.text, figure.font.bold, figure.font.color.rgb = "4 %", True, RED
    second.add_run().text = ", see the "
    link = second.add_run()
    link.text, link.hyperlink.address = "list", "https://example.org/list"
    assert first.text and third.text
    deck.save(str(tmp_path / "styled.pptx"))
    return tmp_path / "styled.pptx"


def _lines(slide: Any, *texts: str) -> list[Any]:
    frame = slide.placeholders[1].text_frame
    paragraphs = [frame.paragraphs[0], *(frame.add_paragraph() for _ in texts[1:])]
    for paragraph, text in zip(paragraphs, texts, strict=True):
        if text:
            paragraph.text = text
    return paragraphs


def _paragraphs(path: Path) -> list[Any]:
    return list(Presentation(str(path)).slides[0].placeholders[1].text_frame.paragraphs)


def test_a_changed_line_keeps_the_look_of_its_words(seedx: SeedX, styled: Path) -> None:
    before = [etree.tostring(paragraph._p) for paragraph in _paragraphs(styled)]
    points = "- Valid from May\n- Price rises by 6 %, see the list\n- Ask Finance\n"
    made = revise_slide(seedx, styled, 1, f"## New pricing\n{points}", pictures=False)
    assert made.warnings == ()
    first, second, third = _paragraphs(styled)
    assert [etree.tostring(first._p), etree.tostring(third._p)] == [before[0], before[2]]
    assert second.text == "Price rises by 6 %, see the list"
    (figure,) = (run for run in second.runs if run.font.bold)
    assert (figure.text, figure.font.color.rgb) == ("6 %", RED)
    (link,) = (run for run in second.runs if run.hyperlink.address)
    assert (link.text, link.hyperlink.address) == ("list", "https://example.org/list")


def test_points_come_and_go_beside_those_that_stay(seedx: SeedX, styled: Path) -> None:
    before = [etree.tostring(paragraph._p) for paragraph in _paragraphs(styled)]
    revise_slide(seedx, styled, 1, "add: **Call** us", pictures=False)
    revise_slide(seedx, styled, 1, "remove bullet 1", pictures=False)
    second, third, added = _paragraphs(styled)
    assert [etree.tostring(second._p), etree.tostring(third._p)] == before[1:]
    assert [(run.text, run.font.bold) for run in added.runs] == [("Call", True), (" us", None)]


def test_more_text_than_fits_takes_another_slide(seedx: SeedX, styled: Path) -> None:
    points = "\n".join(f"- Point {number} says something that takes a line and a bit" for number in range(30))
    made = revise_slide(seedx, styled, 1, f"## New pricing\n{points}", pictures=False)
    assert len(made.slides) > 1 and made.slides[0].title == f"New pricing (1/{len(made.slides)})"


def test_a_table_keeps_its_look_and_a_chart_its_colors(seedx: SeedX, tmp_path: Path) -> None:
    deck: Any = Presentation()
    one, two = (deck.slides.add_slide(deck.slide_layouts[5]) for _ in range(2))
    one.shapes.title.text, two.shapes.title.text = "Costs", "Growth"
    table = one.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(6), Inches(1.5)).table
    for cell, text in zip(table.iter_cells(), ("Item", "EUR", "Rent", "10", "Staff", "20"), strict=True):
        cell.text = text
    table.cell(1, 1).text_frame.paragraphs[0].runs[0].font.size = Pt(30)
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["2024", "2025"]
    data.add_series("Sales", (1, 2))
    frame = two.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(2), Inches(6), Inches(4), data)
    frame.chart.plots[0].series[0].format.fill.solid()
    frame.chart.plots[0].series[0].format.fill.fore_color.rgb = RED
    path = tmp_path / "deck.pptx"
    deck.save(str(path))
    table_plan, chart_plan = (read_slide(slide) for slide in Presentation(str(path)).slides)
    assert table_plan.table is not None and chart_plan.chart is not None
    rows = (("Rent", "12"), *table_plan.table.rows[1:], ("Power", "5"))
    revise_slide(seedx, path, 1, _with(table_plan, table=table_plan.table.model_copy(update={"rows": rows})))
    series = (chart_plan.chart.series[0].model_copy(update={"values": (1.0, 3.0)}),)
    revise_slide(seedx, path, 2, _with(chart_plan, chart=chart_plan.chart.model_copy(update={"series": series})))
    one, two = Presentation(str(path)).slides
    changed = next(shape.table for shape in one.shapes if shape.has_table)
    assert [cell.text for cell in changed.iter_cells()] == ["Item", "EUR", "Rent", "12", "Staff", "20", "Power", "5"]
    assert changed.cell(1, 1).text_frame.paragraphs[0].runs[0].font.size == Pt(30)
    (drawn,) = (shape.chart for shape in two.shapes if shape.has_chart)
    assert drawn.plots[0].series[0].values == (1.0, 3.0)
    assert drawn.plots[0].series[0].format.fill.fore_color.rgb == RED


def _with(plan: SlidePlan, **changes: object) -> SlidePlan:
    return plan.model_copy(update=changes)


def test_a_rebuilt_slide_keeps_background_and_transition_and_names_its_animations(seedx: SeedX, styled: Path) -> None:
    deck: Any = Presentation(str(styled))
    slide = deck.slides[0]
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = RED
    slide.element.append(parse_xml(f"<p:transition {nsdecls('p')}><p:fade/></p:transition>"))
    slide.element.append(parse_xml(f"<p:timing {nsdecls('p')}/>"))
    deck.save(str(styled))
    made = revise_slide(seedx, styled, 1, "## New\n### A\n- a\n### B\n- b\n", pictures=False)
    assert made.warnings == (
        "slide 1: its animations were left out, since they belong to the shapes that it had",
        "slide 1: the colors, sizes and typefaces that its texts set themselves were left out",
    )
    kept: Any = Presentation(str(styled)).slides[0]
    assert kept.background.fill.fore_color.rgb == RED
    assert [child.tag for child in kept.element].index(qn("p:transition")) > 0


def test_one_word_loses_its_link_and_the_others_keep_it(seedx: SeedX, tmp_path: Path) -> None:
    deck: Any = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Prices"
    run = _lines(slide, "", "Second")[0].add_run()
    run.text, run.hyperlink.address = "the price list", "https://example.org/list"
    path = tmp_path / "deck.pptx"
    deck.save(str(path))
    change = SlidePlan(title="Prices", bullets=("the *price* [list](https://example.org/list)", "Second"), picture="")
    revise_slide(seedx, path, 1, change)
    links: dict[str | None, str] = {}
    for run in (run for paragraph in _paragraphs(path) for run in paragraph.runs):
        links[run.hyperlink.address] = links.get(run.hyperlink.address, "") + run.text
    assert links == {None: "the price Second", "https://example.org/list": "list"}


def test_a_title_slide_that_becomes_a_drawing_loses_nothing(seedx: SeedX, styled: Path) -> None:
    deck: Any = Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "Cover"
    deck.save(str(styled))
    revise_slide(seedx, styled, 1, "## Code\n```python\nx = 1\n```\n", pictures=False)
    plan = read_slide(Presentation(str(styled)).slides[0])
    assert plan.code is not None and plan.code.text == "x = 1"


def test_a_short_slide_stays_in_the_optical_middle(seedx: SeedX, tmp_path: Path) -> None:
    path = tmp_path / "short.pptx"
    make_slides(seedx, "# T\n\n## One\n- First\n- Second\n- Third\n", path=path, pictures=False)
    revise_slide(seedx, path, 2, "remove bullet 3")
    made = tmp_path / "made.pptx"
    make_slides(seedx, "# T\n\n## One\n- First\n- Second\n", path=made, pictures=False)
    revised, fresh = (Presentation(str(one)).slides[1].placeholders for one in (path, made))
    margins = [[shape.element.txBody.bodyPr.get("tIns") for shape in shapes] for shapes in (revised, fresh)]
    assert margins[0] == margins[1] and any(margins[0])


def test_the_list_style_of_a_foreign_placeholder_is_kept(seedx: SeedX, styled: Path) -> None:
    deck: Any = Presentation(str(styled))
    body = deck.slides[0].placeholders[1].element.txBody
    body.find(qn("a:lstStyle")).append(
        parse_xml(f"<a:lvl1pPr {nsdecls('a')} algn='ctr'><a:defRPr sz='2400'/></a:lvl1pPr>")
    )
    deck.save(str(styled))
    revise_slide(seedx, styled, 1, "add: A fourth")
    style = (
        Presentation(str(styled)).slides[0].placeholders[1].element.txBody.find(f"{qn('a:lstStyle')}/{qn('a:lvl1pPr')}")
    )
    assert style is not None and style.get("algn") == "ctr"

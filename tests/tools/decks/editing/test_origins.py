"""Slides that other programs wrote are revised in place: what nobody spoke of stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from lxml import etree
from PIL import Image
from pptx import Presentation
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn

from seedx_sdk import InputError, SeedX
from seedx_tools import SlidePlan, revise_slide
from seedx_tools.decks.reader import read_slide
from tests.support.foreign_decks import Builder, box, group, paragraph, photo, smartart

Change: TypeAlias = str | Callable[[SlidePlan], SlidePlan]
RED = "<a:solidFill><a:srgbClr val='C00000'/></a:solidFill>"
_SHAPES = tuple(qn(f"p:{name}") for name in ("sp", "pic", "graphicFrame", "cxnSp"))


def _google(slide: Any) -> None:
    """Add a title and a list in text boxes, a remark beside them, and a drawn shape with a label."""
    box(slide, (1, 0.4, 10, 0.9), paragraph("Quarterly results", size=32, look="b='1'"), name="title")
    lines = (paragraph("Sales up 4 %", inner=RED), paragraph("Costs flat"), paragraph("Hiring paused", look="i='1'"))
    box(slide, (1, 1.6, 6, 2), *lines, name="list")
    box(slide, (8, 1.6, 4, 0.6), paragraph("Board only", size=12), name="remark")
    box(slide, (8, 5, 2, 1), paragraph("Target", size=14), name="card", is_box=False, fill=RED)


def _typed(slide: Any) -> None:
    box(slide, (1, 0.4, 10, 0.9), paragraph("Plan", size=32), name="title")
    lines = (paragraph("1) Ask", look="b='1'"), paragraph("2) Decide"), paragraph("3) Do it"))
    box(slide, (1, 1.6, 6, 1.2), *lines, name="list", fit="<a:spAutoFit/>")


def _dots(slide: Any) -> None:
    lines = (
        paragraph("\u2022 Ask"),
        paragraph("\u2022 Decide"),
        paragraph("    \u2013 soon"),
        paragraph("    \u2013 all"),
    )
    box(slide, (1, 1.6, 6, 1.2), *lines, name="list", fit="<a:spAutoFit/>")
    box(slide, (1, 0.4, 10, 0.9), paragraph("Plan", size=32), name="title")


def _box_each(slide: Any) -> None:
    """Add a box for each point, in any order, and a title of two lines that is not the first."""
    for place, text in ((5, "Third thing"), (3, "First thing"), (4, "Second thing")):
        box(slide, (1, place, 6, 0.6), paragraph(text, size=20), name=text)
    box(slide, (3, 0.5, 6, 1.9), paragraph("Three", size=54), paragraph("things", size=54), name="title")


def _grouped(slide: Any) -> None:
    parent = group(slide, (1, 0.5, 10, 5), (0, 0, 20, 10))
    box(slide, (0, 0, 18, 2), paragraph("Grouped title", size=30), parent=parent, name="title")
    box(slide, (0, 3, 12, 6), paragraph("One"), paragraph("Two"), parent=parent, name="list")


def _impress(slide: Any) -> None:
    """Add a body before the title, both placeholders without an idx."""
    for kind, place, lines in (
        ("", (1, 1.8, 10, 4), (paragraph("One"), paragraph("Two"))),
        ("type='title'", (1, 0.4, 10, 1), (paragraph("Impress title", size=40),)),
    ):
        element = box(slide, place, *lines, name="title" if kind else "list", is_box=False)
        element.find(f".//{qn('p:nvPr')}").append(parse_xml(f"<p:ph {nsdecls('p')} {kind}/>"))


def _keynote(slide: Any) -> None:
    """Add shapes that are not marked as text boxes."""
    box(slide, (1, 0.4, 10, 1.2), paragraph("Keynote title", size=48), name="title", is_box=False)
    box(slide, (1, 2, 10, 3), paragraph("One"), paragraph("Two"), name="list", is_box=False)


def _figures(slide: Any) -> None:
    """Add large figures beside each other, each with a caption, and a smaller title above them."""
    box(slide, (1, 0.5, 10, 0.8), paragraph("Key figures", size=28), name="title")
    for number, (figure, caption) in enumerate((("42%", "Share"), ("17", "Shops"), ("3.2m", "Users"))):
        box(slide, (1 + 4 * number, 2, 3, 1.2), paragraph(figure, size=60), name=figure)
        box(slide, (1 + 4 * number, 3.3, 3, 0.5), paragraph(caption, size=16), name=caption)


def _made(tmp_path: Path, build: Callable[[Any], object], layout: int = 6) -> Path:
    builder = Builder(layout=layout)
    build(builder.slide())
    return builder.save(tmp_path / "deck.pptx")


def _slide(path: Path) -> Any:
    return Presentation(str(path)).slides[0]


def _xml(path: Path) -> dict[str, bytes]:
    shapes = _slide(path).shapes._spTree.iter(*_SHAPES)
    return {next(shape.iter(qn("p:cNvPr"))).get("name"): etree.tostring(shape) for shape in shapes}


def _revised(seedx: SeedX, path: Path, change: Change, **options: Any) -> tuple[SlidePlan, set[str], tuple[str, ...]]:
    """Return the plan of a revised slide, the names of the shapes that differ, and the warnings."""
    before, plan = _xml(path), read_slide(_slide(path))
    done = change if isinstance(change, str) else change(plan)
    deck = revise_slide(seedx, path, 1, done, pictures=False, **options)
    after = _xml(path)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return read_slide(_slide(path)), changed, deck.warnings


def _with(**fields: object) -> Callable[[SlidePlan], SlidePlan]:
    return lambda plan: plan.model_copy(update=fields)


@pytest.mark.parametrize(
    ("build", "title", "bullets"),
    [
        (_google, "Quarterly results", ("Sales up 4 %", "Costs flat", "*Hiring paused*")),
        (_typed, "Plan", ("1. **Ask**", "2. Decide", "3. Do it")),
        (_dots, "Plan", ("Ask", "Decide", "\tsoon", "\tall")),
        (_box_each, "Three things", ("First thing", "Second thing", "Third thing")),
        (_grouped, "Grouped title", ("One", "Two")),
        (_impress, "Impress title", ("One", "Two")),
        (_keynote, "Keynote title", ("One", "Two")),
        (_figures, "Key figures", ()),
    ],
)
def test_text_boxes_are_read_as_title_and_points(
    tmp_path: Path, build: Callable[[Any], object], title: str, bullets: tuple[str, ...]
) -> None:
    plan = read_slide(_slide(_made(tmp_path, build)))
    assert (plan.title, plan.bullets) == (title, bullets)


@pytest.mark.parametrize("build", [_typed, _box_each, _grouped, _impress, _keynote, _figures])
def test_a_title_in_a_text_box_is_changed_alone(seedx: SeedX, tmp_path: Path, build: Callable[[Any], object]) -> None:
    plan, changed, warnings = _revised(seedx, _made(tmp_path, build), "title: New words")
    assert (plan.title, changed, warnings) == ("New words", {"title"}, ())


@pytest.mark.parametrize(
    ("build", "change", "bullets"),
    [
        (_google, "add: Fresh point", ("Sales up 4 %", "Costs flat", "*Hiring paused*", "*Fresh point*")),
        (_google, "remove bullet 2", ("Sales up 4 %", "*Hiring paused*")),
        (_typed, "add: Rest", ("1. **Ask**", "2. Decide", "3. Do it", "4. Rest")),
        (_typed, "remove bullet 2", ("1. **Ask**", "2. Do it")),
        (_dots, "add: Rest", ("Ask", "Decide", "\tsoon", "\tall", "Rest")),
        (_dots, _with(bullets=("Ask", "\tnobody", "Decide")), ("Ask", "\tnobody", "Decide")),
        (_grouped, "remove the last bullet", ("One",)),
    ],
)
def test_points_in_a_text_box_come_and_go_in_it(
    seedx: SeedX, tmp_path: Path, build: Callable[[Any], object], change: Change, bullets: tuple[str, ...]
) -> None:
    plan, changed, warnings = _revised(seedx, _made(tmp_path, build), change)
    assert (plan.bullets, changed, warnings) == (bullets, {"list"}, ())


def test_typed_marks_stay_text(seedx: SeedX, tmp_path: Path) -> None:
    path = _made(tmp_path, _typed)
    _revised(seedx, path, "add: Rest")
    lines = [shape for shape in _slide(path).shapes if shape.name == "list"][0].text_frame.paragraphs
    assert [line.text for line in lines] == ["1) Ask", "2) Decide", "3) Do it", "4) Rest"]


def test_a_changed_line_of_a_text_box_keeps_its_color(seedx: SeedX, tmp_path: Path) -> None:
    path = _made(tmp_path, _google)
    words = "## Quarterly results\n- Sales up 6 %\n- Costs flat\n- Hiring paused\n"
    _, changed, _ = _revised(seedx, path, words)
    run = [shape for shape in _slide(path).shapes if shape.name == "list"][0].text_frame.paragraphs[0].runs[0]
    assert (run.text, str(run.font.color.rgb), changed) == ("Sales up 6 %", "C00000", {"list"})


def test_a_point_in_a_box_of_its_own_gets_a_box_below_the_last(seedx: SeedX, tmp_path: Path) -> None:
    path = _made(tmp_path, _box_each)
    plan, _, _ = _revised(seedx, path, "add: Fourth thing")
    assert plan.bullets == ("First thing", "Second thing", "Third thing", "Fourth thing")
    tops = sorted(shape.top for shape in _slide(path).shapes if "thing" in shape.text_frame.text)[1:]
    assert {after - before for before, after in zip(tops, tops[1:], strict=False)} == {914400}
    plan, changed, _ = _revised(seedx, path, "remove bullet 2")
    assert (plan.bullets, changed) == (("First thing", "Third thing", "Fourth thing"), {"Second thing"})


def test_a_text_box_grows_down_where_the_page_is_free(seedx: SeedX, tmp_path: Path) -> None:
    path = _made(tmp_path, _typed)
    height = [shape.height for shape in _slide(path).shapes if shape.name == "list"]
    for number in range(4):
        _revised(seedx, path, f"add: Line {number}")
    (shape,) = (shape for shape in _slide(path).shapes if shape.name == "list")
    assert shape.height > height[0]
    assert shape.text_frame._txBody.bodyPr.find(qn("a:spAutoFit")) is not None


def test_labels_are_changed_one_by_one_and_stay_otherwise(seedx: SeedX, tmp_path: Path) -> None:
    path = _made(tmp_path, _google)
    assert read_slide(_slide(path)).labels == ("Board only", "Target")
    plan, changed, _ = _revised(seedx, path, _with(labels=("Board only", "Goal")))
    assert (plan.labels, changed) == (("Board only", "Goal"), {"card"})
    plan, changed, _ = _revised(seedx, path, "## New\n- a\n")
    assert (plan.labels, plan.bullets, changed) == (("Board only", "Goal"), ("a",), {"title", "list"})


def test_figures_beside_each_other_are_labels(seedx: SeedX, tmp_path: Path) -> None:
    path = _made(tmp_path, _figures)
    plan, changed, _ = _revised(seedx, path, "replace 'Share' with 'Market share'")
    assert (plan.labels[3], changed) == ("Market share", {"Share"})
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"'42%'.*'Users'.*, which this instruction would lose"):
        revise_slide(seedx, path, 1, "add: More", pictures=False)
    assert path.read_bytes() == before


def test_smartart_is_changed_in_its_data_and_in_its_drawing(seedx: SeedX, tmp_path: Path) -> None:
    def build(slide: Any) -> None:
        slide.shapes.title.text = "Process"
        smartart(slide, "Ask", "Decide", "Do")

    path = _made(tmp_path, build, layout=5)
    plan, changed, warnings = _revised(seedx, path, _with(labels=("Ask", "Think", "Do")))
    assert (plan.labels, changed, warnings) == (("Ask", "Think", "Do"), set(), ())
    parts = {str(part.partname): part.blob for part in Presentation(str(path)).part.package.iter_parts()}
    for name in ("data", "drawing"):
        xml = parts[f"/ppt/diagrams/{name}1.xml"]
        assert b"Think" in xml and b"Decide" not in xml and b"Ask" in xml
    with pytest.raises(InputError, match="diagram"):
        revise_slide(seedx, path, 1, "add: Five", pictures=False)


@pytest.mark.parametrize(("change", "shape"), [("title: Hello", "Title 1"), ("add: Hello", "Content Placeholder 2")])
def test_empty_placeholders_are_filled(seedx: SeedX, tmp_path: Path, change: str, shape: str) -> None:
    plan, changed, warnings = _revised(seedx, _made(tmp_path, lambda _: None, layout=1), change)
    assert ((plan.title or plan.bullets[0]), changed, warnings) == ("Hello", {shape}, ())


def test_points_go_to_the_body_and_not_to_a_box_beside_it(seedx: SeedX, tmp_path: Path) -> None:
    def build(slide: Any) -> None:
        slide.shapes.title.text, slide.placeholders[1].text = "T", "Old"
        box(slide, (1, 6, 4, 0.5), paragraph("Remark"), name="remark")

    path = _made(tmp_path, build, layout=1)
    plan, changed, _ = _revised(seedx, path, "add: New")
    assert (plan.bullets, changed) == (("Old", "New"), {"Content Placeholder 2"})
    _, _, warnings = _revised(seedx, path, "## T2\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert "slide 1: the new slide is without a text box beside the points ('remark')" in warnings


def test_another_image_takes_the_frame_of_the_picture(seedx: SeedX, tmp_path: Path) -> None:
    def build(slide: Any) -> None:
        slide.shapes.title.text = "Office"
        photo(slide, (12, 0.2, 0.8, 0.4), "blue").name = "logo"
        photo(slide, (2, 2, 4, 3)).name = "photo"

    path = _made(tmp_path, build, layout=5)
    files = {"new": Image.new("RGB", (900, 700), "green")}
    plan, changed, warnings = _revised(seedx, path, _with(picture_file="new", picture="Our new office"), files=files)
    assert (plan.picture, changed, warnings) == ("Our new office", {"photo"}, ())
    (shape,) = (shape for shape in _slide(path).shapes if shape.name == "photo")
    assert [round(int(value) / 914400, 2) for value in (shape.left, shape.top, shape.width, shape.height)] == [
        2,
        2,
        4,
        3,
    ]
    assert shape._element.blipFill.find(qn("a:blip")).find(qn("a:grayscl")) is not None
    assert sum("image" in str(part.partname) for part in _slide(path).part.package.iter_parts()) == 2
    plan, changed, _ = _revised(seedx, path, _with(picture_alt="Better words"))
    assert (plan.picture, changed) == ("Better words", {"photo"})
    plan, changed, _ = _revised(seedx, path, "no picture")
    assert changed == {"photo"}
    assert {shape.name for shape in _slide(path).shapes} >= {"logo"}


def test_notes_that_a_change_does_not_name_stay(seedx: SeedX, tmp_path: Path) -> None:
    path = _made(tmp_path, _google)
    _revised(seedx, path, "notes: Say hello")
    for change in ("## New\n- a\n", SlidePlan(title="Newer", bullets=("b",), picture="")):
        revise_slide(seedx, path, 1, change, pictures=False)
        assert read_slide(_slide(path)).notes == "Say hello"
    revise_slide(seedx, path, 1, SlidePlan(title="Newer", bullets=("b",), picture="", notes=""), pictures=False)
    assert read_slide(_slide(path)).notes == ""


def test_a_result_of_the_model_takes_the_frame_of_a_picture(seedx: SeedX, tmp_path: Path) -> None:
    def build(slide: Any) -> None:
        slide.shapes.title.text = "Office"
        photo(slide, (2, 2, 4, 3)).name = "photo"

    path = _made(tmp_path, build, layout=5)
    files = {"boat": seedx.generate("a red boat")}
    change = "replace the picture with boat; alt text: A red boat"
    plan, changed, warnings = _revised(seedx, path, change, files=files)
    assert (plan.picture, changed, warnings) == ("A red boat", {"photo"}, ())


def test_an_animation_by_paragraph_is_named_when_paragraphs_come_or_go(seedx: SeedX, tmp_path: Path) -> None:
    path = _made(tmp_path, _google)
    deck: Any = Presentation(str(path))
    slide = deck.slides[0]
    number = next(shape.shape_id for shape in slide.shapes if shape.name == "list")
    slide.element.append(
        parse_xml(
            f"<p:timing {nsdecls('p')}><p:tnLst><p:par><p:cTn id='1'><p:childTnLst><p:set><p:cBhvr>"
            f"<p:cTn id='2'/><p:tgtEl><p:spTgt spid='{number}'><p:txEl><p:pRg st='2' end='2'/></p:txEl></p:spTgt>"
            "</p:tgtEl></p:cBhvr></p:set></p:childTnLst></p:cTn></p:par></p:tnLst></p:timing>"
        )
    )
    deck.save(str(path))
    assert _revised(seedx, path, "bullet 1: Sales up 6 %")[2] == ()
    (warning,) = _revised(seedx, path, "remove bullet 2")[2]
    assert "the animation of 'list'" in warning
    (span,) = _slide(path).element.iter(qn("p:pRg"))
    assert (span.get("st"), span.get("end")) == ("1", "1")

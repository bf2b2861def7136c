"""Columns of points: in placeholders, in text boxes, read back and continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from seedx_sdk import SeedX
from seedx_tools import Outline, SlidePlan, check_deck, make_slides, revise_slide
from seedx_tools.decks.outline import Column
from seedx_tools.decks.reader import column_shapes, read_slide

THREE = (
    Column(heading="North", bullets=("Up **12 %**", "\tNew branch")),
    Column(heading="", bullets=("[ ] Renew the lease", "Two sites")),
    Column(heading="East", bullets=("1. First", "2. Second")),
)
FOUR = (*THREE, Column(heading="West", bullets=("One point",)))
PLAIN = tuple(Column(bullets=(f"Point {number}", "And more")) for number in range(3))


@pytest.fixture(params=["paper", "studio", "template"])
def look(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param != "template":
        return {"theme": request.param}
    Presentation().save(str(tmp_path / "template.pptx"))
    return {"template": tmp_path / "template.pptx"}


def test_three_and_four_columns_stand_side_by_side_and_are_read_back(
    seedx: SeedX, look: dict[str, Any], tmp_path: Path
) -> None:
    plans = [SlidePlan(title=f"Slide {n}", columns=columns) for n, columns in enumerate((THREE, FOUR, PLAIN))]
    deck = make_slides(seedx, Outline(title="T", slides=tuple(plans)), path=tmp_path / "d.pptx", pictures=False, **look)
    assert deck.warnings == ()
    assert [found.kind for found in check_deck(deck.path).findings if found.kind != "low_contrast"] == []
    for slide, plan in zip(list(Presentation(str(deck.path)).slides)[1:], plans, strict=True):
        assert read_slide(slide).columns == plan.columns
        bodies = [column.body for column in column_shapes(slide)]
        assert all(one.left + one.width <= other.left for one, other in zip(bodies, bodies[1:], strict=False))
        assert len({(body.top, body.width) for body in bodies}) == 1


def test_headings_and_rules_of_markdown_make_columns(seedx: SeedX, tmp_path: Path) -> None:
    headed = "".join(f"### Part {number}\n- Point {number}\n\n" for number in range(4))
    ruled = "- a\n\n***\n- b\n\n***\n- c\n\n***\n"
    outline = f"# T\n## Headed\n{headed}## Ruled\n{ruled}"
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    _, one, two = Presentation(str(deck.path)).slides
    assert [column.heading for column in read_slide(one).columns] == [f"Part {number}" for number in range(4)]
    assert [column.bullets for column in read_slide(two).columns] == [("a",), ("b",), ("c",)]


def test_columns_in_text_boxes_are_revised_in_place(seedx: SeedX, tmp_path: Path) -> None:
    Presentation().save(str(tmp_path / "template.pptx"))
    path, outline = tmp_path / "deck.pptx", Outline(title="T", slides=(SlidePlan(title="S", columns=THREE),))
    make_slides(seedx, outline, path=path, pictures=False, template=tmp_path / "template.pptx")
    slide = Presentation(str(path)).slides[1]
    before = [column.body.element.xml for column in column_shapes(slide)]
    columns = (
        THREE[0].model_copy(update={"heading": "Far north"}),
        *THREE[1:2],
        Column(heading="East", bullets=("1. A",)),
    )
    revise_slide(seedx, path, 2, read_slide(slide).model_copy(update={"columns": columns}), pictures=False)
    slide = Presentation(str(path)).slides[1]
    assert read_slide(slide).columns == columns
    assert [column.body.element.xml for column in column_shapes(slide)][:2] == before[:2]


def test_columns_that_are_too_long_continue_evenly(seedx: SeedX, tmp_path: Path) -> None:
    long = tuple(f"Point {number} says something that takes more than a single line of a column" for number in range(8))
    columns = (
        Column(heading="A", bullets=long),
        Column(heading="B", bullets=long[:6]),
        Column(heading="C", bullets=("x",)),
    )
    outline = Outline(title="T", slides=(SlidePlan(title="S", columns=columns),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    assert check_deck(deck.path).findings == ()
    slides = list(Presentation(str(deck.path)).slides)[1:]
    assert [slide.shapes.title.text_frame.text for slide in slides] == ["S (1/2)", "S (2/2)"]
    assert [[column.heading for column in read_slide(slide).columns] for slide in slides] == [
        ["A", "B", "C"],
        ["A", "B"],
    ]
    counts = [[len(column.body.text_frame.text.split("\n")) for column in column_shapes(slide)] for slide in slides]
    assert [row[:2] for row in counts] == [[4, 3], [4, 3]]
    (warning,) = deck.warnings
    assert warning == "slide 2: its columns are too long for one slide; they continue on 1 more"

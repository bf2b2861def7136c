"""Several orders about a saved deck at once, in a structured form, in plain words and through a chat model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from seedx_sdk import InputError, SeedX
from seedx_tools import ChatModelPlanner, DeckOrder, SlidePlan, edit_deck, insert_slide, make_slides, read_deck
from tests.support.chat_models import PlayedModel, calls
from tests.support.pptx_files import slide_parts

OUTLINE = "# Plan\n\n## Budget\n- 4 M\n\n## Risks\n- Late parts\n\n## Team\n- Ann\n\n## Budget\n- 4 M\n"


@pytest.fixture
def made(seedx: SeedX, tmp_path: Path) -> Path:
    """A deck in which two slides have one title, as people leave them."""
    path = make_slides(seedx, OUTLINE, path=tmp_path / "plan.pptx", pictures=False).path
    deck = Presentation(str(path))
    (run,) = deck.slides[4].shapes.title.text_frame.paragraphs[0].runs
    assert run.text == "Budget (2)"
    run.text = "Budget"
    deck.save(str(path))
    return path


def titles(path: Path) -> list[str]:
    return [slide.shapes.title.text for slide in Presentation(str(path)).slides]


def order(kind: str, **fields: Any) -> DeckOrder:
    return DeckOrder.model_validate({"kind": kind, **fields})


def test_the_outline_names_number_title_and_kind(made: Path) -> None:
    outline = read_deck(made)
    assert outline.titles == ("Plan", "Budget", "Risks", "Team", "Budget")
    assert str(outline).splitlines()[0] == "1. Plan (title slide)"
    assert outline.slides[2].kind == "points" and outline.slides[2].points == ("Late parts",)


def test_orders_use_the_numbers_of_the_deck_as_it_was(seedx: SeedX, made: Path) -> None:
    before = set(slide_parts(made).values())
    deck = edit_deck(
        seedx,
        made,
        [
            order("delete", slide=2),
            order("move", slide=3),
            order("duplicate", slide=4),
            order("move", slide=5, after=1),
        ],
    )
    assert [slide.title for slide in deck.slides] == titles(made) == ["Plan", "Budget", "Team", "Team", "Risks"]
    assert set(slide_parts(made).values()) <= before


def test_what_is_put_behind_one_slide_comes_in_the_order_of_the_orders(seedx: SeedX, made: Path) -> None:
    edit_deck(
        seedx,
        made,
        [
            order("insert", after=1, content="## Why\n- now\n\n## How\n- soon\n"),
            order("insert", after=1, content="## Who\n- we\n"),
            order("move", slide=4, after=1),
            order("insert", after=0, content="## Before\n- all\n"),
            order("revise", slide=3, content="title: Threats"),
        ],
        pictures=False,
    )
    assert titles(made) == ["Before", "Plan", "Why", "How", "Who", "Team", "Budget", "Threats", "Budget"]


def test_all_orders_are_followed_or_none(seedx: SeedX, made: Path) -> None:
    before = made.read_bytes()
    with pytest.raises(InputError, match=r"order 2 \(revise\): .*cannot be followed.*nothing was changed"):
        edit_deck(seedx, made, [order("delete", slide=2), order("revise", slide=3, content="dance")])
    with pytest.raises(InputError, match=r"order 2 \(move\): there is no slide 9; the deck has slides 1 to 5"):
        edit_deck(seedx, made, [order("delete", slide=2), order("move", slide=9)])
    with pytest.raises(InputError, match="slide 2 is deleted by an earlier order"):
        edit_deck(seedx, made, "delete slide 2 and move slide 2 to the end")
    assert made.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("move the risks slide to the end and drop the duplicate of the budget", "Plan Budget Team Risks"),
        ("Please delete slide 2; move slide 5 to 2", "Plan Budget Risks Team"),
        ("move slide 2 to 4", "Plan Risks Team Budget Budget"),
        ("move the last slide to the start.", "Budget Plan Budget Risks Team"),
        ('delete slide "Team", then duplicate slide 3', "Plan Budget Risks Risks Budget"),
        ("move the team slide before slide 3", "Plan Budget Team Risks Budget"),
        ("insert after slide 1: ## Why\n- and now; move on\n", "Plan Why Budget Risks Team Budget"),
        ("add a slide about sailing in winter after the team slide", "Plan Budget Risks Team Sailing in winter Budget"),
        ("revise slide 3: title: Threats; add: Currency", "Plan Budget Threats Team Budget"),
    ],
)
def test_plain_words_need_no_chat_model(seedx: SeedX, made: Path, words: str, expected: str) -> None:
    edit_deck(seedx, made, words, pictures=False)
    assert " ".join(titles(made)) == expected


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("make it pop", "without a chat model 'make it pop' cannot be followed; use 'delete slide 2'"),
        ("delete the weather slide", "no slide has 'weather' in its title; name it by its number, 1 to 5"),
        ("delete the budget slide", "the slides 2, 5 have 'budget' in their titles"),
        ("delete slide 0", "'0' cannot be the slide of 'delete'"),
        ("move slide 2 after this slide", "without a chat model 'move slide 2 after this slide' cannot be followed"),
        ("insert after this slide: ## Why", "cannot be followed"),
        ("delete the duplicate of the team slide", "which slide is the duplicate is not clear"),
    ],
)
def test_words_that_are_not_clear_are_refused(seedx: SeedX, made: Path, words: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault.replace("(", r"\(")):
        edit_deck(seedx, made, words)


def test_a_chat_model_sees_the_outline_and_its_own_fault(seedx: SeedX, made: Path) -> None:
    wrong = {"orders": [{"kind": "delete", "slide": 9}]}
    right = {"orders": [{"kind": "move", "slide": "3", "after": None}, {"kind": "delete", "slide": 5}]}
    model = PlayedModel(script=[calls(("DeckOrders", wrong)), calls(("DeckOrders", right))])
    before = set(slide_parts(made).values())
    request = "the risks go last, and one budget is enough"
    deck = edit_deck(seedx, made, request, planner=ChatModelPlanner(model))
    assert [slide.title for slide in deck.slides] == titles(made) == ["Plan", "Budget", "Team", "Risks"]
    assert set(slide_parts(made).values()) <= before
    asked = str(model.seen[0][1].content)
    assert request in asked and "3. Risks (points)\n4. Team (points)\n5. Budget (points)" in asked
    own, fault = model.seen[1][2:]
    assert '"slide": 9' in str(own.content) and "there is no slide 9" in str(fault.content)


def test_a_chat_model_may_see_a_problem_and_reads_no_file_of_its_own_choice(seedx: SeedX, made: Path) -> None:
    problem = {"orders": [], "problem": "There are two budget slides."}
    other = {"orders": [{"kind": "merge", "file": "/etc/secret.pptx"}]}
    model = PlayedModel(script=[calls(("DeckOrders", other)), calls(("DeckOrders", problem))])
    before = made.read_bytes()
    with pytest.raises(InputError, match="cannot be followed: There are two budget slides"):
        edit_deck(seedx, made, "drop the budget", planner=ChatModelPlanner(model))
    assert "does not name the file '/etc/secret.pptx'" in str(model.seen[1][-1].content)
    assert made.read_bytes() == before


def test_a_slide_is_inserted_of_a_plan_and_of_words(seedx: SeedX, made: Path) -> None:
    before = set(slide_parts(made).values())
    insert_slide(seedx, made, SlidePlan(title="Costs", bullets=("*None*",)), at=2, pictures=False)
    made_of_words = insert_slide(seedx, made, "Winter: ice; wind *and* snow; cold", pictures=False)
    assert titles(made) == ["Plan", "Costs", "Budget", "Risks", "Team", "Budget", "Winter"]
    assert made_of_words.slides[6].bullets == ("Ice", "Wind *and* snow", "Cold")
    assert any("written without a language model" in warning for warning in made_of_words.warnings)
    assert before <= set(slide_parts(made).values())
    with pytest.raises(InputError, match="there is no place 9; use 1 to 8"):
        insert_slide(seedx, made, "## X\n- y", at=9)


def test_a_chat_model_writes_the_inserted_slide(seedx: SeedX, made: Path) -> None:
    answer = {"title": "Winter is coming", "bullets": ["Ice", "Wind"], "picture": ""}
    model = PlayedModel(script=[calls(("SlidePlan", answer))])
    deck = insert_slide(seedx, made, "something on winter", at=3, planner=ChatModelPlanner(model), pictures=False)
    assert deck.slides[2].title == "Winter is coming" and deck.slides[2].bullets == ("Ice", "Wind")
    assert "something on winter" in str(model.seen[0][1].content) and "4. Team" in str(model.seen[0][1].content)

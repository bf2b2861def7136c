"""Decks that are condensed, extended, and given a list of their sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from seedx_sdk import InputError, SeedX
from seedx_tools import ChatModelPlanner, add_sources, edit_deck, make_slides, read_deck, resize_deck
from tests.support.chat_models import PlayedModel, calls
from tests.support.pptx_files import slide_parts

OUTLINE = """# Plan
## Budget
- 4 M for *parts*
- 2 M for people
> Money first.
## Risks
- Late parts
> Then fear.
## Revenue
```chart bar
year,Revenue
2022,18
2023,41
```
Source: Annual report
## Team
- Ann leads
- Ben builds
- Cem sells
- Dee counts
"""


@pytest.fixture
def made(seedx: SeedX, tmp_path: Path) -> Path:
    return make_slides(seedx, OUTLINE, path=tmp_path / "plan.pptx", pictures=False).path


def titles(path: Path) -> list[str]:
    return [slide.shapes.title.text for slide in Presentation(str(path)).slides]


def all_text(path: Path) -> str:
    file: Any = Presentation(str(path))
    shown = [shape.text_frame.text for slide in file.slides for shape in slide.shapes if shape.has_text_frame]
    return "\n".join(
        shown + [slide.notes_slide.notes_text_frame.text for slide in file.slides if slide.has_notes_slide]
    )


def test_neighbors_are_merged_by_rule_and_no_text_is_lost(seedx: SeedX, made: Path) -> None:
    before = slide_parts(made)
    deck = resize_deck(seedx, made, 4)
    assert titles(made) == [slide.title for slide in deck.slides] == ["Plan", "Budget", "Revenue", "Team"]
    assert read_deck(made).slides[1].points == ("4 M for parts", "2 M for people", "Risks", "Late parts")
    assert deck.slides[1].notes == "Money first.\nThen fear."
    assert len(set(before.values()) & set(slide_parts(made).values())) == 3
    assert any("'Risks' was merged with 'Budget'" in warning for warning in deck.warnings)


def test_text_joins_a_chart_only_where_nothing_else_is_left(seedx: SeedX, made: Path) -> None:
    words = all_text(made)
    deck = resize_deck(seedx, made, 2)
    assert len(deck.slides) == len(titles(made)) == 2
    now = all_text(made)
    for line in words.splitlines():
        assert line in now, line
    assert any(shape.has_chart for shape in Presentation(str(made)).slides[1].shapes)


def test_a_long_slide_is_parted_by_rule_and_keeps_its_runs(seedx: SeedX, tmp_path: Path) -> None:
    outline = (
        "# Plan\n## Budget\n- 4 M for *parts*\n- 2 M for people\n"
        "## Team\n- Ann leads\n- Ben builds\n- Cem sells\n- Dee counts\n"
    )
    made = make_slides(seedx, outline, path=tmp_path / "plan.pptx", pictures=False).path
    words = all_text(made)
    resize_deck(seedx, made, 4)
    assert titles(made) == ["Plan", "Budget", "Team (1/2)", "Team (2/2)"]
    resize_deck(seedx, made, 6)
    assert titles(made)[1:3] == ["Budget (1/2)", "Budget (2/2)"]
    assert [title for title in titles(made) if title.startswith("Team")] == ["Team (1/3)", "Team (2/3)", "Team (3/3)"]
    italic = [
        run.text
        for p in Presentation(str(made)).slides[1].placeholders
        for q in p.text_frame.paragraphs
        for run in q.runs
        if run.font.italic
    ]
    assert italic == ["parts"]
    for line in words.splitlines():
        assert line.removeprefix("Team").removeprefix("Budget") in all_text(made)


def test_a_length_that_rules_cannot_reach_is_an_error_that_names_the_cure(seedx: SeedX, tmp_path: Path) -> None:
    outline = "# Plan\n## Budget\n- 4 M\n- 2 M\n## Risks\n- Late parts\n"
    made = make_slides(seedx, outline, path=tmp_path / "plan.pptx", pictures=False).path
    before = made.read_bytes()
    with pytest.raises(
        InputError, match="by rule the deck can be condensed to 2 slides, not 1: .* chat model as planner"
    ):
        resize_deck(seedx, made, 1)
    with pytest.raises(InputError, match="insert slides with more content, or pass a chat model"):
        resize_deck(seedx, made, 30)
    with pytest.raises(InputError, match="the deck has 3 slides already"):
        resize_deck(seedx, made, 3)
    assert made.read_bytes() == before


def test_a_chat_model_condenses_and_what_it_leaves_out_is_in_the_notes(seedx: SeedX, made: Path) -> None:
    become = [{"title": "Money and risks", "bullets": ["6 M, and late parts"]}]
    wrong = {"rewrites": [{"first": 1, "last": 3, "become": become}]}
    right = {"rewrites": [{"first": 2, "last": 3, "become": become}]}
    model = PlayedModel(script=[calls(("Rewrites", wrong)), calls(("Rewrites", right))])
    before = set(slide_parts(made).values())
    deck = resize_deck(seedx, made, 4, planner=ChatModelPlanner(model))
    assert titles(made) == ["Plan", "Money and risks", "Revenue", "Team"]
    notes = deck.slides[1].notes.splitlines()
    assert notes == ["Budget", "4 M for parts", "2 M for people", "Money first.", "Then fear."]
    assert "slide 1 is fixed" in str(model.seen[1][-1].content)
    assert len(before & set(slide_parts(made).values())) == 3


def test_a_chat_model_extends_a_deck(seedx: SeedX, made: Path) -> None:
    become = [
        {"title": "Leads", "bullets": ["Ann leads", "Ben builds"]},
        {"title": "Sales", "bullets": ["Cem sells", "Dee counts"]},
    ]
    model = PlayedModel(script=[calls(("Rewrites", {"rewrites": [{"first": 5, "last": 5, "become": become}]}))])
    deck = resize_deck(seedx, made, 6, planner=ChatModelPlanner(model))
    assert titles(made) == ["Plan", "Budget", "Risks", "Revenue", "Leads", "Sales"]
    assert deck.slides[4].notes == "Team"


def test_sources_are_numbered_with_their_slides_and_updated(seedx: SeedX, tmp_path: Path) -> None:
    more = (
        "## Links\n- See [the register](https://example.com/r)\n- And [the register](https://example.com/r)\n\n## Bye\n"
    )
    path = make_slides(seedx, OUTLINE + more, path=tmp_path / "deck.pptx", pictures=False).path
    before = set(slide_parts(path).values())
    deck = add_sources(seedx, path)
    assert deck.slides[-1].title == "Sources"
    listed = read_deck(path).slides[-1].points
    assert listed == ("1. Annual report (slide 4)", "2. the register (slide 6)")
    assert before <= set(slide_parts(path).values())
    again = add_sources(seedx, path)
    assert len(again.slides) == len(deck.slides) and read_deck(path).slides[-1].points == listed


def test_a_deck_without_sources_gets_none(seedx: SeedX, tmp_path: Path) -> None:
    path = make_slides(seedx, "# A\n## B\n- c\n", path=tmp_path / "deck.pptx", pictures=False).path
    with pytest.raises(InputError, match="the deck names no sources: no line 'Source: ...'"):
        edit_deck(seedx, path, "add sources")

"""What a presenter does with the slides of a deck as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from seedx_agents import Presenter
from seedx_sdk import InputError, SeedX
from seedx_tools import DeckOrder, Outline, SlidePlan
from tests.agents.conftest import Script

OUTLINE = "# Plan\n\n## Budget\n- 4 M\n\n## Risks\n- Late parts\n\n## Team\n- Ann\n"


@pytest.fixture
def presenter(seedx: SeedX, tmp_path: Path) -> Presenter:
    presenter = Presenter(seedx, pictures=False)
    presenter.make(OUTLINE, path=tmp_path / "plan.pptx")
    return presenter


def titles(presenter: Presenter) -> list[str]:
    return [slide.shapes.title.text for slide in Presentation(str(presenter.path)).slides]


def test_slides_are_added_anywhere(presenter: Presenter) -> None:
    presenter.append("## More\n- x", at=2)
    presenter.append(Outline(title="-", slides=(SlidePlan(title="Most", bullets=("y",)),)), at=1)
    presenter.insert_slide(SlidePlan(title="Last", bullets=("z",)))
    presenter.insert_slide("Ice: wind; snow", at=3)
    assert titles(presenter) == ["Most", "Plan", "Ice", "More", "Budget", "Risks", "Team", "Last"]
    assert presenter.outline().titles[2] == "Ice"


def test_orders_about_the_deck_are_followed_in_words_and_as_data(presenter: Presenter, tmp_path: Path) -> None:
    presenter.edit("move the risks slide to the end and delete slide 2")
    assert titles(presenter) == ["Plan", "Team", "Risks"]
    deck = presenter.edit([DeckOrder(kind="duplicate", slide=2)], output=tmp_path / "next.pptx")
    assert presenter.path == deck.path == tmp_path / "next.pptx"
    presenter.revise(2, "move this slide to the start, then delete slide 4")
    assert titles(presenter) == ["Team", "Plan", "Team"]
    assert presenter.revise(1, "title: People; add: Ben").slides[0].bullets == ("Ann", "Ben")


def test_a_chat_model_reads_orders_about_the_deck(seedx: SeedX, presenter: Presenter, script: Script) -> None:
    orders: dict[str, Any] = {"orders": [{"kind": "move", "slide": 3, "after": 4}, {"kind": "delete", "slide": 2}]}
    model = script(("DeckOrders", orders))
    speaker = Presenter(seedx, model, pictures=False)
    assert presenter.path is not None
    speaker.open(presenter.path)
    speaker.edit("risks last please, and nobody needs the budget")
    assert titles(speaker) == ["Plan", "Team", "Risks"]
    assert "3. Risks (points)" in str(model.seen[0][1].content)


def test_without_a_deck_or_with_unknown_words_there_is_a_clear_error(seedx: SeedX, presenter: Presenter) -> None:
    with pytest.raises(InputError, match=r"call make\(\) or open\(\) first"):
        Presenter(seedx).edit("delete slide 2")
    with pytest.raises(InputError, match="without a chat model 'dance' cannot be followed"):
        presenter.edit("dance")

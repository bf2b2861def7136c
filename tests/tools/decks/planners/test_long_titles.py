"""Titles that a planner which can write makes shorter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pptx import Presentation
from pydantic import BaseModel

from seedx_sdk import SeedX
from seedx_tools import Outline, SlidePlan, ToolFailed, make_slides
from seedx_tools.decks.planners.long_titles import MAX_TITLE_CHARS, with_short_titles
from seedx_tools.errors import ToolRetry

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")
LONG = "Why the **warehouse** programme needs one more layer of governance before its second wave " * 2
OUTLINE = Outline(
    title="Short enough",
    slides=(
        SlidePlan(title=LONG, bullets=("One",), notes="Speak slowly."),
        SlidePlan(title="Short", bullets=("Two",)),
    ),
)


class Scripted:
    """Answers with the titles it was given, in turn, as ChatModelPlanner does."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers, self.requests = list(answers), list[str]()

    def answer(
        self, schema: type[T], instructions: str, request: str, use: Callable[[T], R], warn: Callable[[str], None]
    ) -> R:
        self.requests.append(request)
        assert "too long" in instructions
        while self.answers:
            try:
                return use(schema.model_validate({"titles": self.answers.pop(0)}))
            except ToolRetry as error:
                warn(str(error))
        raise ToolFailed("no usable answer")


def test_a_long_title_is_shortened_and_stays_in_the_notes() -> None:
    writer = Scripted((), ("x" * (MAX_TITLE_CHARS + 1),), ("The programme needs governance",))
    outline = with_short_titles(OUTLINE, writer)
    full = LONG.replace("**", "").strip()
    assert writer.requests == [f"1. {full}"]
    assert [plan.title for plan in outline.slides] == ["The programme needs governance", "Short"]
    assert outline.slides[0].notes == f"{full}\nSpeak slowly."
    assert outline.warnings[0] == "1 titles are wanted, not 0" and "at most 110 characters" in outline.warnings[1]
    assert outline.warnings[2:] == ("slide 2: its title was shortened; the full title is in the notes",)


def test_titles_stay_where_they_are_short_or_the_writer_fails() -> None:
    short = Outline(title="T", slides=(SlidePlan(title="S"),))
    writer = Scripted()
    assert with_short_titles(short, writer) is short and writer.requests == []
    kept = with_short_titles(OUTLINE, writer)
    assert kept.slides == OUTLINE.slides
    assert kept.warnings == ("titles that are too long were not shortened: no usable answer",)


def test_make_slides_asks_a_planner_that_has_a_chat_model(seedx: SeedX, tmp_path: Path) -> None:
    class Planner(Scripted):
        def plan(self, text: str, num_slides: int | None) -> Outline:
            return OUTLINE if num_slides is None else Outline(title=text, slides=())

    planner = Planner(("Governance comes first",))
    deck = make_slides(seedx, "a deck", path=tmp_path / "deck.pptx", planner=planner, pictures=False)
    slide = Presentation(str(deck.path)).slides[1]
    assert slide.shapes.title is not None and slide.shapes.title.text_frame.text == "Governance comes first"
    assert deck.warnings == ("slide 2: its title was shortened; the full title is in the notes",)

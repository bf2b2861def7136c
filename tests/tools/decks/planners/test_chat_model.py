"""Outlines that a chat model writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from seedx_sdk import SeedX
from seedx_tools import (
    ChatModelPlanner,
    ChatModelStoryPlanner,
    OutlinePlanner,
    ToolFailed,
    make_slides,
    revise_slide,
    tell_story,
)
from seedx_tools.illustration.prompts import PICTURE_BOOK

OUTLINE: dict[str, Any] = {
    "title": "Boats",
    "subtitle": "for all",
    "slides": [{"title": "Why", "bullets": ["They float"], "picture": "a red boat", "notes": "Smile."}],
}
STORY: dict[str, Any] = {
    "title": "The cat",
    "pages": [
        {"text": "A cat.", "picture": "a red cat in a room"},
        {"text": "Asleep.", "picture": "a red cat in the snow"},
    ],
}


class CallingModel(BaseChatModel):
    """A LangChain chat model that answers with the tool calls it was given, one for each request."""

    answers: list[dict[str, Any]]
    _seen: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _schemas: list[Any] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "calling"

    def bind_tools(self, tools: Any, **_kwargs: Any) -> Any:
        self._schemas.extend(tools)
        return self

    def _generate(self, messages: list[BaseMessage], *_args: Any, **_kwargs: Any) -> ChatResult:
        answer = self.answers[min(len(self._seen), len(self.answers) - 1)]
        self._seen.append(messages)
        name = self._schemas[-1].__name__
        call = AIMessage("", tool_calls=[{"name": name, "args": answer, "id": "1"}])
        return ChatResult(generations=[ChatGeneration(message=call)])


def test_a_chat_model_plans_the_deck(seedx: SeedX, tmp_path: Path) -> None:
    model = CallingModel(answers=[OUTLINE])
    deck = make_slides(seedx, "a talk about boats", path=tmp_path / "d.pptx", planner=ChatModelPlanner(model))
    assert [slide.title for slide in deck.slides] == ["Boats", "Why"]
    assert deck.slides[1].bullets == ("They float",)
    assert deck.slides[1].notes == "Smile."
    prompt = deck.slides[1].picture_prompt
    assert prompt is not None and prompt.startswith("a red boat ")
    assert "a talk about boats" in model._seen[0][1].text


def test_the_vocabulary_of_the_picture_model_is_told_to_the_chat_model() -> None:
    model = CallingModel(answers=[OUTLINE])
    ChatModelPlanner(model, vocabulary=PICTURE_BOOK).plan("boats", 2)
    assert "mushroom" in model._seen[0][0].text
    assert "2 slides including the title slide" in model._seen[0][1].text


def test_an_invalid_answer_is_sent_back_with_what_was_wrong() -> None:
    model = CallingModel(answers=[{"titel": "Boats"}, OUTLINE])
    outline = ChatModelPlanner(model).plan("boats", None)
    assert outline.title == "Boats"
    assert "title" in json.dumps(model._seen[1][-1].text)


def test_a_chat_model_that_never_answers_validly_is_a_failure(seedx: SeedX, tmp_path: Path) -> None:
    model = CallingModel(answers=[{"titel": "Boats"}])
    with pytest.raises(ToolFailed, match="no valid Outline in 3 tries"):
        make_slides(seedx, "boats", path=tmp_path / "d.pptx", planner=ChatModelPlanner(model))
    assert list(tmp_path.iterdir()) == []


def test_a_chat_model_changes_one_slide(seedx: SeedX, tmp_path: Path) -> None:
    make_slides(seedx, "# Boats\n## Why\n- They float\n", path=tmp_path / "d.pptx", pictures=False)
    model = CallingModel(answers=[{"titel": "no"}, {"title": "Why not", "bullets": ["They sink"], "picture": ""}])
    planner = ChatModelPlanner(model)
    deck = revise_slide(seedx, tmp_path / "d.pptx", 2, "say the opposite", planner=planner)
    assert (deck.slides[1].title, deck.slides[1].bullets) == ("Why not", ("They sink",))
    assert "say the opposite" in model._seen[0][1].text
    assert '"bullets":["They float"]' in model._seen[0][1].text
    assert "title" in model._seen[1][-1].text


def test_a_wrong_number_of_slides_is_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    planner = ChatModelPlanner(CallingModel(answers=[OUTLINE]))
    deck = make_slides(seedx, "boats", path=tmp_path / "d.pptx", planner=planner, num_slides=5)
    assert "the outline has 2 slides, not 5" in deck.warnings


def test_a_chat_model_tells_the_story(seedx: SeedX) -> None:
    story = tell_story(
        seedx, "a cat", pages=2, planner=ChatModelStoryPlanner(CallingModel(answers=[STORY])), check=False
    )
    assert [page.text for page in story.pages] == ["A cat.", "Asleep."]
    assert [page.image_prompt for page in story.pages] == ["a red cat in a room", "a red cat in the snow"]
    assert story.warnings == ()


def test_both_planners_answer_to_the_same_protocol() -> None:
    for planner in (OutlinePlanner(), ChatModelPlanner(CallingModel(answers=[OUTLINE]))):
        assert planner.plan("# Boats\n## Why\n", None).title == "Boats"

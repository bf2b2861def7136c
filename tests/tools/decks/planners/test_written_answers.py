"""Outlines that a chat model writes as text, or whose tool call is no strict JSON."""

from __future__ import annotations

import json

import pytest
from langchain_core.messages import AIMessage

from seedx_tools import ChatModelPlanner
from seedx_tools.decks.outline import Outline
from tests.support.chat_models import PlayedModel, calls

ANSWER = {"title": "Clinic", "slides": [{"title": "Growth", "bullets": ["Up 12 %", "Two doctors"]}]}
TEXT = json.dumps(ANSWER)


def broken_call(arguments: str) -> AIMessage:
    call = {"type": "invalid_tool_call", "id": "1", "name": "Outline", "args": arguments, "error": None}
    return AIMessage("", invalid_tool_calls=[call])


def planned(*script: AIMessage) -> tuple[Outline, PlayedModel]:
    model = PlayedModel(script=list(script))
    return ChatModelPlanner(model, retries=len(script) - 1).plan("the clinic", None), model


@pytest.mark.parametrize(
    "answer",
    [
        AIMessage(f"Here it is:\n```json\n{TEXT[:-1]},}}\n```"),
        AIMessage(json.dumps({"name": "Outline", "arguments": TEXT})),
        AIMessage(json.dumps({"properties": ANSWER, "required": ["title"]})),
        AIMessage("Sure!\n\n# Clinic\n\n## Growth\n- Up 12 %\n- Two doctors\n"),
        AIMessage("```markdown\n# Clinic\n\n## Growth\n- Up 12 %\n- Two doctors\n```"),
        broken_call(TEXT.replace('"Two doctors"]', '"Two doctors",]')),
        calls(("Outline", {"parameters": ANSWER})),
    ],
)
def test_the_outline_is_read(answer: AIMessage) -> None:
    outline, _ = planned(answer)
    assert (outline.title, outline.slides[0].title) == ("Clinic", "Growth")
    assert outline.slides[0].bullets == ("Up 12 %", "Two doctors")
    assert outline.warnings == ()


def test_an_answer_that_was_cut_off_goes_back_with_what_was_wrong() -> None:
    outline, model = planned(AIMessage(TEXT[:-8]), AIMessage(TEXT))
    assert outline.slides[0].bullets == ("Up 12 %", "Two doctors") and outline.warnings == ()
    own, fault = model.seen[1][-2:]
    assert own.text == TEXT[:-8] and "cut off before its end" in fault.text


def test_the_last_answer_is_used_as_far_as_it_goes() -> None:
    outline, _ = planned(broken_call(TEXT[:-8]))
    assert outline.slides[0].bullets == ("Up 12 %",)
    assert outline.warnings == (
        "the answer of the chat model was cut off before its end; what came before that is used",
    )

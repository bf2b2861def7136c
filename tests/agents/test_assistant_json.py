"""Turns and events that go through a queue: as JSON, or pickled."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from seedx_agents import AgentEvent, Assistant, Edit, Step, ToolEnded, Turn, TurnDone
from seedx_sdk import SeedX
from seedx_tools import TOOLS
from tests.agents.conftest import Script

OUTLINE = "# Our house\n\n## What is there\n- A red house\n- A green tree\n"
EVENT: TypeAdapter[AgentEvent] = TypeAdapter(AgentEvent)
CALLS: dict[str, dict[str, Any]] = {
    "describe": {"images": ["image:1"]},
    "detect": {"image": "image:1", "phrase": "the house"},
    "generate": {"prompt": "a house"},
    "edit": {"image": "image:1", "instruction": "make it blue"},
    "save_image": {"image": "image:1", "path": "saved.webp"},
    "make_slides": {"prompt_or_outline": OUTLINE, "path": "deck.pptx", "pictures": False},
    "tell_story": {"prompt": "a red cat", "pages": 2, "path": "cat.html"},
}


@tool(response_format="content_and_artifact")
def measure() -> tuple[str, dict[str, Any]]:
    """Measure."""
    return "3 m", {"meters": 3, "error": float("nan"), "raw": b"\xff", "where": (1, 2.5), "by": None}


@pytest.mark.parametrize("name", CALLS)
def test_a_turn_comes_back_with_results_of_their_types(
    seedx: SeedX, script: Script, picture: Image.Image, tmp_path: Path, name: str
) -> None:
    last = AIMessage("Done.", usage_metadata={"input_tokens": 7, "output_tokens": 2, "total_tokens": 9})
    turn = Assistant(seedx, script((name, CALLS[name]), last), roots=[tmp_path]).ask("Do it.", picture)
    (step,) = turn.steps
    assert step.outcome == "done", step.text
    again = Turn.model_validate_json(turn.model_dump_json())
    assert type(again.steps[0].result) is type(step.result) is TOOLS[name].result
    assert again == turn and again.usage == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
    assert Turn.model_validate(turn.model_dump()) == turn
    assert pickle.loads(pickle.dumps(turn)) == turn


def test_results_of_own_tools_come_back_as_json(seedx: SeedX, script: Script) -> None:
    turn = Assistant(seedx, script(("measure", {}), "Done."), tools=[measure]).ask("Measure.")
    assert turn.steps[0].result == {"meters": 3, "error": None, "raw": "_w==", "where": [1, 2.5], "by": None}
    assert Turn.model_validate_json(turn.model_dump_json()) == turn


def test_every_event_comes_back(seedx: SeedX, script: Script) -> None:
    chat_model = script(("generate", {"prompt": "a house"}), ("generate", {"prompt": ""}), ("measure", {}), "Done.")

    def approve(_call: object) -> Edit:
        return Edit({"prompt": "a tree"} if not edited else {})

    edited: list[object] = []
    assistant = Assistant(seedx, chat_model, tools=["generate", measure], approve=approve)
    for event in assistant.stream("Draw and measure."):
        if isinstance(event, ToolEnded):
            edited.append(event)
        assert EVENT.validate_json(event.model_dump_json()) == event
        assert pickle.loads(pickle.dumps(event)) == event
    assert isinstance(event, TurnDone)
    assert [step.outcome for step in event.turn.steps] == ["done", "mistake", "done"]
    assert event.turn.steps[0].proposed == {"prompt": "a house"}


def test_a_result_of_another_tool_is_rejected() -> None:
    with pytest.raises(ValidationError, match="layout"):
        Step.model_validate(
            {"tool": "generate", "args": {}, "outcome": "done", "text": "", "result": {"text": "a house"}}
        )
    assert Step.model_json_schema()["properties"]["result"]["anyOf"][1] == {"type": "null"}

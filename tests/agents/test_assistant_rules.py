"""The assistant without a chat model: which words mean which tool, and what is said when none does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedx_agents import Assistant
from seedx_sdk import Message, ModelError, SeedX
from seedx_sdk.testing import ScriptedEngine


def test_the_real_model_draws_answers_finds_and_edits_over_several_turns(nano: SeedX) -> None:
    assistant = Assistant(nano, num_inference_steps=4, seed=7)
    drawn = assistant.ask("Please draw a red house and a green tree in a meadow")
    assert drawn.images == ("image:1",) and drawn.policy == "rule-based"
    assert drawn.warnings[0].startswith("decided by rules over the words of the request: seed-x-nano cannot")
    assert "red" in assistant.ask("What color is the house?").text
    found = assistant.ask("Now find the red house.")
    assert found.text.startswith("Found 1, in pixels") and found.images == ("image:2",)
    edited = assistant.ask("Make the house blue")
    assert edited.steps[0].args == {"image": "image:1", "instruction": "Make the house blue"}
    assert [step.args for step in assistant.ask("describe image:1").steps] == [{"images": ["image:1"]}]


@pytest.mark.parametrize(
    ("prompt", "call"),
    [
        ("Could you draw a blue boat?", ("generate", {"prompt": "a blue boat"})),
        ("make a picture of a cat", ("generate", {"prompt": "a cat"})),
        ("paint the house red", ("edit", {"image": "image:1", "instruction": "paint the house red"})),
        ("where is the tree in yard?", ("detect", {"image": "image:1", "phrase": "the tree"})),
        ("is there a cat?", ("describe", {"images": ["image:1"], "question": "is there a cat?"})),
        ("describe the picture", ("describe", {"images": ["image:1"]})),
        (
            "a 1-page tale: a cat",
            ("tell_story", {"prompt": "a 1-page tale: a cat", "path": "story.html", "pages": 1}),
        ),
        (
            "slides on cats as talk.pptx",
            ("make_slides", {"prompt_or_outline": "slides on cats", "path": "talk.pptx"}),
        ),
    ],
)
def test_the_first_words_choose_the_tool(
    seedx: SeedX, picture: Image.Image, tmp_path: Path, prompt: str, call: tuple[str, dict[str, Any]]
) -> None:
    assistant = Assistant(seedx, roots=[tmp_path])
    assistant.ask("look at this", {"yard": picture})
    (step,) = assistant.ask(prompt).steps
    assert (step.tool, step.args, step.outcome) == (*call, "done")


def test_an_existing_file_is_kept(seedx: SeedX, tmp_path: Path) -> None:
    assistant = Assistant(seedx, roots=[tmp_path])
    paths = [assistant.ask(f"slides about cats {n}").steps[0].args["path"] for n in (1, 2, 3)]
    assert paths == ["deck.pptx", "deck-2.pptx", "deck-3.pptx"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(paths)


def test_a_request_that_no_rule_matches_gets_an_honest_answer(seedx: SeedX, engine: ScriptedEngine) -> None:
    turn = Assistant(seedx).ask("hello")
    assert turn.text.startswith("No rule matches this request. I can draw") and "there is no image yet" in turn.text
    assert engine.requests == [] and turn.ending == "answered"


def test_a_model_with_an_open_vocabulary_answers_from_the_whole_conversation(picture: Image.Image) -> None:
    engine = ScriptedEngine([Message.assistant("Hello."), Message.assistant("A hat:", picture)])
    engine.info = engine.info.model_copy(update={"is_picture_book": False})
    assistant = Assistant(SeedX(engine=engine))
    assert assistant.ask("hello").text == "Hello."
    turn = assistant.ask("wear something")
    assert (turn.text, turn.images) == ("A hat:", ("image:1",))
    assert [m.text for m in engine.requests[1].messages] == ["hello", "Hello.", "wear something"]


def test_a_tool_that_fails_ends_the_turn(picture: Image.Image) -> None:
    seedx = SeedX(engine=ScriptedEngine([ModelError("out of memory")]))
    turn = Assistant(seedx).ask("find the house", picture)
    assert (turn.ending, turn.text) == ("failed", "Stopped: detect: out of memory.")

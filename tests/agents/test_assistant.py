"""The assistant: what it sees, remembers and calls, how a turn ends, and what remains after a failure."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, InvalidToolCall, SystemMessage, ToolMessage
from PIL import Image
from pptx import Presentation

from seedx_agents import Assistant, AssistantText, Budget, ToolEnded, ToolProgress, ToolStarted, TurnDone
from seedx_sdk import ImageError, InputError, Message, ModelError, OverloadedError, PromptError, SeedX
from seedx_sdk.imaging import open_image, to_png
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import EditedImage
from seedx_tools import TOOLS, Deck
from seedx_tools.adapters.langchain import ChatSeedX
from tests.agents.conftest import Script

OUTLINE = "# Our house\n\n## What is there\n- A red house\n- A green tree\n"


def tool_messages(assistant: Assistant) -> list[ToolMessage]:
    return [message for message in assistant.messages if isinstance(message, ToolMessage)]


def assert_whole(assistant: Assistant) -> None:
    """Every call has its answer right after it, and the conversation ends with the assistant."""
    open_calls: list[str | None] = []
    for message in assistant.messages:
        if isinstance(message, ToolMessage):
            assert message.tool_call_id == open_calls.pop(0)
            continue
        assert not open_calls
        open_calls = [call["id"] for call in message.tool_calls] if isinstance(message, AIMessage) else []
    assert not open_calls and isinstance(assistant.messages[-1], AIMessage)


def test_over_several_turns_it_sees_finds_fixes_its_call_edits_and_makes_a_deck(
    nano: SeedX, meadow: Image.Image, script: Script, tmp_path: Path
) -> None:
    chat_model = script(
        [("describe", {"images": ["garden"]}), ("detect", {"image": "image:1", "phrase": "the red house"})],
        "There is a red house.",
        ("edit", {"image": "image:9", "instruction": "make the house blue"}),
        ("edit", {"image": "image:1", "instruction": "make the house blue"}),
        ("make_slides", {"prompt_or_outline": OUTLINE, "path": "deck.pptx", "pictures": False}),
        "The house is blue now: image:3. The deck is in deck.pptx.",
    )
    assistant = Assistant(nano, chat_model, roots=[tmp_path], num_inference_steps=4, seed=3)
    looked = assistant.ask("What is there?", {"garden": meadow})
    assert (looked.text, looked.ending, looked.policy) == ("There is a red house.", "answered", chat_model._llm_type)
    assert [step.outcome for step in looked.steps] == ["done", "done"]
    assert "house" in looked.steps[0].text and "red house" in looked.steps[1].text
    assert looked.images == ("image:2",)

    changed = assistant.ask("Make it blue, and a deck.")
    mistake, edited, deck = changed.steps
    assert mistake.outcome == "mistake" and "use image:1 (garden), image:2" in mistake.text
    assert isinstance(edited.result, EditedImage) and edited.result.seed == 3
    assert assistant.album["image:3"] is edited.result.image
    assert isinstance(deck.result, Deck) and deck.result.path == tmp_path / "deck.pptx"
    assert [slide.shapes.title.text for slide in Presentation(str(tmp_path / "deck.pptx")).slides][0] == "Our house"
    assert changed.images == ("image:3", "image:4") and changed.ending == "answered"
    assert_whole(assistant)

    assert [tool.name for tool in chat_model.tools] == list(TOOLS)
    first = chat_model.seen[0]
    assert isinstance(first[0], SystemMessage) and "only these things: house, tree" in first[0].text
    assert isinstance(first[1], HumanMessage)
    text, name, shown = list(first[1].content)
    assert text == {"type": "text", "text": "What is there?"}
    assert name == {"type": "text", "text": 'The next image is image:1, which the user calls "garden".'}
    assert isinstance(shown, dict)
    assert open_image(base64.b64decode(shown["base64"])).tobytes() == meadow.tobytes()
    assert [m.text for m in chat_model.seen[-1] if isinstance(m, ToolMessage)][2].startswith("edit: image: there is no")


def test_events_come_as_they_happen_and_end_with_the_turn(nano: SeedX, script: Script) -> None:
    assistant = Assistant(
        nano, script(("generate", {"prompt": "a red house"}), "Here is image:1."), num_inference_steps=2
    )
    events = list(assistant.stream("Draw a red house."))
    assert events[:1] == [ToolStarted(tool="generate", args={"prompt": "a red house"})]
    assert events[1:3] == [ToolProgress(tool="generate", done=n, total=2, what="denoising") for n in (1, 2)]
    ended, said, done = events[3:]
    assert isinstance(ended, ToolEnded) and ended.step.image == "image:1"
    assert said == AssistantText(text="Here is image:1.")
    assert isinstance(done, TurnDone) and done.turn.steps == (ended.step,)


def test_closing_the_stream_stops_the_tool_and_the_next_turn_works(nano: SeedX, script: Script) -> None:
    draw = ("generate", {"prompt": "a red house", "num_inference_steps": 200})
    assistant = Assistant(nano, script([draw, draw], "Good."))
    events = assistant.stream("Draw.")
    assert any(isinstance(event, ToolProgress) for event in events)
    events.close()
    assert [message.status for message in tool_messages(assistant)] == ["error", "error"]
    assert "Not run" in tool_messages(assistant)[1].text
    assert_whole(assistant)
    assert assistant.ask("Never mind.").text == "Good."


def test_the_text_of_a_chat_model_streams_in_pieces(seedx: SeedX) -> None:
    class Talker(GenericFakeChatModel):
        def bind_tools(self, tools: Any, **_options: Any) -> Talker:  # noqa: ARG002
            return self

    events = list(Assistant(seedx, Talker(messages=iter(["all is well"]))).stream("How is it?"))
    said = [event.text for event in events if isinstance(event, AssistantText)]
    assert said == ["all", " ", "is", " ", "well"]
    assert isinstance(events[-1], TurnDone) and events[-1].turn.text == "all is well"


def test_a_final_error_ends_the_turn_and_keeps_what_is_done(script: Script, picture: Image.Image) -> None:
    seedx = SeedX(engine=ScriptedEngine([Message.assistant(picture), ModelError("out of memory")]))
    calls = [("generate", {"prompt": "a house"}), ("generate", {"prompt": "a tree"}), ("generate", {"prompt": "a cat"})]
    assistant = Assistant(seedx, script(calls, "never said"))
    turn = assistant.ask("Draw three.")
    assert turn.ending == "failed"
    assert turn.text == "Stopped: generate: out of memory. Images made before: image:1."
    assert [step.outcome for step in turn.steps] == ["done", "failed"]
    assert assistant.album["image:1"].tobytes() == picture.tobytes()
    assert_whole(assistant)


class Clock:
    """The loop's clock, which moves only when it sleeps or is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("loop", "tool_calls"):
        monkeypatch.setattr(f"seedx_agents.assistant.{module}.time", clock)
    return clock


def test_a_call_is_retried_until_the_engine_has_capacity(script: Script, picture: Image.Image, clock: Clock) -> None:
    busy = OverloadedError("the queue is full", retry_after=1)
    engine = ScriptedEngine([busy, busy, Message.assistant(picture)])
    turn = Assistant(SeedX(engine=engine), script(("generate", {"prompt": "a house"}), "Here.")).ask("Draw.")
    assert (turn.ending, turn.text, len(engine.requests)) == ("answered", "Here.", 3)
    assert clock.now == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(("retry_after", "num_requests"), [(0, 5), (60, 1)], ids=["always full", "full for too long"])
def test_a_call_is_not_retried_beyond_the_budget(
    script: Script, clock: Clock, retry_after: float, num_requests: int
) -> None:
    engine = ScriptedEngine([OverloadedError("the queue is full", retry_after=retry_after)] * 10)
    chat_model = script(("generate", {"prompt": "a house"}), "never said")
    turn = Assistant(SeedX(engine=engine), chat_model, budget=Budget(seconds=0.99)).ask("Draw.")
    assert (turn.ending, turn.text) == ("failed", "Stopped: generate: the queue is full.")
    assert len(engine.requests) == num_requests and clock.now < 0.99


def _garbage() -> AIMessage:
    wrong: InvalidToolCall = {
        "type": "invalid_tool_call",
        "id": None,
        "name": "generate",
        "args": "{prompt: a hou",
        "error": None,
    }
    return AIMessage("", invalid_tool_calls=[wrong])


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([("paint", {})] * 3, "there is no tool 'paint'; use one of describe"),
        ([("generate", {"prompt": 3})] * 3, "prompt: 3 is not allowed; give a text"),
        ([_garbage()] * 3, "the arguments are not a JSON object"),
        ([""] * 3, "Stopped after 3 mistakes in a row."),
        ([("describe", {"images": ["/etc/passwd"]})] * 3, "outside the allowed folders"),
        ([("describe", {"images": ["http://127.0.0.1/a.png"]})] * 3, "no images from '127.0.0.1'"),
    ],
)
def test_a_chat_model_that_repeats_a_mistake_is_stopped(
    seedx: SeedX, engine: ScriptedEngine, script: Script, answers: list[Any], message: str
) -> None:
    chat_model = script(*answers, "never said")
    assistant = Assistant(seedx, chat_model)
    turn = assistant.ask("Draw.")
    assert turn.ending == "mistakes" and message in turn.text and len(chat_model.seen) == 3
    assert engine.requests == []
    assert_whole(assistant)


def test_a_fixed_mistake_resets_the_count(seedx: SeedX, script: Script) -> None:
    wrong, right = ("generate", {"prompt": ""}), ("generate", {"prompt": "a house"})
    answers = [wrong, wrong, right, wrong, "", "Here it is."]
    turn = Assistant(seedx, script(*answers)).ask("Draw a house.")
    assert [step.outcome for step in turn.steps] == ["mistake", "mistake", "done", "mistake"]
    assert (turn.ending, turn.text, turn.images) == ("answered", "Here it is.", ("image:1",))


def test_a_repeated_call_gets_the_earlier_answer_without_running_again(
    seedx: SeedX, engine: ScriptedEngine, script: Script
) -> None:
    turn = Assistant(seedx, script(("generate", {"prompt": "a house"}))).ask("Draw a house.")
    assert turn.ending == "mistakes" and turn.images == ("image:1",)
    assert "with the result: Generated an image of 128x128" in turn.steps[1].text
    assert len(engine.requests) == 1


def test_the_budget_of_calls_ends_a_turn(seedx: SeedX, script: Script) -> None:
    calls = [("generate", {"prompt": f"house {n}"}) for n in range(5)]
    assistant = Assistant(seedx, script(*calls), budget=Budget(calls=2))
    turn = assistant.ask("Draw.")
    assert (turn.ending, turn.images) == ("calls", ("image:1", "image:2"))
    assert turn.text == "Stopped after 2 tool calls. Images made before: image:1, image:2."
    assert_whole(assistant)


def test_the_budget_of_time_stops_an_image_in_flight(nano: SeedX, script: Script, clock: Clock) -> None:
    chat_model = script(("generate", {"prompt": "a red house", "num_inference_steps": 200}), "never said")
    assistant = Assistant(nano, chat_model, budget=Budget(seconds=1))
    steps: list[int] = []

    def listen(event: object) -> None:
        if isinstance(event, ToolProgress):
            steps.append(event.done)
            clock.sleep(2)

    turn = assistant.ask("Draw.", on_event=listen)
    assert (turn.ending, turn.text) == ("seconds", "Stopped after 1 seconds.")
    assert len(chat_model.seen) == 1 and steps[0] == 1 and len(steps) < 200
    assert_whole(assistant)


def test_a_chat_model_that_fails_ends_the_turn_and_the_next_one_works(seedx: SeedX, script: Script) -> None:
    chat_model = script(("generate", {"prompt": "a house"}), ConnectionError("no route"), "Good.")
    assistant = Assistant(seedx, chat_model)
    turn = assistant.ask("Draw a house.")
    assert turn.ending == "policy" and turn.images == ("image:1",)
    assert turn.text.endswith("failed: no route. Images made before: image:1.")
    chat_model.i = 2
    assert assistant.ask("Again?").text == "Good."
    assert_whole(assistant)


def test_an_error_of_a_listener_propagates_and_leaves_a_complete_conversation(seedx: SeedX, script: Script) -> None:
    assistant = Assistant(seedx, script([("generate", {"prompt": "a house"})] * 2, "Good."))

    def listen(event: object) -> None:
        if isinstance(event, ToolStarted):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assistant.ask("Draw.", on_event=listen)
    assert_whole(assistant)
    assert assistant.ask("Go on.").text == "Good."


def test_one_turn_at_a_time(seedx: SeedX, script: Script) -> None:
    assistant = Assistant(seedx, script(("generate", {"prompt": "a house"}), "Good."))
    rejected: list[bool] = []

    def listen(event: object) -> None:
        if isinstance(event, ToolStarted):
            with pytest.raises(InputError, match="is in flight"):
                assistant.ask("And a tree.")
            rejected.append(True)

    assert assistant.ask("Draw.", on_event=listen).text == "Good." and rejected == [True]


@pytest.mark.parametrize(
    ("prompt", "images", "error"),
    [
        ("", (), PromptError),
        (b"draw", (), PromptError),
        ("look", "missing.png", ImageError),
        ("look", {"two words": "missing.png"}, InputError),
        ("look", [Image.new("RGB", (8, 8)), "missing.png"], ImageError),
    ],
)
def test_an_invalid_request_changes_nothing(
    seedx: SeedX, script: Script, prompt: Any, images: Any, error: type[Exception]
) -> None:
    assistant = Assistant(seedx, script("never said"))
    with pytest.raises(error):
        assistant.ask(prompt, images)
    assert assistant.messages == () and len(assistant.album.images) == 0


def test_a_chat_model_that_cannot_call_tools_is_rejected(seedx: SeedX) -> None:
    with pytest.raises(InputError, match="GenericFakeChatModel cannot call tools"):
        Assistant(seedx, GenericFakeChatModel(messages=iter(())))
    with pytest.raises(InputError, match="vLLM"):
        Assistant(seedx, ChatSeedX())  # in process


def test_only_the_latest_images_are_shown_and_none_to_a_chat_model_that_cannot_see(
    seedx: SeedX, script: Script
) -> None:
    images = [Image.new("RGB", (8, 8), (n, 0, 0)) for n in range(10)]
    for sees, shown in ((True, 8), (False, 0)):
        chat_model = script("Ten.")
        Assistant(seedx, chat_model, show_images=sees).ask("How many?", images)
        blocks = [block for block in chat_model.seen[0][1].content if isinstance(block, dict)]
        assert sum(block["type"] == "image" for block in blocks) == shown
        assert {"type": "text", "text": "(image:1 is not shown here)"} in blocks


def test_images_that_a_chat_model_generates_itself_are_stored_by_name(
    seedx: SeedX, script: Script, picture: Image.Image
) -> None:
    data = base64.b64encode(to_png(picture)).decode()
    own = AIMessage([{"type": "text", "text": "Mine."}, {"type": "image", "base64": data, "mime_type": "image/png"}])
    assistant = Assistant(seedx, script(own))
    turn = assistant.ask("Draw.")
    assert (turn.text, turn.images) == ("Mine.", ("image:1",))
    assert assistant.album["image:1"].tobytes() == picture.tobytes()
    assert assistant.messages[-1].content[1] == {"type": "image", "file_id": "image:1"}

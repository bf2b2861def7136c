"""Turns as streams, in threads and on an event loop: accepted or rejected at once, closed at any time, never stuck."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from langchain_core.tools import BaseTool, tool
from PIL import Image

from seedx_agents import Assistant, AssistantText, Budget, ToolEnded, ToolProgress, ToolStarted, TurnDone
from seedx_sdk import InputError, PromptError, SeedX
from tests.agents.conftest import AsyncSilentChatModel, Script, SilentChatModel, answer_of
from tests.agents.test_assistant import assert_whole, tool_messages

DRAW = ("generate", {"prompt": "a red house", "num_inference_steps": 200})


def silent(kind: type[SilentChatModel], *answers: Any) -> SilentChatModel:
    return kind(responses=[answer_of(answer, turn) for turn, answer in enumerate(answers)])


class TestAcceptance:
    def test_a_second_stream_fails_before_its_first_event_and_the_first_goes_on(
        self, seedx: SeedX, script: Script, picture: Image.Image
    ) -> None:
        assistant = Assistant(seedx, script(("generate", {"prompt": "a house"}), "Good."))
        first = assistant.stream("Draw.")
        for again in (assistant.stream, assistant.astream, assistant.ask):
            with pytest.raises(InputError, match="is in flight"):
                again("And this?", {"mine.png": picture})
        with pytest.raises(InputError, match="is in flight"):
            assistant.save("never")
        *_, last = first
        assert isinstance(last, TurnDone) and last.turn.images == ("image:1",)
        assert "mine.png" not in assistant.album.called and len(assistant.messages) == 4

    def test_a_stream_that_is_never_read_leaves_no_trace(
        self, seedx: SeedX, script: Script, picture: Image.Image
    ) -> None:
        assistant = Assistant(seedx, script("Good."))
        assistant.stream("See?", picture).close()
        assistant.stream("See?", picture)
        assistant.astream("See?", picture)
        gc.collect()
        assert assistant.messages == () and len(assistant.album.images) == 0
        assert assistant.ask("See?").text == "Good."

    def test_a_turn_is_over_with_its_last_event(self, seedx: SeedX, script: Script) -> None:
        assistant = Assistant(seedx, script("One.", "Two."))
        events = assistant.stream("Count.")
        while not isinstance(next(events), TurnDone):
            pass
        assert assistant.ask("Go on.").text == "Two."
        with pytest.raises(StopIteration):
            next(events)

    @pytest.mark.parametrize(
        ("prompt", "images", "error"),
        [
            ("", ["image"], PromptError),
            ("look", {"two\nlines.png": "image"}, InputError),
            ("look", {"image:7": "image"}, InputError),
            ("look", {" ": "image"}, InputError),
            ("look", {"x" * 256: "image"}, InputError),
            ("look", {7: "image"}, InputError),
        ],
    )
    def test_a_rejected_request_adds_nothing(
        self, seedx: SeedX, script: Script, picture: Image.Image, prompt: str, images: Any, error: type[Exception]
    ) -> None:
        given = {name: picture for name in images} if isinstance(images, dict) else [picture]
        assistant = Assistant(seedx, script("Good."))
        with pytest.raises(error):
            assistant.stream(prompt, given)
        assert len(assistant.album.images) == 0 and not assistant.album.called
        assert assistant.ask("See?").text == "Good."

    @pytest.mark.parametrize("name", ["IMG_1234.JPG", "my photo.png", "猫.png", "at 3.14\u202fPM.png", "x" * 255])
    def test_any_name_of_a_file_names_an_upload(
        self, seedx: SeedX, script: Script, picture: Image.Image, name: str
    ) -> None:
        chat_model = script(("describe", {"images": [name]}), "Yes.")
        assistant = Assistant(seedx, chat_model)
        assert assistant.ask("See?", {name: picture}).steps[0].outcome == "done"
        assert assistant.album.called == {name: "image:1"} and assistant.album[name].tobytes() == picture.tobytes()
        assert f'image:1, which the user calls "{name}".' in chat_model.seen[0][1].text


class TestSilence:
    @pytest.mark.parametrize("kind", [SilentChatModel, AsyncSilentChatModel])
    def test_the_budget_ends_a_turn_and_the_late_answer_is_dropped(
        self, seedx: SeedX, kind: type[SilentChatModel]
    ) -> None:
        chat_model = silent(kind, "Late.", "Good.")
        assistant = Assistant(seedx, chat_model, budget=Budget(seconds=0.05))
        turn = assistant.ask("Hello?")
        assert (turn.ending, turn.text) == ("seconds", "Stopped after 0.05 seconds.")
        before = assistant.messages
        chat_model.released.set()
        assert chat_model.answered.wait(60)
        assert assistant.messages == before
        assert_whole(assistant)

    @pytest.mark.parametrize("kind", [SilentChatModel, AsyncSilentChatModel])
    async def test_the_budget_ends_a_turn_on_an_event_loop(self, seedx: SeedX, kind: type[SilentChatModel]) -> None:
        chat_model = silent(kind, "Late.")
        turn = await Assistant(seedx, chat_model, budget=Budget(seconds=0.05)).aask("Hello?")
        assert turn.ending == "seconds"
        chat_model.released.set()

    def test_closing_in_another_thread_ends_the_turn_of_the_reader(self, seedx: SeedX) -> None:
        chat_model = silent(SilentChatModel, "Late.")
        assistant = Assistant(seedx, chat_model)
        events = assistant.stream("Hello?")
        read: list[Any] = []
        reader = threading.Thread(target=lambda: read.extend(events))
        reader.start()
        assert chat_model.asked.wait(60)
        events.close()
        reader.join()
        chat_model.released.set()
        assert [event.turn.ending for event in read] == ["cancelled"]
        assert_whole(assistant)

    @pytest.mark.parametrize("kind", [SilentChatModel, AsyncSilentChatModel])
    async def test_cancelling_the_task_ends_the_turn(self, seedx: SeedX, kind: type[SilentChatModel]) -> None:
        chat_model = silent(kind, "Late.", "Good.")
        assistant = Assistant(seedx, chat_model)
        task = asyncio.create_task(assistant.aask("Hello?"))
        await asyncio.to_thread(chat_model.asked.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        chat_model.released.set()
        assert_whole(assistant)
        assert assistant.messages[-1].text == "(the turn was aborted)"
        assert (await assistant.aask("Again?")).ending == "answered"

    @pytest.mark.parametrize("asynchronous", [False, True])
    async def test_a_tool_that_never_returns_is_left_alone(
        self, seedx: SeedX, script: Script, asynchronous: bool
    ) -> None:
        released = threading.Event()

        @tool
        def wait() -> str:
            """Wait."""
            assert released.wait(60)
            return "late"

        @tool("wait")
        async def wait_on_loop() -> str:
            """Wait."""
            await asyncio.Event().wait()
            return "late"

        tools: list[BaseTool] = [wait_on_loop if asynchronous else wait]
        assistant = Assistant(seedx, script(("wait", {}), ("wait", {})), tools=tools, budget=Budget(seconds=0.05))
        turn = await assistant.aask("Wait.")
        assert (turn.ending, turn.steps) == ("seconds", ())
        assert tool_messages(assistant)[0].text == "Not finished: Stopped after 0.05 seconds."
        if not asynchronous:
            assert assistant.ask("Wait.").ending == "seconds"
        released.set()
        assert_whole(assistant)


class TestEventLoop:
    async def test_events_come_as_in_a_thread(self, nano: SeedX, script: Script) -> None:
        answers = (("generate", {"prompt": "a red house"}), "Here is image:1.")
        assistant = Assistant(nano, script(*answers), num_inference_steps=2)
        events = [event async for event in assistant.astream("Draw a red house.")]
        kinds = [type(event) for event in events]
        assert kinds == [ToolStarted, ToolProgress, ToolProgress, ToolEnded, AssistantText, TurnDone]
        again = list(Assistant(nano, script(*answers), num_inference_steps=2).stream("Draw a red house."))
        assert [type(event) for event in again] == kinds
        heard: list[Any] = []
        turn = await Assistant(nano, script("Good.")).aask("Hello?", on_event=heard.append)
        assert heard == [AssistantText(text="Good."), TurnDone(turn=turn)]

    async def test_closing_stops_the_tool_and_the_next_turn_works(self, nano: SeedX, script: Script) -> None:
        assistant = Assistant(nano, script([DRAW, DRAW], "Good."))
        events = assistant.astream("Draw.")
        async for event in events:
            if isinstance(event, ToolProgress):
                break
        await events.aclose()
        assert [message.status for message in tool_messages(assistant)] == ["error", "error"]
        assert_whole(assistant)
        assert (await assistant.aask("Never mind.")).text == "Good."

    async def test_leaving_a_loop_over_the_events_ends_the_turn(self, seedx: SeedX, script: Script) -> None:
        assistant = Assistant(seedx, script(("generate", {"prompt": "a house"}), "Good."))
        async for event in assistant.astream("Draw."):
            assert isinstance(event, ToolStarted)
            break
        assert (await assistant.aask("Never mind.")).text == "Good."
        assert_whole(assistant)
        for _event in assistant.stream("Draw."):
            break
        assert assistant.messages[-1].text == "(the turn was aborted)"
        assert_whole(assistant)

    async def test_the_text_of_a_chat_model_streams_in_pieces(self, seedx: SeedX) -> None:
        from langchain_core.language_models import GenericFakeChatModel

        class Talker(GenericFakeChatModel):
            def bind_tools(self, tools: Any, **_options: Any) -> Talker:  # noqa: ARG002
                return self

        stream = Assistant(seedx, Talker(messages=iter(["all is well"]))).astream("How is it?")
        said = [event.text async for event in stream if isinstance(event, AssistantText)]
        assert said == ["all", " ", "is", " ", "well"]

    async def test_without_a_chat_model_the_rules_decide(self, seedx: SeedX) -> None:
        turn = await Assistant(seedx).aask("draw a red house")
        assert (turn.policy, turn.images, turn.usage) == ("rule-based", ("image:1",), None)


def test_streams_may_be_read_in_another_thread(seedx: SeedX, script: Script) -> None:
    events = Assistant(seedx, script("Good.")).stream("How is it?")
    read: list[object] = []
    reader = threading.Thread(target=lambda: read.extend(events))
    reader.start()
    reader.join()
    assert isinstance(read[-1], TurnDone)

"""The developer's part in tool calls: tools of one's own, approval, and the ids of calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Annotated, Any

import pytest

pytest.importorskip("langgraph")

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, ToolException, tool
from langgraph.prebuilt import InjectedState
from langgraph.types import Command
from PIL import Image

from seedx_agents import Approve, Assistant, AssistantText, Edit, ProposedCall, Reject, ToolEnded
from seedx_sdk import InputError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import ToolFailed
from seedx_tools.adapters.langchain_messages import image_block
from tests.agents.conftest import Script
from tests.agents.test_assistant import assert_whole, tool_messages


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    if city == "Atlantis":
        raise ToolException("there is no Atlantis; use a city that exists")
    return f"sunny in {city}"


class TestOwnTools:
    def test_they_are_called_beside_those_of_seedx(self, seedx: SeedX, script: Script) -> None:
        chat_model = script(("weather", {"city": "Ulm"}), ("generate", {"prompt": "a sun"}), "Here.")
        turn = Assistant(seedx, chat_model, tools=["generate", weather]).ask("Draw the weather.")
        assert [bound.name for bound in chat_model.tools] == ["generate", "weather"]
        assert [(step.tool, step.outcome, step.text.split(".")[0]) for step in turn.steps] == [
            ("weather", "done", "sunny in Ulm"),
            ("generate", "done", "Generated an image of 128x128 pixels with seed 0"),
        ]

    @pytest.mark.parametrize(
        ("args", "text"),
        [({"city": "Atlantis"}, "weather: there is no Atlantis"), ({"town": "Ulm"}, "weather: city: Field required")],
    )
    def test_a_mistake_goes_back_to_the_chat_model(
        self, seedx: SeedX, script: Script, args: dict[str, Any], text: str
    ) -> None:
        turn = Assistant(seedx, script(("weather", args), "Sorry."), tools=[weather]).ask("How is the weather?")
        assert (turn.ending, turn.steps[0].outcome) == ("answered", "mistake")
        assert turn.steps[0].text.startswith(text)

    def test_an_unknown_tool_is_answered_with_all_names(self, seedx: SeedX, script: Script) -> None:
        turn = Assistant(seedx, script(("rain", {}), "Sorry."), tools=["edit", weather]).ask("?")
        assert turn.steps[0].text == "there is no tool 'rain'; use one of edit, weather"

    @pytest.mark.parametrize(
        ("output", "text"),
        [
            (Command(update={}), "broken returned a Command, which only a graph can use"),
            ([Command(update={})], "broken returned a list, which only a graph can use"),
            (ConnectionError("no route"), "broken failed: no route"),
            (ToolFailed("closed today"), "closed today"),
        ],
    )
    def test_what_cannot_be_used_ends_the_turn_and_says_why(
        self, seedx: SeedX, script: Script, output: Any, text: str
    ) -> None:
        @tool
        def broken() -> Any:
            """Do it."""
            if isinstance(output, Exception):
                raise output
            return output

        assistant = Assistant(seedx, script(("broken", {}), "never said"), tools=[broken])
        turn = assistant.ask("Do it.")
        assert turn.ending == "failed" and turn.steps[0].text.startswith(text)
        assert_whole(assistant)

    def test_images_of_a_tool_get_names(self, seedx: SeedX, script: Script, picture: Image.Image) -> None:
        @tool(response_format="content_and_artifact")
        def photo() -> tuple[list[dict[str, Any]], dict[str, Any]]:
            """Take a photo."""
            return [{"type": "text", "text": "Smile."}, image_block(picture)], {"thumb": picture, "at": (1, 2)}

        assistant = Assistant(
            seedx,
            script(("photo", {}), ("edit", {"image": "image:1", "instruction": "make it blue"}), "Done."),
            tools=["edit", photo],
        )
        turn = assistant.ask("Take a photo, and make it blue.")
        first, second = turn.steps
        assert (first.text, first.image, turn.images) == ("Smile.", "image:1", ("image:1", "image:3"))
        assert assistant.album["image:1"].tobytes() == picture.tobytes()
        assert first.result == {"thumb": "image:2", "at": [1, 2]} and second.outcome == "done"
        assert tool_messages(assistant)[0].content[1] == {"type": "image", "file_id": "image:1"}

    def test_they_get_the_id_of_the_call_and_the_config(self, seedx: SeedX, script: Script) -> None:
        @tool
        def told(word: str, call_id: Annotated[str, InjectedToolCallId], config: RunnableConfig) -> str:
            """Tell."""
            return f"{word} {call_id} {config['tags']}"

        chat_model = script(("told", {"word": "x"}), "Done.")
        turn = Assistant(seedx, chat_model, tools=[told], config={"tags": ["shop"]}).ask("?")
        assert turn.steps[0].text == "x call-0-0 ['shop']"

    def test_a_tool_message_counts_as_it_says(self, seedx: SeedX, script: Script) -> None:
        @tool
        def ask_again() -> ToolMessage:
            """Ask."""
            return ToolMessage("not now", tool_call_id="its own", status="error")

        assistant = Assistant(seedx, script(("ask_again", {}), "Later."), tools=[ask_again])
        (step,) = assistant.ask("?").steps
        assert (step.outcome, step.text) == ("mistake", "not now")
        assert_whole(assistant)

    async def test_asynchronous_tools_work_in_threads_and_on_the_loop(self, seedx: SeedX, script: Script) -> None:
        loops: list[object] = []

        async def count(number: int) -> str:
            loops.append(asyncio.get_running_loop())
            await asyncio.sleep(0)
            return str(number + 1)

        class Count(BaseTool):
            name: str = "count"
            description: str = "Count."

            def _run(self, **_arguments: Any) -> str:
                raise NotImplementedError("only on a loop")

            async def _arun(self, number: int) -> str:
                return await count(number)

        for own in (StructuredTool.from_function(coroutine=count, description="Count."), Count()):
            answers = (("count", {"number": 1}), "Two.")
            assert Assistant(seedx, script(*answers), tools=[own]).ask("?").steps[0].text == "2"
            turn = await Assistant(seedx, script(*answers), tools=[own]).aask("?")
            assert turn.steps[0].text == "2" and loops[-1] is asyncio.get_running_loop() is not loops[-2]

    def test_tools_that_cannot_be_used_are_rejected(self, seedx: SeedX, script: Script) -> None:
        def named(name: str, **options: Any) -> BaseTool:
            return StructuredTool.from_function(lambda: "x", name=name, description="x", **options)

        @tool
        def stateful(word: str, state: Annotated[dict[str, Any], InjectedState]) -> str:
            """Use the state of a graph."""
            return word + str(state)

        for tools, message in (
            ([stateful], "'stateful' needs state, which only a graph gives"),
            ([named("generate")], "'generate' is a tool of SeedX"),
            ([weather, weather], "two tools are called 'weather'"),
            ([named("end", return_direct=True)], "'end' has return_direct"),
        ):
            with pytest.raises(InputError, match=message):
                Assistant(seedx, script(), tools=tools)

    def test_rules_say_that_they_do_not_use_them(self, seedx: SeedX) -> None:
        turn = Assistant(seedx, tools=["generate", weather], instructions="Rhyme.").ask("draw a house")
        assert "they do not use instructions, weather" in turn.warnings[1]


class TestApproval:
    def test_the_approver_sees_the_images_and_decides(
        self, engine: ScriptedEngine, script: Script, picture: Image.Image
    ) -> None:
        seen: list[ProposedCall] = []
        edit = Edit({"image": "me.png", "instruction": "make it green"})
        decisions: list[Approve | Edit | Reject] = [Approve(), edit, Reject("too late")]

        def approve(call: ProposedCall) -> Approve | Edit | Reject:
            seen.append(call)
            return decisions[len(seen) - 1]

        asked = {"image": "me.png", "instruction": "make it blue"}
        redo = {"image": "image:2", "instruction": "make it red"}
        chat_model = script(("edit", asked), ("edit", redo | {"seed": 1}), ("edit", redo), "Done.")
        assistant = Assistant(SeedX(engine=engine), chat_model, approve=approve)
        turn = assistant.ask("Make it blue.", {"me.png": picture})
        assert seen[0].args == asked and seen[0].images["me.png"].tobytes() == picture.tobytes()
        assert list(seen[1].images) == ["image:2"] and turn.ending == "answered"
        first, second, third = turn.steps
        assert (first.outcome, first.args, first.proposed) == ("done", asked, None)
        assert (second.outcome, second.args) == ("done", edit.args)
        assert second.proposed == redo | {"seed": 1}
        assert second.text.startswith('The user changed the arguments to {"image": "me.png", "instruction"')
        assert (third.outcome, third.text) == ("rejected", "The user rejected this call: too late")
        assert [request.messages[-1].text for request in engine.requests] == ["make it blue", "make it green"]
        assert_whole(assistant)

    def test_nobody_is_asked_about_a_call_that_cannot_run(self, seedx: SeedX, script: Script) -> None:
        chat_model = script(("edit", {"image": "image:9", "instruction": "x"}), ("paint", {}), "Sorry.")

        def approve(call: ProposedCall) -> Approve:
            raise AssertionError(call)

        assert Assistant(seedx, chat_model, approve=approve).ask("?").ending == "answered"

    async def test_a_coroutine_function_decides_too(self, seedx: SeedX, script: Script) -> None:
        async def approve(_call: ProposedCall) -> Reject:
            await asyncio.sleep(0)
            return Reject()

        def assistant() -> Assistant:
            return Assistant(seedx, script(("generate", {"prompt": "a house"}), "No."), approve=approve)

        for turn in (assistant().ask("Draw."), await assistant().aask("Draw.")):
            assert (turn.text, turn.steps[0].text) == ("No.", "The user rejected this call.")

    async def test_a_reader_who_leaves_while_the_approver_thinks_ends_the_turn(
        self, seedx: SeedX, script: Script
    ) -> None:
        asked = asyncio.Event()

        async def approve(_call: ProposedCall) -> Approve:
            asked.set()
            await asyncio.Event().wait()
            return Approve()

        assistant = Assistant(seedx, script(("generate", {"prompt": "a house"}), "Good."), approve=approve)
        task = asyncio.create_task(assistant.aask("Draw."))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_whole(assistant)

    def test_closing_the_stream_ends_a_turn_whose_approver_blocks(self, seedx: SeedX, script: Script) -> None:
        asked, released = threading.Event(), threading.Event()

        def approve(_call: ProposedCall) -> Approve:
            asked.set()
            assert released.wait(60)
            return Approve()

        assistant = Assistant(seedx, script(("generate", {"prompt": "a house"}), "Good."), approve=approve)
        events = assistant.stream("Draw.")
        read: list[Any] = []
        reader = threading.Thread(target=lambda: read.extend(events))
        reader.start()
        assert asked.wait(60)
        events.close()
        reader.join()
        released.set()
        assert read[-1].turn.ending == "cancelled"
        assert_whole(assistant)

    @pytest.mark.parametrize(
        ("answer", "error"),
        [(lambda: True, "approve returned True; return Approve"), (lambda: 1 / 0, "division by zero")],
    )
    def test_a_mistake_of_the_approver_is_raised_and_leaves_a_complete_conversation(
        self, seedx: SeedX, script: Script, answer: Callable[[], Any], error: str
    ) -> None:
        chat_model = script(("generate", {"prompt": "a house"}), "Good.")
        assistant = Assistant(seedx, chat_model, approve=lambda _call: answer())
        with pytest.raises((InputError, ZeroDivisionError), match=error):
            assistant.ask("Draw.")
        assert_whole(assistant)
        assert assistant.ask("Well?").text == "Good."


class TestIds:
    def ids(self, messages: tuple[BaseMessage, ...]) -> list[str | None]:
        return [call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]

    def test_they_are_unique_whatever_the_provider_gives(self, seedx: SeedX, script: Script, tmp_path: Any) -> None:
        def calls(*ids: str | None) -> AIMessage:
            return AIMessage(
                [{"type": "tool_use", "id": id, "name": "generate", "input": {}} for id in ids],  # as Anthropic's
                tool_calls=[
                    {"type": "tool_call", "id": id, "name": "generate", "args": {"prompt": f"house {number}"}}
                    for number, id in enumerate(ids)
                ],
            )

        assistant = Assistant(seedx, script(calls("a", "a", "b"), "One.", calls("a", None, "call-6-0"), "Two."))
        assistant.ask("Draw.")
        assistant.ask("Draw.")
        folder = assistant.save(tmp_path / "talk")
        again = Assistant.load(folder, seedx, script(calls("a", "b"), "Three."))
        again.ask("Draw.")
        ids = self.ids(again.messages)
        assert len(set(ids)) == len(ids) == 8 and ids[0] == "a" and ids[2] == "b"
        assert_whole(again)
        for message in again.messages:
            if isinstance(message, AIMessage) and message.tool_calls:
                blocks = [block["id"] for block in message.content if isinstance(block, dict)]
                assert blocks == [call["id"] for call in message.tool_calls]

    def test_events_are_in_order(self, seedx: SeedX, script: Script) -> None:
        events = list(Assistant(seedx, script(("weather", {"city": "Ulm"}), "Sunny."), tools=[weather]).stream("?"))
        ended, said = events[1:3]
        assert isinstance(ended, ToolEnded) and ended.step.text == "sunny in Ulm"
        assert said == AssistantText(text="Sunny.")

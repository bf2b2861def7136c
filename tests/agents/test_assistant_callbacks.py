"""Callbacks of the assistant: every call of the chat model and of tools, with names in place of images."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("langgraph")

from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from PIL import Image

from seedx_agents import Assistant
from seedx_sdk import SeedX
from seedx_sdk.imaging import to_png
from seedx_tools.adapters.langchain_messages import image_block
from tests.agents.conftest import Script
from tests.agents.test_assistant_tools import weather


class Log(BaseCallbackHandler):
    """Notes what callbacks get."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.tags: list[Any] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **options: Any) -> None:  # noqa: ARG002
        self.events.append(("chat model", [message.model_dump(mode="json") for message in messages[0]]))
        self.tags.append((options["tags"], options["metadata"]["user"]))

    def on_llm_end(self, response: Any, **_options: Any) -> None:
        self.events.append(("answer", response.model_dump(mode="json")))

    def on_llm_error(self, error: BaseException, **_options: Any) -> None:
        self.events.append(("error", str(error)))

    def on_tool_start(self, serialized: Any, input_str: str, **options: Any) -> None:
        self.events.append((f"start {serialized['name']}", [input_str, options["inputs"]]))
        self.tags.append((options["tags"], options["metadata"]["user"]))

    def on_tool_end(self, output: Any, **_options: Any) -> None:
        self.events.append(("end", str(output)))

    def on_tool_error(self, error: BaseException, **_options: Any) -> None:
        self.events.append(("error", str(error)))


class AsyncLog(AsyncCallbackHandler):
    """Notes on which event loop it was called."""

    def __init__(self) -> None:
        self.loops: list[object] = []

    async def on_tool_start(self, *_args: Any, **_options: Any) -> None:
        self.loops.append(asyncio.get_running_loop())

    async def on_tool_end(self, *_args: Any, **_options: Any) -> None:
        self.loops.append(asyncio.get_running_loop())


class TestCallbacks:
    @pytest.mark.parametrize("asynchronous", [False, True])
    async def test_they_get_every_call_with_names_in_place_of_images(
        self, seedx: SeedX, script: Script, asynchronous: bool
    ) -> None:
        noise = Image.effect_noise((512, 512), 100).convert("RGB")
        long = "a very long question " * 200
        own = AIMessage([{"type": "text", "text": "Mine."}, image_block(noise)])
        chat_model = script(
            ("weather", {"city": "Ulm"}),
            ("describe", {"images": ["image:1"]}),
            ("describe", {"images": ["image:1"], "question": long}),
            own,
        )
        log = Log()
        config: RunnableConfig = {"callbacks": [log], "tags": ["shop"], "metadata": {"user": "anna"}}
        assistant = Assistant(seedx, chat_model, tools=["describe", weather], config=config)
        turn = await assistant.aask("See?", noise) if asynchronous else assistant.ask("See?", noise)
        assert turn.text == "Mine." and turn.images == ("image:2",)
        assert [kind for kind, _ in log.events] == [
            *("chat model", "answer", "start weather", "end"),
            *("chat model", "answer", "start describe", "end"),
            *("chat model", "answer", "start describe", "error"),
            *("chat model", "answer"),
        ]
        assert len(json.dumps(log.events)) < 60_000 < len(to_png(noise))
        assert f"... ({len(long)} characters)" in dict(log.events)["start describe"][1]["question"]
        assert log.tags == [(["shop"], "anna")] * 7
        shown = [block for block in chat_model.seen[0][1].content if isinstance(block, dict) and "base64" in block]
        assert len(shown) == 1, "the chat model itself sees the image"

    @pytest.mark.parametrize("asynchronous", [False, True])
    async def test_those_of_a_chain_around_the_assistant_get_the_calls_too(
        self, seedx: SeedX, script: Script, asynchronous: bool
    ) -> None:
        chat_model = script(("weather", {"city": "Ulm"}), ("generate", {"prompt": "a sun"}), "Here.")
        assistant = Assistant(seedx, chat_model, tools=["generate", weather])
        chain = RunnableLambda(assistant.ask, assistant.aask)
        log = Log()
        config: RunnableConfig = {"callbacks": [log], "tags": ["shop"], "metadata": {"user": "anna"}}
        await chain.ainvoke("Go.", config) if asynchronous else chain.invoke("Go.", config)
        calls = [kind for kind, _ in log.events if kind not in ("answer", "end")]
        assert calls == ["chat model", "start weather", "chat model", "start generate", "chat model"]

    def test_they_hear_that_a_chat_model_failed(self, seedx: SeedX, script: Script) -> None:
        log = Log()
        config: RunnableConfig = {"callbacks": [log], "metadata": {"user": "anna"}}
        turn = Assistant(seedx, script(ConnectionError("no route")), config=config).ask("?")
        assert turn.ending == "policy" and log.events[-1] == ("error", "no route")

    async def test_asynchronous_ones_run_on_the_loop_of_the_caller(self, seedx: SeedX, script: Script) -> None:
        log = AsyncLog()
        chat_model = script(("generate", {"prompt": "a house"}), "Here.")
        await Assistant(seedx, chat_model, config={"callbacks": [log]}).aask("Draw.")
        assert log.loops == [asyncio.get_running_loop()] * 2

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from PIL import Image
from pydantic import Field

from seedx_sdk import SeedX


class ScriptedChatModel(FakeMessagesListChatModel):
    """A chat model that answers from a script; an exception in the script is raised."""

    responses: list[Any]
    seen: list[list[BaseMessage]] = []
    """The messages of each call."""
    tools: list[Any] = []
    """The tools that were bound."""

    def bind_tools(self, tools: Any, **_options: Any) -> ScriptedChatModel:
        self.tools.extend(tools)
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        self.seen.append(messages)
        if isinstance(self.responses[self.i], Exception):
            raise self.responses[self.i]
        return super()._generate(messages, *args, **options)


class SilentChatModel(ScriptedChatModel):
    """A chat model that answers only when it is released."""

    asked: threading.Event = Field(default_factory=threading.Event)
    released: threading.Event = Field(default_factory=threading.Event)
    answered: threading.Event = Field(default_factory=threading.Event)

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        self.asked.set()
        assert self.released.wait(60), "nobody released it"
        result = super()._generate(messages, *args, **options)
        self.answered.set()
        return result


class AsyncSilentChatModel(SilentChatModel):
    """As SilentChatModel, waiting on the event loop."""

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        self.asked.set()
        async with asyncio.timeout(60):
            while not self.released.is_set():
                await asyncio.sleep(0.01)
        return ScriptedChatModel._generate(self, messages, *args, **options)


Script = Callable[..., ScriptedChatModel]


@pytest.fixture
def script() -> Script:
    """Make a chat model from a script: a text is an answer, (tool, args) a call, and a list of these parallel calls."""

    def make(*answers: Any) -> ScriptedChatModel:
        return ScriptedChatModel(responses=[answer_of(answer, turn) for turn, answer in enumerate(answers)])

    return make


def answer_of(answer: Any, turn: int) -> Any:
    if isinstance(answer, str):
        return AIMessage(answer)
    if not isinstance(answer, list | tuple):
        return answer
    calls = answer if isinstance(answer, list) else [answer]
    return AIMessage(
        "",
        tool_calls=[
            {"type": "tool_call", "id": f"call-{turn}-{index}", "name": name, "args": args}
            for index, (name, args) in enumerate(calls)
        ],
    )


@pytest.fixture(scope="session")
def meadow(nano: SeedX) -> Image.Image:
    """A red house and a green tree, as the shipped model draws them."""
    image = nano.generate("a red house and a green tree in a meadow", seed=7, num_inference_steps=4).image
    assert image is not None
    return image

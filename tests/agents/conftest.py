from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from PIL import Image

import seedx_sdk
from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine

SHIPPED = Path(seedx_sdk.__file__).parent / "nano" / "config.json"


class ScriptedHead(FakeMessagesListChatModel):
    """A chat model that says what it was told to say; an exception in the script is raised."""

    responses: list[Any]
    seen: list[list[BaseMessage]] = []
    """The messages of each call."""
    tools: list[Any] = []
    """What was bound."""

    def bind_tools(self, tools: Any, **_options: Any) -> ScriptedHead:
        self.tools.extend(tools)
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        self.seen.append(messages)
        if isinstance(self.responses[self.i], Exception):
            raise self.responses[self.i]
        return super()._generate(messages, *args, **options)


Script = Callable[..., ScriptedHead]


@pytest.fixture
def script() -> Script:
    """Makes a chat_model from its script: a text is an answer, (tool, args) a call, a list of those several at once."""

    def make(*says: Any) -> ScriptedHead:
        return ScriptedHead(responses=[_message(said, turn) for turn, said in enumerate(says)])

    return make


def _message(said: Any, turn: int) -> Any:
    if isinstance(said, str):
        return AIMessage(said)
    if not isinstance(said, list | tuple):
        return said
    calls = said if isinstance(said, list) else [said]
    return AIMessage(
        "",
        tool_calls=[
            {"type": "tool_call", "id": f"call-{turn}-{index}", "name": name, "args": args}
            for index, (name, args) in enumerate(calls)
        ],
    )


@pytest.fixture(scope="session")
def nano() -> SeedX:
    """The shipped model, where the checkout has its weights; else the stand-in."""
    return SeedX() if SHIPPED.exists() else SeedX(engine=ScriptedEngine())


@pytest.fixture(scope="session")
def meadow(nano: SeedX) -> Image.Image:
    """A red house and a green tree, as the shipped model draws them."""
    image = nano.generate("a red house and a green tree in a meadow", seed=7, num_inference_steps=4).image
    assert image is not None
    return image

"""ChatSeedX counts tokens without a network."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage, trim_messages
from langchain_core.tools import tool
from PIL import Image

from seedx_sdk import InputError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools.adapters.langchain import ChatSeedX
from seedx_tools.adapters.langchain_messages import image_block

PAGE = image_block(Image.new("RGB", (64, 48), "white"))
TEXT = {"type": "text", "text": "What do you see?"}
VIEW = 66


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **_kwargs: Any) -> None:
        raise AssertionError(f"asked the network for {args}")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)


@pytest.fixture
def estimating() -> ChatSeedX:
    return ChatSeedX(base_url="http://localhost:8000")


@pytest.mark.parametrize(
    "messages",
    [
        [HumanMessage([TEXT, PAGE])],
        [SystemMessage("Be brief."), HumanMessage("Draw a red house!"), AIMessage("a red house"), HumanMessage("Why?")],
        [HumanMessage([PAGE, {"type": "text", "text": " "}, TEXT])],
    ],
)
def test_a_model_in_process_counts_what_it_reads(nano: SeedX, messages: list[BaseMessage]) -> None:
    model = ChatSeedX(seedx=nano, max_tokens=1)
    used = model.invoke(messages).usage_metadata
    assert used is not None and model.get_num_tokens_from_messages(messages) == used["input_tokens"]


@pytest.mark.usefixtures("local")
def test_the_tokens_of_a_text() -> None:
    model = ChatSeedX()
    assert model.get_num_tokens("a red house") == len(model.get_token_ids("a red house")) > 2
    own = ChatSeedX(custom_get_token_ids=lambda text: list(range(len(text))))
    assert (own.get_num_tokens("abc"), own.get_token_ids("ab")) == (3, [0, 1])


@pytest.mark.parametrize("model", [ChatSeedX(base_url="http://a.org"), ChatSeedX(seedx=SeedX(engine=ScriptedEngine()))])
def test_others_are_estimated(model: ChatSeedX) -> None:
    assert model.get_num_tokens("a red house in a meadow") == 8
    assert model.get_num_tokens_from_messages([HumanMessage([TEXT, PAGE])]) == 2 * VIEW + math.ceil(16 / 3) + 9
    with pytest.raises(InputError, match="use get_num_tokens, which estimates"):
        model.get_token_ids("a red house")


def test_an_image_is_never_counted_as_its_text(estimating: ChatSeedX) -> None:
    noisy = image_block(Image.effect_noise((900, 900), 100).convert("RGB"))
    assert len(noisy["base64"]) > 100_000
    for block, views in (
        (noisy, 5),
        (PAGE, 2),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PAGE['base64']}"}}, 2),
        ({"type": "image", "url": "https://a.org/a.png"}, 5),
        ({"type": "image", "base64": "AAAA", "mime_type": "image/png"}, 5),
    ):
        assert estimating.get_num_tokens_from_messages([HumanMessage([block])]) == views * VIEW + 9
    audio = {"type": "audio", "base64": noisy["base64"], "mime_type": "audio/mp3"}
    assert estimating.get_num_tokens_from_messages([HumanMessage([audio])]) < 60


def test_messages_that_only_other_models_take_are_counted_too(estimating: ChatSeedX) -> None:
    call = AIMessage("", tool_calls=[{"name": "generate", "args": {"prompt": "a house " * 50}, "id": "1"}])
    count: Callable[[list[BaseMessage]], int] = estimating.get_num_tokens_from_messages
    assert count([call]) > 130 and count([ToolMessage("done " * 60, tool_call_id="1")]) == 100 + 9
    assert count([]) == 0 and count([SystemMessage("abc")]) == 1 + 9

    @tool
    def generate(prompt: str) -> str:
        """Draw an image."""
        return prompt

    assert estimating.get_num_tokens_from_messages([], tools=[generate]) > 20


@pytest.mark.parametrize("strategy", ["first", "last"])
def test_messages_are_trimmed_by_their_tokens(estimating: ChatSeedX, strategy: Any) -> None:
    history: list[BaseMessage] = [HumanMessage(f"word {number} " * 50) for number in range(20)]
    one = estimating.get_num_tokens_from_messages(history[:1])
    kept = trim_messages(history, max_tokens=3 * one + one // 2, token_counter=estimating, strategy=strategy)
    assert kept == (history[:3] if strategy == "first" else history[-3:])

"""ChatSeedX against LangChain's standard tests, with the shipped model; and what those do not cover."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ChatMessage, HumanMessage, SystemMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from PIL import Image

from seedx_sdk import DeadlineError, ImageError, InputError, Message, OverloadedError, PromptError, SeedX
from seedx_sdk.imaging import open_image, to_data_uri, to_png
from seedx_sdk.testing import ScriptedEngine
from seedx_tools.adapters.langchain import ChatSeedX


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatSeedX

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"base_url": "http://localhost:8000"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        named = {"api_key": "secret", "base_url": "http://localhost:8001"}
        return {"SEEDX_API_KEY": "secret", "SEEDX_BASE_URL": "http://localhost:8001"}, {}, named


class TestIntegration(ChatModelIntegrationTests):
    seedx: SeedX

    @pytest.fixture(autouse=True)
    def _open(self, nano: SeedX, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace the test image that the suite fetches from the network."""
        self.seedx = nano
        page = to_png(Image.new("RGB", (64, 48), "white"))
        monkeypatch.setattr(httpx, "get", lambda *_args, **_kwargs: httpx.Response(200, content=page))

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatSeedX

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"seedx": self.seedx, "num_inference_steps": 2}

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def has_tool_calling(self) -> bool:
        return False  # that needs a server on vLLM: tests/serve/test_vllm_server.py

    @property
    def has_structured_output(self) -> bool:
        return False


@pytest.fixture
def page(nano: SeedX) -> Image.Image:
    drawn = nano.generate("a red house and a green tree in a meadow", seed=7, num_inference_steps=8).image
    assert drawn is not None
    return drawn


def ask(*blocks: Any) -> list[HumanMessage]:
    return [HumanMessage(content_blocks=[{"type": "text", "text": b} if isinstance(b, str) else b for b in blocks])]


def block(image: Image.Image) -> dict[str, str]:
    return {"type": "image", "base64": to_data_uri(image).partition(",")[2], "mime_type": "image/png"}


def test_it_answers_about_an_image_and_generates_one(nano: SeedX, page: Image.Image) -> None:
    model = ChatSeedX(seedx=nano, num_inference_steps=2)
    answer = model.invoke(ask(block(page), "What do you see?"))
    expected = nano.chat([Message.user(page, "What do you see?")])
    assert answer.content == expected.message.text and "house" in answer.text
    drawn = model.invoke("Draw a red house.")
    text, picture = drawn.content_blocks
    whole = nano.chat([Message.user("Draw a red house.")], num_inference_steps=2)
    assert text["type"] == "text" and text["text"] == whole.message.text
    assert picture["type"] == "image"
    assert open_image(f"data:image/png;base64,{picture['base64']}") == whole.message.images[0]
    assert drawn.response_metadata["boxes"][0]["label"] == whole.boxes[0].label
    assert whole.usage is not None and drawn.usage_metadata is not None
    assert drawn.usage_metadata["output_tokens"] == whole.usage.completion_tokens > 64  # those of an image
    again = model.invoke([HumanMessage("Draw a red house."), drawn, HumanMessage("What color is the house?")])
    assert again.usage_metadata is not None and again.usage_metadata["input_tokens"] > 64


def test_the_stream_is_the_reply_in_pieces(nano: SeedX) -> None:
    model = ChatSeedX(seedx=nano, num_inference_steps=2)
    chunks = list(model.stream("Draw a red house."))
    assert len(chunks) > 4 and isinstance(chunks[0].content, str)
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert isinstance(whole, AIMessageChunk)
    assert whole.content_blocks == model.invoke("Draw a red house.").content_blocks


async def test_the_async_stream_has_the_same_pieces_and_can_be_cancelled(nano: SeedX) -> None:
    model = ChatSeedX(seedx=nano, num_inference_steps=200)
    async for chunk in model.astream("Draw a red house."):
        assert chunk.content
        break
    quick = ChatSeedX(seedx=nano, num_inference_steps=1)
    pieces = [chunk.content async for chunk in quick.astream("Draw a red house.")]
    assert pieces == [chunk.content for chunk in quick.stream("Draw a red house.")]

    class Canceller(AsyncCallbackHandler):
        async def on_llm_new_token(self, *_args: Any, **_kwargs: Any) -> None:
            running.cancel()

    slow = ChatSeedX(seedx=nano, num_inference_steps=200, streaming=True)
    running = asyncio.create_task(slow.ainvoke("Draw a red house.", {"callbacks": [Canceller()]}))
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await quick.ainvoke("Draw a red house.")).content_blocks


def scripted(*replies: Message | Exception, **options: Any) -> tuple[ChatSeedX, ScriptedEngine]:
    engine = ScriptedEngine(replies)
    return ChatSeedX(seedx=SeedX(engine=engine), **options), engine


def test_a_system_message_is_prepended_to_the_next_user_message() -> None:
    model, engine = scripted()
    model.invoke([SystemMessage("Be brief."), HumanMessage("Hello"), AIMessage("Hi"), HumanMessage("Draw.")])
    assert engine.requests[0].messages == (
        Message.user("Be brief.", "Hello"),
        Message.assistant("Hi"),
        Message.user("Draw."),
    )


@pytest.mark.parametrize("stop", [["blue"], ["tree", "blue"], [" blue boat"]])
def test_a_reply_ends_before_a_stop_text(stop: list[str]) -> None:
    model, _ = scripted(Message.assistant("a red house, a blue boat and a tree"))
    assert model.invoke("What is there?", stop=stop).text.rstrip() == "a red house, a"


def test_options_of_a_call_take_precedence_and_unknown_ones_are_rejected() -> None:
    model, engine = scripted(temperature=0.5, max_tokens=7, seed=3)
    model.invoke("Hello", seed=4)
    options = engine.requests[0].options
    assert (options.temperature, options.max_new_tokens, options.seed) == (0.5, 7, 4)
    with pytest.raises(InputError, match="ChatSeedX takes no top_p"):
        model.invoke("Hello", top_p=0.5)
    with pytest.raises(ValueError, match="leave out model, base_url and api_key"):
        ChatSeedX(seedx=SeedX(engine=engine), base_url="http://localhost:8000")


@pytest.mark.parametrize(
    ("messages", "error", "message"),
    [
        (lambda: [ChatMessage(content="done", role="critic")], PromptError, "takes no chat message"),
        (lambda: ask({"type": "audio", "url": "https://a.org/a.mp3"}), PromptError, "not a block of type 'audio'"),
        (lambda: ask({"type": "image", "url": "https://a.org/a.png"}), ImageError, "fetches no images from 'a.org'"),
        (lambda: ask({"type": "image", "url": "/etc/passwd"}), ImageError, "outside the allowed folders"),
        (lambda: ask({"type": "image", "base64": "AAAA", "mime_type": "image/png"}), ImageError, "not a readable"),
        (lambda: [HumanMessage("Hello"), AIMessage("Hi")], PromptError, "does not end with a user message"),
        (lambda: [HumanMessage("")], PromptError, "empty"),
    ],
)
def test_what_it_cannot_read_is_a_typed_error(
    messages: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        scripted()[0].invoke(messages())
    assert message in str(caught.value)


def test_a_server_at_capacity_is_retried() -> None:
    full = OverloadedError("full", retry_after=0.1)
    model, engine = scripted(full, full, Message.assistant("a house"))
    assert model.invoke("What is there?").text == "a house" and len(engine.requests) == 3
    model, engine = scripted(full, full, max_retries=1)
    with pytest.raises(OverloadedError):
        model.invoke("What is there?")


def test_a_reply_that_exceeds_the_timeout_is_an_error(nano: SeedX) -> None:
    with pytest.raises(DeadlineError, match="within 0.3 seconds"):
        ChatSeedX(seedx=nano, num_inference_steps=1000, timeout=0.3).invoke("Draw a red house.")

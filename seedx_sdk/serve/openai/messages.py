"""Messages of OpenAI's chats, in all the spellings of real clients, as messages of the SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from PIL import Image
from pydantic import BeforeValidator, Field

from seedx_sdk.imaging import is_data_uri
from seedx_sdk.serve.openai.parameters import WithoutNulls
from seedx_sdk.types import ContentPart, ImagePart, Message, TextPart

__all__ = ["ChatMessage", "ignored_tools", "opened_conversation"]

OpenUrl: TypeAlias = Callable[[str], Image.Image]
"""Opens the image of a data URI or a URL."""
_TEXTS = ("text", "input_text", "output_text")
_IMAGES = ("image_url", "input_image")
_FILES = ("file", "input_file")


class _Text(WithoutNulls):
    type: Literal["text"]
    text: str


class _Url(WithoutNulls):
    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class _ImageUrl(WithoutNulls):
    type: Literal["image_url"]
    image_url: _Url


def _file_data(part: Mapping[str, Any]) -> Any:
    """Return the data URI of a file, which must be an image."""
    file = part.get("file", part)
    return file.get("file_data") if isinstance(file, Mapping) else None


def _canonical(part: Any) -> Any:
    """Return a content part as the chat route of OpenAI spells it; the Responses route spells it differently."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        return part
    if part.get("type") in _TEXTS:
        return {**part, "type": "text"}
    if part.get("type") == "refusal":
        return {"type": "text", "text": part.get("refusal")}
    if part.get("type") in _FILES and isinstance(url := _file_data(part), str) and is_data_uri(url):
        return {"type": "image_url", "image_url": {"url": url}}
    if part.get("type") in _IMAGES:
        url = part.get("image_url")
        return {"type": "image_url", "image_url": {"url": url} if isinstance(url, str) else url}
    return part


_Part = Annotated[
    Annotated[_Text | _ImageUrl, Field(discriminator="type")],
    BeforeValidator(_canonical, json_schema_input_type=_Text | _ImageUrl | str),
]


def _parts_of(content: Any) -> Any:
    """Return the content of a message as a list of parts."""
    return [content] if isinstance(content, str) else content


_Content = Annotated[list[_Part], BeforeValidator(_parts_of, json_schema_input_type=str | list[_Part])]


class _Function(WithoutNulls):
    name: str
    arguments: str = "{}"


class _ToolCall(WithoutNulls):
    id: str | None = None
    function: _Function


class ChatMessage(WithoutNulls):
    """A message of a conversation; one of an answer, of this model or of another one, may be sent back as it came."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: _Content = []
    images: list[_Part] = []
    """Images of an earlier answer."""
    tool_calls: list[_ToolCall] = []
    """Made by another model; they are read as text."""
    function_call: _Function | None = None
    tool_call_id: str | None = None
    name: str | None = None

    @property
    def image_urls(self) -> list[str]:
        """Data URIs or URLs of its images."""
        return [part.image_url.url for part in self._parts if isinstance(part, _ImageUrl)]

    @property
    def _parts(self) -> list[_Text | _ImageUrl]:
        has_images = any(isinstance(part, _ImageUrl) for part in self.content)
        return [*self.content, *([] if has_images else self.images)]

    def opened(self, open_one: OpenUrl) -> list[ContentPart]:
        """Return the content with its images decoded."""
        content: list[ContentPart] = [
            TextPart(text=part.text) if isinstance(part, _Text) else ImagePart(image=open_one(part.image_url.url))
            for part in self._parts
            if isinstance(part, _ImageUrl) or part.text.strip()
        ]
        return [*content, *(TextPart(text=f"{call.name}({call.arguments})") for call in self.calls)]

    @property
    def calls(self) -> list[_Function]:
        """The functions that it calls."""
        return [*(call.function for call in self.tool_calls), *([self.function_call] if self.function_call else [])]


def ignored_tools(messages: Sequence[ChatMessage]) -> list[str]:
    """Return a warning if a conversation has calls or results of tools."""
    if not any(message.calls or message.role in ("tool", "function") for message in messages):
        return []
    return ["the model calls no tools; calls and results in the conversation are read as text"]


def opened_conversation(messages: Sequence[ChatMessage], open_one: OpenUrl) -> list[Message]:
    """Return the conversation with its images decoded.

    The model knows no system messages: one is prepended to the next user message, or appended to the last. It calls no
    tools: calls in the history become text, and results user messages.
    """
    conversation: list[Message] = []
    called = {call.id: call.function.name for message in messages for call in message.tool_calls}
    system: list[ContentPart] = []
    for message in messages:
        parts = message.opened(open_one)
        if message.role in ("system", "developer"):
            system += parts
        elif message.role == "user":
            conversation.append(Message(role="user", content=(*system, *parts)))
            system = []
        elif message.role in ("tool", "function"):
            name = message.name or called.get(message.tool_call_id, "a tool")
            conversation.append(Message(role="user", content=(TextPart(text=f"Result of {name}:"), *parts)))
        else:
            conversation.append(Message(role="assistant", content=tuple(parts)))
    if system and conversation and conversation[-1].role == "user":
        conversation[-1] = Message(role="user", content=(*conversation[-1].content, *system))
    return conversation

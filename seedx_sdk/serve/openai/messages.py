"""Messages of OpenAI's chats, in all the spellings of real clients, as messages of the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.serve.openai.parameters import WithoutNulls, only
from seedx_sdk.types import ContentPart, ImagePart, Message, TextPart
from seedx_sdk.validation import ImageOpener

__all__ = ["ChatMessage", "opened_conversation"]

_TEXTS = ("text", "input_text", "output_text")
_IMAGES = ("image_url", "input_image")


class _Text(WithoutNulls):
    type: Literal["text"]
    text: str


class _Url(WithoutNulls):
    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class _ImageUrl(WithoutNulls):
    type: Literal["image_url"]
    image_url: _Url


def _canonical(part: Any) -> Any:
    """Return a content part as the chat route of OpenAI spells it; the Responses route spells it differently."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        return part
    if part.get("type") in _TEXTS:
        return {**part, "type": "text"}
    if part.get("type") in _IMAGES:
        url = part.get("image_url")
        return {"type": "image_url", "image_url": {"url": url} if isinstance(url, str) else url}
    return part


_Part = Annotated[
    Annotated[_Text | _ImageUrl, Field(discriminator="type")],
    BeforeValidator(_canonical, json_schema_input_type=_Text | _ImageUrl | str),
]


class ChatMessage(WithoutNulls):
    """A message of a conversation; one of an answer may be sent back as it came."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Part] = ""
    images: list[_Part] = []
    """Images of an earlier answer."""
    tool_calls: Annotated[list[Any], only([], hint="this model calls no tools")] = []

    @property
    def image_urls(self) -> list[str]:
        """Data URIs or URLs of its images."""
        return [part.image_url.url for part in self._parts if isinstance(part, _ImageUrl)]

    @property
    def _parts(self) -> list[_Text | _ImageUrl]:
        content = [_Text(type="text", text=self.content)] if isinstance(self.content, str) else self.content
        has_images = any(isinstance(part, _ImageUrl) for part in content)
        return [*content, *([] if has_images else self.images)]

    async def opened(self, fetcher: ImageFetcher, open_one: ImageOpener) -> list[ContentPart]:
        """Return the content with its images fetched and decoded."""
        return [
            TextPart(text=part.text) if isinstance(part, _Text) else await _opened(part.image_url, fetcher, open_one)
            for part in self._parts
            if isinstance(part, _ImageUrl) or part.text.strip()
        ]


async def opened_conversation(
    messages: Sequence[ChatMessage], fetcher: ImageFetcher, open_one: ImageOpener
) -> list[Message]:
    """Return the conversation with its images fetched and decoded.

    The model knows no system messages: one is prepended to the next user message, or appended to the last.
    """
    conversation: list[Message] = []
    system: list[ContentPart] = []
    for message in messages:
        parts = await message.opened(fetcher, open_one)
        if message.role in ("system", "developer"):
            system += parts
        elif message.role == "user":
            conversation.append(Message(role="user", content=(*system, *parts)))
            system = []
        else:
            conversation.append(Message(role="assistant", content=tuple(parts)))
    if system and conversation and conversation[-1].role == "user":
        conversation[-1] = Message(role="user", content=(*conversation[-1].content, *system))
    return conversation


async def _opened(image: _Url, fetcher: ImageFetcher, open_one: ImageOpener) -> ImagePart:
    source = image.url if image.url.startswith("data:") else await fetcher.fetch(image.url)
    return ImagePart(image=await asyncio.to_thread(open_one, source))

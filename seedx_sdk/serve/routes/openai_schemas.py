"""Request bodies of the OpenAI-compatible routes, and the calls that they stand for. Unknown fields are errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from seedx_sdk import calls
from seedx_sdk.errors import InputError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import open_image
from seedx_sdk.options import Sampler
from seedx_sdk.serve.pending_call import PendingCall, in_thread
from seedx_sdk.types import (
    ChatReply,
    ContentPart,
    EditedImage,
    GeneratedImage,
    ImagePart,
    Message,
    Task,
    TextPart,
)

__all__ = ["ChatCompletionBody", "EditsBody", "GenerationsBody"]

R = TypeVar("R")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Text(_Body):
    type: Literal["text"]
    text: str


class _Url(_Body):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class _ImageUrl(_Body):
    type: Literal["image_url"]
    image_url: _Url


class _ChatMessage(_Body):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Annotated[_Text | _ImageUrl, Field(discriminator="type")]]
    name: str | None = None

    @property
    def num_images(self) -> int:
        """The number of its images."""
        return 0 if isinstance(self.content, str) else sum(isinstance(part, _ImageUrl) for part in self.content)

    async def parts(self, fetcher: ImageFetcher) -> list[ContentPart]:
        """Return the content as parts of an SDK message."""
        if isinstance(self.content, str):
            return [TextPart(text=self.content)] if self.content.strip() else []
        return [
            TextPart(text=part.text) if isinstance(part, _Text) else await _opened(part.image_url.url, fetcher)
            for part in self.content
        ]


class _StreamOptions(_Body):
    include_usage: bool = False
    """The last chunk before the end has no choices, and the usage of the whole reply."""


class _PlainText(_Body):
    type: Literal["text"]


class _JsonObject(_Body):
    type: Literal["json_object"]


class _NamedSchema(_Body):
    name: str
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None
    """Accepted and ignored: every schema is strict."""


class _JsonSchema(_Body):
    type: Literal["json_schema"]
    json_schema: _NamedSchema


class _ImageOptions(_Body):
    """The options that both bodies have."""

    seed: Annotated[int | None, Field(ge=0)] = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    sampler: Sampler | None = None


class ChatCompletionBody(_ImageOptions):
    """A conversation. The model knows no system messages.

    A system message is prepended to the next user message, or appended to the last.
    """

    model: str | None = None
    messages: list[_ChatMessage]
    stream: bool = False
    stream_options: _StreamOptions | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: Literal[1] = 1
    user: str | None = None
    response_format: Annotated[_PlainText | _JsonObject | _JsonSchema, Field(discriminator="type")] | None = None
    width: int | None = None
    height: int | None = None

    def pending_call(self, fetcher: ImageFetcher) -> PendingCall[ChatReply]:
        """Return the pending call."""
        return PendingCall(
            task="chat",
            num_images=sum(message.num_images for message in self.messages),
            content=lambda: self.model_dump_json(exclude={"stream", "stream_options", "user"}).encode(),
            open=lambda: self._call(fetcher),
        )

    async def _call(self, fetcher: ImageFetcher) -> calls.Call[ChatReply]:
        messages = await _conversation(self.messages, fetcher)
        return await asyncio.to_thread(self._validated, messages)

    def _validated(self, messages: list[Message]) -> calls.Call[ChatReply]:
        return calls.chat(
            messages,
            width=self.width,
            height=self.height,
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            sampler=self.sampler,
            seed=self.seed or 0,
            max_new_tokens=self.max_completion_tokens or self.max_tokens,
            temperature=self.temperature,
            json_schema=self._schema(),
        )

    def _schema(self) -> dict[str, Any] | None:
        """Return the JSON schema of the answer, if there is one."""
        if isinstance(self.response_format, _JsonSchema):
            return self.response_format.json_schema.schema_
        return {"type": "object"} if isinstance(self.response_format, _JsonObject) else None


class _ImagesBody(_ImageOptions):
    """Images to generate or edit; with `n`, each image has a seed 1 higher than the one before."""

    model: str | None = None
    prompt: str
    n: Annotated[int, Field(ge=1, le=10)] = 1
    size: str | None = None
    response_format: Literal["b64_json"] = "b64_json"
    user: str | None = None

    def _pending(self, task: Task, seed: int, make: Callable[..., calls.Call[R]], image: bytes = b"") -> PendingCall[R]:
        return PendingCall(
            task=task,
            num_images=1 if image else 0,
            content=lambda: self.model_dump_json(exclude={"user"}).encode() + image,
            open=in_thread(partial(make, seed=seed, **self._options())),
        )

    def _options(self) -> dict[str, Any]:
        width, height = _size(self.size)
        return {
            "width": width,
            "height": height,
            "num_inference_steps": self.num_inference_steps,
            "guidance_scale": self.guidance_scale,
            "sampler": self.sampler,
        }

    @property
    def _seeds(self) -> range:
        first = self.seed or 0
        return range(first, first + self.n)


class GenerationsBody(_ImagesBody):
    """Images to generate from a prompt."""

    def pending_calls(self) -> list[PendingCall[GeneratedImage]]:
        """Return a pending call for each image."""
        return [self._pending("generate", seed, partial(calls.generate, self.prompt)) for seed in self._seeds]


class EditsBody(_ImagesBody):
    """Edits of one image, which comes as a file."""

    force: bool = False
    """Edit also an image unlike all that the model was trained on."""

    def pending_calls(self, image: bytes) -> list[PendingCall[EditedImage]]:
        """Return a pending call for each edit of an image, given as the bytes of a file."""
        make = partial(calls.edit, image, self.prompt, force=self.force)
        return [self._pending("edit", seed, make, image) for seed in self._seeds]


async def _conversation(messages: Sequence[_ChatMessage], fetcher: ImageFetcher) -> list[Message]:
    conversation: list[Message] = []
    system: list[ContentPart] = []
    for message in messages:
        if message.role in ("system", "developer"):
            system += await message.parts(fetcher)
        elif message.role == "user":
            conversation.append(Message(role="user", content=(*system, *await message.parts(fetcher))))
            system = []
        else:
            conversation.append(Message(role="assistant", content=tuple(await message.parts(fetcher))))
    if system and conversation and conversation[-1].role == "user":
        conversation[-1] = Message(role="user", content=(*conversation[-1].content, *system))
    return conversation


async def _opened(url: str, fetcher: ImageFetcher) -> ImagePart:
    return ImagePart(
        image=await asyncio.to_thread(open_image, url if url.startswith("data:") else await fetcher.fetch(url))
    )


def _size(size: str | None) -> tuple[int, int] | tuple[None, None]:
    if size is None or size == "auto":
        return None, None
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"size {size!r} is not allowed; use WIDTHxHEIGHT, such as 128x128, or auto")
    return int(width), int(height)

"""What callers send, before any of its pictures is opened: opening them costs more than all the rest of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema

from seedx_sdk import calls
from seedx_sdk.calls import Call
from seedx_sdk.imaging import open_image
from seedx_sdk.types import ChatReply, ImagePart, Message, Request, Task, TextPart

__all__ = ["PendingCall", "WireMessage", "WireImage", "in_thread", "count_images"]

R = TypeVar("R")
_REQUEST = TypeAdapter(Request)


@dataclass(kw_only=True, slots=True)
class PendingCall(Generic[R]):
    """What a caller asks, not yet looked at closely."""

    task: Task
    pictures: int
    """How many it comes with."""
    content: Callable[[], bytes]
    """Returns all that was sent, to tell two requests from each other."""
    open: Callable[[], Awaitable[Call[R]]]
    """Fetches and opens the pictures, and checks everything."""
    _opened: Call[R] | None = field(default=None, init=False)

    @classmethod
    def request(cls, request: Request) -> PendingCall[ChatReply]:
        """What a request of the SDK asks."""
        return PendingCall(
            task=request.task,
            pictures=sum(len(message.images) for message in request.messages),
            content=lambda: _REQUEST.dump_json(request),
            open=in_thread(lambda: calls.received(request)),
        )

    async def call(self) -> Call[R]:
        """Returns the call, opened the first time.

        Raises:
            InputError: Something of it is not allowed.
        """
        if self._opened is None:
            self._opened = await self.open()
        return self._opened


def in_thread(make: Callable[[], Call[R]]) -> Callable[[], Awaitable[Call[R]]]:
    """Returns what makes the call without holding up the event loop."""
    return lambda: asyncio.to_thread(make)


def _data_uri(text: str) -> str:
    if not text.startswith("data:"):
        raise ValueError("a picture in JSON must be a data URI (data:image/png;base64,...)")
    return text


WireImage = Annotated[
    str,
    AfterValidator(_data_uri),
    WithJsonSchema({"type": "string", "format": "data-uri", "description": "a picture as data:image/png;base64,..."}),
]
"""A picture as a data URI, which nobody has opened."""


class _WireImagePart(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["image"] = "image"
    image: WireImage


class WireMessage(BaseModel):
    """A `Message` whose pictures are not opened."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: tuple[Annotated[TextPart | _WireImagePart, Field(discriminator="type")], ...]

    @property
    def pictures(self) -> int:
        """How many it has."""
        return sum(isinstance(part, _WireImagePart) for part in self.content)

    def opened(self) -> Message:
        """Returns the message.

        Raises:
            ImageError: A picture cannot be opened.
        """
        return Message(
            role=self.role,
            content=tuple(
                part if isinstance(part, TextPart) else ImagePart(image=open_image(part.image)) for part in self.content
            ),
        )


def count_images(messages: Sequence[WireMessage]) -> int:
    """How many pictures the messages have."""
    return sum(message.pictures for message in messages)

"""Requests whose images are not decoded yet: decoding costs more than all other work on a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema

from seedx_sdk import calls
from seedx_sdk.calls import Call
from seedx_sdk.errors import ImageError, InputError, PromptError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import ImageSource, image_size, is_data_uri
from seedx_sdk.types import ChatReply, ImagePart, Message, Request, Task, TextPart
from seedx_sdk.validation import ImageOpener

__all__ = ["PendingCall", "WireImage", "WireMessage", "images_of", "in_thread"]

R = TypeVar("R")
_REQUEST = TypeAdapter(Request)


@dataclass(kw_only=True, slots=True)
class PendingCall(Generic[R]):
    """A call of a client, not validated in full."""

    task: Task
    images: Sequence[ImageSource]
    """Images that the client sent, as they came; of those given by URL, the URL."""
    content: Callable[[], bytes]
    """Returns everything that the client sent, to tell two requests apart."""
    open: Callable[[], Awaitable[Call[R]]]
    """Decodes the images, which are fetched by then, and validates the call."""
    images_param: str | None = None
    """Name of the parameter that has the images, where it is a single one."""
    text_param: str | None = None
    """Name of the parameter that has the texts, likewise."""
    params: Mapping[str, str] = field(default_factory=dict)
    """What the client calls the arguments of the SDK, where it has other names for them."""
    fetcher: ImageFetcher | None = None
    """Fetches the images that are given by URL; None: none are."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Those of `ImageOptions` and `max_images`, as they came, to tell beforehand how much will be drawn."""
    fetched: dict[str, bytes] = field(default_factory=dict, init=False)
    """The files of the images that are given by URL."""
    _opened: Call[R] | None = field(default=None, init=False)

    @classmethod
    def request(cls, request: Request) -> PendingCall[ChatReply]:
        """Return the pending call of a request of the SDK."""
        return PendingCall(
            task=request.task,
            images=[image for message in request.messages for image in message.images],
            images_param="messages",
            text_param="messages",
            content=lambda: _REQUEST.dump_json(request),
            open=in_thread(lambda: calls.received(request)),
            options=request.options.model_dump(),
        )

    @property
    def urls(self) -> list[str]:
        """Those of the images that are given by URL."""
        return [image for image in self.images if isinstance(image, str) and not is_data_uri(image)]

    async def fetch(self, max_bytes: int) -> None:
        """Fetch the images that are given by URL, at most so many bytes of them.

        Raises:
            ImageError: If one cannot be fetched, or they are too large together.
        """
        if self.fetcher is None:
            return
        for url in self.urls:
            if url not in self.fetched:
                self.fetched[url] = await self.fetcher.fetch(url)
            if sum(map(len, self.fetched.values())) > max_bytes:
                raise ImageError(
                    f"the images that are given by URL have more than {max_bytes} bytes together; give fewer or "
                    "smaller ones",
                    param=self.images_param,
                )

    async def pixels(self) -> list[int]:
        """Return the pixels of each image, from its header.

        Raises:
            ImageError: If an image is missing, of another format, or over a limit.
        """
        files = [self.fetched.get(image, image) if isinstance(image, str) else image for image in self.images]
        return await asyncio.to_thread(lambda: [width * height for width, height in map(image_size, files)])

    def as_sent(self, error: Exception) -> Exception:
        """Return the error with the name of the parameter that the client knows."""
        if isinstance(error, InputError):
            if error.param is None and isinstance(error, ImageError):
                error.param = self.images_param
            elif error.param is None and isinstance(error, PromptError):
                error.param = self.text_param
            elif (known := self.params.get(error.param or "")) is not None:
                if (text := str(error)).startswith(f"{error.param} "):
                    error.args = (known + text[len(error.param or "") :],)
                error.param = known
        return error

    async def call(self) -> Call[R]:
        """Return the call; its images are decoded the first time.

        Raises:
            InputError: If a part of it is not allowed.
        """
        if self._opened is None:
            self._opened = await self.open()
        return self._opened


def in_thread(make: Callable[[], Call[R]]) -> Callable[[], Awaitable[Call[R]]]:
    """Return a function that makes the call without blocking the event loop."""
    return lambda: asyncio.to_thread(make)


def _data_uri(text: str) -> str:
    if not is_data_uri(text):
        raise ValueError("an image in JSON must be a data URI (data:image/png;base64,...)")
    return text


WireImage = Annotated[
    str,
    AfterValidator(_data_uri),
    WithJsonSchema(
        {
            "type": "string",
            "format": "data-uri",
            "pattern": "^data:",
            "description": "an image as data:image/png;base64,...",
        }
    ),
]
"""An image as a data URI, not decoded."""


class _WireImagePart(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["image"] = "image"
    image: WireImage


class WireMessage(BaseModel):
    """A `Message` whose images are not decoded."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: tuple[Annotated[TextPart | _WireImagePart, Field(discriminator="type")], ...]

    @property
    def images(self) -> list[str]:
        """Its images."""
        return [part.image for part in self.content if isinstance(part, _WireImagePart)]

    def opened(self, open_one: ImageOpener) -> Message:
        """Return the message with its images decoded.

        Raises:
            ImageError: If an image cannot be decoded.
        """
        return Message(
            role=self.role,
            content=tuple(
                part if isinstance(part, TextPart) else ImagePart(image=open_one(part.image)) for part in self.content
            ),
        )


def images_of(messages: Sequence[WireMessage]) -> list[str]:
    """Return the images in the messages."""
    return [image for message in messages for image in message.images]

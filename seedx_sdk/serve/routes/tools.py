"""`/v1/tools/NAME`: the calls of the SDK one by one, with the same arguments, results and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from pydantic import ConfigDict

from seedx_sdk import calls
from seedx_sdk.calls import Call
from seedx_sdk.options import EditFields, ImageFields, Sampler, SeedField, TextFields
from seedx_sdk.serve.dependencies import Caller, CurrentDispatcher, IdempotencyKey, cancel_on_disconnect
from seedx_sdk.serve.pending_call import PendingCall, WireImage, WireMessage, count_images, in_thread
from seedx_sdk.types import Description, Detection, EditedImage, GeneratedImage, Task

__all__ = ["router"]

router = APIRouter(prefix="/v1/tools", tags=["tools"])
R = TypeVar("R")


class _Arguments(SeedField):
    model_config = ConfigDict(extra="forbid")

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}

    def _asked(self, task: Task, pictures: int, make: Callable[[], Call[R]]) -> PendingCall[R]:
        return PendingCall(
            task=task, pictures=pictures, content=lambda: self.model_dump_json().encode(), open=in_thread(make)
        )


class DescribeArguments(_Arguments, TextFields):
    """Pictures, as data URIs, and what to find out about them."""

    images: list[WireImage]
    question: str | None = None
    history: tuple[WireMessage, ...] = ()

    def pending_call(self) -> PendingCall[Description]:
        """Returns what is asked."""

        def make() -> Call[Description]:
            return calls.describe(**{**self._given(), "history": [message.opened() for message in self.history]})

        return self._asked("describe", len(self.images) + count_images(self.history), make)


class DetectArguments(_Arguments):
    """A picture, as a data URI, and what to find in it."""

    image: WireImage
    phrase: str

    def pending_call(self) -> PendingCall[Detection]:
        """Returns what is asked."""
        return self._asked("detect", 1, lambda: calls.detect(**self._given()))


class _ImageArguments(_Arguments, ImageFields):
    sampler: Sampler | None = None
    """"fast" where `/v1/info` has `fast_steps`."""


class GenerateArguments(_ImageArguments):
    """What to draw."""

    prompt: str
    images: list[WireImage] = []
    force_image: bool = True

    def pending_call(self) -> PendingCall[GeneratedImage]:
        """Returns what is asked."""
        return self._asked("generate", len(self.images), lambda: calls.generate(**self._given()))


class EditArguments(_ImageArguments, EditFields):
    """A picture, as a data URI, and what to change in it."""

    image: WireImage
    instruction: str

    def pending_call(self) -> PendingCall[EditedImage]:
        """Returns what is asked."""
        return self._asked("edit", 1, lambda: calls.edit(**self._given()))


@router.post("/describe")
async def describe(
    body: DescribeArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> Description:
    """An answer in words about pictures; without a question, a description."""
    return await cancel_on_disconnect(request, dispatcher.result(body.pending_call(), caller=caller, key=key))


@router.post("/detect")
async def detect(
    body: DetectArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> Detection:
    """Boxes around what the phrase names."""
    return await cancel_on_disconnect(request, dispatcher.result(body.pending_call(), caller=caller, key=key))


@router.post("/generate")
async def generate(
    body: GenerateArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> GeneratedImage:
    """A picture drawn from words."""
    return await cancel_on_disconnect(request, dispatcher.result(body.pending_call(), caller=caller, key=key))


@router.post("/edit")
async def edit(
    body: EditArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> EditedImage:
    """The picture changed as told."""
    return await cancel_on_disconnect(request, dispatcher.result(body.pending_call(), caller=caller, key=key))

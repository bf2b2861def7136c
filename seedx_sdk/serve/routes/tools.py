"""`/v1/tools/NAME`: the calls of the SDK, with the same arguments, results and errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from seedx_sdk import calls
from seedx_sdk.calls import Call
from seedx_sdk.options import EditFields, ImageFields, Sampler, SeedField, TextFields
from seedx_sdk.regions import Region
from seedx_sdk.serve.dependencies import Caller, CurrentDispatcher, IdempotencyKey, cancel_on_disconnect
from seedx_sdk.serve.pending_call import PendingCall, WireImage, WireMessage, images_of, in_thread
from seedx_sdk.types import Description, Detection, EditedImage, GeneratedImage, Task, TryOnImage
from seedx_sdk.validation import ImageOpener, check_task

__all__ = ["router"]

router = APIRouter(prefix="/v1/tools", tags=["tools"])
R = TypeVar("R")


class _Arguments(SeedField):
    model_config = ConfigDict(extra="forbid")

    specialist: str | None = None
    """One of `/v1/info`'s `specialists`."""

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}

    def _pending(self, task: Task, images: Sequence[str], make: Callable[[], Call[R]]) -> PendingCall[R]:
        return PendingCall(
            task=task,
            images=images,
            images_param={"describe": "images", "generate": "images", "try_on": None}.get(task, "image"),
            content=lambda: self.model_dump_json().encode(),
            open=in_thread(make),
            options=self._given(),
        )


class DescribeArguments(_Arguments, TextFields):
    """Images, as data URIs, and a question about them."""

    images: Annotated[list[WireImage], Field(json_schema_extra={"minItems": 1})]
    question: str | None = None
    history: tuple[WireMessage, ...] = ()

    def pending_call(self) -> PendingCall[Description]:
        """Return the pending call."""

        def make() -> Call[Description]:
            opener = ImageOpener([])
            history = [message.opened(opener) for message in self.history]
            return calls.describe(**{**self._given(), "history": history}).noting(opener.notes)

        return self._pending("describe", [*self.images, *images_of(self.history)], make)


class DetectArguments(_Arguments):
    """An image, as a data URI, and what to find in it."""

    image: WireImage
    phrase: str

    def pending_call(self) -> PendingCall[Detection]:
        """Return the pending call."""
        return self._pending("detect", [self.image], lambda: calls.detect(**self._given()))


class _ImageArguments(_Arguments, ImageFields):
    sampler: Sampler | None = None
    """"fast" where `/v1/info` has `fast_steps`."""


class GenerateArguments(_ImageArguments):
    """What to generate."""

    prompt: str
    images: list[WireImage] = []
    force_image: bool = True

    def pending_call(self) -> PendingCall[GeneratedImage]:
        """Return the pending call."""
        return self._pending("generate", self.images, lambda: calls.generate(**self._given()))


class EditArguments(_ImageArguments, EditFields):
    """An image, as a data URI, and what to change in it."""

    image: WireImage
    instruction: str

    def pending_call(self) -> PendingCall[EditedImage]:
        """Return the pending call."""
        return self._pending("edit", [self.image], lambda: calls.edit(**self._given()))


class TryOnArguments(_ImageArguments, EditFields):
    """A person and a garment, as data URIs, and where on the person it goes."""

    person: WireImage
    garment: WireImage
    region: Region | None = None
    """x0, y0, x1, y1 in pixels of the person's image; without it, `detect` looks for the phrase there."""
    phrase: str = "the clothes"

    def detection(self) -> PendingCall[Detection]:
        """Return the pending call that finds the region."""
        return DetectArguments(image=self.person, phrase=self.phrase, seed=self.seed).pending_call()

    def pending_call(self, region: Region | Detection) -> PendingCall[TryOnImage]:
        """Return the pending call."""
        return self._pending(
            "try_on", [self.person, self.garment], lambda: calls.try_on(**{**self._given(), "region": region})
        )


@router.post("/describe")
async def describe(
    body: DescribeArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> Description:
    """Answer a question about images; without one, caption them."""
    return await cancel_on_disconnect(request, dispatcher.result(body.pending_call(), caller=caller, key=key))


@router.post("/detect")
async def detect(
    body: DetectArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> Detection:
    """Return boxes around what the phrase names."""
    return await cancel_on_disconnect(request, dispatcher.result(body.pending_call(), caller=caller, key=key))


@router.post("/generate")
async def generate(
    body: GenerateArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> GeneratedImage:
    """Generate an image from a prompt."""
    return await cancel_on_disconnect(request, dispatcher.result(body.pending_call(), caller=caller, key=key))


@router.post("/edit")
async def edit(
    body: EditArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> EditedImage:
    """Edit an image according to an instruction."""
    return await cancel_on_disconnect(request, dispatcher.result(body.pending_call(), caller=caller, key=key))


@router.post("/try_on")
async def try_on(
    body: TryOnArguments, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> TryOnImage:
    """Dress a person in a garment; without a region, it is detected first."""

    async def dressed() -> TryOnImage:
        region: Region | Detection | None = body.region
        if region is None:
            check_task("try_on", dispatcher.engine.info, specialist=body.specialist)
            detection_key = None if key is None else f"{key}-detect"
            region = await dispatcher.result(body.detection(), caller=caller, key=detection_key)
        return await dispatcher.result(body.pending_call(region), caller=caller, key=key)

    return await cancel_on_disconnect(request, dressed())

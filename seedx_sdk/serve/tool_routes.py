"""`/v1/tools/NAME`: the calls of the SDK one by one, with the same arguments, results and errors."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from seedx_sdk import calls
from seedx_sdk.serve.route_parts import Caller, IdempotencyKey, RepliesOf, unless_gone
from seedx_sdk.types import Description, Detection, EditedImage, GeneratedImage, Message, PictureField, Sampler

__all__ = ["router"]

router = APIRouter(prefix="/v1/tools", tags=["tools"])


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seed: int = 0
    """The same seed, request and model give the same answer."""


class DescribeArguments(_Arguments):
    """Pictures, as data URIs, and what to find out about them."""

    images: list[PictureField]
    question: str | None = None
    history: tuple[Message, ...] = ()
    max_new_tokens: int | None = None
    json_schema: dict[str, Any] | None = None
    """The text is JSON that fits it, where `/v1/info` has `can_guide`."""


class DetectArguments(_Arguments):
    """A picture, as a data URI, and what to find in it."""

    image: PictureField
    phrase: str


class _DrawArguments(_Arguments):
    size: tuple[int, int] | None = None
    """(width, height) in pixels, multiples of 8."""
    steps: int | None = None
    guidance: float | None = None
    sampler: Sampler | None = None
    """"fast" where `/v1/info` has `fast_steps`."""


class GenerateArguments(_DrawArguments):
    """What to draw."""

    prompt: str
    images: list[PictureField] = []
    force_image: bool = True


class EditArguments(_DrawArguments):
    """A picture, as a data URI, and what to change in it."""

    image: PictureField
    instruction: str
    image_guidance: float | None = None


@router.post("/describe")
async def describe(
    body: DescribeArguments, request: Request, replies: RepliesOf, caller: Caller, key: IdempotencyKey = None
) -> Description:
    """An answer in words about pictures; without a question, a description."""
    call = calls.describe(**_given(body))
    return await unless_gone(request, replies.result(call, caller=caller, key=key))


@router.post("/detect")
async def detect(
    body: DetectArguments, request: Request, replies: RepliesOf, caller: Caller, key: IdempotencyKey = None
) -> Detection:
    """Boxes around what the phrase names."""
    call = calls.detect(**_given(body))
    return await unless_gone(request, replies.result(call, caller=caller, key=key))


@router.post("/generate")
async def generate(
    body: GenerateArguments, request: Request, replies: RepliesOf, caller: Caller, key: IdempotencyKey = None
) -> GeneratedImage:
    """A picture drawn from words."""
    call = calls.generate(**_given(body))
    return await unless_gone(request, replies.result(call, caller=caller, key=key))


@router.post("/edit")
async def edit(
    body: EditArguments, request: Request, replies: RepliesOf, caller: Caller, key: IdempotencyKey = None
) -> EditedImage:
    """The picture changed as told."""
    call = calls.edit(**_given(body))
    return await unless_gone(request, replies.result(call, caller=caller, key=key))


def _given(body: BaseModel) -> dict[str, Any]:
    return {name: getattr(body, name) for name in type(body).model_fields}

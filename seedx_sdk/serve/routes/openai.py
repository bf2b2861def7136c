"""OpenAI-compatible routes.

Images in requests are `image_url` parts. The extra fields are those of vLLM-Omni (seed, num_inference_steps,
guidance_scale, width and height) and our own (sampler, force, image_guidance_scale, content_format).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sse_starlette import JSONServerSentEvent, ServerSentEvent
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from seedx_sdk.engine import NANO_NAMES
from seedx_sdk.errors import InputError, ServiceError
from seedx_sdk.serve.access.limits import Work
from seedx_sdk.serve.dependencies import (
    Caller,
    CurrentDispatcher,
    EventStream,
    IdempotencyKey,
    cancel_on_disconnect,
    first_event_or_error,
)
from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.serve.documented_answers import CHAT_ANSWER, IMAGES_ANSWER
from seedx_sdk.serve.error_handlers import stream_error_body
from seedx_sdk.serve.openai.answers import ChatAnswer, ImagesAnswer, warnings_header
from seedx_sdk.serve.openai.bodies import ChatCompletionBody, EditsBody, GenerationsBody
from seedx_sdk.serve.pending_call import PendingCall
from seedx_sdk.serve.repeats import part_key
from seedx_sdk.types import EditedImage, GeneratedImage, ImageDone, ImageProgress, ReplyDone, TextDelta

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["openai"])
T = TypeVar("T")
ImageResult = TypeVar("ImageResult", GeneratedImage, EditedImage)
_MAX_FILES, _MAX_FIELDS = 32, 64
"""Files and fields of a form; more are not received."""


def _form_schema() -> dict[str, Any]:
    """Return what the OpenAPI document says of the body of an edit."""
    schema = EditsBody.model_json_schema()
    schema["properties"] |= {"image": {"type": "string", "format": "binary", "description": "the image, a file"}}
    schema["required"] = [*schema.get("required", ()), "image"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.get("/models")
async def models(dispatcher: CurrentDispatcher, _caller: Caller) -> dict[str, Any]:
    """List the served model under each of its names."""
    return {"object": "list", "data": [_model(name, dispatcher) for name in _names(dispatcher)]}


@router.get("/models/{name:path}")
async def model(name: str, dispatcher: CurrentDispatcher, _caller: Caller) -> dict[str, Any]:
    """Return the model with this name."""
    return _model(_served(name, dispatcher), dispatcher)


@router.post("/chat/completions", response_model=None, responses=CHAT_ANSWER)
async def chat_completions(
    body: ChatCompletionBody,
    request: Request,
    dispatcher: CurrentDispatcher,
    caller: Caller,
    key: IdempotencyKey = None,
) -> Response | dict[str, Any]:
    """Return or stream the next message: text, and images."""
    identity = dispatcher.identity(caller, key)
    answer = ChatAnswer(
        id=f"chatcmpl-{identity.id}",
        created=identity.created,
        model=_served(body.model, dispatcher),
        fingerprint=dispatcher.engine.info.revision,
        as_parts=body.content_format == "parts",
        with_usage=body.stream_options is not None and body.stream_options.include_usage,
    )
    pending = body.pending_call(request.app.state.fetcher)
    if not body.stream:
        reply = await cancel_on_disconnect(request, dispatcher.result(pending, caller=caller, key=key))
        return await asyncio.to_thread(answer.whole, reply)
    events = await first_event_or_error(request, dispatcher.events(pending, caller=caller, key=key))

    async def chunks() -> AsyncIterator[dict[str, Any]]:
        yield answer.first()
        images = 0
        async with aclosing(events):
            async for event in events:
                if isinstance(event, TextDelta):
                    yield answer.text(event.text)
                elif isinstance(event, ImageDone):
                    yield await asyncio.to_thread(answer.image, event.image, images)
                    images += 1
                elif isinstance(event, ReplyDone):
                    for chunk in answer.last(event.reply):
                        yield chunk

    async def stream() -> AsyncIterator[ServerSentEvent]:
        try:
            async for chunk in chunks():
                yield JSONServerSentEvent(chunk)
            yield ServerSentEvent("[DONE]")
        except Exception as error:
            yield JSONServerSentEvent({"error": stream_error_body(error)})

    return EventStream(stream())


@router.post("/images/generations", response_model=None, responses=IMAGES_ANSWER)
async def images_generations(
    body: GenerationsBody, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> Response:
    """Generate images from a prompt, or stream them."""
    _served(body.model, dispatcher)
    answer = ImagesAnswer(body=body, created=dispatcher.identity(caller, key).created, kind="image_generation")
    return await _images(request, dispatcher, body.pending_calls(dispatcher.engine.info), answer, caller, key)


@router.post("/images/edits", response_model=None, responses=IMAGES_ANSWER, openapi_extra=_form_schema())
async def images_edits(
    request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> Response:
    """Edit an image according to an instruction; a form with the image as the file `image` or `image[]`."""
    body, image = await _edit(request)
    _served(body.model, dispatcher)
    answer = ImagesAnswer(body=body, created=dispatcher.identity(caller, key).created, kind="image_edit")
    return await _images(request, dispatcher, body.pending_calls(dispatcher.engine.info, image), answer, caller, key)


async def _images(
    request: Request,
    dispatcher: Dispatcher,
    pending: Sequence[PendingCall[ImageResult]],
    answer: ImagesAnswer,
    caller: Caller,
    key: str | None,
) -> Response:
    """Return the images of all calls, which run at once; or stream one after the other.

    Raises:
        InputError: If there are more calls than the server runs at once.
    """
    allowed = dispatcher.settings.max_replies
    if len(pending) > allowed:
        raise InputError(f"n {len(pending)} is more images than this server generates at once; use at most {allowed}")
    info = dispatcher.engine.info
    dispatcher.budget.check(pending, info)
    keys = [None if key is None else part_key(key, number) for number in range(len(pending))]
    computed = [call for call, k in zip(pending, keys, strict=True) if dispatcher.computes(caller, k)]
    caller.prepay(sum((Work.estimate(call.task, call.options, info) for call in computed), Work()))
    if not answer.body.stream:
        calls = [partial(dispatcher.result, c, caller=caller, key=k) for c, k in zip(pending, keys, strict=True)]
        images = await cancel_on_disconnect(request, _all(calls))
        return JSONResponse(await asyncio.to_thread(answer.whole, images), headers=warnings_header(images))
    first, *others = (dispatcher.events(c, caller=caller, key=k) for c, k in zip(pending, keys, strict=True))
    replies = [await first_event_or_error(request, first), *others]

    async def image_events() -> AsyncIterator[dict[str, Any]]:
        for call, events in zip(pending, replies, strict=True):
            shown = 0
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, ImageProgress) and event.preview is not None:
                        if shown == answer.body.partial_images:
                            continue
                        yield await asyncio.to_thread(answer.partial, event.preview, shown)
                        shown += 1
                    elif isinstance(event, ReplyDone):
                        result = (await call.call()).finish(event.reply)
                        yield await asyncio.to_thread(answer.completed, result)

    async def stream() -> AsyncIterator[ServerSentEvent]:
        try:
            async for event in image_events():
                yield JSONServerSentEvent(event, event=event["type"])
        except Exception as error:
            yield JSONServerSentEvent({"error": stream_error_body(error)})

    return EventStream(stream())


async def _edit(request: Request) -> tuple[EditsBody, bytes]:
    """Return the fields and the image of a form.

    Raises:
        InputError: If it has not exactly one image, or a field twice.
        RequestValidationError: If a field is not allowed.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InputError("an edit is sent as multipart/form-data, the image as the file 'image'", param="image")
    async with _form(request) as form:
        fields = form.multi_items()
        files = {name: value for name, value in fields if isinstance(value, UploadFile)}
        texts = {name: value for name, value in fields if not isinstance(value, UploadFile)}
        if twice := sorted({name for name, _ in fields if len(form.getlist(name)) > 1} - files.keys()):
            raise InputError(f"the form has the field {twice[0]!r} more than once", param=twice[0])
        texts = {name: value for name, value in texts.items() if value or name == "prompt"}  # the null of a form
        uploads = [*form.getlist("image"), *form.getlist("image[]")]
        if "mask" in files:
            raise InputError(
                "a mask is not supported: an edit takes exactly one file, the image; say in the prompt what changes",
                param="mask",
            )
        if len(uploads) != 1 or len(files) != 1 or not isinstance(uploads[0], UploadFile):
            raise InputError(
                "an edit takes exactly one file, the image, in the field 'image' or 'image[]'; to use several images, "
                "send them to /v1/chat/completions",
                param="image",
            )
        image = await uploads[0].read()
    try:
        return EditsBody.model_validate(texts), image
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    try:
        async with request.form(max_files=_MAX_FILES, max_fields=_MAX_FIELDS) as form:
            yield form
    except OSError as error:  # larger files go to a temporary one
        raise ServiceError(
            f"cannot store the upload ({error.strerror}): the server's disk is full; free space, or set TMPDIR"
        ) from error


def _names(dispatcher: Dispatcher) -> tuple[str, ...]:
    return tuple(dict.fromkeys((dispatcher.engine.info.name, *dispatcher.settings.served_model_names)))


def _model(name: str, dispatcher: Dispatcher) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "seedx", "root": dispatcher.engine.info.name}


def _served(name: str | None, dispatcher: Dispatcher) -> str:
    """Return the name under which the model answers.

    Raises:
        HTTPException: If it has no such name (404).
    """
    names = _names(dispatcher)
    known = (*names, *(NANO_NAMES if names[0] in NANO_NAMES else ()))
    if name and name not in known:
        text = f"there is no model {name!r}; this server has {' and '.join(map(repr, names))}"
        raise HTTPException(404, {"message": text, "param": "model", "code": "model_not_found"})
    return name or names[0]


async def _all(calls: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
    """Return all results; if one fails, cancel the others, and return when they have stopped."""
    tasks = [asyncio.ensure_future(call()) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

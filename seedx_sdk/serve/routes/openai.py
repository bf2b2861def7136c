"""OpenAI-compatible routes.

Images are `image_url` parts with data URIs, in requests and replies, as in vLLM-Omni, which also has the additional
fields seed, num_inference_steps, guidance_scale, width and height; sampler and force are ours. Unsupported fields are
errors.

The responses are plain dicts: importing openai's models would double the import time of the server, and their type for
the content of a message admits no images. Tests validate the responses with these models.
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from fastapi import APIRouter, HTTPException, Request
from pydantic import ValidationError
from sse_starlette import JSONServerSentEvent, ServerSentEvent
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from seedx_sdk.errors import InputError, ServiceError
from seedx_sdk.imaging import to_data_uri, to_png
from seedx_sdk.serve.dependencies import (
    Caller,
    CurrentDispatcher,
    EventStream,
    IdempotencyKey,
    cancel_on_disconnect,
    first_event_or_error,
)
from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.serve.error_handlers import stream_error_body
from seedx_sdk.serve.pending_call import PendingCall
from seedx_sdk.serve.routes.openai_schemas import ChatCompletionBody, EditsBody, GenerationsBody
from seedx_sdk.types import (
    ChatReply,
    EditedImage,
    GeneratedImage,
    ImageDone,
    ImagePart,
    Message,
    ReplyDone,
    TextDelta,
    TextPart,
)

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["openai"])
T = TypeVar("T")
ImageResult = TypeVar("ImageResult", GeneratedImage, EditedImage)


@router.get("/models")
async def models(dispatcher: CurrentDispatcher, _caller: Caller) -> dict[str, Any]:
    """List the served model."""
    return {"object": "list", "data": [_model(dispatcher)]}


@router.get("/models/{name:path}")
async def model(name: str, dispatcher: CurrentDispatcher, _caller: Caller) -> dict[str, Any]:
    """Return the model with this name."""
    _check_model(name, dispatcher)
    return _model(dispatcher)


@router.post("/chat/completions", response_model=None)
async def chat_completions(
    body: ChatCompletionBody,
    request: Request,
    dispatcher: CurrentDispatcher,
    caller: Caller,
    key: IdempotencyKey = None,
) -> Response | dict[str, Any]:
    """Return or stream the next message: text, or text and images in order."""
    _check_model(body.model, dispatcher)
    pending = body.pending_call(request.app.state.fetcher)
    base = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": dispatcher.engine.info.name}
    if not body.stream:
        reply = await cancel_on_disconnect(request, dispatcher.result(pending, caller=caller, key=key))
        message = {"role": "assistant", "content": _content(reply.message)}
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
        return {**base, "object": "chat.completion", "choices": [choice], "usage": _usage(reply)}

    events = await first_event_or_error(request, dispatcher.events(pending, caller=caller, key=key))
    with_usage = body.stream_options is not None and body.stream_options.include_usage
    chunk_base = {**base, "object": "chat.completion.chunk", **({"usage": None} if with_usage else {})}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> ServerSentEvent:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return JSONServerSentEvent({**chunk_base, "choices": [choice]})

    async def stream() -> AsyncIterator[ServerSentEvent]:
        yield chunk({"role": "assistant", "content": ""})
        try:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, TextDelta):
                        yield chunk({"content": event.text})
                    elif isinstance(event, ImageDone):
                        yield chunk({"content": [_image_part(ImagePart(image=event.image))]})
                    elif isinstance(event, ReplyDone):
                        yield chunk({}, event.reply.finish_reason)
                        if with_usage:
                            yield JSONServerSentEvent({**chunk_base, "choices": [], "usage": _usage(event.reply)})
                        yield ServerSentEvent("[DONE]")
        except Exception as error:
            yield JSONServerSentEvent({"error": stream_error_body(error)})

    return EventStream(stream())


@router.post("/images/generations")
async def images_generations(
    body: GenerationsBody, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> dict[str, Any]:
    """Generate images from a prompt."""
    _check_model(body.model, dispatcher)
    return await _images(request, dispatcher, body.pending_calls(), caller, key)


@router.post("/images/edits")
async def images_edits(
    request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> dict[str, Any]:
    """Edit an image according to an instruction; a form with the image as the file `image`."""
    async with _form(request) as form:
        fields = dict(form.multi_items())
        files = [value for value in form.values() if isinstance(value, UploadFile)]
        upload = fields.pop("image", None) or fields.pop("image[]", None)
        if not isinstance(upload, UploadFile) or len(files) != 1:
            raise InputError("an edit takes exactly one file, the image, in the field 'image'")
        image = await upload.read()
    try:
        body = EditsBody.model_validate(fields)
    except ValidationError as error:
        fields_text = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(fields_text) from error
    _check_model(body.model, dispatcher)
    return await _images(request, dispatcher, body.pending_calls(image), caller, key)


async def _images(
    request: Request,
    dispatcher: Dispatcher,
    pending: Sequence[PendingCall[ImageResult]],
    caller: str,
    key: str | None,
) -> dict[str, Any]:
    """Return the images of all calls, which run at once.

    Raises:
        InputError: If there are more calls than the server runs at once.
    """
    allowed = dispatcher.settings.max_replies
    if len(pending) > allowed:
        raise InputError(f"n {len(pending)} is more images than this server generates at once; use at most {allowed}")
    results = [dispatcher.result(call, caller=caller, key=_numbered(key, i)) for i, call in enumerate(pending)]
    images = await cancel_on_disconnect(request, _all(results))
    data = [{"b64_json": base64.b64encode(to_png(result.image)).decode()} for result in images if result.image]
    return {"created": int(time.time()), "data": data, "output_format": "png"}


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    try:
        async with request.form(max_files=2, max_fields=32) as form:
            yield form
    except OSError as error:  # larger files go to a temporary one
        raise ServiceError(
            f"cannot store the upload ({error.strerror}): the server's disk is full; free space, or set TMPDIR"
        ) from error


def _model(dispatcher: Dispatcher) -> dict[str, Any]:
    return {"id": dispatcher.engine.info.name, "object": "model", "created": 0, "owned_by": "seedx"}


def _check_model(name: str | None, dispatcher: Dispatcher) -> None:
    served = dispatcher.engine.info.name
    if name is not None and name != served:
        raise HTTPException(404, f"there is no model {name!r}; this server has {served!r}")


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.text
    return [
        {"type": "text", "text": part.text} if isinstance(part, TextPart) else _image_part(part)
        for part in message.content
    ]


def _image_part(part: ImagePart) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": to_data_uri(part.image)}}


def _usage(reply: ChatReply) -> dict[str, int] | None:
    if reply.usage is None:
        return None
    return {**reply.usage.model_dump(), "total_tokens": reply.usage.total_tokens}


def _numbered(key: str | None, number: int) -> str | None:
    return None if key is None else f"{key}/{number}"


async def _all(coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Return all results; if one fails, cancel the others."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()

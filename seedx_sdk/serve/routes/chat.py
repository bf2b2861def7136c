"""`/v1/info` and `/v1/chat`: requests of the SDK as JSON, their replies as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, TypeAdapter
from sse_starlette import EventSourceResponse, JSONServerSentEvent, ServerSentEvent

from seedx_sdk import calls
from seedx_sdk.calls import Call
from seedx_sdk.options import GenerationOptions
from seedx_sdk.serve.dependencies import Caller, CurrentDispatcher, EventStream, IdempotencyKey, first_event_or_error
from seedx_sdk.serve.documented_answers import CHAT_STREAM
from seedx_sdk.serve.error_handlers import stream_error_body
from seedx_sdk.serve.pending_call import PendingCall, WireMessage, images_of, in_thread
from seedx_sdk.types import ChatReply, ModelInfo, StreamEvent, Task
from seedx_sdk.types import Request as ModelRequest
from seedx_sdk.validation import ImageOpener

__all__ = ["ChatBody", "router"]

router = APIRouter(tags=["chat"])
_EVENT: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)


class ChatBody(BaseModel):
    """A conversation whose last message is the user's. Images are data URIs."""

    model_config = ConfigDict(extra="forbid")

    task: Task = "chat"
    messages: tuple[WireMessage, ...]
    options: GenerationOptions = GenerationOptions()

    def pending_call(self) -> PendingCall[ChatReply]:
        """Return the pending call."""
        return PendingCall(
            task=self.task,
            images=images_of(self.messages),
            images_param="messages",
            content=lambda: self.model_dump_json().encode(),
            open=in_thread(self._call),
            options=self.options.model_dump(),
        )

    def _call(self) -> Call[ChatReply]:
        opener = ImageOpener([])
        messages = tuple(message.opened(opener) for message in self.messages)
        return calls.received(ModelRequest(task=self.task, messages=messages, options=self.options), opened_by=opener)


@router.get("/v1/info")
async def info(dispatcher: CurrentDispatcher, _caller: Caller) -> ModelInfo:
    """Return what the model is and what it accepts."""
    return dispatcher.engine.info


@router.post("/v1/chat", response_class=EventSourceResponse, responses=CHAT_STREAM)
async def chat(
    body: ChatBody, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> EventStream:
    """Stream the reply as server-sent events; the last one is `reply_done` or `error`."""
    events = await first_event_or_error(request, dispatcher.events(body.pending_call(), caller=caller, key=key))

    async def stream() -> AsyncIterator[ServerSentEvent]:
        async with aclosing(events):
            try:
                async for event in events:
                    yield ServerSentEvent(_EVENT.dump_json(event).decode(), event=event.type)
            except Exception as error:
                yield JSONServerSentEvent(stream_error_body(error), event="error")

    return EventStream(stream())

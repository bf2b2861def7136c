"""`/v1/info` and `/v1/chat`: a request of the SDK as JSON, and the events of its reply as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, TypeAdapter
from sse_starlette import EventSourceResponse, JSONServerSentEvent, ServerSentEvent

from seedx_sdk import calls
from seedx_sdk.engine.protocol import Request as ModelRequest
from seedx_sdk.engine.protocol import Task
from seedx_sdk.errors import SeedXError
from seedx_sdk.problems import to_problem
from seedx_sdk.serve.route_parts import Caller, IdempotencyKey, RepliesOf
from seedx_sdk.types import GenerationOptions, Message, ModelInfo, StreamEvent

__all__ = ["ChatBody", "router"]

router = APIRouter(tags=["chat"])
_EVENT: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)


class ChatBody(BaseModel):
    """A conversation to be answered; the last message is the user's. Pictures are data URIs."""

    model_config = ConfigDict(extra="forbid")

    task: Task = "chat"
    messages: tuple[Message, ...]
    options: GenerationOptions = GenerationOptions()


@router.get("/v1/info")
async def info(replies: RepliesOf, _caller: Caller) -> ModelInfo:
    """What the model is and what it accepts."""
    return replies.engine.info


@router.post("/v1/chat", response_class=EventSourceResponse)
async def chat(body: ChatBody, replies: RepliesOf, caller: Caller, key: IdempotencyKey = None) -> EventSourceResponse:
    """The reply as it is made: one server-sent event for each piece, the last one `reply_done`, or `error`."""
    call = calls.received(ModelRequest(task=body.task, messages=body.messages, options=body.options))
    events = replies.events(call, caller=caller, key=key)
    first = await anext(events)  # what fails before the first event fails with a status of its own

    async def tell() -> AsyncIterator[ServerSentEvent]:
        async with aclosing(events):
            try:
                yield _event(first)
                async for event in events:
                    yield _event(event)
            except SeedXError as error:
                yield JSONServerSentEvent(to_problem(error), event="error")

    return EventSourceResponse(tell(), ping=15)


def _event(event: StreamEvent) -> ServerSentEvent:
    return ServerSentEvent(_EVENT.dump_json(event).decode(), event=event.type)

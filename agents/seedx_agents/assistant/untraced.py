"""Calls of a chat model that LangChain traces nothing of: the policy traces them itself, with names of images."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableWithFallbacks
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.tools import BaseTool
from langsmith import tracing_context

from seedx_sdk.errors import InputError
from seedx_tools import chat_models
from seedx_tools.chat_models import ChatModel

_SILENT: RunnableConfig = {"callbacks": []}


def with_tools(model: ChatModel, tools: Sequence[BaseTool]) -> ChatModel:
    """Return the chat model with tools bound to it.

    Raises:
        InputError: If it calls no tools, or has tools already.
    """
    if _has_tools(model):
        raise InputError("the chat model has tools already; pass it without them, and the tools as tools=")
    try:
        return chat_models.adapted(model, lambda bare: bare.bind_tools(tools))
    except NotImplementedError as error:
        names = ", ".join(type(bare).__name__ for bare in chat_models.chat_models(model))
        raise InputError(
            f"{names} cannot call tools; use a chat model with bind_tools, or none for a rule-based policy"
        ) from error


def is_async(model: ChatModel) -> bool:
    """Return whether it waits on the event loop; another would block a thread of the loop's executor."""
    return all(
        type(bare)._agenerate is not BaseChatModel._agenerate or type(bare)._astream is not BaseChatModel._astream
        for bare in chat_models.chat_models(model)
    )


def stream(model: ChatModel, messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    """Yield the answer in pieces, or whole where an attempt may have to be repeated."""
    with tracing_context(enabled=False):
        yield from chat_models.stream(model, list(messages), _SILENT)


async def astream(model: ChatModel, messages: Sequence[BaseMessage]) -> AsyncIterator[BaseMessage]:
    """Yield what `stream` yields."""
    with tracing_context(enabled=False):
        async for piece in chat_models.astream(model, list(messages), _SILENT):
            yield piece


def _has_tools(model: Runnable[Any, Any]) -> bool:
    if isinstance(model, RunnableWithFallbacks):
        return any(map(_has_tools, model.runnables))
    if isinstance(model, RunnableBindingBase):
        return bool(model.kwargs.keys() & {"tools", "functions"}) or _has_tools(model.bound)
    return False

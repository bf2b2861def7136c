"""Chat models as they come: bare, or made with bind, with_config, with_retry or with_fallbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, TypeAlias

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableWithFallbacks
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.retry import RunnableRetry
from langchain_core.tools import BaseTool
from langsmith import tracing_context

from seedx_sdk.errors import InputError

Head: TypeAlias = Runnable[Any, Any]
"""A chat model, or one wrapped by methods of LangChain that give a Runnable."""

_SILENT: RunnableConfig = {"callbacks": []}


def bind_tools(head: Head, tools: Sequence[BaseTool]) -> Head:
    """Return the head with tools bound to each of its chat models.

    Raises:
        InputError: If one of them calls no tools, or has tools already.
    """
    if isinstance(head, RunnableWithFallbacks):
        fallbacks = [bind_tools(fallback, tools) for fallback in head.fallbacks]
        return head.model_copy(update={"runnable": bind_tools(head.runnable, tools), "fallbacks": fallbacks})
    if isinstance(head, RunnableBindingBase):
        if head.kwargs.keys() & {"tools", "functions"}:
            raise InputError("the chat model has tools already; pass it without, and the tools as tools=")
        return head.model_copy(update={"bound": bind_tools(head.bound, tools)})
    try:
        bound: Head = head.bind_tools(tools)  # type: ignore[attr-defined]
    except (AttributeError, NotImplementedError) as error:
        raise InputError(
            f"{type(head).__name__} cannot call tools; use a chat model with bind_tools, or none: then rules decide"
        ) from error
    return bound


def models_of(head: Head) -> list[Head]:
    """Return the chat models inside a head; the one that is asked first comes first."""
    if isinstance(head, RunnableWithFallbacks):
        return [model for runnable in head.runnables for model in models_of(runnable)]
    return models_of(head.bound) if isinstance(head, RunnableBindingBase) else [head]


def is_async(head: Head) -> bool:
    """Return whether all its chat models wait on the event loop; others would block a thread of its executor."""
    return all(
        not isinstance(model, BaseChatModel)
        or type(model)._agenerate is not BaseChatModel._agenerate
        or type(model)._astream is not BaseChatModel._astream
        for model in models_of(head)
    )


def stream(head: Head, messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    """Yield the answer in pieces, or whole if it is retried, for LangChain retries no stream; nothing is traced."""
    with tracing_context(enabled=False):
        if _retries(head):
            yield head.invoke(list(messages), _SILENT)
        else:
            yield from head.stream(list(messages), _SILENT)


async def astream(head: Head, messages: Sequence[BaseMessage]) -> AsyncIterator[BaseMessage]:
    """Yield the answer as `stream` does."""
    with tracing_context(enabled=False):
        if _retries(head):
            yield await head.ainvoke(list(messages), _SILENT)
        else:
            async for piece in head.astream(list(messages), _SILENT):
                yield piece


def _retries(head: Head) -> bool:
    if isinstance(head, RunnableWithFallbacks):
        return any(_retries(runnable) for runnable in head.runnables)
    return isinstance(head, RunnableRetry) or (isinstance(head, RunnableBindingBase) and _retries(head.bound))

"""Chat models in a wrapping: `with_retry()`, `with_fallbacks()`, `bind()`, `with_config()` and configurable fields.

LangChain's wrappers are not chat models themselves: most have no `bind_tools` or `with_structured_output`, and none
retries a stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, TypeAlias

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableWithFallbacks
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.configurable import DynamicRunnable
from langchain_core.runnables.retry import RunnableRetry

from seedx_sdk.errors import InputError

__all__ = ["ChatModel", "adapted", "astream", "chat_models", "stream"]

ChatModel: TypeAlias = Runnable[LanguageModelInput, AIMessage]
"""A chat model, bare or in a wrapping."""
AnyRunnable: TypeAlias = Runnable[Any, Any]


def adapted(model: AnyRunnable, change: Callable[[BaseChatModel], AnyRunnable]) -> AnyRunnable:
    """Return the same wrapping around changed chat models.

        adapted(model.with_retry(), lambda bare: bare.bind_tools(tools))

    Args:
        model: A chat model, bare or in a wrapping.
        change: Called with the chat model, and with each fallback.

    Raises:
        InputError: If there is something else inside, such as a chain.
    """
    match model:
        case BaseChatModel():
            return change(model)
        case RunnableWithFallbacks():
            first, *fallbacks = [adapted(runnable, change) for runnable in model.runnables]
            return model.model_copy(update={"runnable": first, "fallbacks": fallbacks})
        case RunnableBindingBase():
            return model.model_copy(update={"bound": adapted(model.bound, change)})
        case DynamicRunnable():
            return adapted(model.prepare()[0], change)
    raise InputError(
        f"{type(model).__name__} is no chat model; pass a LangChain chat model, as it is or with with_retry(), "
        "with_fallbacks(), bind() or with_config()"
    )


def chat_models(model: AnyRunnable) -> list[BaseChatModel]:
    """Return the chat models inside: the first, and then its fallbacks.

    Raises:
        InputError: If there is something else inside.
    """
    found: list[BaseChatModel] = []

    def note(bare: BaseChatModel) -> AnyRunnable:
        found.append(bare)
        return bare

    adapted(model, note)
    return found


def stream(
    model: ChatModel, messages: Sequence[BaseMessage], config: RunnableConfig | None = None
) -> Iterator[BaseMessage]:
    """Yield the answer in pieces; in one piece where an attempt may have to be repeated."""
    if _retries(model):
        yield model.invoke(messages, config)
    else:
        yield from model.stream(messages, config)


async def astream(
    model: ChatModel, messages: Sequence[BaseMessage], config: RunnableConfig | None = None
) -> AsyncIterator[BaseMessage]:
    """Yield what `stream` yields."""
    if _retries(model):
        yield await model.ainvoke(messages, config)
        return
    async for piece in model.astream(messages, config):
        yield piece


def _retries(model: AnyRunnable) -> bool:
    match model:
        case RunnableRetry():
            return True
        case RunnableWithFallbacks():
            return any(map(_retries, model.runnables))
        case RunnableBindingBase():
            return _retries(model.bound)
    return False

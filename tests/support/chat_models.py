"""A chat model that plays a script of messages and tool calls, and remembers what it was shown."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, cast

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

_IDS = itertools.count(1)


def calls(*steps: tuple[str, dict[str, Any]]) -> AIMessage:
    """Return a message that calls tools, all in one step."""
    made = [{"type": "tool_call", "id": f"call-{next(_IDS)}", "name": name, "args": args} for name, args in steps]
    return AIMessage("", tool_calls=made)


class PlayedModel(BaseChatModel):
    """Answers with the next step of its script, or with what that makes of the messages."""

    script: list[Any]
    """Messages, and functions that make one of the messages so far."""
    seen: list[list[BaseMessage]] = Field(default_factory=list)
    offered: list[Any] = Field(default_factory=list)
    """The tools that were bound last."""

    @property
    def _llm_type(self) -> str:
        return "played"

    def bind_tools(self, tools: Any, **_options: Any) -> PlayedModel:
        self.offered[:] = tools
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **_options: Any,
    ) -> ChatResult:
        step = self.script[len(self.seen)]
        self.seen.append(list(messages))
        said = step if isinstance(step, AIMessage) else cast("Callable[..., AIMessage]", step)(messages)
        said = said.model_copy(update={"id": None})  # a graph gives it one, and a script may have it twice
        return ChatResult(generations=[ChatGeneration(message=said)])

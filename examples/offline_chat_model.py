"""A chat model of a few rules, so that the programs with `create_agent` run without a network or a key.

Any chat model that calls tools takes its place: init_chat_model("...").
"""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class OfflineChatModel(BaseChatModel):
    """Draws what begins with "draw", answers what ends with "?", and makes all else a change to the latest image."""

    @property
    def _llm_type(self) -> str:
        return "offline"

    def bind_tools(self, tools: Any, **_options: Any) -> OfflineChatModel:  # noqa: ARG002
        """Return the model itself; its rules know the tools."""
        return self

    def _generate(self, messages: list[BaseMessage], *_args: Any, **_options: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=_answer(messages))])


def _answer(messages: list[BaseMessage]) -> AIMessage:
    asked = next(message for message in reversed(messages) if message.type == "human")
    text = str(asked.content if isinstance(asked.content, str) else asked.content[0]["text"])  # type: ignore[index]
    if isinstance(messages[-1], ToolMessage):
        return AIMessage(messages[-1].text.split("\nimage:")[0])
    if text.lower().startswith("draw "):
        return _call("generate", prompt=text[5:])
    names = [name for message in messages for name in re.findall(r"image:\w+", message.text)]
    if not names:
        return AIMessage("There is no image yet; say what to draw.")
    if text.endswith("?"):
        return _call("describe", images=[names[-1]], question=text)
    return _call("edit", image=names[-1], instruction=text)


def _call(name: str, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"type": "tool_call", "id": uuid4().hex, "name": name, "args": args}])

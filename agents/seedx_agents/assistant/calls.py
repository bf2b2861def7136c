"""The tool calls of a chat model's message, each with an id that no other call of the conversation has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, ToolCall


class Call(NamedTuple):
    """A call, valid or not."""

    id: str
    tool: str
    args: dict[str, Any]
    fault: str
    """What is wrong with a call that is not valid JSON; else empty."""


def calls_of(message: AIMessage, before: Sequence[BaseMessage]) -> list[Call]:
    """Return the calls of a message, including those that are not JSON.

    A call keeps its id unless it has none, or an earlier call of the conversation has it.

    Args:
        message: The message.
        before: The conversation up to it.
    """
    calls = [(call["id"], call["name"], call["args"], "") for call in message.tool_calls]
    for call in message.invalid_tool_calls:
        fault = f"the arguments are not a JSON object ({call['error'] or str(call['args'])[:80]})"
        calls.append((call["id"], call["name"] or "unknown", {}, fault))
    taken = {call["id"] for earlier in before if isinstance(earlier, AIMessage) for call in earlier.tool_calls}
    free = (f"call-{len(before)}-{number}" for number in count())
    found = []
    for given, tool, args, fault in calls:
        own = given if given and given not in taken else next(name for name in free if name not in taken)
        taken.add(own)
        found.append(Call(own, tool, args, fault))
    return found


def with_calls(message: AIMessage, calls: Sequence[Call]) -> AIMessage:
    """Return the message with all its calls as valid ones, so that each has an answer whatever service reads it."""
    valid = [ToolCall(type="tool_call", id=call.id, name=call.tool, args=call.args) for call in calls]
    given = [call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)]
    content = message.content
    if not isinstance(content, str) and given != [call.id for call in calls]:
        content = list(_renamed(content, list(zip(given, calls, strict=True))))
    return message.model_copy(update={"content": content, "tool_calls": valid, "invalid_tool_calls": []})


def _renamed(
    blocks: list[str | dict[Any, Any]], pairs: list[tuple[str | None, Call]]
) -> Iterator[str | dict[Any, Any]]:
    """Yield content blocks; those that repeat a call, as Anthropic's do, get the id that the call has now."""
    for block in blocks:
        if isinstance(block, dict) and block.get("type") in ("tool_use", "tool_call"):
            pair = next((pair for pair in pairs if pair[0] == block.get("id")), None)
            if pair is not None:
                pairs.remove(pair)
                block = {**block, "id": pair[1].id}
        yield block

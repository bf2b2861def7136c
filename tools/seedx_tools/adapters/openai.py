"""The tools for OpenAI's API and everything that is compatible with it.

    client.chat.completions.create(..., tools=chat_tools(toolbox))
    messages += chat_replies(toolbox, reply.tool_calls)          # and call again
    client.responses.create(..., tools=response_tools(toolbox))
    items += response_outputs(toolbox, response.output)          # and call again

These are plain dictionaries; the openai package is not needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from seedx_sdk.imaging import to_data_uri
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.toolbox import Outcome, Toolbox

__all__ = ["arguments_of", "chat_replies", "chat_tools", "response_outputs", "response_tools"]


def chat_tools(toolbox: Toolbox) -> list[dict[str, Any]]:
    """Return the value of `tools` for chat completions."""
    return [{"type": "function", "function": function} for function in _functions(toolbox)]


def response_tools(toolbox: Toolbox) -> list[dict[str, Any]]:
    """Return the value of `tools` for responses."""
    return [{"type": "function", **function} for function in _functions(toolbox)]


def chat_replies(
    toolbox: Toolbox, tool_calls: Iterable[Any] | None, *, show_images: bool = True
) -> list[dict[str, Any]]:
    """Run the calls of an assistant message and return the messages that answer it.

    Each call gets a message of role "tool", with the error as its text if it failed. Such a message cannot hold images
    in this API, so they follow in one user message, each after its name.

    Args:
        toolbox: The tools.
        tool_calls: `message.tool_calls` of the assistant message.
        show_images: Whether images follow; False for a model that cannot see.
    """
    replies: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    for call in tool_calls or ():
        outcome, text = _run(toolbox, call.function.name, call.function.arguments)
        replies.append({"role": "tool", "tool_call_id": call.id, "content": text})
        if show_images and outcome is not None and outcome.image is not None:
            images.append({"type": "text", "text": f"{outcome.image_name}:"})
            images.append({"type": "image_url", "image_url": {"url": to_data_uri(outcome.image)}})
    return [*replies, {"role": "user", "content": images}] if images else replies


def response_outputs(toolbox: Toolbox, items: Iterable[Any], *, show_images: bool = True) -> list[dict[str, Any]]:
    """Run the function calls among the items of a response and return an output item for each.

    Args:
        toolbox: The tools.
        items: `response.output`; items other than function calls are ignored.
        show_images: Whether outputs hold images; False for a model that cannot see.
    """
    outputs = []
    for call in (item for item in items if item.type == "function_call"):
        outcome, text = _run(toolbox, call.name, call.arguments)
        content = [{"type": "input_text", "text": text}]
        if show_images and outcome is not None and outcome.image is not None:
            content.append({"type": "input_image", "image_url": to_data_uri(outcome.image)})
        outputs.append({"type": "function_call_output", "call_id": call.call_id, "output": content})
    return outputs


def arguments_of(name: str, text: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a model wrote as JSON, or that a library has parsed already.

    Raises:
        ToolRetry: If they are not a JSON object.
    """
    if isinstance(text, Mapping):
        return dict(text)
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise ToolRetry(f"{name}: the arguments are not valid JSON ({error}); write one object") from error
    if not isinstance(arguments, dict):
        raise ToolRetry(f"{name}: the arguments are {type(arguments).__name__} in JSON; write one object")
    return arguments


def _run(toolbox: Toolbox, name: str, arguments: str | Mapping[str, Any]) -> tuple[Outcome | None, str]:
    try:
        outcome = toolbox.run(name, arguments_of(name, arguments))
    except (ToolRetry, ToolFailed) as error:
        return None, f"Error: {error}"
    return outcome, outcome.text


def _functions(toolbox: Toolbox) -> list[dict[str, Any]]:
    """Return function schemas, not strict: strict mode has neither defaults nor patterns nor optional arguments."""
    return [
        {"name": tool.name, "description": tool.description, "parameters": tool.schema()["parameters"], "strict": False}
        for tool in toolbox.tools.values()
    ]

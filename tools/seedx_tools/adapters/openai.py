"""The tools for OpenAI's API and everything that is compatible with it.

    client.chat.completions.create(..., tools=chat_tools(toolbox))
    messages += chat_replies(toolbox, reply.tool_calls)          # and call again
    client.responses.create(..., tools=response_tools(toolbox))
    items += response_outputs(toolbox, response.output)          # and call again

`name_uploads` names the images in messages of the user, so that the model can pass them to tools. For conversations
that are kept over restarts give the toolbox a FolderImages; images in memory get random names, which end with it.
These are plain dictionaries; the openai package is not needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from PIL import Image

from seedx_sdk.imaging import open_image, to_data_uri
from seedx_tools.arguments import reference
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.image_store import SCHEME, names_in
from seedx_tools.toolbox import Outcome, Toolbox

__all__ = ["arguments_of", "chat_replies", "chat_tools", "name_uploads", "response_outputs", "response_tools"]

_UPLOADED = " (uploaded)"
_NAME_BEFORE = re.compile(rf"({SCHEME}\w+)(?:{re.escape(_UPLOADED)})?:")
"""The text before an image that has a name."""
_TEXT_TYPES = {"image_url": "text", "input_image": "input_text"}
"""The type of a text part beside an image part of chat completions, or of responses."""


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
        outcome, text = _run(toolbox.unseen(), call.function.name, call.function.arguments)
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
        outcome, text = _run(toolbox.unseen(), call.name, call.arguments)
        content = [{"type": "input_text", "text": text}]
        if show_images and outcome is not None and outcome.image is not None:
            content.append({"type": "input_image", "image_url": to_data_uri(outcome.image)})
        outputs.append({"type": "function_call_output", "call_id": call.call_id, "output": content})
    return outputs


def name_uploads(toolbox: Toolbox, messages: Sequence[Any]) -> list[Any]:
    """Return messages in which every image of the user has a name for tools, as a text before it.

    Call it with the whole conversation before each request, and keep what it returns. Names stay the same, and the
    images of a conversation that was kept elsewhere are stored again under theirs.

    Args:
        toolbox: Its images get those of the messages.
        messages: For chat completions or responses. Only images that are data URIs get a name.

    Raises:
        ImageError: If an image cannot be read.
    """
    uploads: dict[str, str] = {}
    toolbox.images.take(names_in(json.dumps(messages, default=str)), partial(_reopen, uploads))
    return [
        {**message, "content": _named(toolbox, message["content"], uploads)}
        if isinstance(message, Mapping) and message.get("role") == "user" and isinstance(message["content"], list)
        else message
        for message in messages
    ]


def _named(toolbox: Toolbox, parts: Sequence[Mapping[str, Any]], uploads: dict[str, str]) -> list[Mapping[str, Any]]:
    """Return the parts of a message with a name before each image; the user's are added to `uploads`."""
    named: list[Mapping[str, Any]] = []
    for part in parts:
        if part.get("type") in _TEXT_TYPES and reference(part).startswith("data:"):
            before = _NAME_BEFORE.fullmatch(str(named[-1].get("text"))) if named else None
            if before is None:
                name = toolbox.images.add(reference(part))
                named.append({"type": _TEXT_TYPES[part["type"]], "text": f"{name}{_UPLOADED}:"})
            elif _UPLOADED in before[0]:
                uploads[before[1]] = reference(part)
        named.append(part)
    return named


def _reopen(uploads: Mapping[str, str], name: str) -> Image.Image | None:
    return open_image(uploads[name]) if name in uploads else None


def arguments_of(name: str, text: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a model wrote as JSON, or that a library has parsed already.

    Raises:
        ToolRetry: If they are not a JSON object.
    """
    if isinstance(text, Mapping):
        return dict(text)
    try:
        arguments = json.loads(text or "{}")
        if isinstance(arguments, str):  # JSON written twice
            arguments = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise ToolRetry(f"{name}: the arguments are not valid JSON ({error}); write one object") from error
    if not isinstance(arguments, dict):
        raise ToolRetry(f"{name}: the arguments are not a JSON object; write one, with each argument by name")
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

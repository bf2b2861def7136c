"""Which images a LangChain run may use: those of its thread, under the names that the thread's messages mention."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from PIL import Image
from pydantic import ValidationError

from seedx_sdk.types import Result
from seedx_tools.image_store import names_in
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Toolbox

Scope: TypeAlias = Callable[[RunnableConfig], str]
"""Names the scope of a run's images, for images that are not kept by thread."""

_IMAGE_LINE = re.compile(r"^The image is (image:\w+)\.$", re.MULTILINE)


def thread_id(config: RunnableConfig, scope: Scope | None) -> str | None:
    """Return the thread, or other scope, to which the images of a run belong; None if it has none."""
    configurable = config.get("configurable")
    if not configurable:
        return None
    thread = configurable.get("thread_id") if scope is None else scope(config)
    return None if thread is None else str(thread) or None


def toolbox_of_run(
    toolbox: Toolbox, config: RunnableConfig, messages: Sequence[BaseMessage] | None, scope: Scope | None
) -> Toolbox:
    """Return the toolbox over the images of a run's thread.

    No new image gets a name that the messages mention, and a name of theirs opens the image that an artifact holds.
    Where they are not all known, names are random, so that none of an earlier process is given again.

    Args:
        toolbox: The tools over the images of no thread.
        config: Of the run.
        messages: Of the run's state; None if they are not known.
        scope: Names the thread; None: the config does.
    """
    nested = "|" in config.get("configurable", {}).get("checkpoint_ns", "")  # a graph in a graph has its own messages
    in_thread = toolbox.in_thread(thread_id(config, scope), unique=nested or messages is None)

    def reopen(name: str) -> Image.Image | None:
        found = (message for message in reversed(messages or ()) if image_name(message) == name)
        return next((image for message in found if (image := _artifact_image(message, toolbox)) is not None), None)

    in_thread.images.take((name for message in messages or () for name in _mentioned(message)), reopen)
    return in_thread


def messages_of(state: object) -> list[BaseMessage]:
    """Return the messages of a graph's state: a list, a mapping or an object with lists as values."""
    values = (
        [state]
        if isinstance(state, list)
        else list(state.values() if isinstance(state, Mapping) else vars(state).values())
    )
    return [
        message for value in values if isinstance(value, list) for message in value if isinstance(message, BaseMessage)
    ]


def image_name(message: BaseMessage) -> str | None:
    """Return the name of the image that a SeedX tool made; None if the message is of another kind."""
    lines = _IMAGE_LINE.findall(message.text) if isinstance(message, ToolMessage) else ()
    return str(lines[-1]) if lines else None


def result_of(message: ToolMessage, tool: Tool[Any, Any]) -> Result | None:
    """Return the result that a tool left as artifact, also as JSON; None if it holds no images but names."""
    try:
        return (
            message.artifact if isinstance(message.artifact, Result) else tool.result.model_validate(message.artifact)
        )
    except ValidationError:
        return None


def _artifact_image(message: BaseMessage, toolbox: Toolbox) -> Image.Image | None:
    if not isinstance(message, ToolMessage) or (tool := toolbox.tools.get(message.name or "")) is None:
        return None
    result = result_of(message, tool)
    return None if result is None else tool.answer(result).image


def _mentioned(message: BaseMessage) -> list[str]:
    """Return the names in a message's text; the error of a tool may name what never was, as the call did."""
    return [] if isinstance(message, ToolMessage) and message.status == "error" else names_in(message.text)

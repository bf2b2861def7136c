"""The tools for the OpenAI Agents SDK: `Agent(..., tools=agent_tools(seedx))`.

Each conversation needs a thread of its own: `thread=lambda run: run.context.conversation_id`. With images in memory,
new names are random, so that a session that outlives the process never meets another image under an old name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seedx_sdk import SeedX
from seedx_sdk.errors import needs_extra
from seedx_sdk.imaging import to_data_uri
from seedx_tools.adapters.openai import arguments_of
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.image_backends import ImageBackend
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Toolbox

with needs_extra("openai-agents"):
    from agents import FunctionTool, RunContextWrapper, ToolOutputImage, ToolOutputText
    from agents.tool_context import ToolContext

__all__ = ["agent_tools"]


def agent_tools(
    seedx: SeedX | Toolbox,
    *,
    images: ImageBackend | None = None,
    thread: str | Callable[[RunContextWrapper[Any]], str] | None = None,
    show_images: bool = True,
) -> list[FunctionTool]:
    """Return the tools of a toolbox, or all tools over a model.

    They answer with a text and an image; an error is a text that tells the model what to do. Cancelling the run stops
    the model.

    Args:
        seedx: The model that does the work, or a toolbox.
        images: Where the images of all threads lie, such as a FolderImages; None: the toolbox's, or in memory.
        thread: The thread whose images a run uses, or what returns it for a run's context; None: the toolbox's own.
        show_images: Whether tools answer with images; False for a model that cannot see.

    Raises:
        InputError: If a toolbox is given together with images.
    """
    toolbox = Toolbox.of(seedx, images=images)
    return [_function_tool(toolbox, tool, thread, show_images) for tool in toolbox.tools.values()]


def _function_tool(
    toolbox: Toolbox,
    tool: Tool[Any, Any],
    thread: str | Callable[[RunContextWrapper[Any]], str] | None,
    show_images: bool,
) -> FunctionTool:
    async def invoke(context: ToolContext[Any], arguments: str) -> str | list[ToolOutputText | ToolOutputImage]:
        own = toolbox.unseen(thread(context) if callable(thread) else thread)
        try:
            outcome = await own.arun(tool.name, arguments_of(tool.name, arguments))
        except (ToolRetry, ToolFailed) as error:
            return f"Error: {error}"
        output: list[ToolOutputText | ToolOutputImage] = [ToolOutputText(text=outcome.text)]
        if show_images and outcome.image is not None:
            output.append(ToolOutputImage(image_url=to_data_uri(outcome.image)))
        return output

    return FunctionTool(
        name=tool.name,
        description=tool.description,
        params_json_schema=tool.schema()["parameters"],
        on_invoke_tool=invoke,
        strict_json_schema=False,  # strict mode has neither defaults nor patterns nor optional arguments
    )

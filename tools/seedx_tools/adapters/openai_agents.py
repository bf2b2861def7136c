"""The tools for the OpenAI Agents SDK: `Agent(..., tools=agent_tools(seedx))`."""

from __future__ import annotations

from typing import Any

from seedx_sdk import SeedX
from seedx_sdk.errors import needs_extra
from seedx_sdk.imaging import to_data_uri
from seedx_tools.adapters.openai import arguments_of
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Toolbox

with needs_extra("openai-agents"):
    from agents import FunctionTool, ToolOutputImage, ToolOutputText
    from agents.tool_context import ToolContext

__all__ = ["agent_tools"]


def agent_tools(seedx: SeedX | Toolbox, *, show_images: bool = True) -> list[FunctionTool]:
    """Return the tools of a toolbox, or all tools over a model.

    They answer with a text and an image; an error is a text that tells the model what to do. Cancelling the run stops
    the model.

    Args:
        seedx: The model that does the work, or a toolbox.
        show_images: Whether tools answer with images; False for a model that cannot see.
    """
    toolbox = Toolbox.of(seedx)
    return [_function_tool(toolbox, tool, show_images) for tool in toolbox.tools.values()]


def _function_tool(toolbox: Toolbox, tool: Tool[Any, Any], show_images: bool) -> FunctionTool:
    async def invoke(_context: ToolContext[Any], arguments: str) -> str | list[ToolOutputText | ToolOutputImage]:
        try:
            outcome = await toolbox.arun(tool.name, arguments_of(tool.name, arguments))
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

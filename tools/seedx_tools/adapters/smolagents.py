"""The tools for smolagents: `CodeAgent(tools=agent_tools(seedx), model=...)` or a ToolCallingAgent.

A tool that generates an image returns an AgentImage, as smolagents expects; the others return text. Images go in as
AgentImage, PIL image, name, path, allowed URL or data URI.
"""

from __future__ import annotations

from typing import Any

from seedx_sdk import SeedX
from seedx_sdk.errors import needs_extra
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Toolbox

with needs_extra("smolagents"):
    from smolagents import Tool as SmolTool
    from smolagents.agent_types import AgentImage, AgentType

__all__ = ["SeedXTool", "agent_tools"]


class SeedXTool(SmolTool):  # type: ignore[misc]  # smolagents ships no types
    """A SeedX tool as a smolagents tool; created by agent_tools. Raises ToolRetry and ToolFailed."""

    skip_forward_signature_validation = True  # forward() takes any arguments by name

    def __init__(self, toolbox: Toolbox, tool: Tool[Any, Any]) -> None:
        self.name, self.description = tool.name, tool.description
        self.inputs = {
            name: _input(schema, required=tool.args.model_fields[name].is_required())
            for name, schema in tool.schema()["parameters"]["properties"].items()
        }
        self.output_type = "image" if "image" in tool.result.model_fields else "string"
        self._toolbox = toolbox
        super().__init__()

    def forward(self, **arguments: Any) -> Any:
        """Return the generated image, or what a model reads of the result."""
        given = {name: _unwrapped(value) for name, value in arguments.items() if value is not None}
        outcome = self._toolbox.run(self.name, given)
        if self.output_type == "image":
            return AgentImage(outcome.result.image)  # type: ignore[attr-defined]
        return outcome.text


def agent_tools(seedx: SeedX | Toolbox) -> list[SeedXTool]:
    """Return the tools of a toolbox, or all tools over a model."""
    toolbox = Toolbox.of(seedx)
    return [SeedXTool(toolbox, tool) for tool in toolbox.tools.values()]


def _input(schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    """Return an argument's schema for smolagents, whose "any" lets images through and is "string" to the model."""
    (kind,) = [choice for choice in schema.get("anyOf", [schema]) if choice["type"] != "null"]
    described = {key: kind[key] for key in ("items", "enum") if key in kind}
    described |= {"type": "any" if kind["type"] == "string" else kind["type"], "description": schema["description"]}
    return described if required else {**described, "nullable": True}


def _unwrapped(value: Any) -> Any:
    """Return an argument without the wrappers of smolagents."""
    if isinstance(value, list):
        return [_unwrapped(item) for item in value]
    return value.to_raw() if isinstance(value, AgentType) else value

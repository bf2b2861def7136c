"""The tools for smolagents: `CodeAgent(tools=agent_tools(seedx), model=...)` or a ToolCallingAgent.

A tool that generates an image returns a NamedImage, an AgentImage that reads as the text of the result with the name of
the image; the others return text. Images go in as AgentImage, PIL image, name, path, allowed URL or data URI.
"""

from __future__ import annotations

from typing import Any

from seedx_sdk import SeedX
from seedx_sdk.errors import needs_extra
from seedx_tools.image_backends import ImageBackend
from seedx_tools.lenient import Schema, allowed_kinds
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Outcome, Toolbox

with needs_extra("smolagents"):
    from smolagents import FinalAnswerTool
    from smolagents import Tool as SmolTool
    from smolagents.agent_types import AgentImage, AgentType

__all__ = ["NamedImage", "SeedXTool", "agent_tools"]


class NamedImage(AgentImage):  # type: ignore[misc]  # smolagents ships no types
    """An image that reads as its name: smolagents itself calls every image image.png, the latest one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.result.image)  # type: ignore[attr-defined]
        self.name, self._text = outcome.image_name, outcome.text

    def __str__(self) -> str:
        """Return what a model reads of the result."""
        return self._text


class SeedXTool(SmolTool):  # type: ignore[misc]
    """A SeedX tool as a smolagents tool; created by agent_tools. Raises ToolRetry and ToolFailed."""

    skip_forward_signature_validation = True  # forward() takes any arguments by name

    def __init__(self, toolbox: Toolbox, tool: Tool[Any, Any]) -> None:
        self.name, self.description = tool.name, tool.description
        schema = tool.schema()["parameters"]
        self.inputs = {
            name: _input(field, schema, required=tool.args.model_fields[name].is_required())
            for name, field in schema["properties"].items()
        }
        self.output_type = "image" if "image" in tool.result.model_fields else "string"
        self._toolbox = toolbox
        super().__init__()

    def __call__(self, *args: Any, sanitize_inputs_outputs: bool = False, **arguments: Any) -> Any:  # noqa: ARG002
        """Run the tool; `forward` takes and returns the types of smolagents, which would lose the name."""
        return super().__call__(*args, **arguments)

    def forward(self, **arguments: Any) -> Any:
        """Return the generated image, or what a model reads of the result."""
        outcome = self._toolbox.run(self.name, {name: _unwrapped(value) for name, value in arguments.items()})
        is_image = self.output_type == "image" and outcome.image is not None
        return NamedImage(outcome) if is_image else outcome.text


class _FinalAnswer(FinalAnswerTool):  # type: ignore[misc]
    """Ends the run, with the image itself where the answer is its name."""

    def __init__(self, toolbox: Toolbox) -> None:
        super().__init__()
        self._images = toolbox.images

    def forward(self, answer: Any) -> Any:
        """Return the answer."""
        return AgentImage(self._images[answer]) if answer in self._images else answer


def agent_tools(
    seedx: SeedX | Toolbox, *, images: ImageBackend | None = None, thread: str | None = None
) -> list[SmolTool]:
    """Return the tools of a toolbox, or all tools over a model, and a final_answer that takes the names of images.

    Create them for each conversation. With images in memory, new names are random, so that a memory that was saved
    never meets another image under an old name.

    Args:
        seedx: The model that does the work, or a toolbox.
        images: Where the images of all threads lie, such as a FolderImages; None: the toolbox's, or in memory.
        thread: The conversation whose images these tools use; None: the toolbox's own.

    Raises:
        InputError: If a toolbox is given together with images.
    """
    toolbox = Toolbox.of(seedx, images=images).unseen(thread)
    return [*(SeedXTool(toolbox, tool) for tool in toolbox.tools.values()), _FinalAnswer(toolbox)]


def _input(field: Schema, schema: Schema, *, required: bool) -> dict[str, Any]:
    """Return an argument's schema for smolagents, which compares types before the tool can read what was meant.

    Its "any" lets images through and is "string" to the model. Numbers and lists may be written as text.
    """
    kinds = allowed_kinds(field, schema)
    kinds.pop("null", None)
    described: dict[str, Any] = {"type": "any", "description": field["description"]}
    if "string" in kinds:
        described |= {key: kinds["string"][key] for key in ("enum",) if key in kinds["string"]}
    else:
        more = [kind for one, kind in (("number", "integer"), ("array", "object")) if one in kinds]
        described["type"] = [*kinds, *(kind for kind in more if kind not in kinds), "string"]
    if "array" in kinds:
        (items,) = list(allowed_kinds(kinds["array"].get("items", {}), schema).values())[:1]
        described["items"] = items
    return described if required else {**described, "nullable": True}


def _unwrapped(value: Any) -> Any:
    """Return an argument without the wrappers of smolagents."""
    if isinstance(value, list):
        return [_unwrapped(item) for item in value]
    return value.to_raw() if isinstance(value, AgentType) else value

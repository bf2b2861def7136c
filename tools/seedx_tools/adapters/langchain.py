"""The tools for LangChain and LangGraph: `seedx_toolkit(seedx).get_tools()` goes into any agent.

A tool answers with a short text and a small image as content, and with the whole typed result as artifact. Its
progress is a custom event named PROGRESS_EVENT. Errors of the tools are ToolExceptions with a text for the model; their
__cause__ is ToolRetry (the model can fix its call) or ToolFailed (it cannot).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.tools import BaseTool, BaseToolkit, ToolException
from pydantic import ConfigDict, SkipValidation

from seedx_sdk import SeedX
from seedx_sdk.errors import OverloadedError
from seedx_sdk.types import Result
from seedx_tools.adapters.langchain_chat import ChatSeedX
from seedx_tools.adapters.langchain_messages import image_block
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.toolbox import Outcome, Toolbox

__all__ = ["PROGRESS_EVENT", "ChatSeedX", "SeedXTool", "SeedXToolkit", "seedx_toolkit"]

PROGRESS_EVENT = "seedx_progress"
"""Name of the custom event; its data has the keys "tool", "done", "total" and "what"."""


class SeedXTool(BaseTool):
    """A SeedX tool as a LangChain tool; created by SeedXToolkit."""

    toolbox: Annotated[Toolbox, SkipValidation()]
    show_images: bool = True
    """Whether the content holds the image; False gives the model its name only."""
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    def _parse_input(self, tool_input: str | dict[str, Any], tool_call_id: str | None) -> str | dict[str, Any]:  # noqa: ARG002
        first = next(iter(self.toolbox.tools[self.name].schema()["parameters"]["properties"]))
        return {first: tool_input} if isinstance(tool_input, str) else tool_input  # the toolbox checks them

    def _run(self, **arguments: Any) -> tuple[list[dict[str, Any]], Result]:
        def report(done: int, total: int, what: str) -> None:
            dispatch_custom_event(PROGRESS_EVENT, self._progress(done, total, what))

        try:
            outcome = self.toolbox.run(self.name, arguments, on_progress=report)
        except (ToolRetry, ToolFailed) as error:
            raise _exception(error) from error
        return self._content(outcome), outcome.result

    async def _arun(self, **arguments: Any) -> tuple[list[dict[str, Any]], Result]:
        async def report(done: int, total: int, what: str) -> None:
            await adispatch_custom_event(PROGRESS_EVENT, self._progress(done, total, what))

        try:
            outcome = await self.toolbox.arun(self.name, arguments, on_progress=report)
        except (ToolRetry, ToolFailed) as error:
            raise _exception(error) from error
        return self._content(outcome), outcome.result

    def _progress(self, done: int, total: int, what: str) -> dict[str, Any]:
        return {"tool": self.name, "done": done, "total": total, "what": what}

    def _content(self, outcome: Outcome) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = [{"type": "text", "text": outcome.text}]
        if self.show_images and outcome.image is not None:
            blocks.append({**image_block(outcome.image), "id": outcome.image_name})
        return blocks


class SeedXToolkit(BaseToolkit):
    """The tools over one model, with one image store; created by seedx_toolkit."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    toolbox: Annotated[Toolbox, SkipValidation()]
    show_images: bool = True
    handle_tool_error: bool = True

    def get_tools(self) -> list[BaseTool]:
        """Return the tools; they share the images of `toolbox.images`."""
        return [
            SeedXTool(
                name=tool.name,
                description=tool.description,
                args_schema=tool.args,
                toolbox=self.toolbox,
                show_images=self.show_images,
                handle_tool_error=self.handle_tool_error,
            )
            for tool in self.toolbox.tools.values()
        ]


def seedx_toolkit(
    seedx: SeedX | Toolbox,
    *,
    tools: Sequence[str] | None = None,
    roots: Sequence[str | os.PathLike[str]] | None = None,
    image_hosts: Sequence[str] | None = None,
    show_images: bool = True,
    handle_tool_error: bool = True,
) -> SeedXToolkit:
    """Return the toolkit.

    Args:
        seedx: The model that does the work, or a toolbox, which has its tools, folders and hosts already.
        tools: Names of tools; None: all.
        roots: Folders that the chat model may read and write; None: the current one.
        image_hosts: Hosts from which images may be fetched, or patterns such as "*.example.org"; None: none.
        show_images: Whether tools answer with images; False for a chat model that cannot see.
        handle_tool_error: Whether the model gets an error as a message with status "error"; False raises it.

    Raises:
        ToolRetry: If there is no tool of a name.
        InputError: If a toolbox is given together with tools, roots or image_hosts.
    """
    toolbox = Toolbox.of(seedx, tools=tools, roots=roots, image_hosts=image_hosts)
    return SeedXToolkit(toolbox=toolbox, show_images=show_images, handle_tool_error=handle_tool_error)


def _exception(error: ToolRetry | ToolFailed) -> ToolException:
    advice = "Fix the arguments and call again." if isinstance(error, ToolRetry) else "Do not repeat the same call."
    if isinstance(error.__cause__, OverloadedError):
        advice = f"Call again after {error.__cause__.retry_after:.0f} seconds."
    return ToolException(f"{str(error).removesuffix('.')}. {advice}")

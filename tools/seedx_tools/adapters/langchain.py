"""The tools for LangChain and LangGraph: `seedx_toolkit(seedx).get_tools()` goes into any agent.

A tool answers with a few words and a small picture as content, and with the whole typed result as artifact. Its
progress is a custom event named PROGRESS_EVENT. Every error of ours is a ToolException with a text for the model; its
__cause__ is ToolRetry (the model can mend its call) or ToolFailed (it cannot).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.messages.content import create_image_block, create_text_block
from langchain_core.tools import BaseTool, BaseToolkit, ToolException
from pydantic import ConfigDict, SkipValidation, ValidationError

from seedx_sdk import SeedX
from seedx_sdk.errors import OverloadedError
from seedx_sdk.imaging import to_png
from seedx_sdk.types import Result
from seedx_tools.adapters.langchain_chat import ChatSeedX
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.tool import explain
from seedx_tools.toolbox import Outcome, Toolbox

__all__ = ["PROGRESS_EVENT", "ChatSeedX", "SeedXTool", "SeedXToolkit", "seedx_toolkit"]

PROGRESS_EVENT = "seedx_progress"
"""Name of the custom event; its data is {"tool", "done", "total", "what"}."""


class SeedXTool(BaseTool):
    """One of our tools as one of LangChain's; made by SeedXToolkit."""

    toolbox: Annotated[Toolbox, SkipValidation()]
    show_pictures: bool = True
    """Whether the content holds the picture; without it the model reads its name only."""
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    def _parse_input(self, tool_input: str | dict[str, Any], tool_call_id: str | None) -> str | dict[str, Any]:
        given = {next(iter(self.args)): tool_input} if isinstance(tool_input, str) else tool_input
        try:
            return super()._parse_input(given, tool_call_id)
        except ValidationError as error:
            fault = ToolRetry(f"{self.name}: {explain(error)}")
            raise _exception(fault) from fault

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
        blocks: list[dict[str, Any]] = [dict(create_text_block(outcome.text))]
        if self.show_pictures and outcome.picture is not None:
            data = base64.b64encode(to_png(outcome.picture)).decode("ascii")
            blocks.append(dict(create_image_block(base64=data, mime_type="image/png", id=outcome.name)))
        return blocks


class SeedXToolkit(BaseToolkit):
    """Our tools over one model, with one store of pictures; made by seedx_toolkit."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    toolbox: Annotated[Toolbox, SkipValidation()]
    show_pictures: bool = True
    handle_tool_error: bool = True

    def get_tools(self) -> list[BaseTool]:
        """Return the tools; they share the pictures of `toolbox.images`."""
        return [
            SeedXTool(
                name=tool.name,
                description=tool.description,
                args_schema=tool.args,
                toolbox=self.toolbox,
                show_pictures=self.show_pictures,
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
    show_pictures: bool = True,
    handle_tool_error: bool = True,
) -> SeedXToolkit:
    """Return the toolkit.

    Args:
        seedx: The model that does the work, or a toolbox, which knows its tools, folders and hosts already.
        tools: Names of tools; None: all.
        roots: Folders that the chat model may read and write; None: the current one.
        image_hosts: Hosts from which pictures may be fetched, or patterns such as "*.example.org"; None: none.
        show_pictures: Whether tools answer with pictures; False for a chat model that cannot see.
        handle_tool_error: Whether an error goes to the model as a message with status "error"; False raises it.

    Raises:
        ToolRetry: There is no tool of a name.
        InputError: A toolbox and its tools, roots or image_hosts are given.
    """
    toolbox = Toolbox.of(seedx, tools=tools, roots=roots, image_hosts=image_hosts)
    return SeedXToolkit(toolbox=toolbox, show_pictures=show_pictures, handle_tool_error=handle_tool_error)


def _exception(error: ToolRetry | ToolFailed) -> ToolException:
    advice = "Mend the arguments and call again." if isinstance(error, ToolRetry) else "Do not repeat the same call."
    if isinstance(error.__cause__, OverloadedError):
        advice = f"Call again after {error.__cause__.retry_after:.0f} seconds."
    return ToolException(f"{str(error).removesuffix('.')}. {advice}")

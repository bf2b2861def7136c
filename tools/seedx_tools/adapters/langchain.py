"""The tools for LangChain and LangGraph: `seedx_toolkit(seedx).get_tools()` goes into any agent.

A tool answers with a short text and a small image as content, and with the whole typed result as artifact; in a graph
its images belong to the run's thread. Its progress is a custom event named PROGRESS_EVENT, and in a graph a chunk of
stream_mode="custom". Errors of the tools are ToolExceptions with a text for the model; their __cause__ is ToolRetry
(the model can fix its call) or ToolFailed (it cannot).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeAlias, runtime_checkable

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.tools import BaseTool, BaseToolkit, InjectedToolArg, ToolException
from pydantic import BaseModel, ConfigDict, SkipValidation, create_model
from pydantic.json_schema import SkipJsonSchema

from seedx_sdk import SeedX
from seedx_sdk.errors import OverloadedError, needs_extra
from seedx_sdk.types import Result
from seedx_tools.adapters.langchain_chat import ChatSeedX
from seedx_tools.adapters.langchain_messages import image_block
from seedx_tools.adapters.langchain_threads import Scope, messages_of, thread_id, toolbox_of_run
from seedx_tools.adapters.langgraph_store import LangGraphImages
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.image_backends import ImageBackend
from seedx_tools.image_store import ImageStore
from seedx_tools.toolbox import Outcome, Toolbox

if TYPE_CHECKING:
    from seedx_tools.adapters.langchain_images import SeedXImages

__all__ = ["PROGRESS_EVENT", "ChatSeedX", "LangGraphImages", "SeedXTool", "SeedXToolkit", "seedx_toolkit"]

PROGRESS_EVENT = "seedx_progress"
"""Name of the custom event; its data has the keys "tool", "done", "total" and "what".

A chunk of stream_mode="custom" has them too, and "type" (this name) and "tool_call_id".
"""

_Injected: TypeAlias = Annotated[SkipJsonSchema[Any], InjectedToolArg()]
"""What LangGraph fills, and no model sees."""


@runtime_checkable
class _Runtime(Protocol):
    """What LangGraph's ToolNode passes to a tool."""

    state: Any
    tool_call_id: str | None


class SeedXTool(BaseTool):
    """A SeedX tool as a LangChain tool; created by SeedXToolkit."""

    toolbox: Annotated[Toolbox, SkipValidation()]
    show_images: bool = True
    """Whether the content holds the image; False gives the model its name only."""
    scope: Scope | None = None
    """Names the scope of a run's images; None: its thread."""
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:  # noqa: ARG002
        """Return the arguments with the one that LangGraph fills and no model sees."""
        args: type[BaseModel] = self.toolbox.tools[self.name].args
        return _with_runtime(args)

    def _parse_input(self, tool_input: str | dict[str, Any], tool_call_id: str | None) -> dict[str, Any]:  # noqa: ARG002
        """Return the arguments as they are; the toolbox checks them, with the images of the run's thread."""
        first = next(iter(self.toolbox.tools[self.name].schema()["parameters"]["properties"]))
        return {first: tool_input} if isinstance(tool_input, str) else tool_input

    def _run(
        self, config: RunnableConfig, runtime: _Injected = None, **arguments: Any
    ) -> tuple[list[dict[str, Any]], Result]:
        write = self._writer(runtime)

        def report(done: int, total: int, what: str) -> None:
            data = self._progress(done, total, what)
            dispatch_custom_event(PROGRESS_EVENT, data)
            write(data)

        toolbox, given = self._in_run(config, runtime, arguments)
        try:
            outcome = toolbox.run(self.name, given, on_progress=report)
        except (ToolRetry, ToolFailed) as error:
            raise _exception(error) from error
        return self._content(outcome), outcome.result

    async def _arun(
        self, config: RunnableConfig, runtime: _Injected = None, **arguments: Any
    ) -> tuple[list[dict[str, Any]], Result]:
        write = self._writer(runtime)

        async def report(done: int, total: int, what: str) -> None:
            data = self._progress(done, total, what)
            await adispatch_custom_event(PROGRESS_EVENT, data)
            write(data)

        toolbox, given = self._in_run(config, runtime, arguments)
        try:
            outcome = await toolbox.arun(self.name, given, on_progress=report)
        except (ToolRetry, ToolFailed) as error:
            raise _exception(error) from error
        return self._content(outcome), outcome.result

    def _in_run(
        self, config: RunnableConfig, runtime: object, arguments: dict[str, Any]
    ) -> tuple[Toolbox, dict[str, Any]]:
        """Return the toolbox of the run's thread, or outside a graph the toolkit's, and the arguments."""
        config = ensure_config(config)
        if isinstance(runtime, _Runtime):
            return toolbox_of_run(self.toolbox, config, messages_of(runtime.state), self.scope), arguments
        given = arguments if runtime is None else {**arguments, "runtime": runtime}  # of a model, so it is rejected
        if _stream_writer() is None and thread_id(config, self.scope) is None:
            return self.toolbox, given
        return toolbox_of_run(self.toolbox, config, None, self.scope), given

    def _progress(self, done: int, total: int, what: str) -> dict[str, Any]:
        return {"tool": self.name, "done": done, "total": total, "what": what}

    def _writer(self, runtime: object) -> Callable[[dict[str, Any]], None]:
        write = _stream_writer()
        call = runtime.tool_call_id if isinstance(runtime, _Runtime) else None
        return lambda data: None if write is None else write({"type": PROGRESS_EVENT, "tool_call_id": call, **data})

    def _content(self, outcome: Outcome) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = [{"type": "text", "text": outcome.text}]
        if self.show_images and outcome.image is not None:
            blocks.append({**image_block(outcome.image), "id": outcome.image_name})
        return blocks


class SeedXToolkit(BaseToolkit):
    """The tools over one model, for any number of threads and users; created by seedx_toolkit."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    toolbox: Annotated[Toolbox, SkipValidation()]
    show_images: bool = True
    handle_tool_error: bool = True
    scope: Scope | None = None

    def get_tools(self) -> list[BaseTool]:
        """Return the tools; in a graph each run has the images of its thread, elsewhere those of `toolbox.images`."""
        return [
            SeedXTool(
                name=tool.name,
                description=tool.description,
                args_schema=tool.args,
                toolbox=self.toolbox,
                show_images=self.show_images,
                handle_tool_error=self.handle_tool_error,
                scope=self.scope,
            )
            for tool in self.toolbox.tools.values()
        ]

    def get_middleware(self, *, show: int = 4, in_user_message: bool | None = None) -> SeedXImages:
        """Return middleware for `create_agent` that keeps images out of the state, and shows the latest to the model.

        Args:
            show: How many images at most the chat model is shown; the toolkit's `show_images=False` shows none.
            in_user_message: Whether images of tools follow in a user message, for chat models whose tool messages
                hold no images (OpenAI's chat completions); None: what the chat model's profile says.

        Raises:
            MissingExtraError: If langchain is not installed.
        """
        with needs_extra("langchain"):
            from seedx_tools.adapters.langchain_images import SeedXImages
        return SeedXImages(
            self.toolbox, show=show if self.show_images else 0, in_user_message=in_user_message, scope=self.scope
        )

    def images_of(self, thread: str | None) -> ImageStore:
        """Return the images of a thread by name; `add` stores one.

        Args:
            thread: The thread, or the scope if there is one; None: the images of runs without a thread.
        """
        return self.toolbox.in_thread(thread).images


def seedx_toolkit(
    seedx: SeedX | Toolbox,
    *,
    tools: Sequence[str] | None = None,
    roots: Sequence[str | os.PathLike[str]] | None = None,
    image_hosts: Sequence[str] | None = None,
    images: ImageBackend | None = None,
    scope: Scope | None = None,
    show_images: bool = True,
    handle_tool_error: bool = True,
) -> SeedXToolkit:
    """Return the toolkit.

    Args:
        seedx: The model that does the work, or a toolbox, which has its tools, folders and hosts already.
        tools: Names of tools; None: all.
        roots: Folders that the chat model may read and write; None: the current one.
        image_hosts: Hosts from which images may be fetched, or patterns such as "*.example.org"; None: none.
        images: Where the images of all threads lie: FolderImages, LangGraphImages; None: in memory.
        scope: Names the scope of a run's images from its config, such as its user; None: its thread.
        show_images: Whether tools answer with images; False for a chat model that cannot see.
        handle_tool_error: Whether the model gets an error as a message with status "error"; False raises it.

    Raises:
        ToolRetry: If there is no tool of a name.
        InputError: If a toolbox is given together with tools, roots, image_hosts or images.
    """
    toolbox = Toolbox.of(seedx, tools=tools, roots=roots, image_hosts=image_hosts, images=images)
    return SeedXToolkit(toolbox=toolbox, show_images=show_images, handle_tool_error=handle_tool_error, scope=scope)


@cache
def _with_runtime(args: type[BaseModel]) -> type[BaseModel]:
    return create_model(args.__name__, __base__=args, runtime=(_Injected, None))


def _stream_writer() -> Callable[[Any], None] | None:
    """Return what writes to the stream of the graph that runs; None outside a graph."""
    try:
        from langgraph.config import get_stream_writer

        return get_stream_writer()
    except (ImportError, KeyError, RuntimeError):
        return None


def _exception(error: ToolRetry | ToolFailed) -> ToolException:
    advice = "Fix the arguments and call again." if isinstance(error, ToolRetry) else "Do not repeat the same call."
    if isinstance(error.__cause__, OverloadedError):
        advice = f"Call again after {error.__cause__.retry_after:.0f} seconds."
    return ToolException(f"{str(error).removesuffix('.')}. {advice}")

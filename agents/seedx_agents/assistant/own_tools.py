"""One call of a LangChain tool that the developer gave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, Tool, ToolException
from PIL import Image
from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import from_json, to_json

from seedx_agents.assistant.image_memory import ImageMemory, image_names
from seedx_agents.assistant.tool_calls import Done
from seedx_agents.assistant.work import Listener, in_daemon_thread
from seedx_sdk.errors import InputError
from seedx_tools.catalog.registry import TOOLS
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.faults import explain


def own_tools(tools: Sequence[str | BaseTool]) -> dict[str, BaseTool]:
    """Return the developer's tools among these, by name.

    Raises:
        InputError: If one cannot be used here, or two have one name.
    """
    own: dict[str, BaseTool] = {}
    for tool in tools:
        if not isinstance(tool, BaseTool):
            continue
        if tool.name in TOOLS:
            raise InputError(f"{tool.name!r} is a tool of SeedX: pass its name instead, or rename yours")
        if tool.name in own:
            raise InputError(f"two tools are called {tool.name!r}; rename one")
        if tool.return_direct:
            raise InputError(f"the tool {tool.name!r} has return_direct, which only a graph can use; set it to False")
        if needed := _given_by_graphs(tool):
            raise InputError(
                f"the tool {tool.name!r} needs {', '.join(needed)}, which only a graph gives; leave it out"
            )
        own[tool.name] = tool
    return own


def _given_by_graphs(tool: BaseTool) -> list[str]:
    """Return the arguments that neither the chat model nor this loop gives, such as the state of a graph."""
    schema, seen = tool.args_schema, tool.tool_call_schema
    if not isinstance(schema, type) or not issubclass(schema, BaseModel):
        return []  # a plain JSON schema has none
    if isinstance(seen, dict) or not issubclass(seen, BaseModel):
        return []
    return [
        name
        for name, field in schema.model_fields.items()
        if name not in seen.model_fields and field.is_required() and InjectedToolCallId not in field.metadata
    ]


class OwnCall:
    """A call of a developer's tool.

    Args:
        tool: The tool.
        call: Its id and arguments.
        config: Callbacks, tags and metadata.
        memory: Stores the images that it returns.
    """

    def __init__(self, tool: BaseTool, call: ToolCall, *, config: RunnableConfig, memory: ImageMemory) -> None:
        self._tool, self._call, self._config, self._memory = tool, call, config, memory

    def run(self, _listener: Listener) -> Done:
        """Return what came out; a tool that is only asynchronous runs in an event loop of its own.

        Raises:
            ToolRetry: If the tool raised a ToolException, or its arguments are invalid.
            ToolFailed: If it failed.
        """
        with self._errors():
            try:
                output = self._tool.invoke(self._args(), self._config)
            except NotImplementedError:
                output = asyncio.run(self._tool.ainvoke(self._args(), self._config))
            return self._done(output)

    async def arun(self, _listener: Listener) -> Done:
        """Return what came out, as `run` does; a tool that is only synchronous runs in a thread."""
        with self._errors():
            if _is_async(self._tool):
                return self._done(await self._tool.ainvoke(self._args(), self._config))
            return self._done(await in_daemon_thread(partial(self._tool.invoke, self._args(), self._config)))

    def _args(self) -> dict[str, Any]:
        return {**self._call}

    def _done(self, output: object) -> Done:
        if not isinstance(output, ToolMessage):
            raise ToolFailed(
                f"{self._tool.name} returned a {type(output).__name__}, which only a graph can use; it must return "
                "text, content blocks, content with an artifact, or one ToolMessage"
            )
        message = self._memory.absorb(output)
        names = image_names(message)
        return Done(
            text=str(message.text),
            content=message.content,
            image=names[-1] if names else None,
            result=self._as_json(message.artifact),
            outcome="mistake" if message.status == "error" else "done",
        )

    def _as_json(self, artifact: object) -> JsonValue:
        """Return an artifact as JSON, with names in place of images."""
        add = self._memory.images.add

        def write(value: object) -> str:
            return add(value) if isinstance(value, Image.Image) else str(value)

        data = to_json(artifact, fallback=write, context={"image": add}, bytes_mode="base64", inf_nan_mode="null")
        value: JsonValue = from_json(data)
        return value

    @contextmanager
    def _errors(self) -> Iterator[None]:
        name = self._tool.name
        try:
            yield
        except (ToolRetry, ToolFailed):
            raise
        except ToolException as error:
            raise (ToolFailed if isinstance(error.__cause__, ToolFailed) else ToolRetry)(f"{name}: {error}") from error
        except ValidationError as error:
            raise ToolRetry(f"{name}: {explain(error)}") from error
        except Exception as error:  # a tool raises whatever it raises
            raise ToolFailed(f"{name} failed: {error or type(error).__name__}") from error


def _is_async(tool: BaseTool) -> bool:
    """Return whether a tool waits on the event loop; another would block a thread of its executor."""
    if isinstance(tool, Tool | StructuredTool):
        return tool.coroutine is not None
    return type(tool)._arun is not BaseTool._arun

"""One call of a tool of SeedX, traced to LangChain callbacks with names in place of images."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManager, CallbackManager
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from pydantic import JsonValue

from seedx_agents.assistant.image_memory import Content, named_block
from seedx_agents.assistant.turn import ToolProgress
from seedx_agents.assistant.work import Listener, in_daemon_thread
from seedx_sdk.errors import OverloadedError
from seedx_sdk.types import Result
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.toolbox import Toolbox, find

_MIN_RETRY_SECONDS = 0.2
"""Least time between two calls of a tool whose engine is at capacity, whatever its Retry-After."""
_MAX_TRACED_CHARS = 2000
"""Longest text in the arguments that callbacks get; a longer one is a data URI or a document."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came out of a call."""

    text: str
    content: Content
    """What the policy reads, with names in place of images."""
    image: str | None = None
    """The name of the image that came out."""
    result: Result | JsonValue = None
    outcome: Literal["done", "mistake"] = "done"


class SeedXCall:
    """A call of a tool of SeedX; an engine that is at capacity is waited for.

    Args:
        toolbox: Has the tool.
        tool: Its name.
        args: Its arguments.
        config: Callbacks, tags and metadata.
        goes_on: Whether the turn will go on that many seconds from now.

    Raises:
        ToolRetry: If there is no such tool.
    """

    def __init__(
        self,
        toolbox: Toolbox,
        tool: str,
        args: Mapping[str, Any],
        *,
        config: RunnableConfig,
        goes_on: Callable[[float], bool],
    ) -> None:
        self._toolbox, self._tool, self._args = toolbox, find(toolbox.tools, tool), args
        self._config, self._goes_on = config, goes_on

    def run(self, listener: Listener) -> Done:
        """Return what came out.

        Args:
            listener: Gets the progress; once it is gone, the tool stops soon.

        Raises:
            ToolRetry: If the arguments are invalid.
            ToolFailed: If the model or the machine could not do it.
        """
        run = CallbackManager.configure(**self._callbacks()).on_tool_start(**self._start())
        try:
            done = self._run(listener)
        except BaseException as error:
            run.on_tool_error(error)
            raise
        run.on_tool_end(done.text)
        return done

    async def arun(self, listener: Listener) -> Done:
        """Return what came out, as `run` does, of a tool that runs in a thread."""
        run = await AsyncCallbackManager.configure(**self._callbacks()).on_tool_start(**self._start())
        try:
            done = await in_daemon_thread(partial(self._run, listener))
        except BaseException as error:
            await run.on_tool_error(error)
            raise
        await run.on_tool_end(done.text)
        return done

    def _run(self, listener: Listener) -> Done:
        def report(done: int, total: int, what: str) -> None:
            listener.emit(ToolProgress(tool=self._tool.name, done=done, total=total, what=what))

        stoppable = Toolbox(
            self._toolbox.seedx.with_cancel(lambda: listener.gone() or not self._goes_on(0)),
            tools=self._toolbox.tools,
            workspace=self._toolbox.workspace,
        )
        while True:
            try:
                outcome = stoppable.run(self._tool.name, self._args, on_progress=report)
                break
            except (ToolRetry, ToolFailed) as error:
                cause = error.__cause__
                if not isinstance(cause, OverloadedError) or not self._wait(cause.retry_after, listener):
                    raise
        content: list[str | dict[Any, Any]] = [{"type": "text", "text": outcome.text}]
        if outcome.image_name is not None:
            content.append(named_block(outcome.image_name))
        return Done(text=outcome.text, content=content, image=outcome.image_name, result=outcome.result)

    def _wait(self, seconds: float, listener: Listener) -> bool:
        """Wait, and return whether the turn goes on; it does not if it would end meanwhile."""
        until = time.monotonic() + max(seconds, _MIN_RETRY_SECONDS)
        while (left := until - time.monotonic()) > 0:
            if listener.gone() or not self._goes_on(left):
                return False
            time.sleep(min(0.05, left))
        return True

    def _callbacks(self) -> dict[str, Any]:
        config = ensure_config(self._config)  # with the callbacks of a graph or chain that runs the assistant
        return {
            "inheritable_callbacks": config.get("callbacks"),
            "inheritable_tags": config.get("tags"),
            "inheritable_metadata": config.get("metadata"),
        }

    def _start(self) -> dict[str, Any]:
        inputs = _shortened(self._args)
        return {
            "serialized": {"name": self._tool.name, "description": self._tool.description},
            "input_str": json.dumps(inputs, ensure_ascii=False, default=str),
            "inputs": inputs,
            "name": self._tool.name,
        }


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_TRACED_CHARS:
        return f"{value[:80]}... ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    return [_shortened(item) for item in value] if isinstance(value, list | tuple) else value

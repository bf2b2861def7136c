"""Tools with the model that they use and what they may reach: the one thing that every adapter wraps."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from anyio import from_thread, to_thread
from PIL import Image

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.types import Result
from seedx_tools.catalog.registry import TOOLS
from seedx_tools.errors import ToolRetry
from seedx_tools.image_store import ImageStore
from seedx_tools.tool import Progress, Tool, ignore_progress
from seedx_tools.workspace import Workspace

SHOWN_SIDE = 768
"""Pixels of the longer side of a picture that a model looks at; the store keeps it whole."""

AsyncProgress: TypeAlias = Callable[[int, int, str], Coroutine[Any, Any, None]]
"""A Progress that is awaited."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A result as it is handed to people, programs and models."""

    result: Result
    """Typed, whole, with its pictures."""
    text: str
    """What a model reads: the answer, the name of the picture and the warnings."""
    picture: Image.Image | None
    """What a model may look at, at most SHOWN_SIDE pixels long."""
    name: str | None
    """The name of that picture in the store, where it is whole."""
    images: ImageStore

    @cached_property
    def data(self) -> dict[str, Any]:
        """The result as JSON, with names in place of pictures; all of them are in the store then."""
        return self.result.model_dump(mode="json", context={"image": self.images.add})


class Toolbox:
    """Tools to be called by a language model.

    Args:
        seedx: The model that does the work.
        tools: Which ones, by name.
        workspace: What they may reach; None: pictures by name, and the current folder.
    """

    def __init__(
        self, seedx: SeedX, *, tools: Mapping[str, Tool[Any, Any]] = TOOLS, workspace: Workspace | None = None
    ) -> None:
        self.seedx, self.tools = seedx, tools
        self.workspace = Workspace() if workspace is None else workspace

    @classmethod
    def of(
        cls,
        seedx: SeedX | Toolbox,
        *,
        tools: Sequence[str] | None = None,
        roots: Sequence[str | os.PathLike[str]] | None = None,
        image_hosts: Sequence[str] | None = None,
    ) -> Toolbox:
        """Return a toolbox for a model; one that is a toolbox already stays as it is.

        Args:
            seedx: The model, or a toolbox, which knows its tools, folders and hosts already.
            tools: Names of tools; None: all.
            roots: Folders that may be read and written; None: the current one.
            image_hosts: Hosts from which pictures are fetched; None: none.

        Raises:
            ToolRetry: There is no tool of a name.
            InputError: A toolbox and one of the others are given.
        """
        if isinstance(seedx, Toolbox):
            if (tools, roots, image_hosts) != (None, None, None):
                raise InputError("a toolbox has its tools, roots and image_hosts; give them where it is made")
            return seedx
        workspace = Workspace(roots=(".",) if roots is None else roots, image_hosts=image_hosts or ())
        return cls(seedx, tools=TOOLS if tools is None else choose(tools), workspace=workspace)

    @property
    def images(self) -> ImageStore:
        """The pictures of the conversation by name; `add` puts one in."""
        return self.workspace.images

    def run(self, name: str, args: Mapping[str, Any], *, on_progress: Progress = ignore_progress) -> Outcome:
        """Return the outcome of a tool.

        Raises:
            ToolRetry: There is no such tool, or its arguments are invalid.
            ToolFailed: The model or the machine could not do it.
        """
        return self._run(self.seedx, name, args, on_progress)

    async def arun(self, name: str, args: Mapping[str, Any], *, on_progress: AsyncProgress | None = None) -> Outcome:
        """Return the outcome of a tool that works in a thread; it stops soon after its task is cancelled.

        Raises:
            ToolRetry: There is no such tool, or its arguments are invalid.
            ToolFailed: The model or the machine could not do it.
        """
        stop = threading.Event()

        def report(done: int, total: int, what: str) -> None:
            if on_progress is not None and not stop.is_set():
                from_thread.run(on_progress, done, total, what)

        def work() -> Outcome:
            return self._run(self.seedx.with_cancel(stop.is_set), name, args, report)

        try:
            return await to_thread.run_sync(work, abandon_on_cancel=True)
        finally:
            stop.set()

    def _run(self, seedx: SeedX, name: str, args: Mapping[str, Any], on_progress: Progress) -> Outcome:
        tool = find(self.tools, name)
        result = tool.run(seedx, args, workspace=self.workspace, on_progress=on_progress)
        answer = tool.answer(result)
        lines, shown, called = [answer.text], None, None
        if answer.picture is not None:
            called = self.images.add(answer.picture)
            lines.append(f"The picture is {called}.")
            shown = answer.picture.copy()
            shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
        lines += [f"Warning: {warning}" for warning in result.warnings]
        return Outcome(result=result, text="\n".join(lines), picture=shown, name=called, images=self.images)


def choose(names: Iterable[str]) -> dict[str, Tool[Any, Any]]:
    """Return our tools of these names, in this order.

    Raises:
        ToolRetry: There is no tool of a name.
    """
    return {name: find(TOOLS, name) for name in names}


def find(tools: Mapping[str, Tool[Any, Any]], name: str) -> Tool[Any, Any]:
    """Return the tool of a name.

    Raises:
        ToolRetry: There is none; the message names those that there are.
    """
    if name not in tools:
        raise ToolRetry(f"there is no tool {name[:80]!r}; use one of {', '.join(tools)}")
    return tools[name]

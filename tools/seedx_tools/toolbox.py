"""Tools together with the model that they use and what they may access; every adapter wraps a toolbox."""

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
from seedx_tools.image_backends import ImageBackend
from seedx_tools.image_store import ImageStore
from seedx_tools.tool import Progress, Tool, ignore_progress
from seedx_tools.workspace import Workspace

MAX_SHOWN_PX = 768
"""Longer side of an image that a chat model is shown; the store keeps the full size."""

AsyncProgress: TypeAlias = Callable[[int, int, str], Coroutine[Any, Any, None]]
"""A Progress that is awaited."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A result in the forms that people, programs and models need."""

    result: Result
    """The typed result with all its images."""
    text: str
    """What a model reads: the answer, the name of the image, and the warnings."""
    image: Image.Image | None
    """What a model may look at, at most MAX_SHOWN_PX long."""
    image_name: str | None
    """The name under which the store has that image in full size."""
    images: ImageStore

    @cached_property
    def data(self) -> dict[str, Any]:
        """The result as JSON with names in place of images, all of which are in the store."""
        return self.result.model_dump(mode="json", context={"image": self.images.add})


class Toolbox:
    """Tools for a language model to call.

    Args:
        seedx: The model that does the work.
        tools: The tools by name.
        workspace: What they may access; None: images by name, and the current folder.
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
        images: ImageBackend | None = None,
    ) -> Toolbox:
        """Return a toolbox over a model; a toolbox is returned as it is.

        Args:
            seedx: The model, or a toolbox, which has its tools, folders and hosts already.
            tools: Names of tools; None: all.
            roots: Folders that may be read and written; None: the current one.
            image_hosts: Hosts from which images are fetched; None: none.
            images: Where the images of all threads lie; None: in memory.

        Raises:
            ToolRetry: If there is no tool of a name.
            InputError: If a toolbox is given together with one of the other options.
        """
        if isinstance(seedx, Toolbox):
            if (tools, roots, image_hosts, images) != (None, None, None, None):
                raise InputError("a toolbox has its tools, roots, image_hosts and images; set them where it is created")
            return seedx
        workspace = Workspace(
            images=ImageStore(images), roots=(".",) if roots is None else roots, image_hosts=image_hosts or ()
        )
        return cls(seedx, tools=TOOLS if tools is None else choose(tools), workspace=workspace)

    @property
    def images(self) -> ImageStore:
        """The images of the thread by name; `add` stores one."""
        return self.workspace.images

    def in_thread(self, thread: str | None, *, unique: bool = False, secret: bool = False) -> Toolbox:
        """Return the same tools over the images of another thread; no thread reaches the images of another.

        Args:
            thread: The thread; None: none, so new images get unguessable names.
            unique: Whether names are random, for a thread whose earlier names are not known here.
            secret: Whether names are unguessable and never listed, for users who share a thread.
        """
        return self.over(self.images.in_thread(thread, unique=unique, secret=secret))

    def over(self, images: ImageStore) -> Toolbox:
        """Return the same tools over other images."""
        return Toolbox(self.seedx, tools=self.tools, workspace=self.workspace.over(images))

    def unseen(self, thread: str | None = None) -> Toolbox:
        """Return the same tools for a caller that does not see the messages of the conversation (ImageStore.unseen)."""
        return self.over(self.images.unseen(thread))

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickles: the tools as a plain dictionary."""
        return {**self.__dict__, "tools": dict(self.tools)}

    def run(self, name: str, args: Mapping[str, Any], *, on_progress: Progress = ignore_progress) -> Outcome:
        """Return the outcome of a tool.

        Raises:
            ToolRetry: If there is no such tool, or its arguments are invalid.
            ToolFailed: If the model or the machine could not do it.
        """
        return self._run(self.seedx, name, args, on_progress)

    async def arun(self, name: str, args: Mapping[str, Any], *, on_progress: AsyncProgress | None = None) -> Outcome:
        """Return the outcome of a tool that runs in a thread; cancelling the task soon stops it.

        Raises:
            ToolRetry: If there is no such tool, or its arguments are invalid.
            ToolFailed: If the model or the machine could not do it.
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
        lines, image, image_name = [answer.text], None, None
        if answer.image is not None:
            image_name = self.images.add(answer.image)
            lines.append(f"The image is {image_name}.")
            image = shown(answer.image)
        lines += [f"Warning: {self.workspace.without_roots(warning)}" for warning in result.warnings]
        return Outcome(result=result, text="\n".join(lines), image=image, image_name=image_name, images=self.images)


def shown(image: Image.Image) -> Image.Image:
    """Return a copy of an image, at most MAX_SHOWN_PX long, for a chat model to look at."""
    copy = image.copy()
    copy.thumbnail((MAX_SHOWN_PX, MAX_SHOWN_PX))
    return copy


def choose(names: Iterable[str]) -> dict[str, Tool[Any, Any]]:
    """Return the tools of these names, in this order.

    Raises:
        ToolRetry: If there is no tool of a name.
    """
    return {name: find(TOOLS, name) for name in names}


def find(tools: Mapping[str, Tool[Any, Any]], name: str) -> Tool[Any, Any]:
    """Return the tool of a name.

    Raises:
        ToolRetry: If there is none; the message lists the tools.
    """
    if name not in tools:
        raise ToolRetry(f"there is no tool {name[:80]!r}; use one of {', '.join(tools)}")
    return tools[name]

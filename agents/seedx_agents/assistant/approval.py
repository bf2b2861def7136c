"""Approval of tool calls before they run: what an approver gets to see, and what it may decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from PIL import Image

from seedx_sdk.errors import SeedXError
from seedx_sdk.imaging import open_image
from seedx_tools.workspace import Workspace

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class ProposedCall:
    """A tool call that the policy wants to make."""

    tool: str
    args: Mapping[str, Any]
    """As the policy wrote them; they are valid for a tool of SeedX."""
    images: Mapping[str, Image.Image]
    """The images that the arguments refer to, in full size, each under the reference that stands there."""


@dataclass(frozen=True)
class Approve:
    """Run the call."""


@dataclass(frozen=True)
class Edit:
    """Run the call with other arguments; the policy is told them."""

    args: Mapping[str, Any]


@dataclass(frozen=True)
class Reject:
    """Do not run the call."""

    reason: str = ""
    """Told to the policy."""


Decision: TypeAlias = Approve | Edit | Reject
Approver: TypeAlias = Callable[[ProposedCall], Decision | Awaitable[Decision]]
"""Decides on each call. A coroutine function runs on the event loop of `aask` and `astream`, anything else in a thread;
closing the stream or cancelling the task ends the turn meanwhile, the budget does not."""


def images_in(args: Mapping[str, Any], workspace: Workspace) -> dict[str, Image.Image]:
    """Return the images that arguments refer to: by name, label, image file, URL or data URI."""
    images = {}
    for text in _texts(args):
        if text in workspace.images or text.startswith("data:image/") or text.lower().endswith(_SUFFIXES):
            try:
                images[text] = open_image(workspace.resolve_image(text))
            except SeedXError:
                continue  # not an image to look at, such as a file to be written; the call says what is wrong with it
    return images


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)

"""The images of one conversation, and how its messages name them instead of holding them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from langchain_core.messages import BaseMessage, HumanMessage
from PIL import Image

from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_tools.adapters.langchain_messages import image_block
from seedx_tools.arguments import reference
from seedx_tools.image_store import SCHEME, ImageStore
from seedx_tools.toolbox import shown
from seedx_tools.workspace import Workspace

Images: TypeAlias = ImageSource | Sequence[ImageSource] | Mapping[str, ImageSource]
"""One image, several, or a mapping of the user's own names to images."""
Content: TypeAlias = str | list[str | dict[Any, Any]]

M = TypeVar("M", bound=BaseMessage)

MAX_SHOWN = 8
"""How many images of a conversation a chat model is shown, the latest ones; it knows the others by name."""
MAX_LABEL_CHARS = 255
"""Longest name that a user may give an image, as long as a file's name may be."""
EMPTY_ANSWER = "Your answer was empty. Call a tool or answer with text."
"""What a policy is told; all other human messages are requests."""
_BREAKS = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that no name holds: controls, halves of surrogate pairs, separators of lines."""
_NOTED = 20
"""How many images of turns that are left out a chat model is told of, the latest."""


class ImageMemory(Workspace):
    """A workspace in which the user may name images.

    Args:
        images: The images of the conversation; None: in memory.
        roots: Folders whose files tools may read and write.
        image_hosts: Hosts from which tools may fetch images.
    """

    def __init__(
        self,
        *,
        images: ImageStore | None = None,
        roots: Sequence[str | os.PathLike[str]] = (".",),
        image_hosts: Sequence[str] = (),
    ) -> None:
        super().__init__(images=images, roots=roots, image_hosts=image_hosts)

    @property
    def called(self) -> Mapping[str, str]:
        """The user's names, such as "IMG_1234.JPG", each with the name that tools use."""
        return self.images.labels

    def add(self, images: Mapping[str | int, Image.Image]) -> list[str]:
        """Store images that `opened` returned, and return the names that tools use for them."""
        return [
            self.images.add(image, label=label if isinstance(label, str) else None) for label, image in images.items()
        ]

    def __getitem__(self, name: str) -> Image.Image:
        """Return the image of a name, the user's or the tools'.

        Raises:
            ImageError: If there is none.
        """
        return self.images[name]

    def show(self, messages: Sequence[BaseMessage], *, pixels: bool) -> list[BaseMessage]:
        """Return messages for a chat model: the MAX_SHOWN latest images as pixels, all others as their names."""
        names = [name for message in messages for name in image_names(message)]
        latest = list(dict.fromkeys(reversed(names)))[:MAX_SHOWN] if pixels else []
        return [self._show(message, latest) if image_names(message) else message for message in messages]

    def _show(self, message: BaseMessage, latest: Sequence[str]) -> BaseMessage:
        blocks: list[str | dict[Any, Any]] = []
        for block in message.content:
            name = _name(block)
            if name is None:
                blocks.append(block)
            elif name in latest and name in self.images:
                blocks.append(image_block(shown(self.images[name])))
            else:
                blocks.append({"type": "text", "text": f"({name} is not shown here)"})
        return message.model_copy(update={"content": blocks})

    def absorb(self, message: M) -> M:
        """Store the images of a message, and return it with names in their place.

        Raises:
            ImageError: If one of its images cannot be read.
        """
        if not any(_is_image(block) for block in message.content):
            return message
        blocks = [self._absorb(block) if _is_image(block) else block for block in message.content]
        return message.model_copy(update={"content": blocks})

    def _absorb(self, block: Any) -> dict[str, Any]:
        return named_block(self.images.add(open_image(Workspace(roots=()).resolve_image(reference(block)))))


def opened(images: Images) -> dict[str | int, Image.Image]:
    """Return images, each under the name that the user gives it or else under its number; nothing is stored.

    Raises:
        InputError: If a name of the user's is not valid.
        ImageError: If an image cannot be read.
    """
    if isinstance(images, Mapping):
        return {_checked(label): _open(source) for label, source in images.items()}
    if isinstance(images, str | bytes | os.PathLike | Image.Image):
        return {0: _open(images)}
    return {number: _open(source) for number, source in enumerate(images)}


def named_block(name: str) -> dict[str, Any]:
    """Return the content block that stands for an image of the memory, without its pixels."""
    return {"type": "image", "file_id": name}


def image_names(message: BaseMessage) -> list[str]:
    """Return the names of the images in a message, in order."""
    return [name for block in message.content if (name := _name(block)) is not None]


def blocks_of(content: Content) -> list[str | dict[Any, Any]]:
    """Return content as a list of blocks."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def without_images(content: Content) -> Content:
    """Return content without the images that are in it; names of images stay."""
    return content if isinstance(content, str) else [block for block in content if not _is_image(block)]


def recent(messages: Sequence[BaseMessage], turns: int | None) -> tuple[Sequence[BaseMessage], str]:
    """Return the messages of the latest turns, and a note on what was left out.

    A turn begins with a request, so no call loses its result.
    """
    starts = [at for at, message in enumerate(messages) if _is_request(message)]
    if turns is None or len(starts) <= turns:
        return messages, ""
    first = starts[-turns]
    names = dict.fromkeys(name for message in messages[:first] for name in image_names(message))
    known = f" Their latest images are {', '.join(list(names)[-_NOTED:])}." if names else ""
    return messages[first:], f"\nThe first {len(starts) - turns} turns of the conversation are left out.{known}"


def _is_request(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) and message.content != EMPTY_ANSWER


def _is_image(block: object) -> bool:
    """Whether a content block holds an image or points to one, and is not a named_block."""
    return isinstance(block, dict) and block.get("type") in ("image", "image_url") and _name(block) is None


def _name(block: object) -> str | None:
    """Return the name in a content block of named_block; None for any other block."""
    if isinstance(block, dict) and block.get("type") == "image" and str(block.get("file_id")).startswith(SCHEME):
        return str(block["file_id"])
    return None


def _checked(label: object) -> str:
    one_line = isinstance(label, str) and not any(unicodedata.category(char) in _BREAKS for char in label)
    if not isinstance(label, str) or not one_line or not label.strip() or len(label) > MAX_LABEL_CHARS:
        raise InputError(
            f"an image cannot be called {label!r:.60}; use a name such as a file has: one line of at most "
            f"{MAX_LABEL_CHARS} characters"
        )
    if label.startswith(SCHEME):
        raise InputError(f"an image cannot be called {label!r:.60}: names with {SCHEME} are given by the assistant")
    return label


def _open(source: ImageSource) -> Image.Image:
    """Return the image itself if it can be used as it is, so that one that is stored already keeps its name."""
    return source if isinstance(source, Image.Image) and source.mode == "RGB" else open_image(source)

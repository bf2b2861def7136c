"""The images of one conversation: each has the name that tools use, and some have a name that the user chose."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage
from PIL import Image

from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_tools.adapters.langchain_messages import image_block
from seedx_tools.arguments import reference
from seedx_tools.image_store import SCHEME
from seedx_tools.toolbox import shown
from seedx_tools.workspace import Workspace

Images: TypeAlias = ImageSource | Sequence[ImageSource] | Mapping[str, ImageSource]
"""One image, several, or a mapping of the user's own names to images."""

MAX_SHOWN = 8
"""How many images of a conversation a chat model is shown, the latest ones; it knows the others by name."""
_NAME = re.compile(r"[^\W\d_][\w-]{0,39}")


class ImageMemory(Workspace):
    """A workspace in which the user may name images.

    Args:
        roots: Folders whose files tools may read and write.
        image_hosts: Hosts from which tools may fetch images.
    """

    def __init__(self, *, roots: Sequence[str | os.PathLike[str]] = (".",), image_hosts: Sequence[str] = ()) -> None:
        super().__init__(roots=roots, image_hosts=image_hosts)
        self.called: dict[str, str] = {}
        """The user's names, each with the name that tools use."""

    def add(self, images: Images) -> list[str]:
        """Store images and return the names that tools use for them.

        Raises:
            InputError: If a name of the user's is not valid; nothing was added.
            ImageError: If an image cannot be read; nothing was added.
        """
        if isinstance(images, Mapping):
            for name in images:
                if not _NAME.fullmatch(name):
                    raise InputError(
                        f"an image cannot be called {name[:60]!r}; use one word of letters, digits, - and _, of at "
                        "most 40 characters, that starts with a letter"
                    )
            names = self.add(list(images.values()))
            self.called.update(zip(images, names, strict=True))
            return names
        if isinstance(images, str | bytes | os.PathLike | Image.Image):
            return self.add([images])
        return [self.images.add(image) for image in [_open(source) for source in images]]

    def __getitem__(self, name: str) -> Image.Image:
        """Return the image of a name, the user's or the tools'.

        Raises:
            ImageError: If there is none.
        """
        return self.images[self.called.get(name, name)]

    def resolve_image(self, reference: str) -> ImageSource:
        """Return the image that a reference means; the user's names come first.

        Raises:
            ImageError: As Workspace.resolve_image.
        """
        return super().resolve_image(self.called.get(reference, reference))

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

    def absorb(self, message: AIMessage) -> tuple[AIMessage, list[str]]:
        """Store the images of a chat model's message; return it with names in their place, and those names.

        Raises:
            ImageError: If one of its images cannot be read.
        """
        if isinstance(message.content, str):
            return message, []
        blocks: list[str | dict[Any, Any]] = []
        names = []
        for block in message.content:
            if isinstance(block, dict) and block.get("type") == "image" and _name(block) is None:
                names.append(self.images.add(open_image(Workspace(roots=()).resolve_image(reference(block)))))
                blocks.append(named_block(names[-1]))
            else:
                blocks.append(block)
                names += filter(None, [_name(block)])
        return message.model_copy(update={"content": blocks}), names


def named_block(name: str) -> dict[str, Any]:
    """Return the content block that stands for an image of the memory, without its pixels."""
    return {"type": "image", "file_id": name}


def image_names(message: BaseMessage) -> list[str]:
    """Return the names of the images in a message, in order."""
    return [name for block in message.content if (name := _name(block)) is not None]


def _name(block: object) -> str | None:
    """Return the name in a content block of named_block; None for any other block."""
    if isinstance(block, dict) and block.get("type") == "image" and str(block.get("file_id")).startswith(SCHEME):
        return str(block["file_id"])
    return None


def _open(source: ImageSource) -> Image.Image:
    """Return the image itself if it can be used as it is, so that one that is stored already keeps its name."""
    return source if isinstance(source, Image.Image) and source.mode == "RGB" else open_image(source)

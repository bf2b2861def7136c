"""The pictures of one conversation: each has the name that tools use, and some a name that the user gave."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage
from PIL import Image

from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image, to_png
from seedx_tools.arguments import reference
from seedx_tools.image_store import SCHEME
from seedx_tools.toolbox import SHOWN_SIDE
from seedx_tools.workspace import Workspace

Pictures: TypeAlias = ImageSource | Sequence[ImageSource] | Mapping[str, ImageSource]
"""One picture, several, or several by names of the user's own."""

SEEN = 8
"""How many pictures of a conversation a chat model is shown, the latest; it knows the others by name."""
_NAME = re.compile(r"[^\W\d_][\w-]{0,39}")


class ImageMemory(Workspace):
    """A workspace in which pictures also go by the names that the user gave them.

    Args:
        roots: Folders whose files tools may read and write.
        image_hosts: Hosts from which tools may fetch pictures.
    """

    def __init__(self, *, roots: Sequence[str | os.PathLike[str]] = (".",), image_hosts: Sequence[str] = ()) -> None:
        super().__init__(roots=roots, image_hosts=image_hosts)
        self.called: dict[str, str] = {}
        """The user's names, each with the name that tools use."""

    def add(self, pictures: Pictures) -> list[str]:
        """Return the names that tools use for some pictures, which are kept from now on.

        Raises:
            InputError: A name of the user's is no word; nothing was added.
            ImageError: A picture cannot be read; nothing was added.
        """
        if isinstance(pictures, Mapping):
            for called in pictures:
                if not _NAME.fullmatch(called):
                    raise InputError(
                        f"a picture cannot be called {called[:60]!r}; use one word of letters, digits, - and _, "
                        "of at most 40 characters, that starts with a letter"
                    )
            named = self.add(list(pictures.values()))
            self.called.update(zip(pictures, named, strict=True))
            return named
        if isinstance(pictures, str | bytes | os.PathLike | Image.Image):
            return self.add([pictures])
        opened = [_open(source) for source in pictures]
        return [self.images.add(picture) for picture in opened]

    def __getitem__(self, name: str) -> Image.Image:
        """The picture of a name, the user's or the tools'.

        Raises:
            ImageError: There is none.
        """
        return self.images[self.called.get(name, name)]

    def picture(self, reference: str) -> ImageSource:
        """Return what a reference means; the user's names come first.

        Raises:
            ImageError: As Workspace.picture.
        """
        return super().picture(self.called.get(reference, reference))

    def show(self, messages: Sequence[BaseMessage], *, pixels: bool) -> list[BaseMessage]:
        """Return messages for a chat model: the SEEN latest pictures in pixels, all others as their names."""
        names = [name for message in messages for name in names_in(message)]
        latest = list(dict.fromkeys(reversed(names)))[:SEEN] if pixels else []
        return [self._show(message, latest) if names_in(message) else message for message in messages]

    def _show(self, message: BaseMessage, shown: Sequence[str]) -> BaseMessage:
        blocks: list[str | dict[Any, Any]] = []
        for block in message.content:
            name = _name(block)
            if name is None:
                blocks.append(block)
            elif name in shown and name in self.images:
                picture = self.images[name].copy()
                picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
                data = base64.b64encode(to_png(picture)).decode("ascii")
                blocks.append({"type": "image", "base64": data, "mime_type": "image/png"})
            else:
                blocks.append({"type": "text", "text": f"({name} is not shown here)"})
        return message.model_copy(update={"content": blocks})

    def take_in(self, message: AIMessage) -> tuple[AIMessage, list[str]]:
        """Return a message of a chat model with names in place of its pictures, and those names.

        Raises:
            ImageError: One of its pictures cannot be read.
        """
        if isinstance(message.content, str):
            return message, []
        blocks: list[str | dict[Any, Any]] = []
        names = []
        for block in message.content:
            if isinstance(block, dict) and block.get("type") == "image" and _name(block) is None:
                names.append(self.images.add(open_image(Workspace(roots=()).picture(reference(block)))))
                blocks.append(by_name(names[-1]))
            else:
                blocks.append(block)
                names += filter(None, [_name(block)])
        return message.model_copy(update={"content": blocks}), names


def by_name(name: str) -> dict[str, Any]:
    """Return the content block that stands for a picture of the album, without its pixels."""
    return {"type": "image", "file_id": name}


def names_in(message: BaseMessage) -> list[str]:
    """Return the names of the pictures that a message holds, in order."""
    return [name for block in message.content if (name := _name(block)) is not None]


def _name(block: object) -> str | None:
    """The name in a content block of by_name; None for any other."""
    if isinstance(block, dict) and block.get("type") == "image" and str(block.get("file_id")).startswith(SCHEME):
        return str(block["file_id"])
    return None


def _open(source: ImageSource) -> Image.Image:
    """The picture itself where it can be used as it is, so that one that is kept already keeps its name."""
    return source if isinstance(source, Image.Image) and source.mode == "RGB" else open_image(source)

"""Messages with the names of images in place of the images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from PIL import Image

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_tools.adapters.langchain_messages import image_block
from seedx_tools.adapters.langchain_threads import image_name, result_of
from seedx_tools.arguments import reference
from seedx_tools.image_store import SCHEME, ImageStore
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Toolbox, shown

_KEY = "seedx_images"
"""In a message's additional_kwargs: the names of the images that it brought."""
_UNREADABLE = "An attached image cannot be used by tools: "
_LABEL_CHARS = 80


def named(message: BaseMessage, toolbox: Toolbox) -> BaseMessage:
    """Return a message whose images are in the toolbox's store and have names in its text; if it has none, itself.

    An image that cannot be read is replaced by the reason.
    """
    if isinstance(message, ToolMessage) and (tool := toolbox.tools.get(message.name or "")) is not None:
        return message if _KEY in message.additional_kwargs else _named_result(message, tool, toolbox.images)
    is_user = isinstance(message, HumanMessage)
    blocks: list[Any] = []
    names: list[str] = []
    old = content_blocks(message)
    noted = any(isinstance(block, Mapping) and _UNREADABLE in str(block.get("text", "")) for block in old)
    for block in old:
        external = False
        try:
            given = _reference(block)
            external = given is not None and not given.startswith(("data:", SCHEME))
            if given is None or (external and noted):
                blocks.append(block)
                continue
            label = _label(block) if is_user else None
            names.append(toolbox.images.add(_open(given, toolbox), label=label))
            blocks.append(mention(names[-1], label) if is_user else _made(names[-1]))
        except (ImageError, ValueError) as error:  # the chat model may see it all the same, from its provider's files
            blocks += [*([block] if external else []), {"type": "text", "text": f"\n{_UNREADABLE}{error}."}]
    return message if blocks == old else _with(message, blocks, names)


def names_of(message: BaseMessage) -> list[str]:
    """Return the names of the images that a message brought."""
    return [name for name in message.additional_kwargs.get(_KEY, ()) if isinstance(name, str)]


def user_message(text: str, images: Mapping[str, str | None]) -> HumanMessage:
    """Return a user's message that brings stored images.

    Args:
        text: What the user says.
        images: The names of the images, each with its label.
    """
    blocks: list[str | dict[Any, Any]] = [{"type": "text", "text": text}]
    blocks += [mention(name, label) for name, label in images.items()]
    return HumanMessage(blocks, additional_kwargs={_KEY: list(images)})


def mention(name: str, label: str | None) -> dict[str, Any]:
    """Return the block that tells the chat model the name of a user's image."""
    called = f' ("{label}")' if label else ""
    return {"type": "text", "text": f"\nAttached image: {name}{called}."}  # texts of blocks are joined without a space


def view(name: str, images: ImageStore) -> list[dict[str, Any]]:
    """Return the blocks that show an image to a chat model, at most MAX_SHOWN_PX long."""
    try:
        return [{"type": "text", "text": f"\n{name}:"}, image_block(shown(images[name]))]
    except ImageError:
        return [{"type": "text", "text": f"\n{name} is no longer stored."}]


def content_blocks(message: BaseMessage) -> list[Any]:
    """Return the content as a list, unchanged."""
    return [{"type": "text", "text": message.content}] if isinstance(message.content, str) else list(message.content)


def clean_label(label: str) -> str:
    """Return what a user calls an image as one short line."""
    return " ".join(label.replace('"', "'").split())[:_LABEL_CHARS]


def _open(given: str, toolbox: Toolbox) -> ImageSource:
    """Return the image of a data URI, a name or a URL; a path of this machine is none that a user may give."""
    if given.startswith("data:"):
        return given
    if given.startswith((SCHEME, "http:", "https:")):
        return toolbox.workspace.resolve_image(given)
    raise ImageError(f"'{given[:80]}' is not known here; attach the image itself")


def _named_result(message: ToolMessage, tool: Tool[Any, Any], images: ImageStore) -> BaseMessage:
    """Return the answer of a SeedX tool, whose text has the name already, without its images."""
    name, result = image_name(message), result_of(message, tool)
    main = None if result is None else tool.answer(result).image
    if name is not None:
        _keep(name, main or _first_image(message), images)

    def write(image: Image.Image) -> str:
        return name if name is not None and image is main else images.add(image)

    artifact = message.artifact if result is None else result.model_dump(mode="json", context={"image": write})
    blocks = [block for block in content_blocks(message) if _reference(block) is None]
    changed = _with(message, blocks, [] if name is None else [name])
    return changed.model_copy(update={"artifact": artifact})


def _keep(name: str, image: Image.Image | None, images: ImageStore) -> None:
    """Store the image of a message from before a restart, unless it is there."""
    try:
        if image is not None:
            images.restore({name: image})
    except ImageError:
        return


def _first_image(message: ToolMessage) -> Image.Image | None:
    given = next((given for block in content_blocks(message) if (given := _reference(block))), None)
    return None if given is None else open_image(given)


def _with(message: BaseMessage, blocks: list[Any], names: list[str]) -> BaseMessage:
    kwargs = {**message.additional_kwargs, _KEY: [*names_of(message), *names]}
    return message.model_copy(update={"content": blocks, "additional_kwargs": kwargs})


def _made(name: str) -> dict[str, Any]:
    return {"type": "text", "text": f"\nThe image is {name}."}


def _reference(block: object) -> str | None:
    """Return the data URI, URL or name of an image block in the forms of LangChain and of providers.

    Raises:
        ValueError: If the block holds no image, or several.
    """
    if not isinstance(block, Mapping):
        return None
    kind, mime, source = block.get("type"), str(block.get("mime_type", "")), block.get("source")
    if kind in ("file", "media") and mime.startswith("image/"):
        return reference({**block, "type": "image"})
    if kind == "image" and isinstance(source, Mapping):  # Anthropic's
        media = source.get("media_type")
        return reference({"type": "image", "base64": source.get("data"), "url": source.get("url"), "mime_type": media})
    return reference(block) if kind in ("image", "image_url", "input_image") else None


def _label(block: Mapping[str, Any]) -> str | None:
    """Return the name of the file that a user attached, wherever a chat interface put it."""
    places = [block, block.get("extras"), block.get("metadata")]
    keys = ("filename", "file_name", "name", "title")
    found = (place.get(key) for place in places if isinstance(place, Mapping) for key in keys)
    return next((label for given in found if isinstance(given, str) and (label := clean_label(given))), None)

"""Types of arguments that refer to something outside the call: images and files.

A model writes plain strings. With a Workspace as validation context they are resolved, or rejected with an error that
names the argument; without one they stay as they are, and the SDK opens any path.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from PIL import Image
from pydantic import AfterValidator, PlainValidator, ValidationInfo, WithJsonSchema

from seedx_sdk.imaging import ImageSource
from seedx_tools.workspace import Workspace

IMAGE_HELP = "Give the name of an earlier image (image:1), a file path, an allowed URL or a data URI."
"""Ends the description of every image argument."""


def _image(value: object, info: ValidationInfo) -> ImageSource:
    if isinstance(value, Image.Image):
        return value
    text = reference(value)
    return info.context.resolve_image(text) if isinstance(info.context, Workspace) else text


def reference(value: object) -> str:
    """Return a reference to an image as it is, or the one inside a content block of LangChain, OpenAI or MCP.

    Raises:
        ValueError: If it is neither, or the block holds no image or several.
    """
    if isinstance(value, str | Path):
        return str(value)
    if isinstance(value, list | tuple):
        raise ValueError(f"{len(value)} values are given; give one image, such as image:1")
    if not isinstance(value, Mapping) or "type" not in value:
        raise ValueError("an image must be given as text, such as image:1")
    block: Mapping[str, Any] = value
    kind, mime = block.get("type"), block.get("mime_type") or block.get("mimeType") or "image/png"
    if kind in ("image_url", "input_image"):
        url = block.get("image_url")
        found = [url.get("url") if isinstance(url, Mapping) else url]
    elif kind == "image":
        data = block.get("base64") or block.get("data")
        inline = None if data is None else f"data:{mime};base64,{data}"
        found = [given for given in (inline, block.get("url"), block.get("file_id")) if given is not None]
    else:
        raise ValueError(f"a content block of type {str(kind)[:40]!r} is not an image; its type must be 'image'")
    if len(found) != 1 or not isinstance(found[0], str):
        raise ValueError("an image block must have exactly one of base64, url and file_id")
    return found[0]


def input_path(value: str, info: ValidationInfo) -> str:
    """Return a file that may be read.

    Raises:
        InputError: If the workspace does not allow it.
    """
    return str(info.context.file_to_read(value)) if isinstance(info.context, Workspace) else value


def output_path(value: str, info: ValidationInfo) -> str:
    """Return a file that may be written; the argument `overwrite`, if there is one, says what it may replace.

    Raises:
        OutputPathError: If the workspace does not allow it.
    """
    if not isinstance(info.context, Workspace):
        return value
    return info.context.file_to_write(value, overwrite=info.data.get("overwrite", False))


ImageRef: TypeAlias = Annotated[
    str | Path | bytes | Image.Image,
    PlainValidator(_image),
    WithJsonSchema({"type": "string", "examples": ["image:1"]}),
]
"""An image. The model writes a string; programs may also pass a content block or a PIL image."""
InputPath: TypeAlias = Annotated[str, AfterValidator(input_path)]
"""A file to read."""
OutputPath: TypeAlias = Annotated[str, AfterValidator(output_path)]
"""A file to write. What the tools of this thread did not write is not replaced unless `overwrite` says so."""

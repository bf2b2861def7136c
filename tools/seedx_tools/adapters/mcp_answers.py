"""Outcomes of tools as answers of the Model Context Protocol, each small enough for clients that limit what they read.

An image that is too large is compressed, then scaled down; the resource that the answer links to has all of it.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import mcp_types as types
from PIL import Image
from pydantic_core import to_json

from seedx_sdk.imaging import to_png
from seedx_tools.image_store import SCHEME, names_in
from seedx_tools.toolbox import Outcome

__all__ = ["FOR_BOTH", "MAX_ANSWER_BYTES", "about_image", "base64_text", "tool_answer"]

FOR_BOTH = types.Annotations(audience=["user", "assistant"])
"""Of images: people look at them, and models read them."""
MAX_ANSWER_BYTES = 1 << 20
"""Of the answer to one call, as JSON; hosts cut off or reject what is longer."""
_ENVELOPE_BYTES = 4096
"""What the protocol puts around the content of an answer, at most."""
_JPEG_QUALITY = 85
_SCALE = 0.7
"""Of the sides, for each attempt to make an image smaller."""
_MIN_SIDE_PX = 64
"""A smaller image shows nothing."""
_LIMITS = ((20_000, None), (4_000, None), (800, None), *((160, items) for items in (None, 1_000, 200, 50, 10, 2)))
"""Characters that are left of a long text, and items of a long list, for each attempt to make an answer smaller."""


def tool_answer(outcome: Outcome) -> types.CallToolResult:
    """Return the answer to a call: a text, an image, links to the images in full size, and the typed result."""
    text, data = _fitting_texts(outcome.text, outcome.data)
    links = [types.ResourceLink(**about_image(name)) for name in dict.fromkeys(names_in(text))]
    content: list[Any] = [types.TextContent(text=text)]
    rest = MAX_ANSWER_BYTES - _ENVELOPE_BYTES - sum(map(_num_bytes, (text, data, links)))
    if outcome.image is not None and (shown := _fitting_image(outcome.image, rest)) is not None:
        content.append(shown)
    return types.CallToolResult(content=[*content, *links], structured_content=data)


def about_image(name: str) -> dict[str, Any]:
    """Return what a resource, or a link to one, says of the image with this name."""
    title = f"Image {name.removeprefix(SCHEME)}"
    return {"uri": name, "name": name, "title": title, "mime_type": "image/png", "annotations": FOR_BOTH}


def base64_text(data: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(data).decode("ascii")


def _fitting_texts(text: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the text and the typed result, their longest texts and lists cut if they would fill the answer."""
    whole = text, data
    for characters, items in _LIMITS:
        if _num_bytes(text) + _num_bytes(data) <= MAX_ANSWER_BYTES // 2:
            break
        lists = "" if items is None else f", and lists of more than {items} items,"
        note = f"Warning: texts of more than {characters} characters{lists} were cut in this answer; ask for less"
        text = f"{_cut(whole[0], characters, items)}\n{note}"
        data = _cut(whole[1], characters, items)
    return text, data


def _cut(value: Any, characters: int, items: int | None) -> Any:
    if isinstance(value, str):
        return value if len(value) <= characters else f"{value[: characters - 1]}\u2026"
    if isinstance(value, dict):
        return {key: _cut(item, characters, items) for key, item in value.items()}
    return [_cut(item, characters, items) for item in value[:items]] if isinstance(value, list) else value


def _fitting_image(image: Image.Image, max_bytes: int) -> types.ImageContent | None:
    """Return the image as PNG or, if that is too large, as JPEG, scaled down as far as needed; None: no room."""
    data, kind = to_png(image), "png"
    image = image.convert("RGB")
    while len(data) * 4 // 3 + 4 > max_bytes:
        if kind == "jpeg":
            image = image.resize((int(image.width * _SCALE), int(image.height * _SCALE)), Image.Resampling.LANCZOS)
        if min(image.size) < _MIN_SIDE_PX:
            return None
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
        data, kind = buffer.getvalue(), "jpeg"
    return types.ImageContent(data=base64_text(data), mime_type=f"image/{kind}")


def _num_bytes(value: Any) -> int:
    return len(to_json(value))

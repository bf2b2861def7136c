"""Answers of the OpenAI-compatible routes, as plain dictionaries.

Importing openai's models would double the import time of the server, and they have no field for the images of a chat.
Tests validate the answers with these models.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from seedx_sdk.imaging import to_data_uri
from seedx_sdk.serve.openai.bodies import ImagesBody
from seedx_sdk.types import ChatReply, EditedImage, GeneratedImage, ImagePart, Message, TextPart, Usage

__all__ = ["ChatAnswer", "ImagesAnswer", "warnings_header"]

WARNINGS_HEADER = "X-SeedX-Warnings"


@dataclass(frozen=True, kw_only=True)
class ChatAnswer:
    """The answer of a chat, whole or in chunks.

    Args:
        id: Of the answer.
        created: Seconds since 1970.
        model: Name of the model.
        fingerprint: Of its weights.
        as_parts: Whether `content` is a list of parts, texts and images, instead of text with the images beside it.
        with_usage: Whether a last chunk has the usage.
    """

    id: str
    created: int
    model: str
    fingerprint: str
    as_parts: bool
    with_usage: bool

    def whole(self, reply: ChatReply) -> dict[str, Any]:
        """Return a chat.completion."""
        message = {"role": "assistant", **self._content(reply.message)}
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
        about = {"choices": [choice], "usage": _usage(reply.usage), "seed": reply.seed, **_warnings(reply.warnings)}
        return {**self._head("chat.completion"), **about}

    def first(self) -> dict[str, Any]:
        """Return the chunk before all others."""
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> dict[str, Any]:
        """Return the chunk of a piece of text."""
        return self._chunk({"content": text})

    def image(self, image: Image.Image, index: int) -> dict[str, Any]:
        """Return the chunk of an image, the `index`th of the answer."""
        return self._chunk({"content": [_image_part(image)]} if self.as_parts else {"images": [_image(image, index)]})

    def last(self, reply: ChatReply) -> list[dict[str, Any]]:
        """Return the last chunks: why the reply ended, its seed and warnings; and its usage, if it was asked for."""
        end = {**self._chunk({}, reply.finish_reason), "seed": reply.seed, **_warnings(reply.warnings)}
        usage = {**self._head("chat.completion.chunk"), "choices": [], "usage": _usage(reply.usage)}
        return [end, usage] if self.with_usage else [end]

    def _head(self, kind: str) -> dict[str, Any]:
        head = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return {**head, "system_fingerprint": self.fingerprint}

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        usage = {"usage": None} if self.with_usage else {}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **usage}

    def _content(self, message: Message) -> dict[str, Any]:
        if not message.images:
            return {"content": message.text}
        if self.as_parts:
            return {"content": [_part(part) for part in message.content]}
        return {"content": message.text, "images": [_image(image, i) for i, image in enumerate(message.images)]}


@dataclass(frozen=True, kw_only=True)
class ImagesAnswer:
    """The answer of a request for images, whole or as events.

    Args:
        body: The request.
        created: Seconds since 1970.
        kind: What the events are called after: image_generation or image_edit.
    """

    body: ImagesBody
    created: int
    kind: str

    def whole(self, results: Sequence[GeneratedImage | EditedImage]) -> dict[str, Any]:
        """Return all images."""
        data = [{"b64_json": self._encoded(r.image), "seed": r.seed} for r in results if r.image is not None]
        warnings = tuple(dict.fromkeys(warning for result in results for warning in result.warnings))
        head = {"created": self.created, "data": data, "output_format": self.body.output_format}
        return {**head, "background": "opaque", **_warnings(warnings)}

    def partial(self, preview: Image.Image, index: int) -> dict[str, Any]:
        """Return the event of the `index`th preview of an image."""
        return {**self._event("partial_image", preview), "partial_image_index": index}

    def completed(self, result: GeneratedImage | EditedImage) -> dict[str, Any]:
        """Return the event of a finished image."""
        assert result.image is not None  # the calls ask for one
        about = {"usage": _image_usage(result.usage), "seed": result.seed, **_warnings(result.warnings)}
        return {**self._event("completed", result.image), **about}

    def _event(self, name: str, image: Image.Image) -> dict[str, Any]:
        return {
            "type": f"{self.kind}.{name}",
            "b64_json": self._encoded(image),
            "created_at": self.created,
            "size": f"{image.width}x{image.height}",
            "quality": "auto",
            "background": "opaque",
            "output_format": self.body.output_format,
        }

    def _encoded(self, image: Image.Image) -> str:
        options = {} if self.body.output_format == "png" else {"quality": self.body.output_compression}
        buffer = BytesIO()
        image.save(buffer, format=self.body.output_format.upper(), **options)
        return base64.b64encode(buffer.getvalue()).decode("ascii")


def warnings_header(results: Sequence[GeneratedImage | EditedImage]) -> dict[str, str]:
    """Return the header with the warnings of all results, a JSON list; empty without any."""
    warnings = list(dict.fromkeys(warning for result in results for warning in result.warnings))
    return {WARNINGS_HEADER: json.dumps(warnings)} if warnings else {}  # ASCII, as headers must be


def _warnings(warnings: Sequence[str]) -> dict[str, list[str]]:
    return {"warnings": list(warnings)} if warnings else {}


def _image(image: Image.Image, index: int) -> dict[str, Any]:
    return {**_image_part(image), "index": index}


def _image_part(image: Image.Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": to_data_uri(image)}}


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    return {"type": "text", "text": part.text} if isinstance(part, TextPart) else _image_part(part.image)


def _usage(usage: Usage | None) -> dict[str, int] | None:
    return None if usage is None else {**usage.model_dump(), "total_tokens": usage.total_tokens}


def _image_usage(usage: Usage | None) -> dict[str, int] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }

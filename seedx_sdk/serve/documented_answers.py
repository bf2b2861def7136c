"""What the OpenAPI document says of answers that are no models of ours: streams, and those of OpenAI's API."""

from __future__ import annotations

from typing import Any

__all__ = ["CHAT_ANSWER", "CHAT_STREAM", "IMAGES_ANSWER", "READINESS"]

_WARNINGS = {
    "X-SeedX-Warnings": {"schema": {"type": "string"}, "description": "Warnings as a JSON list; left out without any."}
}


def _event_stream(description: str) -> dict[str, Any]:
    """Return the content without a type: tools read the schema as that of the whole text, or of each event."""
    return {"text/event-stream": {"schema": {"description": description}}}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {"application/json": {"schema": {"type": "object", "required": [*required], "properties": properties}}}


_INTEGER, _STRING = {"type": "integer"}, {"type": "string"}
_CHOICE = {
    "type": "object",
    "required": ["index", "message", "finish_reason"],
    "properties": {"index": _INTEGER, "message": {"type": "object"}, "finish_reason": _STRING},
}
_IMAGE = {"type": "object", "required": ["b64_json", "seed"], "properties": {"b64_json": _STRING, "seed": _INTEGER}}

CHAT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The reply as it is made.",
        "content": _event_stream(
            "Server-sent events, JSON as data: text_delta, image_started, image_progress, image_done and others; the "
            "last one is reply_done, with the whole reply, or error."
        ),
    }
}
"""Responses of `/v1/chat`."""
CHAT_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A chat.completion; with `stream`, its chunks.",
        "content": {
            **_object(
                ("id", "object", "created", "model", "choices", "usage", "seed"),
                id=_STRING,
                object={"const": "chat.completion"},
                created=_INTEGER,
                model=_STRING,
                system_fingerprint=_STRING,
                choices={"type": "array", "items": _CHOICE},
                usage={"type": ["object", "null"]},
                seed=_INTEGER,
                warnings={"type": "array", "items": _STRING},
            ),
            **_event_stream("With `stream`: chat.completion.chunk as data, then [DONE]; an error is a last {error}."),
        },
    }
}
"""Responses of `/v1/chat/completions`."""
IMAGES_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The images; with `stream`, one event for each preview and image.",
        "headers": _WARNINGS,
        "content": {
            **_object(
                ("created", "data"),
                created=_INTEGER,
                data={"type": "array", "items": _IMAGE},
                output_format=_STRING,
                background=_STRING,
                warnings={"type": "array", "items": _STRING},
            ),
            **_event_stream(
                "With `stream`: events partial_image and completed, JSON as data; an error is a last {error}."
            ),
        },
    }
}
"""Responses of `/v1/images/generations` and `/v1/images/edits`."""
READINESS: dict[int | str, dict[str, Any]] = {
    503: {
        "description": "The model is loading, or its engine has failed.",
        "content": {"text/plain": {"schema": _STRING}},
    }
}
"""Responses of `/health/ready`."""

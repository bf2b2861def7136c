"""What the client accepts: each check raises a typed error with the cure, once, before anything is computed."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args

from PIL import Image

from seedx_sdk.errors import InputError, PromptError, SizeError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.tokens import BEGIN_IMAGE, BEGIN_PATCH, END_IMAGE, END_PATCH, NUM_IMAGE_NAMES, image_token
from seedx_sdk.types import Dtype, ImagePart, Message, ModelInfo, Request, Sampler, TextPart

__all__ = [
    "check_dtype",
    "check_fast",
    "check_messages",
    "check_number",
    "check_sampler",
    "check_schema",
    "check_seed",
    "check_size",
    "check_text",
    "check_whole",
    "fit_to_model",
    "open_images",
]

T = TypeVar("T")
MAX_SEED = 2**63 - 1
MAX_SCHEMA_CHARS = 20_000
"""Of a JSON schema, which is compiled before an answer is begun."""
_RESERVED = (
    *(BEGIN_IMAGE, END_IMAGE, BEGIN_PATCH, END_PATCH, "<s>", "</s>", "<unk>"),
    *(image_token(index) for index in range(NUM_IMAGE_NAMES)),
)
"""Tokens that place pictures and end replies; boxes are allowed, because one may ask about a place."""


def check_text(text: object, name: str) -> str:
    """The text without white space around it.

    Raises:
        PromptError: it is not text, is empty, is not valid Unicode, or holds a token that only the model may write.
    """
    if not isinstance(text, str):
        cure = "decode it first: data.decode('utf-8')" if isinstance(text, bytes) else "pass a string"
        raise PromptError(f"{name} is {type(text).__name__}, not text; {cure}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PromptError(
            f"{name} has bytes that are not UTF-8 at character {error.start}; save or send it as UTF-8"
        ) from error
    stripped = text.strip()
    if not stripped:
        raise PromptError(f"{name} is empty; write at least one word")
    reserved = next((token for token in _RESERVED if token in stripped), None)
    if reserved:
        raise PromptError(f"{name} contains {reserved!r}, which only the model may write; leave it out")
    return stripped


def check_size(width: int | None, height: int | None) -> tuple[int | None, int | None]:
    """Return width and height in pixels, or two None.

    Raises:
        SizeError: If only one is given, or one is not a whole number or not a multiple of 8.
    """
    if width is None and height is None:
        return None, None
    if width is None or height is None:
        raise SizeError(f"width is {width} and height is {height}; give both, or neither for the model's own size")
    if not (_is_whole(width) and _is_whole(height)):
        raise SizeError(f"width {width!r} and height {height!r} are not two whole numbers; give pixels")
    if width < 1 or height < 1:
        raise SizeError(f"size {width}x{height} is not positive; use multiples of 8")
    if width % 8 or height % 8:
        nearest = "x".join(str(max(8, math.floor(side / 8 + 0.5) * 8)) for side in (width, height))
        raise SizeError(f"size {width}x{height} is not a multiple of 8; use {nearest}")
    return width, height


def check_seed(seed: object) -> int:
    """The seed.

    Raises:
        InputError: not a whole number in 0..2**63-1.
    """
    return _whole(seed, "seed", 0, MAX_SEED, "2**63-1")


def check_whole(value: int | None, name: str, low: int, high: int) -> int | None:
    """The value, or None.

    Raises:
        InputError: not a whole number in low..high.
    """
    return None if value is None else _whole(value, name, low, high, str(high))


def check_number(value: float | None, name: str, high: float = sys.float_info.max) -> float | None:
    """The value, or None.

    Raises:
        InputError: not a finite number in 0..high.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
        allowed = "finite number of at least 0" if high == sys.float_info.max else f"number in 0..{high:g}"
        raise InputError(f"{name} {str(value)[:40]} is not allowed; use a {allowed}")
    return float(value)


def check_dtype(value: Dtype | None) -> Dtype | None:
    """The value, or None.

    Raises:
        InputError: not one of the types.
    """
    return _one_of(value, get_args(Dtype), "dtype")


def check_sampler(value: Sampler | None) -> Sampler | None:
    """The value, or None.

    Raises:
        InputError: not one of the samplers.
    """
    return _one_of(value, get_args(Sampler), "sampler")


def check_schema(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    """The JSON schema, or None.

    Raises:
        InputError: not a dict that JSON can hold, or longer than MAX_SCHEMA_CHARS.
    """
    if schema is None:
        return None
    if not isinstance(schema, dict):
        raise InputError(
            f"json_schema is {type(schema).__name__}, not a dict; of a pydantic model, pass model_json_schema()"
        )
    try:
        written = json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"json_schema cannot be written as JSON: {error}") from error
    if len(written) > MAX_SCHEMA_CHARS:
        raise InputError(f"json_schema has {len(written)} characters; at most {MAX_SCHEMA_CHARS} are allowed")
    return schema


def check_fast(steps: int | None, measured: int | None, model: str) -> None:
    """Refuses a fast mode that nobody has measured.

    Args:
        steps: What is asked for; None leaves it to the mode.
        measured: De-noising steps of the fast mode of these weights; None: they have none.
        model: Names the model and its revision.

    Raises:
        InputError: there is none, or it was measured with other steps.
    """
    if measured is None:
        raise InputError(
            f"{model} has no fast mode that was measured on its weights; use the sampler 'reference', or measure one "
            "with benchmarks/fast_mode.py"
        )
    if steps not in (None, measured):
        raise InputError(
            f"the fast mode of {model} was measured with {measured} steps, not {steps}; use that number, or the "
            "sampler 'reference'"
        )


def _one_of(value: T, allowed: tuple[str, ...], name: str) -> T:
    if value is not None and value not in allowed:
        raise InputError(f"{name} {value!r} is not allowed; use one of {list(allowed)}")
    return value


def _whole(value: object, name: str, low: int, high: int, high_text: str) -> int:
    if not _is_whole(value) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name} {value!r} is not allowed; use a whole number in {low}..{high_text}")
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def open_images(
    sources: ImageSource | Sequence[ImageSource], on_warning: Callable[[str], None]
) -> tuple[Image.Image, ...]:
    """One or several pictures, opened in order.

    Raises:
        ImageError: one of them cannot be used.
    """
    if isinstance(sources, Sequence) and not isinstance(sources, str | bytes):
        return tuple(open_image(source, on_warning=on_warning) for source in sources)
    return (open_image(sources, on_warning=on_warning),)


def check_messages(
    messages: Sequence[Message], on_warning: Callable[[str], None], *, name: str = "messages"
) -> tuple[Message, ...]:
    """The conversation with every picture opened as RGB.

    Raises:
        PromptError: an element is not a Message, or is empty, or a text of the user cannot be used.
        ImageError: a picture cannot be used.
    """
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        raise PromptError(f"{name} is {type(messages).__name__}; pass a list such as [Message.user('hello')]")
    return tuple(_check_message(message, f"{name}[{index}]", on_warning) for index, message in enumerate(messages))


def _check_message(message: object, name: str, on_warning: Callable[[str], None]) -> Message:
    if not isinstance(message, Message):
        raise PromptError(f"{name} is {type(message).__name__}; use Message.user(...) or Message.assistant(...)")
    if not message.content:
        raise PromptError(f"{name} is empty; give it a text or a picture")
    parts: list[TextPart | ImagePart] = []
    for part in message.content:
        if isinstance(part, ImagePart):
            parts.append(ImagePart(image=open_image(part.image, on_warning=on_warning)))
        elif message.role == "user":
            parts.append(TextPart(text=check_text(part.text, name)))
        else:
            parts.append(part)
    return Message(role=message.role, content=tuple(parts))


def fit_to_model(request: Request, info: ModelInfo) -> tuple[str, ...]:
    """Warnings about what this model will do less well than asked.

    Raises:
        InputError: the model does not answer such calls, has no such fast mode, or cannot hold its answers to a schema.
        PromptError: a text of the user is longer than the model reads.
        SizeError: the size is out of the model's bounds.
    """
    for message in request.messages:
        for part in message.content:
            if message.role == "user" and isinstance(part, TextPart) and len(part.text) > info.max_prompt_chars:
                raise PromptError(
                    f"a text has {len(part.text)} characters; {info.name} reads at most {info.max_prompt_chars}: "
                    "shorten it, or send the parts one after the other"
                )
    if request.task not in info.tasks:
        raise InputError(f"{info.name} cannot {request.task}; it can {', '.join(info.tasks)}")
    if request.options.sampler == "fast":
        check_fast(request.options.num_inference_steps, info.fast_steps, f"{info.name} ({info.revision})")
    if request.options.json_schema is not None and not info.supports_structured_output:
        raise InputError(
            f"{info.name} cannot hold its answers to a JSON schema as it runs now; serve it on vLLM (seedx serve "
            "--backbone vllm), or leave the schema out"
        )
    width, height = request.options.width, request.options.height
    if width is None or height is None:
        return ()
    if not (info.min_size <= min(width, height) and max(width, height) <= info.max_size):
        raise SizeError(
            f"size {width}x{height} is out of bounds for {info.name}; "
            f"each side must be in {info.min_size}..{info.max_size}"
        )
    if (width, height) != (info.image_size, info.image_size):
        own = f"{info.image_size}x{info.image_size}"
        return (f"{width}x{height} is not {info.name}'s own size {own}, so the picture may be worse; {info.sizes}",)
    return ()

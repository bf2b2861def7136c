"""What the client accepts: each check raises a typed error with the cure, once, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from PIL import Image

from seedx_sdk.errors import InputError, PromptError, SizeError, SpecialistMissingError
from seedx_sdk.imaging import ImageSource, open_for_model
from seedx_sdk.tokens import BEGIN_IMAGE, BEGIN_PATCH, END_IMAGE, END_PATCH, NUM_IMAGE_NAMES, image_token
from seedx_sdk.types import Dtype, ImagePart, Message, ModelInfo, Request, Task, TextPart

__all__ = [
    "ImageOpener",
    "check_dtype",
    "check_fast",
    "check_messages",
    "check_task",
    "check_text",
    "fit_to_model",
    "open_images",
]

_RESERVED = (
    *(BEGIN_IMAGE, END_IMAGE, BEGIN_PATCH, END_PATCH, "<s>", "</s>", "<unk>"),
    *(image_token(index) for index in range(NUM_IMAGE_NAMES)),
)
"""Tokens that place images and end replies; boxes are allowed, because one may ask about a place."""


def check_text(text: object, name: str) -> str:
    """Return the text without surrounding white space.

    Raises:
        PromptError: If it is not text, is empty, is not valid Unicode, or holds a token that only the model may write.
    """
    if not isinstance(text, str):
        cure = "decode it first: data.decode('utf-8')" if isinstance(text, bytes) else "pass a string"
        raise PromptError(f"{name} is {type(text).__name__}, not text; {cure}", param=name)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PromptError(
            f"{name} has bytes that are not UTF-8 at character {error.start}; save or send it as UTF-8", param=name
        ) from error
    stripped = text.strip()
    if not stripped:
        raise PromptError(f"{name} is empty; write at least one word", param=name)
    reserved = next((token for token in _RESERVED if token in stripped), None)
    if reserved:
        raise PromptError(f"{name} contains {reserved!r}, which only the model may write; leave it out", param=name)
    return stripped


def check_dtype(value: Dtype | None) -> Dtype | None:
    """Return the value, or None.

    Raises:
        InputError: If it is not one of the types.
    """
    if value is not None and value not in get_args(Dtype):
        raise InputError(f"dtype {value!r} is not allowed; use one of {list(get_args(Dtype))}")
    return value


def check_fast(steps: int | None, measured: int | None, model: str) -> None:
    """Reject a fast mode that nobody has measured.

    Args:
        steps: What is asked for; None leaves it to the mode.
        measured: Denoising steps of the fast mode of these weights; None: they have none.
        model: Names the model and its revision.

    Raises:
        InputError: If there is none, or it was measured with other steps.
    """
    if measured is None:
        raise InputError(
            f"{model} has no fast mode that was measured on its weights; use the sampler 'reference', or measure one "
            "with benchmarks/fast_mode.py",
            param="sampler",
        )
    if steps not in (None, measured):
        raise InputError(
            f"the fast mode of {model} was measured with {measured} steps, not {steps}; use that number, or the "
            "sampler 'reference'",
            param="num_inference_steps",
        )


@dataclass(slots=True)
class ImageOpener:
    """Opens the images of one call, in order, as the model uses them."""

    notes: list[str]
    """Receives a sentence where only a part of an image is used."""
    size: tuple[int, int] | None = None
    """Width and height of the last image as it was given; None: there is none."""

    def __call__(self, source: ImageSource) -> Image.Image:
        """Return an image as RGB, one of more than MODEL_PIXELS scaled down.

        Raises:
            ImageError: If it cannot be used.
        """
        image, self.size = open_for_model(source, on_warning=self.notes.append)
        return image


def open_images(
    sources: ImageSource | Sequence[ImageSource], open_one: Callable[[ImageSource], Image.Image]
) -> tuple[Image.Image, ...]:
    """Return one or several images, opened in order.

    Raises:
        ImageError: If one of them cannot be used.
    """
    if isinstance(sources, Sequence) and not isinstance(sources, str | bytes):
        return tuple(open_one(source) for source in sources)
    return (open_one(sources),)


def check_messages(
    messages: Sequence[Message], open_one: Callable[[ImageSource], Image.Image], *, name: str = "messages"
) -> tuple[Message, ...]:
    """Return the conversation with every image opened.

    Raises:
        PromptError: If an element is not a Message, or is empty, or a text of the user cannot be used.
        ImageError: If an image cannot be used.
    """
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        raise PromptError(
            f"{name} is {type(messages).__name__}; pass a list such as [Message.user('hello')]", param=name
        )
    return tuple(_check_message(message, f"{name}[{index}]", open_one) for index, message in enumerate(messages))


def _check_message(message: object, name: str, open_one: Callable[[ImageSource], Image.Image]) -> Message:
    if not isinstance(message, Message):
        raise PromptError(
            f"{name} is {type(message).__name__}; use Message.user(...) or Message.assistant(...)", param=name
        )
    if not message.content:
        raise PromptError(f"{name} is empty; give it a text or an image", param=name)
    parts: list[TextPart | ImagePart] = []
    for part in message.content:
        if isinstance(part, ImagePart):
            parts.append(ImagePart(image=open_one(part.image)))
        elif message.role == "user":
            parts.append(TextPart(text=check_text(part.text, name)))
        else:
            parts.append(part)
    return Message(role=message.role, content=tuple(parts))


def check_task(task: Task, info: ModelInfo, *, specialist: str | None = None) -> None:
    """Check that a model answers such calls.

    Args:
        task: The call.
        info: The model's.
        specialist: The one that is named for it, if any.

    Raises:
        SpecialistMissingError: If the model lacks the specialist that is named, or that the call needs.
        InputError: If it does not answer such calls.
    """
    there = f"its specialists: {', '.join(info.specialists) or 'none'}"
    if specialist is not None and specialist not in info.specialists:
        raise SpecialistMissingError(
            f"{info.name} has no specialist {specialist[:80]!r}; {there}. Name one of them or none, or add yours with "
            "`seedx export`",
            param="specialist",
        )
    if task in ("try_on", "story") and task not in info.specialists:
        raise SpecialistMissingError(
            f"{info.name} has no {task} specialist, which this call needs; {there}. Train one with "
            f"`seedx train {task}` and add it to the model's directory with `seedx export`"
        )
    if task not in info.tasks:
        raise InputError(f"{info.name} cannot {task}; it can {', '.join(info.tasks)}")


def fit_to_model(request: Request, info: ModelInfo) -> tuple[str, ...]:
    """Return warnings about what this model will do less well than requested.

    Raises:
        InputError: If the model does not answer such calls, has no such fast mode, or cannot fit text to a schema.
        SpecialistMissingError: If it lacks the specialist that the request names or needs.
        PromptError: If a text of the user is longer than the model reads.
        SizeError: If the size is out of the model's bounds.
    """
    for message in request.messages:
        for part in message.content:
            if message.role == "user" and isinstance(part, TextPart) and len(part.text) > info.max_prompt_chars:
                raise PromptError(
                    f"a text has {len(part.text)} characters; {info.name} reads at most {info.max_prompt_chars}: "
                    "shorten it, or send the parts one after the other"
                )
    check_task(request.task, info, specialist=request.options.specialist)
    if request.options.sampler == "fast":
        check_fast(request.options.num_inference_steps, info.fast_steps, f"{info.name} ({info.revision})")
    if request.options.json_schema is not None and not info.supports_structured_output:
        raise InputError(
            f"{info.name} cannot fit its text to a JSON schema as it runs now; serve it on vLLM (seedx serve "
            "--backbone vllm), or leave the schema out",
            param="json_schema",
        )
    width, height = request.options.width, request.options.height
    if width is None or height is None:
        return ()
    if not (info.min_size <= min(width, height) and max(width, height) <= info.max_size):
        raise SizeError(
            f"size {width}x{height} is out of bounds for {info.name}; "
            f"each side must be in {info.min_size}..{info.max_size}",
            param="width",
        )
    if (width, height) != (info.image_size, info.image_size):
        own = f"{info.image_size}x{info.image_size}"
        return (f"{width}x{height} is not {info.name}'s own size {own}, so the image may be worse; {info.sizes}",)
    return ()

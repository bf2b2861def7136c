"""Calls as plain values: the request to an engine, and how its reply becomes a typed result. No torch.

The clients, the server and every adapter make their calls here, so they check and answer alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, Unpack

from PIL import Image

from seedx_sdk import validation
from seedx_sdk.annotation import draw_boxes
from seedx_sdk.errors import InputError, ModelError, PromptError
from seedx_sdk.imaging import ImageSource
from seedx_sdk.options import (
    CallOptions,
    ChatOptions,
    EditOptions,
    GenerationOptions,
    ImageOptions,
    TextOptions,
    check_options,
)
from seedx_sdk.regions import Region, blank_region, check_region, scaled_region
from seedx_sdk.types import (
    Box,
    BoxFound,
    ChatReply,
    Description,
    Detection,
    EditedImage,
    GeneratedImage,
    Message,
    ModelInfo,
    Notice,
    ReplyDone,
    Request,
    Result,
    StreamEvent,
    Task,
    TryOnImage,
)

__all__ = ["Call", "Listener", "chat", "describe", "detect", "edit", "generate", "received", "story", "try_on"]

R = TypeVar("R")
_NO_IMAGE = "the model finished without an image; try another seed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[R]):
    """A checked request, and how to turn its reply into a result."""

    request: Request
    notes: tuple[str, ...]
    """Warnings about the input, for the result."""
    finish: Callable[[ChatReply], R]
    """Makes the result; raises ModelError if the reply lacks what was requested."""
    measured: tuple[int, int] | None = None
    """Width and height of the image that boxes are measured on, if the request has it scaled down."""

    def noting(self, notes: Sequence[str]) -> Call[R]:
        """Return the call with further warnings about its input."""
        return replace(self, notes=(*notes, *self.notes))

    def listen(self, info: ModelInfo) -> Listener:
        """Return a listener for the events of the reply.

        Raises:
            InputError: If the model cannot answer the request.
        """
        return Listener([*self.notes, *validation.fit_to_model(self.request, info)], self.measured)


@dataclass(slots=True)
class Listener:
    """Passes on the events of one reply, and adds all warnings and the total time to it."""

    notes: list[str]
    measured: tuple[int, int] | None = None
    """Width and height of the image that boxes are measured on, if it is another than the engine has."""
    started: float = field(default_factory=time.perf_counter)

    def first(self) -> Iterator[StreamEvent]:
        """Return the warnings that are known before the reply begins."""
        return iter([Notice(text=note) for note in self.notes])

    def pass_on(self, event: StreamEvent) -> StreamEvent:
        """Return the event; ReplyDone with all warnings."""
        if isinstance(event, Notice):
            self.notes.append(event.text)
        if isinstance(event, BoxFound):
            return BoxFound(box=self._box(event.box))
        if not isinstance(event, ReplyDone):
            return event
        reply = event.reply
        boxes = tuple(map(self._box, reply.boxes))
        warnings = tuple(dict.fromkeys((*self.notes, *reply.warnings)))
        timings = {**reply.timings, "total": time.perf_counter() - self.started}
        return ReplyDone(reply=reply.model_copy(update={"boxes": boxes, "warnings": warnings, "timings": timings}))

    def _box(self, box: Box) -> Box:
        """Return a box in pixels of the image as it was given."""
        return box if self.measured is None else Box.on(box.label, box.normalized, self.measured)


def describe(
    images: ImageSource | Sequence[ImageSource],
    question: str | None = None,
    *,
    history: Sequence[Message] = (),
    **options: Unpack[TextOptions],
) -> Call[Description]:
    """Return the call of `AsyncSeedX.describe`."""
    checked, opener = check_options(options), validation.ImageOpener([])
    earlier = validation.check_messages(history, opener, name="history")
    opened = validation.open_images(images, opener)
    if not opened and not any(message.images for message in earlier):
        raise InputError("describe got no image; pass at least one", param="images")
    if not opened and question is None:
        raise PromptError(
            "describe got neither an image nor a question; ask something about the history", param="question"
        )
    text = () if question is None else (validation.check_text(question, "question"),)
    messages = (*earlier, Message.user(*opened, *text))
    return _call(
        "describe", messages, checked, opener, lambda reply: Description(text=reply.message.text, **_common(reply))
    )


def detect(image: ImageSource, phrase: str, **options: Unpack[CallOptions]) -> Call[Detection]:
    """Return the call of `AsyncSeedX.detect`."""
    checked, opener = check_options(options), validation.ImageOpener([])
    text = validation.check_text(phrase, "phrase")
    opened = opener(image)

    def finish(reply: ChatReply) -> Detection:
        annotated = draw_boxes(opened, reply.boxes)
        return Detection(boxes=reply.boxes, text=reply.message.text, annotated=annotated, **_common(reply))

    return _call("detect", (Message.user(opened, text),), checked, opener, finish)


def generate(
    prompt: str,
    images: ImageSource | Sequence[ImageSource] = (),
    *,
    force_image: bool = True,
    **options: Unpack[ImageOptions],
) -> Call[GeneratedImage]:
    """Return the call of `AsyncSeedX.generate`."""
    checked, opener = check_options(options, force_image=force_image), validation.ImageOpener([])
    text = validation.check_text(prompt, "prompt")
    opened = validation.open_images(images, opener)

    def finish(reply: ChatReply) -> GeneratedImage:
        if force_image and not reply.message.images:
            raise ModelError(_NO_IMAGE)
        image = reply.message.images[0] if reply.message.images else None
        return GeneratedImage(image=image, text=reply.message.text, layout=reply.boxes, **_common(reply))

    return _call("generate", (Message.user(*opened, text),), checked, opener, finish)


def edit(image: ImageSource, instruction: str, **options: Unpack[EditOptions]) -> Call[EditedImage]:
    """Return the call of `AsyncSeedX.edit`."""
    checked, opener = check_options(options, force_image=True), validation.ImageOpener([])
    text = validation.check_text(instruction, "instruction")
    opened = opener(image)

    def finish(reply: ChatReply) -> EditedImage:
        if not reply.message.images:
            raise ModelError(_NO_IMAGE)
        edited = reply.message.images[0]
        return EditedImage(image=edited, text=reply.message.text, layout=reply.boxes, **_common(reply))

    return _call("edit", (Message.user(opened, text),), checked, opener, finish)


def try_on(
    person: ImageSource,
    garment: ImageSource,
    region: Box | Region | Detection,
    *,
    phrase: str = "the clothes",
    **options: Unpack[EditOptions],
) -> Call[TryOnImage]:
    """Return the call of `AsyncSeedX.try_on`; of a detection, the largest box is the region."""
    checked, opener = check_options(options, force_image=True), validation.ImageOpener([])
    label = validation.check_text(phrase, "phrase")
    figure, size = opener(person), opener.size or (0, 0)
    worn = opener(garment)
    if isinstance(region, Detection):
        opener.notes.extend(region.warnings)
        region = _largest(region.boxes, label)
    corners = check_region(region.pixels if isinstance(region, Box) else region, size)
    width, height = size
    x0, y0, x1, y1 = corners
    box = Box.on(label, (x0 / width, y0 / height, x1 / width, y1 / height), size)
    blanked = blank_region(figure, scaled_region(corners, size, figure.size))

    def finish(reply: ChatReply) -> TryOnImage:
        if not reply.message.images:
            raise ModelError(_NO_IMAGE)
        return TryOnImage(image=reply.message.images[0], text=reply.message.text, region=box, **_common(reply))

    return _call("try_on", (Message.user(blanked, worn),), checked, opener, finish)


def _largest(boxes: Sequence[Box], phrase: str) -> Box:
    def area(box: Box) -> int:
        x0, y0, x1, y1 = box.pixels
        return (x1 - x0) * (y1 - y0)

    largest = max(boxes, key=area, default=None)
    if largest is None or not area(largest):
        raise InputError(
            f"detect found no {phrase.removeprefix('the ')!r} on the person; word the phrase differently, or pass the "
            "region in pixels: region=(x0, y0, x1, y1)"
        )
    return largest


def chat(
    messages: Sequence[Message], *, opened_by: validation.ImageOpener | None = None, **options: Unpack[ChatOptions]
) -> Call[ChatReply]:
    """Return the call of `AsyncSeedX.chat`; images that another has opened already stay as they are."""
    checked, opener = check_options(options), opened_by or validation.ImageOpener([])
    conversation = _conversation(messages, opener if opened_by is None else _as_it_is)
    return _call("chat", conversation, checked, opener, lambda reply: reply)


def story(text: str, image: ImageSource, **options: Unpack[ChatOptions]) -> Call[ChatReply]:
    """Return the call of `AsyncSeedX.continue_story`."""
    checked, opener = check_options(options), validation.ImageOpener([])
    caption = validation.check_text(text, "text")
    return _call("story", (Message.user(caption, opener(image)),), checked, opener, lambda reply: reply)


def received(request: Request, *, opened_by: validation.ImageOpener | None = None) -> Call[ChatReply]:
    """Return the call for a request that came from elsewhere, checked as if it had been made here.

    Args:
        request: The request; its images stay as they are.
        opened_by: What opened its images; None: another process, or a client.

    Raises:
        InputError: If a text or option of it is not allowed.
        PromptError: If it lacks the image or the text that its task needs.
    """
    checked = _conversation(request.messages, _as_it_is)
    images, needed = len(checked[-1].images), {"detect": 1, "edit": 1, "try_on": 2, "story": 1}.get(request.task)
    reads_text = request.task != "try_on"
    if needed is not None and (images != needed or bool(checked[-1].text) != reads_text):
        parts = "one image and text" if reads_text else "two images, the person and the garment, and no text"
        raise PromptError(f"{request.task} needs {parts} in the last message; it has {images} images")
    if request.options.json_schema is not None and request.task not in ("describe", "chat"):
        raise InputError(f"{request.task} takes no json_schema; describe and chat do")
    given = request.options.model_dump()
    options = check_options(given, force_image=given.pop("force_image"))
    return _call(request.task, checked, options, opened_by or validation.ImageOpener([]), lambda reply: reply)


def _as_it_is(image: ImageSource) -> Image.Image:
    if not isinstance(image, Image.Image) or image.mode != "RGB":
        raise InputError("an image of the request is not opened; make the request with a call of the client")
    return image


def _conversation(messages: Sequence[Message], open_one: Callable[[ImageSource], Image.Image]) -> tuple[Message, ...]:
    checked = validation.check_messages(messages, open_one)
    if not checked or checked[-1].role != "user":
        raise PromptError(
            "the conversation does not end with a user message; add Message.user(...) at the end", param="messages"
        )
    return checked


def _call(
    task: Task,
    messages: tuple[Message, ...],
    options: GenerationOptions,
    opener: validation.ImageOpener,
    finish: Callable[[ChatReply], R],
) -> Call[R]:
    request = Request(task=task, messages=messages, options=options)
    images = [image for message in messages for image in message.images]
    is_scaled = bool(images) and not request.makes_image and opener.size not in (None, images[-1].size)
    return Call(request=request, notes=tuple(opener.notes), finish=finish, measured=opener.size if is_scaled else None)


def _common(reply: ChatReply) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in Result.model_fields}

"""Calls as plain values: the request to an engine, and how its reply becomes a typed result. No torch.

The clients, the server and every adapter make their calls here, so they check and answer alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, Unpack

from seedx_sdk import validation
from seedx_sdk.annotation import draw_boxes
from seedx_sdk.errors import InputError, ModelError, PromptError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.options import (
    CallOptions,
    ChatOptions,
    EditOptions,
    GenerationOptions,
    ImageOptions,
    TextOptions,
    check_options,
)
from seedx_sdk.regions import Region, blank_region, check_region
from seedx_sdk.types import (
    Box,
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

    def noting(self, notes: Sequence[str]) -> Call[R]:
        """Return the call with further warnings about its input."""
        return replace(self, notes=(*notes, *self.notes))

    def listen(self, info: ModelInfo) -> Listener:
        """Return a listener for the events of the reply.

        Raises:
            InputError: If the model cannot answer the request.
        """
        return Listener([*self.notes, *validation.fit_to_model(self.request, info)])


@dataclass(slots=True)
class Listener:
    """Passes on the events of one reply, and adds all warnings and the total time to it."""

    notes: list[str]
    started: float = field(default_factory=time.perf_counter)

    def first(self) -> Iterator[StreamEvent]:
        """Return the warnings that are known before the reply begins."""
        return iter([Notice(text=note) for note in self.notes])

    def pass_on(self, event: StreamEvent) -> StreamEvent:
        """Return the event; ReplyDone with all warnings."""
        if isinstance(event, Notice):
            self.notes.append(event.text)
        if not isinstance(event, ReplyDone):
            return event
        reply = event.reply
        warnings = tuple(dict.fromkeys((*self.notes, *reply.warnings)))
        timings = {**reply.timings, "total": time.perf_counter() - self.started}
        return ReplyDone(reply=reply.model_copy(update={"warnings": warnings, "timings": timings}))


def describe(
    images: ImageSource | Sequence[ImageSource],
    question: str | None = None,
    *,
    history: Sequence[Message] = (),
    **options: Unpack[TextOptions],
) -> Call[Description]:
    """Return the call of `AsyncSeedX.describe`."""
    checked, notes = check_options(options), list[str]()
    earlier = validation.check_messages(history, notes.append, name="history")
    opened = validation.open_images(images, notes.append)
    if not opened and not any(message.images for message in earlier):
        raise InputError("describe got no image; pass at least one")
    if not opened and question is None:
        raise PromptError("describe got neither an image nor a question; ask something about the history")
    text = () if question is None else (validation.check_text(question, "question"),)
    messages = (*earlier, Message.user(*opened, *text))
    return _call(
        "describe", messages, checked, notes, lambda reply: Description(text=reply.message.text, **_common(reply))
    )


def detect(image: ImageSource, phrase: str, **options: Unpack[CallOptions]) -> Call[Detection]:
    """Return the call of `AsyncSeedX.detect`."""
    checked, notes = check_options(options), list[str]()
    text = validation.check_text(phrase, "phrase")
    opened = open_image(image, on_warning=notes.append)

    def finish(reply: ChatReply) -> Detection:
        annotated = draw_boxes(opened, reply.boxes)
        return Detection(boxes=reply.boxes, text=reply.message.text, annotated=annotated, **_common(reply))

    return _call("detect", (Message.user(opened, text),), checked, notes, finish)


def generate(
    prompt: str,
    images: ImageSource | Sequence[ImageSource] = (),
    *,
    force_image: bool = True,
    **options: Unpack[ImageOptions],
) -> Call[GeneratedImage]:
    """Return the call of `AsyncSeedX.generate`."""
    checked, notes = check_options(options, force_image=force_image), list[str]()
    text = validation.check_text(prompt, "prompt")
    opened = validation.open_images(images, notes.append)

    def finish(reply: ChatReply) -> GeneratedImage:
        if force_image and not reply.message.images:
            raise ModelError(_NO_IMAGE)
        image = reply.message.images[0] if reply.message.images else None
        return GeneratedImage(image=image, text=reply.message.text, layout=reply.boxes, **_common(reply))

    return _call("generate", (Message.user(*opened, text),), checked, notes, finish)


def edit(image: ImageSource, instruction: str, **options: Unpack[EditOptions]) -> Call[EditedImage]:
    """Return the call of `AsyncSeedX.edit`."""
    checked, notes = check_options(options, force_image=True), list[str]()
    text = validation.check_text(instruction, "instruction")
    opened = open_image(image, on_warning=notes.append)

    def finish(reply: ChatReply) -> EditedImage:
        if not reply.message.images:
            raise ModelError(_NO_IMAGE)
        edited = reply.message.images[0]
        return EditedImage(image=edited, text=reply.message.text, layout=reply.boxes, **_common(reply))

    return _call("edit", (Message.user(opened, text),), checked, notes, finish)


def try_on(
    person: ImageSource,
    garment: ImageSource,
    region: Box | Region | Detection,
    *,
    phrase: str = "the clothes",
    **options: Unpack[EditOptions],
) -> Call[TryOnImage]:
    """Return the call of `AsyncSeedX.try_on`; of a detection, the largest box is the region."""
    checked, notes = check_options(options, force_image=True), list[str]()
    label = validation.check_text(phrase, "phrase")
    figure, worn = (open_image(image, on_warning=notes.append) for image in (person, garment))
    if isinstance(region, Detection):
        notes.extend(region.warnings)
        region = _largest(region.boxes, label)
    width, height = figure.size
    corners = check_region(region.pixels if isinstance(region, Box) else region, figure.size)
    x0, y0, x1, y1 = corners
    box = Box.on(label, (x0 / width, y0 / height, x1 / width, y1 / height), figure.size)

    def finish(reply: ChatReply) -> TryOnImage:
        if not reply.message.images:
            raise ModelError(_NO_IMAGE)
        return TryOnImage(image=reply.message.images[0], text=reply.message.text, region=box, **_common(reply))

    return _call("try_on", (Message.user(blank_region(figure, corners), worn),), checked, notes, finish)


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


def chat(messages: Sequence[Message], **options: Unpack[ChatOptions]) -> Call[ChatReply]:
    """Return the call of `AsyncSeedX.chat`."""
    checked, notes = check_options(options), list[str]()
    return _call("chat", _conversation(messages, notes), checked, notes, lambda reply: reply)


def story(text: str, image: ImageSource, **options: Unpack[ChatOptions]) -> Call[ChatReply]:
    """Return the call of `AsyncSeedX.continue_story`."""
    checked, notes = check_options(options), list[str]()
    caption = validation.check_text(text, "text")
    opened = open_image(image, on_warning=notes.append)
    return _call("story", (Message.user(caption, opened),), checked, notes, lambda reply: reply)


def received(request: Request) -> Call[ChatReply]:
    """Return the call for a request that came from elsewhere, checked as if it had been made here.

    Raises:
        InputError: If a text, image or option of it is not allowed.
        PromptError: If it lacks the image or the text that its task needs.
    """
    notes: list[str] = []
    checked = _conversation(request.messages, notes)
    images, needed = len(checked[-1].images), {"detect": 1, "edit": 1, "try_on": 2, "story": 1}.get(request.task)
    reads_text = request.task != "try_on"
    if needed is not None and (images != needed or bool(checked[-1].text) != reads_text):
        parts = "one image and text" if reads_text else "two images, the person and the garment, and no text"
        raise PromptError(f"{request.task} needs {parts} in the last message; it has {images} images")
    if request.options.json_schema is not None and request.task not in ("describe", "chat"):
        raise InputError(f"{request.task} takes no json_schema; describe and chat do")
    given = request.options.model_dump()
    options = check_options(given, force_image=given.pop("force_image"))
    return _call(request.task, checked, options, notes, lambda reply: reply)


def _conversation(messages: Sequence[Message], notes: list[str]) -> tuple[Message, ...]:
    checked = validation.check_messages(messages, notes.append)
    if not checked or checked[-1].role != "user":
        raise PromptError("the conversation does not end with a user message; add Message.user(...) at the end")
    return checked


def _call(
    task: Task,
    messages: tuple[Message, ...],
    options: GenerationOptions,
    notes: list[str],
    finish: Callable[[ChatReply], R],
) -> Call[R]:
    request = Request(task=task, messages=messages, options=options)
    return Call(request=request, notes=tuple(notes), finish=finish)


def _common(reply: ChatReply) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in Result.model_fields}

"""The calls as plain values: what is asked of the engine, and how its reply becomes the typed result. No torch.

The client, the server and every adapter make the same calls from here, so they check and answer alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from seedx_sdk import validation as checks
from seedx_sdk.annotation import draw_boxes
from seedx_sdk.errors import InputError, ModelError, PromptError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.types import (
    ChatReply,
    Description,
    Detection,
    EditedImage,
    GeneratedImage,
    GenerationOptions,
    Message,
    ModelInfo,
    Notice,
    ReplyDone,
    Request,
    Result,
    Sampler,
    StreamEvent,
    Task,
)

__all__ = ["Call", "Listener", "chat", "describe", "detect", "edit", "generate", "received"]

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[R]):
    """A checked request, and what its reply becomes."""

    request: Request
    notes: tuple[str, ...]
    """What could not be honoured as given, for the result's warnings."""
    finish: Callable[[ChatReply], R]
    """Makes the result; raises ModelError if the reply lacks what was asked for."""

    def listen(self, info: ModelInfo) -> Listener:
        """Returns what passes on the events of the reply.

        Raises:
            InputError: The model cannot honour the request.
        """
        return Listener([*self.notes, *checks.fit_to_model(self.request, info)])


@dataclass(slots=True)
class Listener:
    """Passes on the events of one reply, and puts all warnings and the whole time into it."""

    notes: list[str]
    started: float = field(default_factory=time.perf_counter)

    def first(self) -> Iterator[StreamEvent]:
        """The warnings that are known before the reply begins."""
        return iter([Notice(text=note) for note in self.notes])

    def pass_on(self, event: StreamEvent) -> StreamEvent:
        """The event; ReplyDone with all warnings."""
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
    seed: int = 0,
    max_new_tokens: int | None = None,
    json_schema: dict[str, Any] | None = None,
) -> Call[Description]:
    """See `SeedX.describe`."""
    notes: list[str] = []
    earlier = checks.check_messages(history, notes.append, name="history")
    pictures = checks.open_images(images, notes.append)
    if not pictures and not any(message.images for message in earlier):
        raise InputError("describe got no picture; pass at least one")
    if not pictures and question is None:
        raise PromptError("describe got neither a picture nor a question; ask something about the history")
    words = () if question is None else (checks.check_text(question, "question"),)
    messages = (*earlier, Message.user(*pictures, *words))
    options = _options(seed=seed, max_new_tokens=max_new_tokens, json_schema=json_schema)
    return _call(
        "describe", messages, options, notes, lambda reply: Description(text=reply.message.text, **_common(reply))
    )


def detect(image: ImageSource, phrase: str, *, seed: int = 0) -> Call[Detection]:
    """See `SeedX.detect`."""
    notes: list[str] = []
    words = checks.check_text(phrase, "phrase")
    picture = open_image(image, on_warning=notes.append)

    def finish(reply: ChatReply) -> Detection:
        annotated = draw_boxes(picture, reply.boxes)
        return Detection(boxes=reply.boxes, text=reply.message.text, annotated=annotated, **_common(reply))

    return _call("detect", (Message.user(picture, words),), _options(seed=seed), notes, finish)


def generate(
    prompt: str,
    images: ImageSource | Sequence[ImageSource] = (),
    *,
    width: int | None = None,
    height: int | None = None,
    num_inference_steps: int | None = None,
    guidance_scale: float | None = None,
    sampler: Sampler | None = None,
    preview_every: int | None = None,
    seed: int = 0,
    force_image: bool = True,
) -> Call[GeneratedImage]:
    """See `SeedX.generate`."""
    notes: list[str] = []
    words = checks.check_text(prompt, "prompt")
    pictures = checks.open_images(images, notes.append)
    options = _options(
        seed=seed,
        width=width,
        height=height,
        num_inference_steps=num_inference_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        preview_every=preview_every,
        force_image=force_image,
    )

    def finish(reply: ChatReply) -> GeneratedImage:
        drawn = reply.message.images
        if force_image and not drawn:
            raise ModelError("the model finished without a picture; try another seed")
        image = drawn[0] if drawn else None
        return GeneratedImage(image=image, text=reply.message.text, layout=reply.boxes, **_common(reply))

    return _call("generate", (Message.user(*pictures, words),), options, notes, finish)


def edit(
    image: ImageSource,
    instruction: str,
    *,
    width: int | None = None,
    height: int | None = None,
    num_inference_steps: int | None = None,
    guidance_scale: float | None = None,
    image_guidance_scale: float | None = None,
    sampler: Sampler | None = None,
    preview_every: int | None = None,
    seed: int = 0,
) -> Call[EditedImage]:
    """See `SeedX.edit`."""
    notes: list[str] = []
    words = checks.check_text(instruction, "instruction")
    picture = open_image(image, on_warning=notes.append)
    options = _options(
        seed=seed,
        width=width,
        height=height,
        num_inference_steps=num_inference_steps,
        guidance_scale=guidance_scale,
        image_guidance_scale=image_guidance_scale,
        sampler=sampler,
        preview_every=preview_every,
        force_image=True,
    )

    def finish(reply: ChatReply) -> EditedImage:
        if not reply.message.images:
            raise ModelError("the model finished without a picture; try another seed")
        changed = reply.message.images[0]
        return EditedImage(image=changed, text=reply.message.text, layout=reply.boxes, **_common(reply))

    return _call("edit", (Message.user(picture, words),), options, notes, finish)


def chat(
    messages: Sequence[Message],
    *,
    width: int | None = None,
    height: int | None = None,
    num_inference_steps: int | None = None,
    guidance_scale: float | None = None,
    sampler: Sampler | None = None,
    preview_every: int | None = None,
    seed: int = 0,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    json_schema: dict[str, Any] | None = None,
) -> Call[ChatReply]:
    """See `SeedX.chat`."""
    notes: list[str] = []
    checked = _conversation(messages, notes)
    options = _options(
        seed=seed,
        width=width,
        height=height,
        num_inference_steps=num_inference_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        preview_every=preview_every,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        json_schema=json_schema,
    )
    return _call("chat", checked, options, notes, lambda reply: reply)


def received(request: Request) -> Call[ChatReply]:
    """The call for a request that came from elsewhere, checked as if it had been made here.

    Raises:
        InputError: A text, picture or option of it is not allowed.
        PromptError: It lacks the picture or the words that its task needs.
    """
    options = request.options
    notes: list[str] = []
    checked = _conversation(request.messages, notes)
    pictures, needed = len(checked[-1].images), {"detect": 1, "edit": 1}.get(request.task)
    if needed is not None and (pictures != needed or not checked[-1].text):
        raise PromptError(f"{request.task} needs one picture and words in the last message; it has {pictures} pictures")
    if options.json_schema is not None and request.task not in ("describe", "chat"):
        raise InputError(f"{request.task} takes no json_schema; describe and chat do")
    allowed = _options(
        seed=options.seed,
        width=options.width,
        height=options.height,
        num_inference_steps=options.num_inference_steps,
        guidance_scale=options.guidance_scale,
        image_guidance_scale=options.image_guidance_scale,
        sampler=options.sampler,
        preview_every=options.preview_every,
        max_new_tokens=options.max_new_tokens,
        temperature=options.temperature,
        json_schema=options.json_schema,
        force_image=options.force_image,
    )
    return _call(request.task, checked, allowed, notes, lambda reply: reply)


def _conversation(messages: Sequence[Message], notes: list[str]) -> tuple[Message, ...]:
    checked = checks.check_messages(messages, notes.append)
    if not checked or checked[-1].role != "user":
        raise PromptError("the conversation does not end with the user; add Message.user(...) at the end")
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


def _options(
    *,
    seed: int,
    width: int | None = None,
    height: int | None = None,
    num_inference_steps: int | None = None,
    guidance_scale: float | None = None,
    image_guidance_scale: float | None = None,
    sampler: Sampler | None = None,
    preview_every: int | None = None,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    json_schema: dict[str, Any] | None = None,
    force_image: bool = False,
) -> GenerationOptions:
    width, height = checks.check_size(width, height)
    return GenerationOptions(
        seed=checks.check_seed(seed),
        width=width,
        height=height,
        num_inference_steps=checks.check_whole(num_inference_steps, "num_inference_steps", 1, 1000),
        guidance_scale=checks.check_number(guidance_scale, "guidance_scale"),
        image_guidance_scale=checks.check_number(image_guidance_scale, "image_guidance_scale"),
        sampler=checks.check_sampler(sampler),
        preview_every=checks.check_whole(preview_every, "preview_every", 0, 1000),
        max_new_tokens=checks.check_whole(max_new_tokens, "max_new_tokens", 1, 1_000_000),
        temperature=checks.check_number(temperature, "temperature", 2.0),
        json_schema=checks.check_schema(json_schema),
        force_image=force_image,
    )


def _common(reply: ChatReply) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in Result.model_fields}

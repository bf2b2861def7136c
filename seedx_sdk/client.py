"""SeedX: the calls that users make. It checks, asks the engine, and returns typed results. No torch.

AsyncSeedX (async_client.py) is the same calls, awaited.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import checks
from .engine import Engine, Request, load_engine
from .engine.protocol import Task
from .errors import GenerationCancelled, InputError, ModelError, PromptError
from .imaging import ImageSource, draw_boxes, open_image
from .types import (
    ChatReply,
    Description,
    Detection,
    EditedImage,
    GeneratedImage,
    GenerationOptions,
    ImageProgress,
    Message,
    ModelInfo,
    Notice,
    ReplyDone,
    StreamEvent,
)

__all__ = ["SeedX"]

OnProgress = Callable[[ImageProgress], None]


class _EngineDoor:
    """Loads the engine at first use, and lets one reply through at a time."""

    def __init__(self, load: Callable[[], Engine]) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._engine: Engine | None = None
        self._busy = threading.Lock()
        self._owner: int | None = None

    def engine(self) -> Engine:
        with self._loading:
            if self._engine is None:
                self._engine = self._load()
            return self._engine

    @contextmanager
    def alone(self) -> Iterator[None]:
        if self._owner == threading.get_ident():
            raise InputError(
                "a reply of this client is still under way; read its stream to the end or close() it first"
            )
        with self._busy:
            self._owner = threading.get_ident()
            try:
                yield
            finally:
                self._owner = None


class SeedX:
    """The model: describes, detects, draws, edits and talks.

    `SeedX()` is the small model that ships in the package: CPU, offline, no download; it knows drawn picture-book
    scenes and no photographs. `SeedX(model=...)` is a checkpoint directory. The model is loaded by the first call.
    Calls from several threads take turns. The same seed, request and model give the same answer.

    Pictures are passed as a PIL image, a path, the bytes of a picture file, or a data URI. Sizes are
    (width, height) in pixels, multiples of 8. Every call can raise the InputError and ModelError families.
    """

    def __init__(
        self, model: str | Path | None = None, *, base_url: str | None = None, engine: Engine | None = None
    ) -> None:
        """Choose what answers.

        Args:
            model: a checkpoint directory; None is the shipped nano model.
            base_url: reserved for a server.
            engine: something already loaded, or `seedx_sdk.testing.ScriptedEngine` in unit tests.

        Raises:
            InputError: `base_url` is given, or both `model` and `engine` are.
        """
        if base_url is not None:
            raise InputError(f"base_url {base_url!r}: this version runs models in process; use SeedX(model=DIRECTORY)")
        if engine is not None and model is not None:
            raise InputError("both model and engine are given; pass one of them")
        self._door = _EngineDoor(lambda: load_engine(model) if engine is None else engine)
        self._cancel: Callable[[], bool] = _never

    def with_cancel(self, cancel: Callable[[], bool]) -> SeedX:
        """The same loaded model, whose calls stop with GenerationCancelled soon after `cancel()` answers True."""
        view = object.__new__(type(self))
        view._door = self._door
        view._cancel = cancel
        return view

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts; loads it."""
        return self._door.engine().info

    def describe(
        self,
        images: ImageSource | Sequence[ImageSource],
        question: str | None = None,
        *,
        history: Sequence[Message] = (),
        seed: int = 0,
        max_new_tokens: int | None = None,
    ) -> Description:
        """An answer in words about one or several pictures; without a question, a description.

        `history` holds earlier turns, which may hold pictures of their own.
        """
        notes: list[str] = []
        earlier = checks.check_messages(history, notes.append, name="history")
        pictures = checks.open_images(images, notes.append)
        if not pictures and not any(message.images for message in earlier):
            raise InputError("describe got no picture; pass at least one")
        if not pictures and question is None:
            raise PromptError("describe got neither a picture nor a question; ask something about the history")
        words = () if question is None else (checks.check_text(question, "question"),)
        messages = (*earlier, Message.user(*pictures, *words))
        reply = self._reply("describe", messages, _options(seed=seed, max_new_tokens=max_new_tokens), notes)
        return Description(text=reply.message.text, **_common(reply))

    def detect(self, image: ImageSource, phrase: str, *, seed: int = 0) -> Detection:
        """Boxes around what `phrase` names: "the red house", or "all houses"."""
        notes: list[str] = []
        words = checks.check_text(phrase, "phrase")
        picture = open_image(image, on_warning=notes.append)
        reply = self._reply("detect", (Message.user(picture, words),), _options(seed=seed), notes)
        annotated = draw_boxes(picture, reply.boxes)
        return Detection(boxes=reply.boxes, text=reply.message.text, annotated=annotated, **_common(reply))

    def generate(
        self,
        prompt: str,
        images: ImageSource | Sequence[ImageSource] = (),
        *,
        size: tuple[int, int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        seed: int = 0,
        force_image: bool = True,
        on_progress: OnProgress | None = None,
    ) -> GeneratedImage:
        """A picture drawn from words, optionally with pictures to go by.

        With `force_image=False` the model may answer in words, and `image` is then None. `steps` counts de-noising
        steps, 1..1000; `guidance` is how strongly the picture follows the prompt, 0 or more.
        """
        notes: list[str] = []
        words = checks.check_text(prompt, "prompt")
        pictures = checks.open_images(images, notes.append)
        options = _options(seed=seed, size=size, steps=steps, guidance=guidance, force_image=force_image)
        reply = self._reply("generate", (Message.user(*pictures, words),), options, notes, on_progress)
        drawn = reply.message.images
        if force_image and not drawn:
            raise ModelError("the model finished without a picture; try another seed")
        image = drawn[0] if drawn else None
        return GeneratedImage(image=image, text=reply.message.text, layout=reply.boxes, **_common(reply))

    def edit(
        self,
        image: ImageSource,
        instruction: str,
        *,
        size: tuple[int, int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        image_guidance: float | None = None,
        seed: int = 0,
        on_progress: OnProgress | None = None,
    ) -> EditedImage:
        """The picture changed as told; `image_guidance` is how strongly the result keeps to it."""
        notes: list[str] = []
        words = checks.check_text(instruction, "instruction")
        picture = open_image(image, on_warning=notes.append)
        options = _options(
            seed=seed, size=size, steps=steps, guidance=guidance, image_guidance=image_guidance, force_image=True
        )
        reply = self._reply("edit", (Message.user(picture, words),), options, notes, on_progress)
        if not reply.message.images:
            raise ModelError("the model finished without a picture; try another seed")
        changed = reply.message.images[0]
        return EditedImage(image=changed, text=reply.message.text, layout=reply.boxes, **_common(reply))

    def chat(
        self,
        messages: Sequence[Message],
        *,
        size: tuple[int, int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        seed: int = 0,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> ChatReply:
        """The model's next turn: text, boxes and pictures as it sees fit. The last message must be the user's."""
        events = self.chat_stream(
            messages,
            size=size,
            steps=steps,
            guidance=guidance,
            seed=seed,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
        )
        return _read(events, on_progress)

    def chat_stream(
        self,
        messages: Sequence[Message],
        *,
        size: tuple[int, int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        seed: int = 0,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
    ) -> Generator[StreamEvent, None, None]:
        """The events of the model's next turn as they happen; the last is ReplyDone with the whole reply."""
        notes: list[str] = []
        checked = checks.check_messages(messages, notes.append)
        if not checked or checked[-1].role != "user":
            raise PromptError("the conversation does not end with the user; add Message.user(...) at the end")
        options = _options(
            seed=seed,
            size=size,
            steps=steps,
            guidance=guidance,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
        )
        return self._events("chat", checked, options, notes)

    def _reply(
        self,
        task: Task,
        messages: tuple[Message, ...],
        options: GenerationOptions,
        notes: list[str],
        on_progress: OnProgress | None = None,
    ) -> ChatReply:
        return _read(self._events(task, messages, options, notes), on_progress)

    def _events(
        self, task: Task, messages: tuple[Message, ...], options: GenerationOptions, notes: list[str]
    ) -> Generator[StreamEvent, None, None]:
        """Check against the model now; return the events, in which all warnings reach the reply."""
        request = Request(task=task, messages=messages, options=options)
        started = time.perf_counter()
        engine = self._door.engine()
        notes.extend(checks.fit_to_model(request, engine.info))
        return self._run(engine, request, notes, started)

    def _run(
        self, engine: Engine, request: Request, notes: list[str], started: float
    ) -> Generator[StreamEvent, None, None]:
        with self._door.alone():
            for note in tuple(notes):
                yield Notice(text=note)
            for event in engine.stream(request, self._cancel):
                if isinstance(event, ReplyDone):
                    yield ReplyDone(reply=_complete(event.reply, notes, time.perf_counter() - started))
                    return
                if isinstance(event, Notice):
                    notes.append(event.text)
                yield event
                if self._cancel():
                    break
        if self._cancel():
            raise GenerationCancelled(f"{request.task} was cancelled before it was finished")
        raise ModelError(f"the engine of {engine.info.name} stopped without an answer; try another seed")


def _never() -> bool:
    return False


def _options(
    *,
    seed: int,
    size: tuple[int, int] | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    image_guidance: float | None = None,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    force_image: bool = False,
) -> GenerationOptions:
    width, height = checks.check_size(size)
    return GenerationOptions(
        seed=checks.check_seed(seed),
        width=width,
        height=height,
        num_inference_steps=checks.check_whole(steps, "steps", 1, 1000),
        guidance_scale=checks.check_number(guidance, "guidance"),
        image_guidance_scale=checks.check_number(image_guidance, "image_guidance"),
        max_new_tokens=checks.check_whole(max_new_tokens, "max_new_tokens", 1, 1_000_000),
        temperature=checks.check_number(temperature, "temperature", 2.0),
        force_image=force_image,
    )


def _complete(reply: ChatReply, notes: list[str], total: float) -> ChatReply:
    warnings = tuple(dict.fromkeys((*notes, *reply.warnings)))
    return reply.model_copy(update={"warnings": warnings, "timings": {**reply.timings, "total": total}})


def _read(events: Iterator[StreamEvent], on_progress: OnProgress | None) -> ChatReply:
    for event in events:
        if isinstance(event, ReplyDone):
            return event.reply
        if isinstance(event, ImageProgress) and on_progress is not None:
            on_progress(event)
    raise AssertionError("_run ends with ReplyDone or raises")


def _common(reply: ChatReply) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in ("seed", "model", "revision", "timings", "warnings")}

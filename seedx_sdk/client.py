"""SeedX: the calls that users make. It checks, asks the engine, and returns typed results. No torch.

AsyncSeedX (async_client.py) is the same calls, awaited.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from seedx_sdk import calls
from seedx_sdk import validation as checks
from seedx_sdk.calls import Call, Listener
from seedx_sdk.engine import Engine, load_engine
from seedx_sdk.engine.blocking import BlockingEngine
from seedx_sdk.errors import GenerationCancelled, InputError, ModelError
from seedx_sdk.http.engine import HttpEngine
from seedx_sdk.imaging import ImageSource
from seedx_sdk.types import (
    ChatReply,
    Description,
    Detection,
    Dtype,
    EditedImage,
    GeneratedImage,
    ImageProgress,
    Message,
    ModelInfo,
    ReplyDone,
    Sampler,
    StreamEvent,
)

__all__ = ["SeedX"]

OnProgress = Callable[[ImageProgress], None]
R = TypeVar("R")


class _EngineDoor:
    """Loads the engine at first use, and lets one reply through at a time unless the engine takes many."""

    def __init__(self, load: Callable[[], Engine], *, takes_many: bool = False) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._engine: Engine | None = None
        self._busy = threading.Lock()
        self._owner: int | None = None
        self.takes_many = takes_many

    def engine(self) -> Engine:
        with self._loading:
            if self._engine is None:
                self._engine = self._load()
            return self._engine

    def close(self) -> None:
        with self._loading:
            if isinstance(self._engine, BlockingEngine):
                self._engine.close()
                self._engine = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        if self.takes_many:
            yield
            return
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
    scenes and no photographs. `SeedX(model=...)` is a checkpoint directory. The model is loaded by the first call, and
    calls from several threads take turns. `SeedX(base_url=...)` is a server (`seedx serve`), which answers many calls
    at once. The same seed, request and model give the same answer.

    Pictures are passed as a PIL image, a path, the bytes of a picture file, or a data URI. Sizes are
    (width, height) in pixels, multiples of 8. Every call can raise the InputError and ModelError families.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        dtype: Dtype | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        engine: Engine | None = None,
    ) -> None:
        """Choose what answers.

        Args:
            model: a checkpoint directory; None is the shipped nano model.
            dtype: "float32" (None), "bfloat16" or "float16", for a model in process: 16 bits take half the memory and
                change pictures a little. On a CPU, float16 is slow.
            base_url: a server, such as "http://localhost:8000".
            api_key: the server's key, if it wants one.
            engine: something already loaded, or `seedx_sdk.testing.ScriptedEngine` in unit tests.

        Raises:
            InputError: more than one of `model`, `base_url` and `engine` is given, an `api_key` without a server, or a
                `dtype` that is none of the three or that is not for a model in process.
        """
        if sum(choice is not None for choice in (model, base_url, engine)) > 1:
            raise InputError("more than one of model, base_url and engine is given; pass one of them")
        if api_key is not None and base_url is None:
            raise InputError("api_key is for a server; pass its base_url too")
        if checks.check_dtype(dtype) is not None and (base_url is not None or engine is not None):
            raise InputError("dtype is for a model in process; a server or an engine has its own, leave it out")
        self._door = _EngineDoor(
            lambda: _open(model, dtype, base_url, api_key) if engine is None else engine,
            takes_many=base_url is not None,
        )
        self._cancel: Callable[[], bool] = _never

    def close(self) -> None:
        """Give back what the engine holds: memory, threads, connections.

        Calls that other threads wait for end with ServiceError. A later call loads the model, or connects, again; a
        BlockingEngine that was passed in stays closed.
        """
        self._door.close()

    def __enter__(self) -> SeedX:
        """Return the client, which is closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

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
        json_schema: dict[str, Any] | None = None,
    ) -> Description:
        """An answer in words about one or several pictures; without a question, a description.

        `history` holds earlier turns, which may hold pictures of their own. With `json_schema` the text is JSON that
        fits it, where `info.supports_structured_output`; it is cut short if `finish_reason` is "length".
        """
        call = calls.describe(
            images, question, history=history, seed=seed, max_new_tokens=max_new_tokens, json_schema=json_schema
        )
        return self._answer(call)

    def detect(self, image: ImageSource, phrase: str, *, seed: int = 0) -> Detection:
        """Boxes around what `phrase` names: "the red house", or "all houses"."""
        return self._answer(calls.detect(image, phrase, seed=seed))

    def generate(
        self,
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
        on_progress: OnProgress | None = None,
    ) -> GeneratedImage:
        """A picture drawn from words, optionally with pictures to go by.

        With `force_image=False` the model may answer in text, and `image` is then None. `num_inference_steps` counts
        denoising steps, 1..1000; `guidance_scale` is how strongly the image follows the prompt, 0 or more. The sampler
        "fast" takes `info.fast_steps` steps; it is refused where that
        is None. With `preview_every=N`, every Nth `on_progress` has a preview, which costs one decoding.
        """
        call = calls.generate(
            prompt,
            images,
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            sampler=sampler,
            preview_every=preview_every,
            seed=seed,
            force_image=force_image,
        )
        return self._answer(call, on_progress)

    def edit(
        self,
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
        on_progress: OnProgress | None = None,
    ) -> EditedImage:
        """The picture changed as told; `image_guidance_scale` is how strongly the result keeps to it."""
        call = calls.edit(
            image,
            instruction,
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            image_guidance_scale=image_guidance_scale,
            sampler=sampler,
            preview_every=preview_every,
            seed=seed,
        )
        return self._answer(call, on_progress)

    def chat(
        self,
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
        on_progress: OnProgress | None = None,
    ) -> ChatReply:
        """The model's next turn: text, boxes and pictures as it sees fit. The last message must be the user's.

        `json_schema` is as for `describe`; the turn then holds no pictures.
        """
        events = self.chat_stream(
            messages,
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            sampler=sampler,
            preview_every=preview_every,
            seed=seed,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            json_schema=json_schema,
        )
        return _read(events, on_progress)

    def chat_stream(
        self,
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
    ) -> Generator[StreamEvent, None, None]:
        """The events of the model's next turn as they happen; the last is ReplyDone with the whole reply."""
        call = calls.chat(
            messages,
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            sampler=sampler,
            preview_every=preview_every,
            seed=seed,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            json_schema=json_schema,
        )
        return self._events(call)

    def _answer(self, call: Call[R], on_progress: OnProgress | None = None) -> R:
        return call.finish(_read(self._events(call), on_progress))

    def _events(self, call: Call[R]) -> Generator[StreamEvent, None, None]:
        """Check against the model now; return the events, in which all warnings reach the reply."""
        engine = self._door.engine()
        return self._run(engine, call, call.listen(engine.info))

    def _run(self, engine: Engine, call: Call[R], listener: Listener) -> Generator[StreamEvent, None, None]:
        with self._door.turn():
            yield from listener.first()
            for event in engine.stream(call.request, self._cancel):
                yield listener.pass_on(event)
                if isinstance(event, ReplyDone):
                    return
                if self._cancel():
                    break
        if self._cancel():
            raise GenerationCancelled(f"{call.request.task} was cancelled before it was finished")
        raise ModelError(f"the engine of {engine.info.name} stopped without an answer; try another seed")


def _open(model: str | Path | None, dtype: Dtype | None, base_url: str | None, api_key: str | None) -> Engine:
    if base_url is None:
        return load_engine(model, dtype=dtype)
    return BlockingEngine(HttpEngine.connect(base_url, api_key=api_key))


def _never() -> bool:
    return False


def _read(events: Iterator[StreamEvent], on_progress: OnProgress | None) -> ChatReply:
    for event in events:
        if isinstance(event, ReplyDone):
            return event.reply
        if isinstance(event, ImageProgress) and on_progress is not None:
            on_progress(event)
    raise AssertionError("_run ends with ReplyDone or raises")

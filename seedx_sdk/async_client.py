"""AsyncSeedX: the calls that users make. It checks them, asks the engine, and returns typed results. No torch.

SeedX (client.py) is the same calls for programs without an event loop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias, TypeVar, Unpack

import anyio
import sniffio
from anyio import to_thread

from seedx_sdk import calls
from seedx_sdk.calls import Call
from seedx_sdk.engine import AsyncEngine, Engine, open_engine
from seedx_sdk.engine.threaded import ThreadedEngine
from seedx_sdk.errors import InputError, ServiceError
from seedx_sdk.http.engine import HttpEngine
from seedx_sdk.imaging import ImageSource
from seedx_sdk.options import CallOptions, ChatOptions, EditOptions, ImageOptions, TextOptions
from seedx_sdk.portal import Portal
from seedx_sdk.regions import Region
from seedx_sdk.session import EngineSession, OpenEngine, PortalSession, Session
from seedx_sdk.types import (
    Box,
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
    StreamEvent,
    TryOnImage,
)
from seedx_sdk.validation import check_dtype, check_task

__all__ = ["AnyEngine", "AsyncSeedX", "OnProgress"]

AnyEngine: TypeAlias = Engine | AsyncEngine | AbstractAsyncContextManager[AsyncEngine]
"""An engine of yours: blocking, async and open, or what opens an async one."""
OnProgress: TypeAlias = Callable[[ImageProgress], None]
"""Called after each denoising step."""
R = TypeVar("R")


class AsyncSeedX:
    """The model for asyncio and trio: describes, detects, generates, edits, dresses and chats.

    `AsyncSeedX()` is the small model that ships in the package: offline, no download; it knows drawn picture-book
    scenes and no photographs. `AsyncSeedX(model=...)` is a checkpoint directory, `AsyncSeedX(base_url=...)` a server
    (`seedx serve`). The model is loaded by the first call, in the event loop that makes it; many calls may be in flight
    at once, and cancelling a task stops its call at the next token or denoising step. The same seed, request and model
    give the same answer.

    Images are passed as a PIL image, a path, the bytes of an image file, or a data URI. Options are those of
    `seedx_sdk.options.GenerationOptions`; None is the model's own default. Every call can raise the InputError and
    ModelError families.

    Args:
        model: A checkpoint directory; None is the shipped nano model.
        device: Where a model in process runs: "cpu", "cuda" or "cuda:N"; None takes a CUDA device if there is one.
        dtype: "float32", "bfloat16" or "float16", of a model in process; None is bfloat16 on CUDA and float32 on a CPU.
            16 bits take half the memory and change images a little. On a CPU, float16 is slow.
        base_url: A server, such as "http://localhost:8000".
        api_key: The server's key, if it wants one.
        engine: An engine of your own, or `seedx_sdk.testing.ScriptedEngine` in unit tests.

    Raises:
        InputError: If more than one of `model`, `base_url` and `engine` is given, an `api_key` without a server, or a
            `dtype` or `device` that is unknown or not for a model in process.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        device: str | None = None,
        dtype: Dtype | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        engine: AnyEngine | None = None,
    ) -> None:
        if sum(choice is not None for choice in (model, base_url, engine)) > 1:
            raise InputError("more than one of model, base_url and engine is given; pass one of them")
        if api_key is not None and base_url is None:
            raise InputError("api_key is for a server; pass its base_url too")
        if (check_dtype(dtype), device) != (None, None) and (base_url is not None or engine is not None):
            raise InputError(
                "device and dtype are for a model in process; a server or an engine has its own, leave them out"
            )
        self._session: Session = EngineSession(_opener(model, device, dtype, base_url, api_key, engine))
        self._is_bridged = False

    @classmethod
    def over(cls, session: Session) -> Self:
        """Return a client over a session that exists; `SeedX.as_async` makes one."""
        client = object.__new__(cls)
        client._session, client._is_bridged = session, True
        return client

    async def aclose(self) -> None:
        """Release what the engine holds: memory, threads, connections.

        Calls in flight end with ServiceError. A later call loads the model, or connects, again.
        """
        await self._home().aclose()

    async def __aenter__(self) -> Self:
        """Return the client, which is closed at the end of the block."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close it, also when the block was cancelled."""
        with anyio.CancelScope(shield=True):
            await self.aclose()

    async def info(self) -> ModelInfo:
        """Return what the model is and what it accepts; loads it."""
        return await self._home().info()

    async def describe(
        self,
        images: ImageSource | Sequence[ImageSource],
        question: str | None = None,
        *,
        history: Sequence[Message] = (),
        **options: Unpack[TextOptions],
    ) -> Description:
        """Return an answer about one or several images; without a question, a caption.

        Args:
            images: The images, in the order in which the question names them.
            question: What to answer.
            history: Earlier turns, which may hold images of their own.
            options: With `json_schema` the text is JSON that fits it, where `info` has `supports_structured_output`;
                it is cut short if `finish_reason` is "length".
        """
        call = await _made(calls.describe, images, question, history=history, **options)
        return await self._result(call)

    async def detect(self, image: ImageSource, phrase: str, **options: Unpack[CallOptions]) -> Detection:
        """Return boxes around what `phrase` names: "the red house", or "all houses"."""
        return await self._result(await _made(calls.detect, image, phrase, **options))

    async def generate(
        self,
        prompt: str,
        images: ImageSource | Sequence[ImageSource] = (),
        *,
        force_image: bool = True,
        on_progress: OnProgress | None = None,
        **options: Unpack[ImageOptions],
    ) -> GeneratedImage:
        """Return an image generated from a prompt, optionally with reference images.

        Args:
            prompt: What to draw.
            images: Reference images that the prompt speaks of, in order.
            force_image: If False, the model may answer in text, and the result's `image` is None then.
            on_progress: Called after each denoising step.
            options: The sampler "fast" takes `info.fast_steps` steps; it is refused where that is None. With
                `preview_every=N`, every Nth progress event has a preview, which costs one decoding.
        """
        call = await _made(calls.generate, prompt, images, force_image=force_image, **options)
        return await self._result(call, on_progress)

    async def edit(
        self,
        image: ImageSource,
        instruction: str,
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[EditOptions],
    ) -> EditedImage:
        """Return the image edited according to an instruction.

        Args:
            image: The image; it stays as it is.
            instruction: What to change: "make the house blue".
            on_progress: Called after each denoising step.
            options: `image_guidance_scale` is how closely the result keeps to the image. `force` edits also an image
                unlike all that the model was trained on, which is refused otherwise.
        """
        return await self._result(await _made(calls.edit, image, instruction, **options), on_progress)

    async def try_on(
        self,
        person: ImageSource,
        garment: ImageSource,
        *,
        region: Box | Region | None = None,
        phrase: str = "the clothes",
        on_progress: OnProgress | None = None,
        **options: Unpack[EditOptions],
    ) -> TryOnImage:
        """Return the person dressed in the garment.

        Needs a model with a `try_on` specialist (`info.specialists`).

        Args:
            person: Who is dressed; the image stays as it is.
            garment: The garment alone.
            region: A box, or x0, y0, x1, y1 in pixels of `person`: where the garment goes. The model is not shown what
                is there. None: found by `detect`. The result says which it was.
            phrase: What `detect` looks for: "the shirt".
            on_progress: Called after each denoising step.
            options: As for `edit`.

        Raises:
            SpecialistMissingError: If the model has no such specialist.
            InputError: If the region is not inside the image, or none was given and none found.
        """
        where: Box | Region | Detection | None = region
        if where is None:
            check_task("try_on", await self.info(), specialist=options.get("specialist"))
            where = await self.detect(person, phrase, seed=options.get("seed", 0))
        call = await _made(calls.try_on, person, garment, where, phrase=phrase, **options)
        return await self._result(call, on_progress)

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[ChatOptions],
    ) -> ChatReply:
        """Return the model's next turn: text, boxes and images as it sees fit. The last message must be the user's.

        Args:
            messages: The conversation.
            on_progress: Called after each denoising step.
            options: With `json_schema` (see `describe`) the turn holds no images.
        """
        return await self._result(await _made(calls.chat, messages, **options), on_progress)

    async def continue_story(
        self,
        text: str,
        image: ImageSource,
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[ChatOptions],
    ) -> ChatReply:
        """Return further pages of a story, `max_images` of them (1 if None): text and image of each, in order.

        Fewer if the model ends the story. Needs a model with a `story` specialist (`info.specialists`).

        Args:
            text: The text of the first page.
            image: Its image.
            on_progress: Called after each denoising step.
            options: `max_new_tokens` is for each page.

        Raises:
            SpecialistMissingError: If the model has no such specialist.
        """
        return await self._result(await _made(calls.story, text, image, **options), on_progress)

    async def chat_stream(
        self, messages: Sequence[Message], **options: Unpack[ChatOptions]
    ) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of the model's next turn as they happen; the last is ReplyDone with the whole reply."""
        async with aclosing(await self.begin_chat(messages, **options)) as events:
            async for event in events:
                yield event

    async def begin_chat(
        self, messages: Sequence[Message], **options: Unpack[ChatOptions]
    ) -> AsyncGenerator[StreamEvent, None]:
        """Check a turn against the model, and return its events; see `chat_stream`."""
        return await self._home().begin(await _made(calls.chat, messages, **options))

    async def _result(self, call: Call[R], on_progress: OnProgress | None = None) -> R:
        async with aclosing(await self._home().begin(call)) as events:
            async for event in events:
                if isinstance(event, ImageProgress) and on_progress is not None:
                    on_progress(event)
                elif isinstance(event, ReplyDone):
                    return await to_thread.run_sync(call.finish, event.reply)
        raise AssertionError("a session's events end with ReplyDone, or it raises")

    def _home(self) -> Session:
        """Return the session; engines need asyncio, so that on trio they live in the loop of a portal."""
        if not self._is_bridged and sniffio.current_async_library() != "asyncio":
            self._session, self._is_bridged = PortalSession(Portal(self._session.aclose), self._session), True
        return self._session


async def _made(make: Callable[..., Call[R]], *args: object, **options: object) -> Call[R]:
    """Return a call; opening its images does not hold up the event loop."""
    return await to_thread.run_sync(partial(make, *args, **options))


def _opener(
    model: str | Path | None,
    device: str | None,
    dtype: Dtype | None,
    base_url: str | None,
    api_key: str | None,
    engine: AnyEngine | None,
) -> OpenEngine:
    if base_url is not None:
        return partial(HttpEngine.connect, base_url, api_key=api_key)
    if engine is None:
        return partial(open_engine, model, device=device, dtype=dtype)
    if isinstance(engine, AbstractAsyncContextManager):
        return partial(_once, iter([engine]))
    if isinstance(engine, AsyncEngine):
        return lambda: nullcontext(engine)
    return partial(_threaded, engine)


def _once(engines: Iterator[AbstractAsyncContextManager[AsyncEngine]]) -> AbstractAsyncContextManager[AsyncEngine]:
    for engine in engines:
        return engine
    raise ServiceError("the engine was closed, and it cannot be opened again; make another client")


@asynccontextmanager
async def _threaded(engine: Engine) -> AsyncIterator[AsyncEngine]:
    threaded = ThreadedEngine(engine)
    try:
        yield threaded
    finally:
        threaded.close()

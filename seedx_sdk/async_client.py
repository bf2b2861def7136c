"""AsyncSeedX: the calls that users make. It checks them, asks the engine, and returns typed results. No torch.

SeedX (client.py) is the same calls for programs without an event loop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar, Unpack

import anyio
import sniffio
from anyio import to_thread

from seedx_sdk import calls
from seedx_sdk.calls import Call
from seedx_sdk.errors import ServiceError
from seedx_sdk.http.engine import MAX_RETRIES
from seedx_sdk.imaging import ImageSource
from seedx_sdk.options import CallOptions, ChatOptions, EditOptions, ImageOptions, TextOptions
from seedx_sdk.portal import Portal
from seedx_sdk.regions import Region
from seedx_sdk.session import EngineSession, PortalSession, Session
from seedx_sdk.settings import AnyEngine, ClientSettings
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
from seedx_sdk.validation import check_task

__all__ = ["AnyEngine", "AsyncSeedX", "OnProgress"]

OnProgress: TypeAlias = Callable[[ImageProgress], None]
"""Called after each denoising step."""
R = TypeVar("R")


class AsyncSeedX:
    """The model for asyncio and trio: describes, detects, generates, edits, dresses and chats.

    `AsyncSeedX()` is the small model that ships in the package: offline, no download; it knows generated picture-book
    scenes and no photographs. `AsyncSeedX(model=...)` is a checkpoint directory, `AsyncSeedX(base_url=...)` a server
    (`seedx serve`). The model is loaded by the first call, in the event loop that makes it; many calls may be in flight
    at once, and cancelling a task stops its call at the next token or denoising step. The same seed, request and model
    give the same answer.

    Images are passed as a PIL image, a path, the bytes of an image file, or a data URI. Options are those of
    `seedx_sdk.options.GenerationOptions`; None is the model's own default. Every call can raise the InputError and
    ModelError families.

    In a process that is forked off, a client opens its model or its connections anew, and one that can't raises
    ServiceError. A client is pickled by its settings, the API key included, and copied to itself.

    Args:
        model: A checkpoint directory; None is the shipped nano model.
        device: Where a model in process runs: "cpu", "cuda" or "cuda:N"; None takes a CUDA device if there is one.
        dtype: "float32", "bfloat16" or "float16", of a model in process; None is bfloat16 on CUDA and float32 on a CPU.
            16 bits take half the memory and change images a little. On a CPU, float16 is slow.
        base_url: A server, such as "http://localhost:8000", or "unix:///run/seedx.sock" for a Unix socket.
        api_key: The server's key, if it wants one.
        max_retries: How often a request is sent again to a server that cannot be reached or is at capacity, 0 or more;
            it waits as long as the server says, and not at all if that is more than a minute.
        engine: An engine of your own, or `seedx_sdk.testing.ScriptedEngine` in unit tests.

    Raises:
        InputError: If more than one of `model`, `base_url` and `engine` is given, an `api_key` without a server, a
            `dtype` or `device` that is unknown or not for a model in process, or `max_retries` below 0.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        device: str | None = None,
        dtype: Dtype | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        max_retries: int = MAX_RETRIES,
        engine: AnyEngine | None = None,
    ) -> None:
        self.settings = ClientSettings(
            model=model,
            device=device,
            dtype=dtype,
            base_url=base_url,
            api_key=api_key,
            max_retries=max_retries,
            engine=engine,
        )
        self._open(None)

    def _open(self, session: Session | None) -> None:
        """Take a session that is in the loop of a portal, or else one of its own."""
        self._session = EngineSession(self.settings.opener()) if session is None else session
        self._is_bridged = session is not None

    @classmethod
    def over(cls, session: Session, settings: ClientSettings) -> Self:
        """Return a client over a session that exists; `SeedX.as_async` makes one."""
        client = object.__new__(cls)
        client.settings = settings
        client._open(session)
        return client

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the settings, API key included; the model is loaded again on the other side.

        Raises:
            InputError: If the client is over an engine of the user's.
        """
        return {**self.__dict__, "settings": self.settings.portable(), "_session": None, "_is_bridged": False}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._open(None)

    def __copy__(self) -> Self:
        """Return this client: copies share one loaded model."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return this client, as `copy.copy` does."""
        return self

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
        if _library() != "asyncio" and not self._is_bridged:
            self._session, self._is_bridged = PortalSession(Portal(self._session.aclose), self._session), True
        return self._session


def _library() -> str:
    """Return the name of the async library whose loop is running.

    Raises:
        ServiceError: If there is none.
    """
    try:
        return sniffio.current_async_library()
    except sniffio.AsyncLibraryNotFoundError as error:
        raise ServiceError(
            "no event loop is running here: call the client inside asyncio.run; if this process was forked inside a "
            "coroutine, make the client in the worker"
        ) from error


async def _made(make: Callable[..., Call[R]], *args: object, **options: object) -> Call[R]:
    """Return a call; opening its images does not hold up the event loop."""
    _library()
    return await to_thread.run_sync(partial(make, *args, **options))

"""SEED-X as a LangChain chat model: pictures and words in, pictures and words out, in process or from a server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.utils import from_env, secret_from_env
from pydantic import ConfigDict, Field, SecretStr, SkipValidation, model_validator
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from seedx_sdk import SeedX
from seedx_sdk.errors import DeadlineError, GenerationCancelled, InputError, OverloadedError
from seedx_sdk.types import StreamEvent
from seedx_tools.adapters.langchain_messages import ChunkWriter, conversation
from seedx_tools.workspace import Workspace

__all__ = ["ChatSeedX"]


class ChatSeedX(BaseChatModel):
    """SEED-X as a chat model: `ChatSeedX()` is the shipped model, `ChatSeedX(base_url=...)` a server.

    A reply with pictures has content blocks of type text and image, one without is plain text. `usage_metadata` counts
    tokens; `response_metadata` has the model's name, the seed, the warnings and the boxes. It calls no tools and writes
    no JSON: give the tools of seedx_toolkit to another chat model. Errors are those of the SDK, such as InputError.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    model: str | None = None
    """A checkpoint directory; None: the model that ships."""
    base_url: str | None = Field(default_factory=from_env("SEEDX_BASE_URL", default=None))
    """A server, such as "http://localhost:8000"."""
    api_key: SecretStr | None = Field(default_factory=secret_from_env("SEEDX_API_KEY", default=None))
    """The server's key."""
    seedx: SkipValidation[SeedX | None] = Field(default=None, exclude=True)
    """A client that is open already, in place of the three before."""
    temperature: float | None = None
    """0..2; 0 takes the likeliest words."""
    max_tokens: int | None = None
    """The most that is written, without the tokens of pictures."""
    stop: list[str] | None = None
    """Texts before which a reply ends."""
    seed: int = 0
    """Same seed, same reply."""
    width: int | None = None
    """Of images, in pixels."""
    height: int | None = None
    """Of images, in pixels."""
    num_inference_steps: int | None = None
    """Denoising steps of images, 1..1000."""
    guidance_scale: float | None = None
    """How strongly pictures follow the words."""
    timeout: float | None = None
    """Seconds after which a reply is given up with DeadlineError."""
    max_retries: int = 2
    """How often a server that has no place is asked again."""
    streaming: bool = False
    """Whether `invoke` streams too, so that callbacks get each piece."""
    image_hosts: Sequence[str] = ()
    """Hosts from which pictures given by URL are fetched; without any, URLs are refused."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.seedx is not None and (self.model, self.base_url, self.api_key) != (None, None, None):
            raise ValueError("seedx is a client already; leave out model, base_url and api_key")
        return self

    @property
    def _llm_type(self) -> str:
        return "seedx"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self.model_dump(
            include={
                "model",
                "base_url",
                "temperature",
                "max_tokens",
                "stop",
                "seed",
                "width",
                "height",
                "num_inference_steps",
            }
        )

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self.stop, **kwargs)
        params["ls_provider"] = "seedx"
        params["ls_model_name"] = kwargs.get("model") or self.model or "seed-x-nano"
        return params

    @cached_property
    def _client(self) -> SeedX:
        if self.seedx is not None:
            return self.seedx
        key = None if self.api_key is None else self.api_key.get_secret_value()
        return SeedX(self.model, base_url=self.base_url, api_key=key)

    @cached_property
    def _workspace(self) -> Workspace:
        return Workspace(roots=(), image_hosts=self.image_hosts)

    def _events(
        self, messages: list[BaseMessage], cancel: Callable[[], bool], options: dict[str, Any]
    ) -> Iterator[StreamEvent]:
        """The events of the reply, asked for again while the server has no place."""
        allowed = {"temperature", "max_tokens", "seed", "width", "height", "num_inference_steps", "guidance_scale"}
        if unknown := options.keys() - allowed:
            raise InputError(
                f"ChatSeedX takes no {', '.join(sorted(unknown))}; a call may set {', '.join(sorted(allowed))}"
            )
        chosen = {name: options.get(name, getattr(self, name)) for name in allowed}
        said = conversation(messages, self._workspace)
        deadline = None if self.timeout is None else time.monotonic() + self.timeout

        def late() -> bool:
            return deadline is not None and time.monotonic() > deadline

        seedx = self._client.with_cancel(lambda: cancel() or late())
        retrying = Retrying(
            retry=retry_if_exception_type(OverloadedError),
            stop=stop_after_attempt(self.max_retries + 1),
            wait=wait_exponential(multiplier=0.2, max=5),
            reraise=True,
        )

        def begin() -> tuple[StreamEvent, Iterator[StreamEvent]]:
            events = seedx.chat_stream(said, max_new_tokens=chosen["max_tokens"], **_without(chosen, "max_tokens"))
            return next(events), events

        try:
            first, rest = retrying(begin)
            yield first
            yield from rest
        except GenerationCancelled as error:
            if late() and not cancel():
                raise DeadlineError(f"no whole reply within {self.timeout} seconds; ask for less") from error
            raise

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        writer = ChunkWriter(stop or self.stop or ())
        ended = threading.Event()
        try:
            for event in self._events(messages, ended.is_set, kwargs):
                yield from writer.chunks(event)
                if writer.done:
                    return
        finally:
            ended.set()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        writer = ChunkWriter(stop or self.stop or ())
        ended = threading.Event()
        loop, events = asyncio.get_running_loop(), asyncio.Queue[StreamEvent | None]()

        def read() -> None:
            """The whole reply in one thread, as the client wants it."""
            try:
                for event in self._events(messages, ended.is_set, kwargs):
                    loop.call_soon_threadsafe(events.put_nowait, event)
            finally:
                loop.call_soon_threadsafe(events.put_nowait, None)

        reading = asyncio.create_task(asyncio.to_thread(read))
        reading.add_done_callback(lambda task: task.cancelled() or task.exception())  # an abandoned one says nothing
        try:
            while (event := await events.get()) is not None:
                for chunk in writer.chunks(event):
                    yield chunk
                if writer.done:
                    return
            await reading
        finally:
            ended.set()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))


def _without(options: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != name}

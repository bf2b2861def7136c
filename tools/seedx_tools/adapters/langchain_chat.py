"""SEED-X as a LangChain chat model: images and text in, images and text out, in process or from a server."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from functools import cached_property
from typing import Any, Self, TypeVar, cast

import anyio
from anyio import to_thread
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.utils import from_env, secret_from_env
from pydantic import ConfigDict, Field, SecretStr, SkipValidation, model_validator
from tenacity import AsyncRetrying, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from seedx_sdk import SeedX
from seedx_sdk.errors import DeadlineError, GenerationCancelled, InputError, OverloadedError
from seedx_sdk.options import ChatOptions
from seedx_sdk.types import Message, StreamEvent
from seedx_tools.adapters.langchain_messages import ChunkWriter, conversation
from seedx_tools.workspace import Workspace

__all__ = ["ChatSeedX"]

R = TypeVar("R")
_CALL_OPTIONS = ("temperature", "max_tokens", "seed", "width", "height", "num_inference_steps", "guidance_scale")
"""What a single call may set."""


class ChatSeedX(BaseChatModel):
    """SEED-X as a chat model: `ChatSeedX()` is the shipped model, `ChatSeedX(base_url=...)` a server.

    A reply with images has content blocks of type text and image; one without is plain text. `usage_metadata` counts
    tokens; `response_metadata` has the model's name, the seed, the warnings and the boxes. It calls no tools and writes
    no JSON: give the tools of seedx_toolkit to another chat model. Errors are those of the SDK, such as InputError.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    model: str | None = None
    """A checkpoint directory; None is the shipped model."""
    base_url: str | None = Field(default_factory=from_env("SEEDX_BASE_URL", default=None))
    """A server, such as "http://localhost:8000"."""
    api_key: SecretStr | None = Field(default_factory=secret_from_env("SEEDX_API_KEY", default=None))
    """The server's key."""
    seedx: SkipValidation[SeedX | None] = Field(default=None, exclude=True)
    """An existing client, in place of the three fields above."""
    temperature: float | None = None
    """0..2; 0 takes the most likely token."""
    max_tokens: int | None = None
    """Tokens after which the text is cut off; image tokens do not count."""
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
    """How strongly images follow the prompt."""
    timeout: float | None = None
    """Seconds after which a reply ends with DeadlineError."""
    max_retries: int = 2
    """How often a request is retried while the server is at capacity."""
    streaming: bool = False
    """Whether `invoke` streams too, so that callbacks get each chunk."""
    image_hosts: Sequence[str] = ()
    """Hosts from which images given by URL are fetched; without any, URLs are rejected."""

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

    def _request(self, messages: list[BaseMessage], given: dict[str, Any]) -> tuple[list[Message], ChatOptions]:
        """Return the conversation and the options of a call.

        Raises:
            InputError: If a call sets an option that there is not.
        """
        if unknown := given.keys() - set(_CALL_OPTIONS):
            raise InputError(
                f"ChatSeedX takes no {', '.join(sorted(unknown))}; a call may set {', '.join(sorted(_CALL_OPTIONS))}"
            )
        options = {name: given.get(name, getattr(self, name)) for name in _CALL_OPTIONS}
        options["max_new_tokens"] = options.pop("max_tokens")
        return conversation(messages, self._workspace), cast(ChatOptions, options)

    def _retrying(self) -> dict[str, Any]:
        return {
            "retry": retry_if_exception_type(OverloadedError),
            "stop": stop_after_attempt(self.max_retries + 1),
            "wait": wait_exponential(multiplier=0.2, max=5),
            "reraise": True,
        }

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        writer = ChunkWriter(stop or self.stop or ())
        request, options = self._request(messages, kwargs)
        seedx, deadline = self._client, self._deadline()
        if deadline is not None:
            seedx = seedx.with_cancel(lambda: time.monotonic() > deadline)

        def begin() -> tuple[StreamEvent, Generator[StreamEvent, None, None]]:
            events = seedx.chat_stream(request, **options)
            return next(events), events

        try:
            event, events = Retrying(**self._retrying())(begin)
            with closing(events):
                yield from writer.chunks(event)
                while not writer.done:
                    yield from writer.chunks(next(events))
        except GenerationCancelled as error:
            raise self._late() from error

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        writer = ChunkWriter(stop or self.stop or ())
        request, options = await to_thread.run_sync(self._request, messages, kwargs)  # it may fetch images
        seedx, deadline = self._client.as_async(), self._deadline() or math.inf

        async def begin() -> tuple[StreamEvent, AsyncGenerator[StreamEvent, None]]:
            events = seedx.chat_stream(request, **options)
            return await anext(events), events

        try:
            with anyio.fail_after(deadline - time.monotonic()):
                event, events = await _retried(AsyncRetrying(**self._retrying()), begin)
            async with aclosing(events):
                while True:
                    for chunk in writer.chunks(event):
                        yield chunk
                    if writer.done:
                        return
                    with anyio.fail_after(deadline - time.monotonic()):
                        event = await anext(events)
        except TimeoutError as error:
            raise self._late() from error

    def _deadline(self) -> float | None:
        return None if self.timeout is None else time.monotonic() + self.timeout

    def _late(self) -> DeadlineError:
        return DeadlineError(f"no complete reply within {self.timeout} seconds; request less, or raise timeout")

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


async def _retried(retrying: AsyncRetrying, begin: Callable[[], Awaitable[R]]) -> R:
    """Return what the first attempt that succeeds returns."""
    return cast(R, await retrying(begin))

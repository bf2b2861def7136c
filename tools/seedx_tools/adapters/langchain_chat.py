"""SEED-X as a LangChain chat model: images and text in, images and text out, in process or from a server."""

from __future__ import annotations

import json
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from operator import itemgetter
from typing import Any, Literal, Self, TypeVar, cast

import anyio
from anyio import to_thread
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils import from_env, secret_from_env
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, SkipValidation, model_validator
from tenacity import AsyncRetrying, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay

from seedx_sdk import SeedX
from seedx_sdk.engine.token_count import EstimatedTokens, TokenCounter, read_tokens
from seedx_sdk.errors import DeadlineError, GenerationCancelled, InputError
from seedx_sdk.http.retries import has_patience, wait_for_place
from seedx_sdk.options import ChatOptions
from seedx_sdk.types import Message, StreamEvent
from seedx_tools.adapters.langchain_guided import JSON_OBJECT, GuidedCall, answer_parser, bound_tools, schema_of
from seedx_tools.adapters.langchain_messages import ChunkWriter, conversation, countable
from seedx_tools.workspace import Workspace

__all__ = ["ChatSeedX"]

R = TypeVar("R")
_CALL_OPTIONS = ("temperature", "max_tokens", "seed", "width", "height", "num_inference_steps", "guidance_scale")
"""What a single call may set."""


class ChatSeedX(BaseChatModel):
    """SEED-X as a chat model: `ChatSeedX()` is the shipped model, `ChatSeedX(base_url=...)` a server.

    A reply with images has content blocks of type text and image; one without is plain text. `usage_metadata` counts
    tokens; `response_metadata` has the model's name, the seed, the warnings and the boxes. Errors are those of the SDK,
    such as InputError.

    Over a server on vLLM it answers in the form of a schema (`with_structured_output`, or `json_schema=` of a call) and
    calls tools (`bind_tools`); such an answer holds no images, and comes in one piece if there are tools. SEED-X was
    not trained to use tools: for an agent, another chat model decides better.

    Caches tell replies apart by the model or server and by all options. Tokens are counted without a network: to the
    token for a model in process, as an estimate otherwise. It is pickled by its fields, a key from the environment not
    among them.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    model: str | None = None
    """A checkpoint directory; None is the shipped model."""
    base_url: str | None = Field(default_factory=from_env("SEEDX_BASE_URL", default=None))
    """A server, such as "http://localhost:8000"."""
    api_key: SecretStr | None = Field(default_factory=secret_from_env("SEEDX_API_KEY", default=None))
    """The server's key; one from the environment is not pickled, and read there anew."""
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
    """Seconds after which a reply ends with DeadlineError, the wait for the model and for retries included."""
    max_retries: int = 2
    """How often a request is retried while the model or server is at capacity or the server cannot be reached; each
    waits as long as the server says. A longer wait than a minute, or than `timeout` leaves, raises OverloadedError."""
    streaming: bool = False
    """Whether `invoke` streams too, so that callbacks get each chunk."""
    image_hosts: Sequence[str] = ()
    """Hosts from which images given by URL are fetched; without any, URLs are rejected."""
    _clients: dict[tuple[object, ...], SeedX] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = {
            name for name in ("model", "base_url", "api_key") if name in self.model_fields_set and getattr(self, name)
        }
        if self.seedx is not None and given:
            raise ValueError("seedx is a client already; leave out model, base_url and api_key")
        if self.seedx is not None or "model" in given:  # what is given counts, not what the environment says
            self.__dict__.update({name: None for name in ("base_url", "api_key") if name not in given})
        elif self.base_url is None and "api_key" not in given:
            self.__dict__["api_key"] = None
        return self

    @property
    def _llm_type(self) -> str:
        return "seedx"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        options = {name: getattr(self, name) for name in _CALL_OPTIONS}
        return {**self._client.settings.identity, **options, "stop": self.stop}

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        return super()._get_invocation_params(stop=stop or self.stop, **kwargs)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self.stop, **kwargs)
        params["ls_provider"] = "seedx"
        params["ls_model_name"] = kwargs.get("model") or self.model or "seed-x-nano"
        return params

    @property
    def _client(self) -> SeedX:
        """The client of the fields; copies of this chat model share it while their fields are the same."""
        if self.seedx is not None:
            return self.seedx
        key = None if self.api_key is None else self.api_key.get_secret_value()
        made_with = self.model, self.base_url, key, self.max_retries
        if made_with not in self._clients:
            client = SeedX(self.model, base_url=self.base_url, api_key=key, max_retries=self.max_retries)
            self._clients.setdefault(made_with, client)
        return self._clients[made_with]

    def __getstate__(self) -> dict[Any, Any]:
        state = {**super().__getstate__(), "__pydantic_private__": {"_clients": {}}}
        if "api_key" not in self.model_fields_set:
            state["__dict__"] = {**state["__dict__"], "api_key": None}
        return state

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        if "api_key" not in self.model_fields_set and self.base_url is not None:
            self.__dict__["api_key"] = type(self).model_fields["api_key"].get_default(call_default_factory=True)

    @property
    def _tokens(self) -> TokenCounter:
        settings = self._client.settings
        return read_tokens(settings.directory) if settings.is_in_process else EstimatedTokens()

    def get_token_ids(self, text: str) -> list[int]:
        """Return the tokens of a text alone.

        Raises:
            InputError: If the tokenizer is not here but on a server, or in an engine of yours.
        """
        if self.custom_get_token_ids is not None:
            return self.custom_get_token_ids(text)
        settings = self._client.settings
        if not settings.is_in_process:
            raise InputError(
                "only the tokens of a model in process are known here; use get_num_tokens, which estimates their "
                "number, or pass custom_get_token_ids"
            )
        return read_tokens(settings.directory).ids(text)

    def get_num_tokens(self, text: str) -> int:
        """Return the number of tokens of a text alone, without a network.

        It is exact for a model in process. For a server or an engine of yours it is one token for each 3 bytes of
        UTF-8, which is more than English has.
        """
        return self._tokens.count_text(text) if self.custom_get_token_ids is None else len(self.get_token_ids(text))

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Return the number of tokens of messages of any kind, without a network; an image counts its image tokens.

        For a model in process it is the number that `usage_metadata` has as `input_tokens`. Otherwise it is an
        estimate: images as the released models read them, 66 tokens for each view. An image given by URL or name
        counts as the largest. Tools count as the text of their JSON.
        """
        schemas = sum(self.get_num_tokens(json.dumps(convert_to_openai_tool(tool))) for tool in tools or ())
        return schemas + self._tokens.count(*countable(messages))

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with tools that it may call, one in an answer.

        Args:
            tools: Functions, tools, pydantic classes or schemas.
            tool_choice: "auto" or None leaves it to the model, "any" calls one of them, a name this one, "none" none.
            kwargs: Further arguments of each call.

        Raises:
            InputError: If the model runs in this process.
        """
        self._check_guidance()
        return self.bind(**bound_tools(tools, tool_choice), **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: Literal["json_schema", "json_mode", "function_calling"] = "json_schema",
        strict: bool | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Return a runnable that answers in the form of a schema.

        Args:
            schema: A pydantic class, of which it returns an instance; or a TypedDict, a JSON schema or a function
                schema, for which it returns a dictionary.
            include_raw: Whether it returns a dictionary with `raw`, `parsed` and `parsing_error` instead.
            method: "json_schema" holds every token to the schema; "json_mode" to some JSON object, which is only then
                read with the schema; "function_calling" goes through a tool.
            strict: Ignored: every schema is strict.
            kwargs: Further arguments of each call.

        Raises:
            InputError: If the model runs in this process.
        """
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        self._check_guidance()
        held_to = JSON_OBJECT if method == "json_mode" else schema_of(schema)
        noted = {"kwargs": {"method": method}, "schema": schema}
        model = self.bind(json_schema=held_to, ls_structured_output_format=noted, **kwargs)
        parser: Runnable[AIMessage, Any] = RunnableLambda(answer_parser(schema), name="answer_parser")
        if not include_raw:
            return model | parser
        parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
        unread = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=model) | parsed.with_fallbacks([unread], exception_key="parsing_error")

    def _check_guidance(self) -> None:
        """Check that the model is not one in process, which is never held to a schema; a server says so itself."""
        if self._client.settings.is_in_process:
            raise InputError(
                "structured output and tools need a model on vLLM: serve it (seedx serve --backbone vllm) and use "
                "ChatSeedX(base_url=...)"
            )

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> tuple[list[Message], ChatOptions, GuidedCall]:
        """Return the conversation, the options and the form of the answer of a call.

        Raises:
            InputError: If a call sets an option that there is not.
        """
        given = dict(given)
        guided = GuidedCall.taken_from(given)
        if unknown := given.keys() - set(_CALL_OPTIONS):
            raise InputError(
                f"ChatSeedX takes no {', '.join(sorted(unknown))}; a call may set {', '.join(sorted(_CALL_OPTIONS))}"
            )
        options = {name: given.get(name, getattr(self, name)) for name in _CALL_OPTIONS}
        options["max_new_tokens"] = options.pop("max_tokens")
        options |= {"stop": stop or self.stop, "json_schema": guided.schema}
        told = [] if guided.instructions is None else [guided.instructions]
        workspace = Workspace(roots=(), image_hosts=self.image_hosts)
        return conversation([*told, *messages], workspace), cast(ChatOptions, options), guided

    def _retrying(self, deadline: float) -> dict[str, Any]:
        """Return the arguments of tenacity; a client over a server retries by itself."""
        retries = self.max_retries if self.seedx is not None or self.base_url is None else 0
        stop = stop_after_attempt(retries + 1) | stop_before_delay(max(0.0, deadline - time.monotonic()))
        return {"retry": retry_if_exception(has_patience), "stop": stop, "wait": wait_for_place, "reraise": True}

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        deadline = self._deadline()
        request, options, guided = self._request(messages, stop, kwargs)
        writer = ChunkWriter(guided)
        seedx = self._client if self.timeout is None else self._client.with_cancel(lambda: time.monotonic() > deadline)

        def begin() -> tuple[StreamEvent, Generator[StreamEvent, None, None]]:
            events = seedx.chat_stream(request, **options)
            return next(events), events

        try:
            event, events = Retrying(sleep=seedx.sleep, **self._retrying(deadline))(begin)
            with closing(events):
                yield from writer.chunks(event)
                while not writer.done:
                    yield from writer.chunks(next(events))
        except GenerationCancelled as error:
            if time.monotonic() <= deadline:  # the client is a view with a cancel function
                raise
            raise self._late() from error

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        seedx, deadline = self._client.as_async(), self._deadline()

        try:
            with anyio.fail_after(deadline - time.monotonic()):
                request, options, guided = await to_thread.run_sync(  # it may fetch images
                    self._request, messages, stop, kwargs, abandon_on_cancel=True
                )

                async def begin() -> tuple[StreamEvent, AsyncGenerator[StreamEvent, None]]:
                    events = seedx.chat_stream(request, **options)
                    return await anext(events), events

                event, events = await _retried(AsyncRetrying(**self._retrying(deadline)), begin)
            writer = ChunkWriter(guided)
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

    def _deadline(self) -> float:
        return math.inf if self.timeout is None else time.monotonic() + self.timeout

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

"""The language model in this process, on transformers: one prompt at a time, nothing to start.

It is the backbone of `SeedX()`, and the reference for the vLLM backbone.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from seedx_sdk.engine.backbones.base import (
    MAX_TOKENS_BEFORE_IMAGE,
    Prompt,
    QueryStates,
    SamplingParams,
    TokenChunk,
    repeated_tokens,
)
from seedx_sdk.engine.fair_line import NOBODY, SHARE, FairLine, Place
from seedx_sdk.engine.image_service.device_errors import is_out_of_memory
from seedx_sdk.errors import DeviceMemoryError, InputError, ServiceError
from seedx_sdk.forks import inside_torch
from seedx_sdk.model.generation import ImageTokenRule, stream
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.tokens import TokenIds

__all__ = ["TransformersBackbone", "embed_prompt"]

_EXPECTED_SECONDS = 1.0
"""Time of a reply, assumed until it has ended."""


class TransformersBackbone:
    """`Backbone` on loaded models, each on its own device; made and used in one event loop.

    One thread computes a whole reply, at the pace of the model, whether or not anybody reads it: a slow reader delays
    nobody. Those for whom it computes take turns, by the seconds that their replies take.

    Args:
        general: The general model.
        specialists: Models with a specialist's adapter merged, by name.
        tokens: Ids of the special tokens.
    """

    def __init__(self, general: LVLM, specialists: Mapping[str, LVLM], tokens: TokenIds) -> None:
        self._models: dict[str | None, LVLM] = {None: general}
        self._models.update(specialists)
        self._tokens = tokens
        self._line = FairLine(1)  # a place is held while a reply computes
        self._computing: _Computation | None = None
        self._closed = False

    @property
    def specialists(self) -> tuple[str, ...]:
        """Names of the specialists."""
        return tuple(name for name in self._models if name is not None)

    @property
    def supports_structured_output(self) -> bool:
        """False: structured output needs vLLM."""
        return False

    async def generate(
        self, prompt: Prompt, sampling: SamplingParams
    ) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        """Yield the answer as it is written; see `Backbone.generate`."""
        if sampling.specialist not in self._models:
            raise InputError(f"there is no specialist {sampling.specialist!r}; this model has {list(self.specialists)}")
        if sampling.structured_output is not None:
            raise InputError(
                "structured output requires the vLLM backend; serve the model with it, or leave json_schema out"
            )
        model = self._models[sampling.specialist]
        config = model.causal_lm.config
        prompt = prompt.validated(self._tokens, vocab_size=config.vocab_size, width=config.hidden_size)
        budget = prompt.budget(sampling.max_new_tokens, max_length=config.max_position_embeddings)
        place = await self._line.enter(SHARE.get(), _EXPECTED_SECONDS)
        if self._closed:
            self._line.leave(place)
            raise ServiceError("the engine was closed before the reply began; retry")
        self._computing = computation = _Computation(
            _answer(model, prompt, sampling, self._tokens, budget),
            on_end=partial(self._end, place, time.monotonic()),
        )
        try:
            while (event := await computation.next()) is not None:
                yield event
        finally:
            computation.cancel()

    async def check(self) -> None:
        """Return: it works as long as this process does."""

    async def close(self) -> None:
        """Stop the reply that computes, at its next token, and reject those that wait; the models are the caller's."""
        self._closed = True
        if self._computing is not None:
            self._computing.cancel()
        self._line.leave(await self._line.enter(NOBODY, _EXPECTED_SECONDS))

    def _end(self, place: Place, began: float) -> None:
        place.done = time.monotonic() - began
        self._line.leave(place)


class _Computation:
    """A thread that runs an iterator to its end, ahead of whoever reads the results.

    Args:
        events: Computed in the thread.
        on_end: Called in the event loop when the thread has stopped computing, or cannot be started.
    """

    def __init__(self, events: Iterator[TokenChunk | QueryStates], on_end: Callable[[], None]) -> None:
        self._events, self._on_end = events, on_end
        self._queue: asyncio.Queue[TokenChunk | QueryStates | BaseException | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._cancelled = threading.Event()
        try:
            threading.Thread(target=self._run, name="language model", daemon=True).start()
        except BaseException:
            on_end()
            raise

    def cancel(self) -> None:
        """Stop the computation before its next event."""
        self._cancelled.set()

    async def next(self) -> TokenChunk | QueryStates | None:
        """Return the next event, None after the last one; raise what the computation raised."""
        event = await self._queue.get()
        if isinstance(event, BaseException):
            raise event
        return event

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            with inside_torch():
                for event in self._events:
                    if self._cancelled.is_set():
                        break
                    self._post(self._queue.put_nowait, event)
        except BaseException as error:  # the reader raises it
            end = error
            if isinstance(error, Exception) and is_out_of_memory(error):
                end = DeviceMemoryError(
                    "the reply does not fit the device's memory; shorten the conversation, or use a smaller dtype"
                )
                end.__cause__ = error
        self._post(self._on_end)
        self._post(self._queue.put_nowait, end)

    def _post(self, callback: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed, so nobody reads
            self._loop.call_soon_threadsafe(callback, *args)


def _answer(
    model: LVLM, prompt: Prompt, sampling: SamplingParams, tokens: TokenIds, budget: int
) -> Iterator[TokenChunk | QueryStates]:
    """Yield the answer to a validated prompt."""
    images = 0
    for event in stream(
        model,
        embed_prompt(model, prompt, tokens),
        tokens,
        max_new_tokens=budget,
        last_id=prompt.token_ids[-1],
        rule=_AnswerRule(tokens, sampling),
        temperature=sampling.temperature,
        generator=torch.Generator().manual_seed(sampling.seed),
    ):
        yield event
        if isinstance(event, QueryStates):
            images += 1
        elif images == sampling.max_images and event.token_ids[-1] == tokens.end_image:
            return


@torch.no_grad()
def embed_prompt(model: LVLM, prompt: Prompt, tokens: TokenIds) -> Tensor:
    """Return the (1, L, D) embeddings of a validated prompt, on the model's device."""
    embeds = model.embed(torch.tensor([prompt.token_ids], device=model.device))
    if prompt.features is None:
        return embeds
    mask = torch.tensor([prompt.feature_mask(tokens)], device=model.device)
    return embeds.masked_scatter(mask[..., None], prompt.features.to(embeds))


class _AnswerRule(ImageTokenRule):
    """Ends text that repeats itself, and forbids the end token until an image is complete, as the request says."""

    def __init__(self, tokens: TokenIds, sampling: SamplingParams) -> None:
        super().__init__(tokens)
        self._needs_image, self._tokens_left = sampling.force_image, MAX_TOKENS_BEFORE_IMAGE
        self._stop_repeats, self._written = sampling.stop_repeats, list[int]()

    def apply(self, last: int, logits: Tensor) -> None:
        super().apply(last, logits)
        self._written.append(last)
        self._needs_image = self._needs_image and last != self.tokens.end_image
        if last in self.next_of:
            return
        must_end, end = False, self.tokens.eos
        if self._needs_image:
            logits[end] = float("-inf")
            self._tokens_left -= 1
            must_end, end = self._tokens_left <= 0, self.tokens.begin_image
        repeated = list(repeated_tokens(self._written, self.tokens)) if self._stop_repeats else []
        if must_end or (repeated and int(logits.argmax()) in repeated):
            logits[end] = logits.max() + 10.0
        elif repeated:
            logits[repeated] = float("-inf")

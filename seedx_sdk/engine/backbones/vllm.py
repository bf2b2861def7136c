"""The language model on vLLM: many prompts in one batch, prefix caching, a LoRA specialist per request.

An image costs one forward pass. When the model writes `<img>`, the answer so far and all image tokens become the prompt
of a second request; the blocks of the first are in the prefix cache, the hook in vllm_plugin.py exports the hidden
states of the image tokens, and the text after the image is what this request generates.

vLLM runs as many requests at a time as `max_num_seqs` and the KV cache have room for; the others wait in its own queue.
It is ordered by the fair turns of those for whom they are, and whoever is furthest ahead is preempted first.

Shapes: Q image tokens per image, D LLM width.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaConfig
from vllm import SamplingParams as VLLMSamplingParams
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM

from seedx_sdk.checkpoints.directory import find_specialists
from seedx_sdk.engine.backbones.base import (
    MAX_TOKENS_BEFORE_IMAGE,
    Prompt,
    QueryStates,
    SamplingParams,
    TokenChunk,
    repeated_tokens,
)
from seedx_sdk.engine.backbones.child_guard import ChildGuard
from seedx_sdk.engine.backbones.output_embeddings import likeliest_token
from seedx_sdk.engine.backbones.vllm_context import Context
from seedx_sdk.engine.backbones.vllm_engine import (
    as_model_errors,
    blocked_ids,
    build_engine,
    end_engine,
    engine_arguments,
)
from seedx_sdk.engine.backbones.vllm_grammars import structured_outputs
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.backbones.vllm_plugin import EXPORT
from seedx_sdk.engine.fair_line import SHARE, FairTurns
from seedx_sdk.errors import InputError, ModelError
from seedx_sdk.tokens import TokenIds

__all__ = ["VLLMBackbone"]

_HEALTH_CHECK_SECONDS = 0.5
"""Time between two checks that the engine is alive."""


class VLLMBackbone:
    """`Backbone` on a vLLM engine; create it with `start`."""

    def __init__(
        self,
        engine: AsyncLLM,
        tokens: TokenIds,
        config: LlamaConfig,
        adapters: dict[str, LoRARequest],
        guard: ChildGuard,
        *,
        step_seconds: float,
    ) -> None:
        self.engine = engine
        self.tokens = tokens
        self.vocab_size, self.width = int(config.vocab_size), int(config.hidden_size)
        self.max_length = int(engine.model_config.max_model_len)
        self._adapters = adapters
        self._guard = guard
        self._step_seconds = step_seconds
        self._turns = FairTurns()

    @classmethod
    async def start(
        cls,
        checkpoint_dir: Path,
        tokens: TokenIds,
        options: VLLMOptions,
        *,
        specialists: Mapping[str, Path] | None = None,
    ) -> VLLMBackbone:
        """Start an engine for the language model and the specialists of a checkpoint directory.

        Args:
            checkpoint_dir: The checkpoint directory.
            tokens: Ids of the special tokens.
            options: How vLLM runs.
            specialists: Further specialists, as for `load_directory`.

        Raises:
            ModelError: If an adapter does not load, or the exported states do not match what the model writes.
        """
        adapters = find_specialists(checkpoint_dir) | dict(specialists or {})
        arguments = engine_arguments(checkpoint_dir / "llm", list(adapters.values()), tokens, options)
        guard = await asyncio.to_thread(ChildGuard)
        engine = await build_engine(arguments, guard)
        try:
            await engine.collective_rpc("seedx_install")
            requests = {
                name: LoRARequest(name, number, str(path))
                for number, (name, path) in enumerate(adapters.items(), start=1)
            }
            for name, request in requests.items():
                try:
                    await engine.add_lora(request)  # a request for an adapter that does not load would kill the engine
                except Exception as error:
                    raise ModelError(f"vLLM cannot serve the adapter of {name!r}: {error}") from error
            config = await asyncio.to_thread(LlamaConfig.from_pretrained, checkpoint_dir / "llm")
            backbone = cls(engine, tokens, config, requests, guard, step_seconds=options.step_seconds)
            await backbone.check_export(checkpoint_dir / "llm")
        except BaseException:
            await asyncio.to_thread(end_engine, engine, guard)
            raise
        return backbone

    @property
    def specialists(self) -> tuple[str, ...]:
        """Names of the specialists."""
        return tuple(self._adapters)

    @property
    def supports_structured_output(self) -> bool:
        """True: vLLM decodes with a grammar."""
        return True

    async def generate(
        self, prompt: Prompt, sampling: SamplingParams
    ) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        """Yield the answer as it is written; see `Backbone.generate`."""
        prompt = prompt.validated(self.tokens, vocab_size=self.vocab_size, width=self.width)
        if sampling.specialist is not None and sampling.specialist not in self._adapters:
            raise InputError(f"there is no specialist {sampling.specialist!r}; this model has {list(self._adapters)}")
        budget = prompt.budget(sampling.max_new_tokens, max_length=self.max_length)
        share = SHARE.get()
        context = Context.of(prompt, tokens=self.tokens, width=self.width)
        context.turn = self._turns.number(share, len(context.ids))
        num_read = len(context.ids)
        try:
            async with aclosing(self._answer(context, sampling, budget)) as events:
                async for event in events:
                    yield event
        finally:
            self._turns.correct(share, len(context.ids) - num_read)

    async def _answer(
        self, context: Context, sampling: SamplingParams, budget: int
    ) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        tokens = self.tokens
        images = 0
        last = context.ids[-1]
        if last != tokens.begin_image:
            async for ids in self._write(context, sampling, budget, force_image=sampling.force_image):
                yield TokenChunk(token_ids=ids)
                context.ids += ids
                budget -= len(ids)
            last = context.ids[-1]
        chain = [*tokens.image, tokens.end_image]
        while last == tokens.begin_image:
            if len(chain) > budget:
                yield TokenChunk(token_ids=chain[:budget])
                return
            context.ids += chain
            budget -= len(chain)
            images += 1
            if images == sampling.max_images or budget == 0:
                yield QueryStates(hidden_states=await self._states(context, sampling))
                yield TokenChunk(token_ids=[tokens.end_image])
                return
            tag = uuid.uuid4().hex
            states: Tensor | None = None
            async for ids in self._write(context, sampling, budget, tag=tag):
                if states is None:
                    states = await self._fetch(tag)
                    if states is None:
                        states = await self._states(context, sampling)
                    yield QueryStates(hidden_states=states)
                    yield TokenChunk(token_ids=[tokens.end_image])
                yield TokenChunk(token_ids=ids)
                context.ids += ids
                budget -= len(ids)
            last = context.ids[-1]

    async def check(self) -> None:
        """Return if the engine is alive and makes progress; see `Backbone.check`."""
        try:
            async with asyncio.timeout(self._step_seconds):
                await self._call("seedx_alive")
        except TimeoutError:
            raise ModelError(f"the vLLM engine has been stuck for {self._step_seconds:g} s") from None

    async def close(self) -> None:
        """Terminate the engine's processes, by force if need be, and remove their files."""
        await asyncio.to_thread(end_engine, self.engine, self._guard)

    async def _call(self, method: str, *args: Any) -> list[Any]:
        """Return the result of a worker extension's method, one for each worker.

        vLLM never resolves such a call if its engine dies meanwhile, so its health is polled.
        """
        call = asyncio.ensure_future(self.engine.collective_rpc(method, args=args))
        try:
            with as_model_errors():
                while not call.done():
                    await self.engine.check_health()
                    await asyncio.wait([call], timeout=_HEALTH_CHECK_SECONDS)
                answers: list[Any] = call.result()
                return answers
        finally:
            call.cancel()

    async def _write(
        self,
        context: Context,
        sampling: SamplingParams,
        budget: int,
        *,
        force_image: bool = False,
        tag: str | None = None,
    ) -> AsyncGenerator[list[int], None]:
        """Yield the tokens that follow, up to `<img>` or the end.

        Args:
            context: What was read and written so far.
            sampling: How to answer.
            budget: Most tokens to write.
            force_image: Write text until `<img>` comes, and write it if it does not come in time.
            tag: Name under which the states of the last image of `context` are exported.
        """
        tokens = self.tokens
        ends = [tokens.begin_image] * (sampling.structured_output is None) + [tokens.eos] * (not force_image)
        parameters = VLLMSamplingParams(
            max_tokens=min(budget, MAX_TOKENS_BEFORE_IMAGE - 1) if force_image else budget,
            temperature=sampling.temperature,
            seed=sampling.seed,
            stop_token_ids=ends,
            logit_bias={tokens.eos: -100.0} if force_image else None,
            extra_args=None if tag is None else context.export(tag),
            structured_outputs=structured_outputs(sampling.structured_output),
        )
        written: list[int] = []
        repeats = False
        async with aclosing(self._run(context, parameters, sampling.specialist)) as outputs:
            async for ids in outputs:
                fresh: list[int] = []
                for token in ids:
                    repeats = sampling.stop_repeats and token in repeated_tokens(written, tokens)
                    if repeats:
                        break
                    fresh.append(token)
                    written.append(token)
                if fresh:
                    yield fresh
                if repeats:
                    break
        if force_image and tokens.begin_image not in written[-1:] and len(written) < budget:
            yield [tokens.begin_image]
        elif repeats:
            yield [tokens.eos]

    async def _states(self, context: Context, sampling: SamplingParams) -> Tensor:
        """Return the (Q, D) states of the last image of `context`, whose closing token is its last one."""
        for skip_cache in (False, True):  # an exact repetition finds image tokens in the cache, without their states
            tag = uuid.uuid4().hex
            parameters = VLLMSamplingParams(
                max_tokens=1, temperature=0.0, extra_args=context.export(tag), skip_reading_prefix_cache=skip_cache
            )
            async for _ in self._run(context, parameters, sampling.specialist):
                pass
            states = await self._fetch(tag)
            if states is not None:
                return states
        raise ModelError("the engine computed an image without exporting its hidden states; restart it")

    async def _fetch(self, tag: str) -> Tensor | None:
        answers = await self._call("seedx_pop", tag)
        found = next((answer for answer in answers if answer is not None), None)
        if found is None:
            return None
        dtype, states = found
        return torch.frombuffer(bytearray(states), dtype=getattr(torch, dtype)).view(-1, self.width)

    async def _run(
        self, context: Context, parameters: VLLMSamplingParams, specialist: str | None
    ) -> AsyncGenerator[list[int], None]:
        parameters.detokenize = False
        parameters.output_kind = RequestOutputKind.DELTA
        adapter = None if specialist is None else self._adapters[specialist]
        with as_model_errors():
            outputs = self.engine.generate(
                context.as_prompt(), parameters, uuid.uuid4().hex, lora_request=adapter, priority=int(context.turn)
            )
            async for output in outputs:
                self._turns.begun(context.turn)
                if ids := list(output.outputs[0].token_ids):
                    yield ids

    async def check_export(self, llm_dir: Path) -> None:
        """Generate one token: the exported state before it must be what makes it the likeliest.

        Raises:
            ModelError: If it is not: this vLLM works in another way than the hook was written for.
        """
        context = Context([self.tokens.bos, self.tokens.begin_patch, self.tokens.end_patch], None, self.width)
        tag = uuid.uuid4().hex
        parameters = VLLMSamplingParams(
            max_tokens=1, temperature=0.0, extra_args={EXPORT: (tag, len(context.ids) - 1, len(context.ids))}
        )
        written = [ids async for ids in self._run(context, parameters, None)]
        state = await self._fetch(tag)
        if state is not None:
            if written[0][0] == await asyncio.to_thread(likeliest_token, llm_dir, state[0], blocked_ids(self.tokens)):
                return
        raise ModelError("the hidden states that vLLM exports do not belong to its answers; install vllm 0.32")

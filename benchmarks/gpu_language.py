"""What `gpu.py` measures of the language model: both backbones, and how exact the hook in vLLM is."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gpu_images import BATCHES, Bench
from llm_calls import decode, query_pass, random_prompt, timed, together
from random_models import image_parts, language_model, model_sizes, write_language_model
from results import Row
from torch import Tensor
from transformers import DynamicCache

from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.checkpoints.memory_plan import GB, MemoryOptions, MemoryPlan
from seedx_sdk.engine import NANO
from seedx_sdk.engine.backbones.base import Backbone, Prompt, QueryStates, SamplingParams
from seedx_sdk.engine.backbones.transformers import TransformersBackbone, embed_prompt
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.engine.memory import with_planned_share
from seedx_sdk.errors import MissingExtraError
from seedx_sdk.model.generation import query_pass as model_query_pass
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, TokenIds

if TYPE_CHECKING:
    from seedx_sdk.engine.backbones.vllm import VLLMBackbone

PROMPT = 256
"""Tokens before an answer or an image."""
CALLERS = (1, 16, 64)


def language(bench: Bench) -> Iterator[Row]:
    """Yield rows for transformers, then, with the same weights, for vLLM."""
    model = language_model(bench.sizes, bench.device, bench.dtype, seed=bench.seed)
    tokens = Tokenizer.from_pretrained(NANO / "llm").ids
    yield from _transformers(bench, model, tokens)
    with tempfile.TemporaryDirectory() as directory:
        write_language_model(model, Path(directory))
        del model
        gc.collect()
        if bench.on_gpu:
            torch.cuda.empty_cache()
        yield from _vllm(bench, Path(directory), tokens)


@torch.no_grad()
def _transformers(bench: Bench, model: LVLM, tokens: TokenIds) -> Iterator[Row]:
    rng = np.random.default_rng(bench.seed)
    once, stepwise = [], []
    chain = [tokens.begin_image, *tokens.image]
    for _ in range(bench.rounds + 1):
        prompt = torch.tensor([random_prompt(tokens, PROMPT, rng, image=False)], device=bench.device)
        cache, again = DynamicCache(), DynamicCache()
        for each in (cache, again):
            model.run_llm(model.embed(prompt), each)
        bench.synchronize()
        started = time.perf_counter()
        model_query_pass(model, cache, tokens, pending=[tokens.begin_image])
        bench.synchronize()
        once.append(time.perf_counter() - started)
        started = time.perf_counter()
        for token in chain:
            state = model.decode(torch.tensor([[token]], device=bench.device), again)[0, -1]
            int(model.logits(state).argmax())  # as generation does after every token
        stepwise.append(time.perf_counter() - started)
    yield _image_row("transformers", min(once[1:]), min(stepwise[1:]), len(chain))
    backbone, count = TransformersBackbone(model, {}, tokens), 8 if bench.is_tiny else 64

    async def write() -> int:
        prompt = Prompt(token_ids=tuple(random_prompt(tokens, PROMPT, rng, image=False)))
        written = 0
        async for event in backbone.generate(prompt, SamplingParams(max_new_tokens=count)):
            written += 0 if isinstance(event, QueryStates) else len(event.token_ids)
        return written

    asyncio.run(write())
    started = time.perf_counter()
    written = asyncio.run(write())
    rate = written / (time.perf_counter() - started)
    yield {"backbone": "transformers", "what": "answers", "callers": 1, "tokens a second": rate}


def _image_row(backbone: str, once: float, stepwise: float, steps: int) -> Row:
    return {
        "backbone": backbone,
        "what": f"image tokens: one query pass, {steps} steps",
        "callers": 1,
        "ms once": once * 1e3,
        "ms stepwise": stepwise * 1e3,
        "ratio": stepwise / once,
    }


def _vllm(bench: Bench, directory: Path, tokens: TokenIds) -> Iterator[Row]:
    rng = np.random.default_rng(bench.seed)
    plan, options = _planned(bench)
    with _started(directory, tokens, options) as (runner, backbone, seconds):
        once, stepwise = [], []
        for _ in range(bench.rounds + 1):
            prompt = random_prompt(tokens, PROMPT, rng, image=True)
            runner.run(decode(backbone, prompt, 1))
            once.append(runner.run(timed(query_pass(backbone, prompt))))
            stepwise.append(runner.run(timed(decode(backbone, prompt, NUM_IMAGE_TOKENS))))
        yield _image_row("vllm", min(once[1:]), min(stepwise[1:]), NUM_IMAGE_TOKENS)
        count = 8 if bench.is_tiny else 128
        for callers in CALLERS:
            prompts = [random_prompt(tokens, PROMPT, rng, image=False) for _ in range(callers)]
            spent = runner.run(timed(together([decode(backbone, prompt, count) for prompt in prompts])))
            images = [random_prompt(tokens, PROMPT, rng, image=True) for _ in range(callers)]
            passes = runner.run(timed(together([query_pass(backbone, prompt) for prompt in images])))
            yield {
                "backbone": "vllm",
                "what": "answers",
                "callers": callers,
                "tokens a second": callers * count / spent,
                "query passes a second": callers / passes,
            }
        cache = backbone.engine.vllm_config.cache_config
        room = None
        if bench.on_gpu:
            free, _ = torch.cuda.mem_get_info(bench.device)
            room = free / GB
        yield {
            "backbone": "vllm",
            "what": "memory",
            "s to start": seconds,
            "cache planned, tokens": plan.kv_tokens,
            "cache real, tokens": (cache.num_gpu_blocks or 0) * cache.block_size,
            "images planned, GB": plan.image_service / GB,
            "left for images, GB": room,
        }


def _planned(bench: Bench) -> tuple[MemoryPlan, VLLMOptions]:
    """Return the memory plan for the language model beside the image service, and vLLM's options by it."""
    options = replace(EngineOptions(device=bench.device).for_vllm(), enforce_eager=bench.is_tiny)
    parts = image_parts(bench.sizes, "meta", bench.dtype, seed=bench.seed)
    chosen = MemoryOptions(
        max_batch=BATCHES[-1], kv_cache_bytes=options.kv_cache_bytes, enforce_eager=options.enforce_eager
    )
    free = torch.cuda.mem_get_info(bench.device)[0] if bench.on_gpu else None
    plan = MemoryPlan.make(model_sizes(parts), chosen, free)
    return plan, with_planned_share(options, plan, torch.device(bench.device))


@contextmanager
def _started(
    directory: Path, tokens: TokenIds, options: VLLMOptions
) -> Iterator[tuple[asyncio.Runner, VLLMBackbone, float]]:
    """Run a language model on vLLM in the block, in an event loop of its own; give the seconds that its start took."""
    if importlib.util.find_spec("vllm") is None:
        raise MissingExtraError("vllm", "vllm")
    from seedx_sdk.engine.backbones.vllm import VLLMBackbone

    with asyncio.Runner() as runner:
        started = time.perf_counter()
        backbone = runner.run(VLLMBackbone.start(directory, tokens, options))
        try:
            yield runner, backbone, time.perf_counter() - started
        finally:
            runner.run(backbone.close())


def exactness(bench: Bench) -> Iterator[Row]:
    """Yield how far the states of images are from those in float32, at once and again from the prefix cache.

    The shipped model, bfloat16 on vLLM, with and without its specialist; beside it transformers' own bfloat16.
    """
    parts = load_directory(NANO)
    requests = _requests(parts, 4 if bench.is_tiny else 16, np.random.default_rng(bench.seed))
    exact, rounded = _states(parts, requests, torch.float32), _states(parts, requests, torch.bfloat16)
    yield {"what": "transformers in bfloat16", "requests": len(requests), **_distance(rounded, exact)}
    options = EngineOptions(device=bench.device).for_vllm()
    share = 0.2 if bench.on_gpu else None  # a small model needs little
    with _started(NANO, parts.tokenizer.ids, replace(options, dtype="bfloat16", memory_share=share)) as (run, vllm, _):
        for what in ("vLLM in bfloat16", "the same again, from the prefix cache"):
            found = run.run(_together(vllm, requests))
            yield {"what": what, "requests": len(requests), **_distance(found, exact)}
    other = [*exact[1:], exact[0]]
    yield {"what": "the states of other requests, for scale", "requests": len(requests), **_distance(other, exact)}


async def _together(backbone: Backbone, requests: Sequence[tuple[Prompt, str | None]]) -> list[Tensor]:
    async def one(prompt: Prompt, specialist: str | None) -> Tensor:
        sampling = SamplingParams(max_new_tokens=NUM_IMAGE_TOKENS + 2, max_images=1, specialist=specialist)
        states = [e.hidden_states async for e in backbone.generate(prompt, sampling) if isinstance(e, QueryStates)]
        return states[0]

    return await asyncio.gather(*(one(*request) for request in requests))


def _requests(parts: ModelParts, count: int, rng: np.random.Generator) -> list[tuple[Prompt, str | None]]:
    """Return prompts that end with an image to be written, three in four with an image to be read, as features."""
    tokens, source = parts.tokenizer.ids, torch.Generator().manual_seed(int(rng.integers(1 << 31)))
    embeddings = next(parts.lvlm.causal_lm.get_input_embeddings().parameters())
    requests = []
    for index in range(count):
        words = random_prompt(tokens, int(rng.integers(6, 90)), rng, image=False)
        read = [tokens.begin_image, *tokens.image, tokens.end_image] if index % 4 else []
        features = None
        if read:
            rows = torch.randint(300, 700, (NUM_IMAGE_TOKENS,), generator=source)
            features = embeddings[rows].detach() * 1.3
        prompt = Prompt(token_ids=(*words, *read, *words[1:], tokens.begin_image), features=features)
        requests.append((prompt, None if index % 3 else "edit"))
    return requests


@torch.no_grad()
def _states(parts: ModelParts, requests: Sequence[tuple[Prompt, str | None]], dtype: torch.dtype) -> list[Tensor]:
    """Return the (Q, D) states of the image after each prompt, in one pass on transformers."""
    tokens, found = parts.tokenizer.ids, []
    for prompt, specialist in requests:
        model = parts.lvlm if specialist is None else parts.specialists[specialist]
        model.to(dtype)
        cache = DynamicCache()
        model.run_llm(embed_prompt(model, prompt, tokens), cache)
        found.append(model_query_pass(model, cache, tokens)[0].float())
        model.to(torch.float32)
    return found


def _distance(found: Sequence[Tensor], exact: Sequence[Tensor]) -> dict[str, Any]:
    relative = [float((a.float().cpu() - b).norm() / b.norm()) for a, b in zip(found, exact, strict=True)]
    cosine = [float(torch.cosine_similarity(a.float().cpu(), b).min()) for a, b in zip(found, exact, strict=True)]
    return {"worst relative difference": max(relative), "worst cosine": f"{min(cosine):.6f}"}

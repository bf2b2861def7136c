"""Calls of a language model that take the same work whatever its weights are, and the time that they take."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seedx_sdk.engine.backbones.base import Backbone, Prompt, QueryStates, SamplingParams
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, TokenIds

if TYPE_CHECKING:
    from seedx_sdk.engine.backbones.vllm import VLLMBackbone

WORDS = (300, 700)
"""Ids that are text in the shipped tokenizer."""


def random_prompt(tokens: TokenIds, length: int, rng: np.random.Generator, *, image: bool) -> list[int]:
    """Return a prompt of so many tokens; an image follows it if it ends with `<img>`."""
    words: list[int] = rng.integers(*WORDS, length - 1 - image).tolist()
    return [tokens.bos, *words, *[tokens.begin_image] * image]


async def query_pass(backbone: Backbone, prompt: Sequence[int]) -> None:
    """Read the image tokens after a prompt that ends with `<img>`, in one forward pass."""
    sampling = SamplingParams(max_new_tokens=NUM_IMAGE_TOKENS + 1, max_images=1)
    events = [event async for event in backbone.generate(Prompt(token_ids=tuple(prompt)), sampling)]
    assert isinstance(events[0], QueryStates)


async def decode(backbone: VLLMBackbone, prompt: Sequence[int], count: int) -> None:
    """Generate exactly so many tokens; which ones makes no difference to the time."""
    from vllm import SamplingParams as VLLMSamplingParams
    from vllm.inputs import TokensPrompt

    parameters = VLLMSamplingParams(
        temperature=0.0, max_tokens=count, min_tokens=count, ignore_eos=True, detokenize=False
    )
    outputs = backbone.engine.generate(TokensPrompt(prompt_token_ids=list(prompt)), parameters, uuid.uuid4().hex)
    written = [output async for output in outputs]
    assert len(written[-1].outputs[0].token_ids) == count


async def timed(work: Awaitable[object]) -> float:
    """Return the seconds that the work takes."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def together(works: Sequence[Awaitable[None]]) -> None:
    """Do all of it at once."""
    await asyncio.gather(*works)

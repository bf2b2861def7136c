"""Tokens per second of the transformers backbone, and how often a token crosses between threads.

    python benchmarks/token_rate.py
    python benchmarks/token_rate.py --rounds 20 --tokens 200

A crossing is a call from one thread to another: work given to a worker thread, or a result posted to the event loop.
The bare loop is the same computation in one thread with nobody listening: the most that a backbone can reach.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from hardware import describe

from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.engine import NANO
from seedx_sdk.engine.backbones.base import Prompt, SamplingParams, TokenChunk
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.model.generation import stream


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="replies of which the fastest counts")
    parser.add_argument("--tokens", type=int, default=200, help="tokens in each reply")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    print(describe())
    parts = load_directory(NANO)
    parts.lvlm.causal_lm.lm_head.weight.data.zero_()  # it writes the token 0 until the budget ends
    prompt = Prompt(token_ids=(parts.tokenizer.bos_id, *parts.tokenizer.encode("a red house")))
    bare = max(_bare(parts, prompt, options.tokens) for _ in range(options.rounds))
    rates, crossings = asyncio.run(_measure(parts, prompt, options.tokens, options.rounds))
    print(f"bare loop {bare:.0f} tokens/s, backbone {max(rates):.0f} tokens/s ({max(rates) / bare:.0%})")
    print(f"{crossings:.2f} crossings between threads per token")


async def _measure(parts: ModelParts, prompt: Prompt, count: int, rounds: int) -> tuple[list[float], float]:
    backbone = TransformersBackbone(parts.lvlm, {}, parts.tokenizer.ids)
    rates, crossings = [], 0
    for _ in range(rounds):
        with _crossings() as seen:
            started, tokens = time.perf_counter(), 0
            async for event in backbone.generate(prompt, SamplingParams(max_new_tokens=count)):
                assert isinstance(event, TokenChunk)
                tokens += len(event.token_ids)
            rates.append(tokens / (time.perf_counter() - started))
        assert tokens == count
        crossings += len(seen)
    return rates, crossings / rounds / count


def _bare(parts: ModelParts, prompt: Prompt, count: int) -> float:
    started = time.perf_counter()
    embeds = parts.lvlm.embed(torch.tensor([prompt.token_ids]))
    ids = parts.tokenizer.ids
    tokens = sum(1 for _ in stream(parts.lvlm, embeds, ids, max_new_tokens=count, last_id=prompt.token_ids[-1]))
    return tokens / (time.perf_counter() - started)


@contextmanager
def _crossings() -> Iterator[list[str]]:
    """Record the calls that hand something to another thread."""
    seen: list[str] = []

    def counted(owner: Any, name: str) -> Any:
        call: Callable[..., Any] = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            seen.append(name)
            return call(*args, **kwargs)

        return mock.patch.object(owner, name, wrapped)

    loop = type(asyncio.get_running_loop())
    with counted(loop, "call_soon_threadsafe"), counted(ThreadPoolExecutor, "submit"):
        with counted(threading.Thread, "start"):
            yield seen


if __name__ == "__main__":
    main()

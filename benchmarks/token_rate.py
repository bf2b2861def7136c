"""Tokens per second of the transformers backbone, and how often a token crosses between threads.

    python benchmarks/token_rate.py
    python benchmarks/token_rate.py --rounds 20 --tokens 200

A crossing is a call from one thread to another: work given to a worker thread, or a result posted to the event loop.
The bare loop is the same computation in one thread with nobody listening: the most that a backbone can reach. Rounds of
both alternate and the best one counts, so that other work on the machine disturbs the ratio little.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
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
    parser.add_argument("--rounds", type=int, default=10, help="replies of each kind, of which the fastest counts")
    parser.add_argument("--tokens", type=int, default=200, help="tokens in each reply")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    print(describe())
    parts = load_directory(NANO)
    parts.lvlm.causal_lm.lm_head.weight.data.zero_()  # it writes token 0 until the budget ends
    asyncio.run(_measure(parts, options.tokens, options.rounds))


async def _measure(parts: ModelParts, count: int, rounds: int) -> None:
    prompt = Prompt(token_ids=(parts.tokenizer.bos_id, *parts.tokenizer.encode("a red house")))
    backbone = TransformersBackbone(parts.lvlm, {}, parts.tokenizer.ids)
    bare, answered, crossings = [], [], 0
    for _ in range(rounds):
        started = _clocks()
        embeds = parts.lvlm.embed(torch.tensor([prompt.token_ids]))
        events = stream(parts.lvlm, embeds, parts.tokenizer.ids, max_new_tokens=count, last_id=prompt.token_ids[-1])
        assert sum(1 for _ in events) == count
        bare.append(_since(started))
        with _crossings() as seen:
            started, tokens = _clocks(), 0
            async for event in backbone.generate(prompt, SamplingParams(max_new_tokens=count)):
                assert isinstance(event, TokenChunk)
                tokens += len(event.token_ids)
            answered.append(_since(started))
        assert tokens == count
        crossings += len(seen)
    for name, spent in (("bare loop", bare), ("backbone", answered)):
        wall, cpu = (min(seconds) / count for seconds in zip(*spent, strict=True))
        print(f"{name:<9} {1 / wall:6.1f} tokens/s, {cpu * 1e3:.2f} ms of CPU time per token")
    print(f"{crossings / rounds / count:.2f} crossings between threads per token")


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(started: tuple[float, float]) -> tuple[float, float]:
    wall, cpu = _clocks()
    return wall - started[0], cpu - started[1]


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
    with ExitStack() as patches:
        for owner, name in (
            (loop, "call_soon_threadsafe"),
            (ThreadPoolExecutor, "submit"),
            (threading.Thread, "start"),
        ):
            patches.enter_context(counted(owner, name))
        yield seen


if __name__ == "__main__":
    main()

"""What serving costs and gains: two ways in one run, and the ratio between them.

    python benchmarks/serving.py                                          # every part, on the shipped model
    python benchmarks/serving.py image overhead                           # some parts
    python benchmarks/serving.py image --random 22 2048 5632            # also random weights of 1.1 billion

image     the image tokens of an image: one query pass, and 64 decode steps, both on vLLM with the prompt in its cache
describe  16 captions: concurrently on vLLM, and sequentially on transformers
generate  images per second for 1, 4 and 8 callers
overhead  what a call over HTTP takes beyond what its reply takes in the engine
clients   time to the first token and to the last for 1 to 64 callers, and what happens to more than the server takes
memory    of the server and all its processes, over 1,000 requests
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import httpx
import numpy as np
import torch
from hardware import describe as describe_hardware
from llm_calls import decode, query_pass, random_prompt, timed
from PIL import Image
from server_process import ServerProcess, serving
from transformers import LlamaConfig, LlamaForCausalLM

from seedx_finetune.world import render, sample_scene
from seedx_sdk import Message, calls
from seedx_sdk.engine import NANO
from seedx_sdk.engine.backbones.vllm import VLLMBackbone
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.local import open_local, open_vllm
from seedx_sdk.engine.protocol import AsyncEngine
from seedx_sdk.http.engine import HttpEngine
from seedx_sdk.imaging import to_data_uri
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import NUM_IMAGE_TOKENS
from seedx_sdk.types import ReplyDone, Request, TextDelta

VLLM = VLLMOptions(block_size=32, kv_cache_bytes=1 << 30)
"""As `seedx serve` runs it on a CPU."""
PROMPT = 256
"""Tokens before an image."""
PARTS = ("image", "describe", "generate", "overhead", "clients", "memory")
LIMIT = 64
"""Replies in flight that the server allows, its default."""


async def image_tokens(checkpoint_dir: Path, name: str, rounds: int) -> None:
    """Print the time of the image tokens of one image, both ways."""
    tokens = Tokenizer.from_pretrained(NANO / "llm").ids
    backbone = await VLLMBackbone.start(checkpoint_dir, tokens, VLLM)
    rng = np.random.default_rng(0)
    once, stepwise = [], []
    try:
        for _ in range(rounds + 1):  # the first one warms up
            prompt = random_prompt(tokens, PROMPT, rng, image=True)
            await decode(backbone, prompt, 1)
            once.append(await timed(query_pass(backbone, prompt)))
            stepwise.append(await timed(decode(backbone, prompt, NUM_IMAGE_TOKENS)))
    finally:
        await backbone.close()
    fast, slow = statistics.median(once[1:]), statistics.median(stepwise[1:])
    print(f"{name}: one query pass {fast * 1e3:.0f} ms, 64 steps {slow * 1e3:.0f} ms, {slow / fast:.1f} x")


def random_model(directory: Path, layers: int, width: int, mlp: int) -> Path:
    """Return a checkpoint directory with a language model of random bfloat16 weights and the shipped tokenizer."""
    config = LlamaConfig.from_pretrained(NANO / "llm")
    sizes = {"num_hidden_layers": layers, "hidden_size": width, "intermediate_size": mlp}
    heads = {"num_attention_heads": width // 64, "num_key_value_heads": width // 64, "head_dim": 64}
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**{**config.to_dict(), **sizes, **heads, "dtype": "bfloat16"}))
    shutil.copytree(NANO / "llm", directory / "llm", ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    model.to(torch.bfloat16).save_pretrained(directory / "llm")  # type: ignore[arg-type]  # stubs of the decorator
    print(f"random weights: {model.num_parameters() / 1e9:.2f} billion")
    return directory


async def captions() -> None:
    """Print the time of 16 captions, concurrently and sequentially."""
    requests = [request(page) for page in pages(16)]
    async with open_vllm(NANO, vllm=VLLM) as vllm, open_local(NANO) as transformers:
        for engine in (vllm, transformers):
            await answered(engine, requests[0])
        concurrent = await timed(_shared(vllm, requests, len(requests)))
        sequential = await timed(_sequentially(transformers, requests))
    print(
        f"16 captions concurrently on vLLM {concurrent:.2f} s, sequentially on transformers {sequential:.2f} s, "
        f"{sequential / concurrent:.1f} x"
    )


async def images(rounds: int) -> None:
    """Print the images per second of 1, 4 and 8 callers, who request 8 images in total."""
    requests = [calls.generate("a red house and a green tree on a meadow", seed=seed).request for seed in range(8)]
    async with open_vllm(NANO, vllm=VLLM) as engine:
        await _shared(engine, requests, len(requests))
        rates: dict[int, float] = {}
        for callers in (1, 4, 8):
            taken = [await timed(_shared(engine, requests, callers)) for _ in range(rounds)]
            rates[callers] = len(requests) / min(taken)
            print(f"{callers} callers: {rates[callers]:.2f} images/s, {rates[callers] / rates[1]:.2f} x")


async def overhead(rounds: int) -> None:
    """Print what HTTP adds to a call without images."""
    question = calls.chat([Message.user("Is a house in the picture?")], max_new_tokens=4).request
    with serving("--backbone", "transformers") as server:
        async with open_local(NANO) as local, HttpEngine.connect(server.address) as remote:
            engines: dict[str, AsyncEngine] = {"in process": local, "over HTTP": remote}
            whole: dict[str, list[float]] = {name: [] for name in engines}
            added = []
            for _ in range(rounds):
                for name, engine in engines.items():
                    started = time.perf_counter()
                    done = await answered(engine, question)
                    whole[name].append(time.perf_counter() - started)
                added.append(whole["over HTTP"][-1] - done.reply.timings["total"])
    medians = {name: statistics.median(taken) * 1e3 for name, taken in whole.items()}
    print(f"median of {rounds} calls: " + ", ".join(f"{name} {ms:.1f} ms" for name, ms in medians.items()))
    print(
        f"HTTP beyond the engine's own time: median {statistics.median(added) * 1e3:.2f} ms, "
        f"p99 {np.percentile(added, 99) * 1e3:.2f} ms"
    )


async def clients(calls_each: int) -> None:
    """Print latencies by the number of callers, then the statuses for more callers than the limit."""
    requests = [request(page) for page in pages(LIMIT)]
    with serving("--max-replies", str(LIMIT)) as server:
        async with HttpEngine.connect(server.address) as engine:
            await answered(engine, requests[0])
            for callers in (1, 4, 16, LIMIT):
                each = [_repeated(engine, requests[i], calls_each) for i in range(callers)]
                waits = np.array(list(itertools.chain(*await asyncio.gather(*each))))
                p50, p99 = np.percentile(waits, (50, 99), axis=0)
                print(
                    f"{callers:>3} callers: {len(waits)} answered; first token p50 {p50[0]:.2f} s, "
                    f"p99 {p99[0]:.2f} s; whole p50 {p50[1]:.2f} s, p99 {p99[1]:.2f} s"
                )
        crowd = LIMIT + 32
        print(f"{crowd} callers, {LIMIT} at most: {await _crowd(server, crowd)}")


async def _repeated(engine: AsyncEngine, request: Request, count: int) -> list[tuple[float, float]]:
    """Return for each call the seconds to the first token and to the end."""
    waits = []
    for _ in range(count):
        started, first = time.perf_counter(), None
        async for event in engine.stream(request):
            if first is None and isinstance(event, TextDelta):
                first = time.perf_counter() - started
        assert first is not None
        waits.append((first, time.perf_counter() - started))
    return waits


async def _crowd(server: ServerProcess, callers: int) -> str:
    """Return how many requests were answered and rejected, for callers that do not retry."""
    body = {"images": [to_data_uri(pages(1)[0])]}
    limits = httpx.Limits(max_connections=callers)
    async with httpx.AsyncClient(base_url=server.address, timeout=300, limits=limits) as client:
        answers = await asyncio.gather(*(client.post("/v1/tools/describe", json=body) for _ in range(callers)))
    counts = Counter((a.status_code, "Retry-After" in a.headers) for a in answers)
    return ", ".join(
        f"{count} x {status}{' with Retry-After' * has_retry_after}"
        for (status, has_retry_after), count in sorted(counts.items())
    )


async def memory(count: int) -> None:
    """Print the memory of the server's processes every tenth of the requests; one in 50 generates an image."""
    requests = [request(page) for page in pages(200)]
    generation = calls.generate("a red house on a meadow", num_inference_steps=4).request
    with serving() as server:
        async with HttpEngine.connect(server.address) as engine:
            used = []
            for start in range(0, count, count // 10):
                part = [
                    generation if i % 50 == 0 else requests[i % len(requests)]
                    for i in range(start, start + count // 10)
                ]
                await _shared(engine, part, 8)
                used.append(server.memory())
                print(f"{start + len(part):>5} requests: {used[-1] / 2**20:.0f} MiB", flush=True)
    print(f"the last to the second: {used[-1] / used[1]:.3f}")


def pages(count: int) -> list[Image.Image]:
    """Return pages of the picture book."""
    return [render(sample_scene(np.random.default_rng(seed))) for seed in range(count)]


def request(page: Image.Image) -> Request:
    """Return the request to caption a page."""
    return calls.describe(page).request


async def answered(engine: AsyncEngine, request: Request) -> ReplyDone:
    """Return the last event of the reply."""
    *_, done = [event async for event in engine.stream(request)]
    assert isinstance(done, ReplyDone)
    return done


async def _sequentially(engine: AsyncEngine, requests: Sequence[Request]) -> None:
    for each in requests:
        await answered(engine, each)


async def _shared(engine: AsyncEngine, requests: Sequence[Request], callers: int) -> None:
    """Answer all requests, so many at a time."""
    await asyncio.gather(*(_sequentially(engine, requests[i::callers]) for i in range(callers)))


async def _image_part(rounds: int, random: Sequence[int] | None) -> None:
    await image_tokens(NANO, "seed-x-nano", rounds)
    if random:
        with tempfile.TemporaryDirectory() as directory:
            await image_tokens(random_model(Path(directory), *random), "random weights", rounds)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure the chosen parts and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=PARTS, help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--random", type=int, nargs=3, metavar=("LAYERS", "WIDTH", "MLP"))
    options = parser.parse_args(argv)
    work: dict[str, Callable[[], Coroutine[None, None, None]]] = {
        "image": lambda: _image_part(options.rounds, options.random),
        "describe": captions,
        "generate": lambda: images(options.rounds),
        "overhead": lambda: overhead(40 * options.rounds),
        "clients": lambda: clients(options.rounds),
        "memory": lambda: memory(1000),
    }
    print(describe_hardware())
    for name in options.parts or PARTS:
        print(f"-- {name}", flush=True)
        asyncio.run(work[name]())


if __name__ == "__main__":
    main()

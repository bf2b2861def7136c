"""A deployment on a real Ray cluster of this machine: the same answers, and what happens when clients or parts go."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import aclosing

import anyio
import httpx
import psutil
import pytest

from seedx_sdk import AsyncSeedX, Message
from seedx_sdk.errors import InputError
from seedx_sdk.types import Result
from tests.serve.ray.deployment import MARKS, Deployment, answer_until, answers_in_process, deployed, lives, title
from tests.support.server_processes import EVENT_SECONDS, shared_memory

pytestmark = MARKS


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with deployed("transformers", 1) as deployment:
        yield deployment


def test_the_deployment_answers_as_a_model_in_process(deployment: Deployment) -> None:
    replicas = {"backbone": 1, "detokenizer": 2}
    answer_until(
        deployment,
        answers_in_process(),
        lambda: {kind: len(deployment.answering(kind)) for kind in replicas} == replicas,
    )
    with pytest.raises(InputError, match="takes .* tokens"):  # an error of a replica reaches the client
        anyio.run(too_long, deployment)


def test_a_client_that_disconnects_frees_the_replicas(deployment: Deployment) -> None:
    async def draw_until_progress(seedx: AsyncSeedX) -> None:
        message = Message.user("Draw a red house.")
        async with aclosing(seedx.chat_stream([message], num_inference_steps=1000, temperature=0)) as events:
            async for event in events:
                if event.type == "image_progress":
                    return

    async def run() -> None:
        seedx = AsyncSeedX(base_url=deployment.address)
        replies = [asyncio.ensure_future(draw_until_progress(seedx)) for _ in range(2)]
        _, waiting = await asyncio.wait(replies, return_when=asyncio.FIRST_COMPLETED)
        for reply in waiting:  # for another de-tokenizer, or for the same one
            reply.cancel()
        await asyncio.gather(*replies, return_exceptions=True)
        while deployment.server.in_flight() > 0:  # 1000 steps would take minutes
            await asyncio.sleep(0.1)
        for seed in range(4):
            await seedx.chat([Message.user("Draw a red house.")], seed=seed, num_inference_steps=2, temperature=0)
        await seedx.aclose()

    anyio.run(run)


def test_the_logs_are_json(deployment: Deployment) -> None:
    """Those of Ray Serve, and what the replicas write, apart from Ray's marks (":actor_name:...")."""
    logs = next(deployment.server.temp_dir.glob("ray/session_2*/logs"))
    by_serve = [line for path in logs.glob("serve/*.log") for line in path.read_text().splitlines()]
    by_replicas = [
        line
        for path in logs.glob("worker-*.err")
        if ":actor_name:ServeReplica:" in path.read_text()
        for line in path.read_text().splitlines()
        if not line.startswith(":")
    ]
    assert all("message" in json.loads(line) for line in by_serve + by_replicas)
    assert {json.loads(line).get("path") for line in by_replicas} >= {"/v1/info", "/v1/chat"}


def test_nobody_chooses_the_name_of_the_client(deployment: Deployment) -> None:
    """Idempotency keys belong to a client, which is this machine whatever the header says."""
    statuses = [
        httpx.post(
            f"{deployment.address}/v1/chat",
            json={"messages": [Message.user(text).model_dump(mode="json")], "options": {"temperature": 0}},
            headers={"Idempotency-Key": "mine", "X-Forwarded-For": forwarded},
            timeout=EVENT_SECONDS,
        ).status_code
        for text, forwarded in (("hello", "192.0.2.1"), ("good evening", "192.0.2.2"))
    ]
    assert statuses == [200, 409]


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
    shared = set().union(*(shared_memory(process) for process in family if lives(process)))
    assert shared and len(family) > 10
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(EVENT_SECONDS) == 0, server.log.read_text()[-3000:]
    psutil.wait_procs(family, timeout=EVENT_SECONDS)
    assert [title(process) for process in family if lives(process)] == []
    assert [path for path in shared if os.path.exists(path)] == []
    assert [path.name for path in server.files() if path.name.startswith("seedx")] == []


async def too_long(deployment: Deployment) -> Result:
    async with AsyncSeedX(base_url=deployment.address) as seedx:
        question, answer = Message.user("a red house " * 150), Message.assistant("yes")
        return await seedx.chat([*[question, answer] * 10, question])

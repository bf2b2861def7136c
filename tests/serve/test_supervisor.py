"""The supervisor over engines that play a script; test_engine_failures.py kills real ones."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from seedx_sdk import SeedX
from seedx_sdk.errors import ModelError, WeightsMissingError
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.serve.supervisor import SupervisedEngine
from seedx_sdk.testing import ScriptedEngine
from tests.support.http_server import Scripted, running, wait_until


class Engines:
    """Opens one scripted engine after another; an exception is raised instead."""

    def __init__(self, *engines: Scripted | Exception) -> None:
        self.engines, self.opened, self.closed = engines, 0, 0
        self.may_open = threading.Event()
        self.may_open.set()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Scripted]:
        while not self.may_open.is_set():
            await anyio.sleep(0.01)
        engine = self.engines[self.opened]
        self.opened += 1
        if isinstance(engine, Exception):
            raise engine
        try:
            yield engine
        finally:
            self.closed += 1


def wait_for(status: int, address: str, http: httpx.Client) -> httpx.Response:
    answers: list[httpx.Response] = []

    def is_there() -> bool:
        answers.append(http.get(f"{address}/health/ready"))
        return answers[-1].status_code == status

    wait_until(is_there)
    return answers[-1]


def test_an_engine_that_fails_is_restarted(http: httpx.Client) -> None:
    first = Scripted()
    engines = Engines(first, ModelError("no memory"), Scripted())
    with running(SupervisedEngine(engines, check_every=0.02), ServerSettings()) as address:
        seedx = SeedX(base_url=address)
        expected = seedx.generate("a house").image
        engines.may_open.clear()
        first.failed = True
        health = wait_for(503, address, http).text
        assert health == "failed: the engine has died; the engine is restarting\n"
        rejected = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
        assert rejected.status_code == 503 and int(rejected.headers["retry-after"]) >= 1
        assert "restarting" in rejected.json()["error"]["message"]
        assert http.get(f"{address}/v1/info").status_code == 200
        threading.Timer(0.3, engines.may_open.set).start()
        again = seedx.generate("a house").image  # the client retries by itself
        assert again is not None and expected is not None and again.tobytes() == expected.tobytes()
        assert (engines.opened, engines.closed) == (3, 1)
        seedx.close()
    assert engines.closed == 2


def test_a_reply_cut_off_by_the_failure_says_so(http: httpx.Client) -> None:
    first = Scripted(ScriptedEngine([ModelError("the engine has died")]))
    engines = Engines(first, Scripted())
    with running(SupervisedEngine(engines, check_every=60), ServerSettings()) as address:
        first.failed = True
        answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
        assert answer.status_code == 503 and answer.json()["error"]["type"] == "ServiceError"
        assert "failed during the request" in answer.json()["error"]["message"]
        wait_for(200, address, http)
        assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 200


def test_a_reply_that_waits_is_cut_off_when_the_engine_fails(http: httpx.Client) -> None:
    first = Scripted(pause_at=0)
    with running(SupervisedEngine(Engines(first, Scripted()), check_every=0.02), ServerSettings()) as address:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reply = pool.submit(http.post, f"{address}/v1/tools/generate", json={"prompt": "a house"})
            wait_until(lambda: first.paused == 1)
            first.failed = True
            answer = reply.result()
        assert answer.status_code == 503 and "failed during the request" in answer.json()["error"]["message"]
        wait_until(lambda: first.stopped == 1)


def test_an_error_of_a_healthy_engine_does_not_restart_it(http: httpx.Client) -> None:
    engines = Engines(Scripted(ScriptedEngine([ModelError("no image was generated")])))
    with running(SupervisedEngine(engines), ServerSettings()) as address:
        answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
        assert answer.status_code == 500 and answer.json()["error"]["message"] == "no image was generated"
        assert engines.opened == 1


def test_the_first_start_must_succeed() -> None:
    async def run() -> None:
        async with SupervisedEngine(Engines(WeightsMissingError("no weights here"))):
            raise AssertionError("it must not open")

    with pytest.raises(WeightsMissingError, match="no weights here"):
        anyio.run(run)

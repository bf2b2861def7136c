"""The supervisor over engines that play a script; test_engine_failures.py kills real ones."""

from __future__ import annotations

import threading
import time
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
from tests.support.http_server import Scripted, running


class Engines:
    """Opens one scripted engine after the other; an exception is raised instead."""

    def __init__(self, *lives: Scripted | Exception) -> None:
        self.lives, self.opened, self.closed = lives, 0, 0
        self.may_open = threading.Event()
        self.may_open.set()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Scripted]:
        while not self.may_open.is_set():
            await anyio.sleep(0.01)
        life = self.lives[self.opened]
        self.opened += 1
        if isinstance(life, Exception):
            raise life
        try:
            yield life
        finally:
            self.closed += 1


def wait_for(status: int, address: str, http: httpx.Client) -> httpx.Response:
    for _ in range(200):
        answer = http.get(f"{address}/health/ready")
        if answer.status_code == status:
            return answer
        time.sleep(0.02)
    raise AssertionError(answer.text)


def test_an_engine_that_fails_is_opened_again(http: httpx.Client) -> None:
    first = Scripted()
    engines = Engines(first, ModelError("no memory"), Scripted())
    with running(SupervisedEngine(engines, look_every=0.02), ServerSettings()) as address:
        seedx = SeedX(base_url=address)
        expected = seedx.generate("a house").image
        engines.may_open.clear()
        first.failed = True
        told = wait_for(503, address, http).text
        assert told == "failed: the engine has died; the model is being started again\n"
        refused = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
        assert "started again" in refused.json()["error"]["message"]
        assert http.get(f"{address}/v1/info").status_code == 200
        threading.Timer(0.3, engines.may_open.set).start()
        again = seedx.generate("a house").image  # the client comes back by itself
        assert again is not None and expected is not None and again.tobytes() == expected.tobytes()
        assert (engines.opened, engines.closed) == (3, 1)
        seedx.close()
    assert engines.closed == 2


def test_a_reply_that_the_failure_cut_off_says_so(http: httpx.Client) -> None:
    first = Scripted(ScriptedEngine([ModelError("the engine has died")]))
    engines = Engines(first, Scripted())
    with running(SupervisedEngine(engines, look_every=60), ServerSettings()) as address:
        first.failed = True
        answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
        assert answer.status_code == 503 and answer.json()["error"]["type"] == "ServiceError"
        assert "while it was answering" in answer.json()["error"]["message"]
        wait_for(200, address, http)
        assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 200


def test_a_reply_that_waits_is_cut_off_when_the_engine_fails(http: httpx.Client) -> None:
    first = Scripted(seconds=30)
    with running(SupervisedEngine(Engines(first, Scripted()), look_every=0.02), ServerSettings()) as address:
        threading.Timer(0.5, setattr, (first, "failed", True)).start()
        answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}, timeout=10)
        assert answer.status_code == 503 and "while it was answering" in answer.json()["error"]["message"]
        assert first.stopped == 1


def test_an_error_of_a_healthy_engine_stays_what_it_is(http: httpx.Client) -> None:
    engines = Engines(Scripted(ScriptedEngine([ModelError("nothing was drawn")])))
    with running(SupervisedEngine(engines), ServerSettings()) as address:
        answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
        assert answer.status_code == 500 and answer.json()["error"]["message"] == "nothing was drawn"
        assert engines.opened == 1


def test_the_first_opening_must_succeed() -> None:
    async def run() -> None:
        async with SupervisedEngine(Engines(WeightsMissingError("no weights here"))):
            raise AssertionError("it is not open")

    with pytest.raises(WeightsMissingError, match="no weights here"):
        anyio.run(run)

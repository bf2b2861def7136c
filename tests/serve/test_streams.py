"""Streams whose reader or whose engine is slow."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass

import httpx
import openai
import pytest

from seedx_sdk import Message, SeedX
from seedx_sdk.errors import ModelError, ServiceError
from seedx_sdk.http import engine as http_engine
from seedx_sdk.serve import dependencies as route_parts
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Request, StreamEvent, TextDelta
from tests.support.http_server import Scripted, Serve

HELLO = {"messages": [Message.user("hello").model_dump(mode="json")]}


@dataclass
class Endless(Scripted):
    """For "hello", says more and more."""

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        try:
            while request.messages[-1].text == "hello":
                yield TextDelta(text="x" * (1 << 20))
        except GeneratorExit:
            self.stopped += 1
            raise
        async for event in super().stream(request, deadline=deadline):
            yield event


@dataclass
class Hesitant(Scripted):
    """Says nothing for a while."""

    hesitation: float = 1.0

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        await asyncio.sleep(self.hesitation)
        async for event in super().stream(request, deadline=deadline):
            yield event


def wait_until_stopped(engine: Scripted, number: int = 1) -> None:
    for _ in range(400):
        if engine.stopped == number:
            return
        time.sleep(0.05)
    raise AssertionError(f"{engine.stopped} replies were stopped")


def post_and_never_read(address: str, path: str, body: object) -> socket.socket:
    content = json.dumps(body).encode()
    sock = socket.create_connection(("127.0.0.1", httpx.URL(address).port or 0), timeout=20)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    sock.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    return sock


STREAMED = [
    ("/v1/chat", HELLO),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}], "stream": True}),
]


@pytest.mark.parametrize(("path", "body"), STREAMED)
def test_a_reader_who_stops_has_no_more_time_than_others(
    serve: Serve, http: httpx.Client, path: str, body: object
) -> None:
    engine = Endless()
    address = serve(engine, max_replies=1, reply_seconds=1.0)
    with closing(post_and_never_read(address, path, body)):
        wait_until_stopped(engine)
        assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 200


@pytest.mark.parametrize(("path", "body"), STREAMED)
def test_a_reader_who_stops_is_cut_off(
    serve: Serve, http: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str, body: object
) -> None:
    monkeypatch.setattr(route_parts, "SEND_SECONDS", 0.3)
    engine = Endless()
    address = serve(engine, max_replies=1)
    with closing(post_and_never_read(address, path, body)):
        wait_until_stopped(engine)
        assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 200


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that begins its answers early, and a client that leaves when it hears nothing for a second."""
    monkeypatch.setattr(route_parts, "FIRST_SECONDS", 0.2)
    monkeypatch.setattr(route_parts, "PING_SECONDS", 0.2)
    monkeypatch.setattr(http_engine, "_TIMEOUT", httpx.Timeout(1.0))


@pytest.mark.usefixtures("impatient")
def test_a_reply_that_begins_late_arrives(serve: Serve) -> None:
    engine = Hesitant(hesitation=2.5)
    seedx = SeedX(base_url=serve(engine))
    assert seedx.generate("a house").image is not None
    assert len(engine.scripted.requests) == 1
    seedx.close()


@pytest.mark.usefixtures("impatient")
def test_what_fails_late_is_told_in_the_stream(serve: Serve, http: httpx.Client) -> None:
    failures = [ModelError("the model is broken"), KeyError("secret")]
    address = serve(Hesitant(ScriptedEngine(failures * 3)))
    seedx = SeedX(base_url=address)
    for kind, words in ((ModelError, "is broken"), (ServiceError, "not foreseen")):
        with pytest.raises(kind, match=words) as caught:
            seedx.generate("a house")
        assert type(caught.value) is kind
    seedx.close()
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    for words in ("is broken", "not foreseen"):
        with (
            pytest.raises(openai.APIError, match=words),
            client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "hello"}], stream=True
            ) as chunks,
        ):
            assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant"]
    client.close()
    answer = http.post(f"{address}/v1/chat", json=HELLO)
    assert answer.status_code == 200 and "event: error" in answer.text and ": ping" in answer.text


@pytest.mark.parametrize(("path", "body"), STREAMED)
def test_what_fails_early_has_a_status(serve: Serve, http: httpx.Client, path: str, body: object) -> None:
    address = serve(Scripted(ScriptedEngine([ModelError("the model is broken")])))
    answer = http.post(f"{address}{path}", json=body)
    assert answer.status_code == 500 and answer.json()["error"]["type"] == "ModelError"


@pytest.mark.parametrize(("path", "body"), STREAMED)
def test_who_leaves_before_the_first_event_is_noticed(
    serve: Serve, http: httpx.Client, path: str, body: object
) -> None:
    engine = Scripted(seconds=30)
    address = serve(engine, max_replies=1)
    with pytest.raises(httpx.ReadTimeout):
        http.post(f"{address}{path}", json=body, timeout=0.5)
    wait_until_stopped(engine)
    engine.seconds = 0.0
    assert http.post(f"{address}{path}", json=body).status_code == 200

"""Streams whose reader or whose engine is slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass

import httpx
import openai
import pytest

from seedx_sdk import Message, SeedX
from seedx_sdk.errors import ModelError, ServiceError
from seedx_sdk.http import engine as http_engine
from seedx_sdk.serve import dependencies
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Request, StreamEvent, TextDelta
from tests.support.asgi_call import AsgiCall
from tests.support.http_server import Scripted, Serve, opened, post_without_reading, wait_until

HELLO = {"messages": [Message.user("hello").model_dump(mode="json")]}


@dataclass
class Endless(Scripted):
    """Writes without end when the message is "hello"."""

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
    """Writes nothing for a while."""

    hesitation: float = 0.3

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        await asyncio.sleep(self.hesitation)
        async for event in super().stream(request, deadline=deadline):
            yield event


STREAMED = [
    ("/v1/chat", HELLO),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}], "stream": True}),
]


@dataclass
class Reluctant(Scripted):
    """Waits without end, and needs some turns of the loop to stop."""

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        try:
            async for event in super().stream(request, deadline=deadline):
                yield event
        finally:
            for _ in range(20):
                await asyncio.sleep(0)
            self.stopped += 10


@pytest.mark.parametrize(
    ("path", "body", "replies"),
    [
        *((path, body, 1) for path, body in STREAMED),
        ("/v1/tools/generate", {"prompt": "a house"}, 1),
        ("/v1/images/generations", {"prompt": "a house", "n": 2}, 2),
    ],
)
async def test_nothing_is_computed_any_more_when_a_request_that_was_left_has_ended(
    path: str, body: object, replies: int
) -> None:
    engine = Reluctant(pause_at=0)
    app = create_app(opened(engine), ServerSettings(), routers=[])
    async with app.router.lifespan_context(app):
        call = AsgiCall(path, body, {})
        working = asyncio.create_task(call.send(app))
        while engine.paused < replies:
            await asyncio.sleep(0.001)
        call.gone.set()
        await working
        assert engine.stopped == 11 * replies


@pytest.mark.parametrize(("path", "body"), STREAMED)
def test_the_deadline_holds_for_a_client_that_does_not_read(
    serve: Serve, http: httpx.Client, path: str, body: object
) -> None:
    engine = Endless()
    address = serve(engine, max_replies=1, reply_seconds=0.5)
    with closing(post_without_reading(address, path, body)):
        wait_until(lambda: engine.stopped == 1)
        assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 200


@pytest.mark.parametrize(("path", "body"), STREAMED)
def test_a_client_that_does_not_read_is_cut_off(
    serve: Serve, http: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str, body: object
) -> None:
    monkeypatch.setattr(dependencies, "SEND_SECONDS", 0.3)
    engine = Endless()
    address = serve(engine, max_replies=1)
    with closing(post_without_reading(address, path, body)):
        wait_until(lambda: engine.stopped == 1)
        assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 200


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that starts its responses at once, and a client that gives up when it receives nothing for 3 seconds."""
    monkeypatch.setattr(dependencies, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(dependencies, "PING_SECONDS", 0.02)
    monkeypatch.setattr(http_engine, "_TIMEOUT", httpx.Timeout(3.0))


@pytest.mark.usefixtures("impatient")
def test_pings_keep_a_slow_reply_alive(serve: Serve) -> None:
    engine = Hesitant(hesitation=3.5)
    seedx = SeedX(base_url=serve(engine))
    assert seedx.generate("a house").image is not None
    assert len(engine.scripted.requests) == 1
    seedx.close()


@pytest.mark.usefixtures("impatient")
def test_a_late_failure_is_an_event_of_the_stream(serve: Serve, http: httpx.Client) -> None:
    failures = [ModelError("the model is broken"), KeyError("secret")]
    address = serve(Hesitant(ScriptedEngine(failures * 3)))
    seedx = SeedX(base_url=address)
    for kind, message in ((ModelError, "is broken"), (ServiceError, "unexpected")):
        with pytest.raises(kind, match=message) as caught:
            seedx.generate("a house")
        assert type(caught.value) is kind
    seedx.close()
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    for message in ("is broken", "unexpected"):
        with (
            pytest.raises(openai.APIError, match=message),
            client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "hello"}], stream=True
            ) as chunks,
        ):
            assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant"]
    client.close()
    answer = http.post(f"{address}/v1/chat", json=HELLO)
    assert answer.status_code == 200 and "event: error" in answer.text and ": ping" in answer.text


@pytest.mark.parametrize(("path", "body"), STREAMED)
def test_an_early_failure_has_a_status(serve: Serve, http: httpx.Client, path: str, body: object) -> None:
    address = serve(Scripted(ScriptedEngine([ModelError("the model is broken")])))
    answer = http.post(f"{address}{path}", json=body)
    assert answer.status_code == 500 and answer.json()["error"]["type"] == "ModelError"


@pytest.mark.parametrize(("path", "body"), STREAMED)
def test_a_client_that_disconnects_before_the_first_event_is_noticed(
    serve: Serve, http: httpx.Client, path: str, body: object
) -> None:
    engine = Scripted(pause_at=0)
    address = serve(engine, max_replies=1)
    with closing(post_without_reading(address, path, body)):
        wait_until(lambda: engine.paused == 1)
    wait_until(lambda: engine.stopped == 1)
    engine.pause_at = None
    assert http.post(f"{address}{path}", json=body).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        [],
        [{"type": "text", "text": ""}],
        [{"type": "image", "image": "data:image/png;base64,AAAA"}, {"type": "text", "text": "What?"}],
    ],
)
async def test_what_is_wrong_is_said_before_a_request_waits(content: list[dict[str, str]]) -> None:
    engine = Scripted(pause_at=0)
    app = create_app(opened(engine), ServerSettings(max_replies=1), routers=[])
    async with app.router.lifespan_context(app):
        first = asyncio.create_task(AsgiCall("/v1/chat", HELLO, {}).send(app))
        while not engine.paused:
            await asyncio.sleep(0.001)
        call = AsgiCall("/v1/chat", {"messages": [{"role": "user", "content": content}]}, {})
        await call.send(app)
        assert call.status is not None and 400 <= call.status < 500 and not first.done()
        engine.resume.set()
        await first

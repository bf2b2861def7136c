"""What a client makes of answers that are not those of a server of SeedX."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from seedx_sdk import AsyncSeedX, Message
from seedx_sdk.errors import DeadlineError, OverloadedError, SeedXError, ServiceError
from seedx_sdk.http.engine import HttpEngine
from seedx_sdk.http.errors import to_problem
from seedx_sdk.options import GenerationOptions
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Request, StreamEvent, TextDelta

INFO = httpx.Response(200, content=ScriptedEngine().info.model_dump_json())
ASKED = Request(task="chat", messages=(Message.user("hello"),), options=GenerationOptions())


def event_stream(name: str, error: SeedXError | None) -> httpx.Response:
    data = json.dumps({"type": "text_delta", "text": "hi"} if error is None else to_problem(error))
    return httpx.Response(200, text=f"event: {name}\ndata: {data}\n\n", headers={"content-type": "text/event-stream"})


async def connected(answer: httpx.Response) -> None:
    async with HttpEngine.connect("http://server", transport=httpx.MockTransport(lambda _: answer)):
        pass


async def ask(answer: httpx.Response) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        return INFO if request.url.path == "/v1/info" else answer

    async with HttpEngine.connect("http://server", transport=httpx.MockTransport(handle)) as engine:
        async for _ in engine.stream(ASKED):
            pass


@pytest.mark.parametrize(
    ("call", "answer", "words"),
    [
        (connected, httpx.Response(302, headers={"location": "/login"}), "answered 302 Found"),
        (connected, httpx.Response(200, text="<html>"), "is it a SeedX server"),
        (connected, httpx.Response(200, json={"name": "other"}), "is it a SeedX server"),
        (connected, httpx.Response(404, json={"error": "no such page"}), "no such page"),
        (connected, httpx.Response(502, content=b"\xff\xfe{"), "answered 502 Bad Gateway"),
        (connected, httpx.Response(500, json={"error": {"code": 7}}), "answered 500"),
        (connected, httpx.Response(500, json={"error": [1]}), "answered 500"),
        (connected, httpx.Response(500, json=[1]), "answered 500"),
        (ask, httpx.Response(303, headers={"location": "/login"}), "answered 303 See Other"),
        (ask, httpx.Response(400, json={"error": "not this"}), "not this"),
    ],
)
def test_an_answer_of_something_else_is_a_service_error(
    call: Callable[[httpx.Response], Awaitable[None]], answer: httpx.Response, words: str
) -> None:
    with pytest.raises(ServiceError, match=words) as caught:
        anyio.run(call, answer)
    assert type(caught.value) is ServiceError


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        ('{"type": "DeadlineError", "message": "late"}', DeadlineError, "late"),
        ('"out of order"', ServiceError, "out of order"),
        ("[1]", ServiceError, "did not say how"),
        ("{", ServiceError, "connection broke"),
    ],
)
def test_an_error_in_the_stream_is_raised(data: str, kind: type[ServiceError], words: str) -> None:
    content = f": ping\n\nevent: error\ndata: {data}\n\n"
    with pytest.raises(kind, match=words) as caught:
        anyio.run(ask, httpx.Response(200, text=content, headers={"content-type": "text/event-stream"}))
    assert type(caught.value) is kind


def test_an_overload_before_the_first_event_is_waited_for() -> None:
    answers = [event_stream("error", OverloadedError("full", retry_after=0.0)), event_stream("text_delta", None)]
    keys: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/info":
            return INFO
        keys.append(request.headers["idempotency-key"])
        return answers[len(keys) - 1]

    async def said() -> list[StreamEvent]:
        async with HttpEngine.connect("http://server", transport=httpx.MockTransport(handle)) as engine:
            return [event async for event in engine.stream(ASKED)]

    assert anyio.run(said) == [TextDelta(text="hi")]
    assert len(keys) == 2 and keys[0] == keys[1] and all(answer.is_closed for answer in answers)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (httpx.Response(429, text="slow down"), 1.0),
        (httpx.Response(429, text="slow down", headers={"retry-after": "7"}), 7.0),
        (httpx.Response(429, json={"error": {"type": "rate_limit", "message": "slow down"}}), 1.0),
        (httpx.Response(429, text="", headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), 0.0),
        (httpx.Response(429, text="", headers={"retry-after": "soon"}), 1.0),
        (httpx.Response(503, text="", headers={"retry-after": "0"}), 0.0),
        (httpx.Response(503, json={"error": {"type": "OverloadedError", "message": "", "retry_after": "x"}}), 1.0),
    ],
)
def test_a_server_at_capacity_says_when_to_retry(answer: httpx.Response, seconds: float) -> None:
    requests: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request.url.path)
        return INFO if request.url.path == "/v1/info" else answer

    async def ask_once() -> None:
        transport = httpx.MockTransport(handle)
        async with HttpEngine.connect("http://server", max_retries=0, transport=transport) as engine:
            async for _ in engine.stream(ASKED):
                pass

    with pytest.raises(OverloadedError) as caught:
        anyio.run(ask_once)
    assert caught.value.retry_after == seconds and len(requests) == 2


def test_a_wait_of_more_than_a_minute_is_left_to_the_caller() -> None:
    requests: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request.url.path)
        return INFO if request.url.path == "/v1/info" else httpx.Response(429, headers={"retry-after": "3600"})

    async def ask_patiently() -> None:
        async with HttpEngine.connect("http://server", transport=httpx.MockTransport(handle)) as engine:
            async for _ in engine.stream(ASKED):
                pass

    with pytest.raises(OverloadedError) as caught:
        anyio.run(ask_patiently)
    assert caught.value.retry_after == 3600 and len(requests) == 2


class Connections:
    """A server that counts its open connections and answers `/v1/info`; replies never end."""

    def __init__(self) -> None:
        self.open, self.total = 0, 0
        self.may_answer = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self._handle, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def closed(self) -> None:
        """Return once the server has no connection."""
        async with asyncio.timeout(60):
            while self.open:
                await asyncio.sleep(0.01)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open, self.total = self.open + 1, self.total + 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self.may_answer.wait()
                if head.startswith(b"GET /v1/info "):
                    content = INFO.content
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(content), content))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


def test_a_client_closed_while_it_connects_leaves_no_connection() -> None:
    async def run() -> None:
        server = Connections()
        async with server.listening() as address:
            seedx = AsyncSeedX(base_url=address)
            info = asyncio.ensure_future(seedx.info())
            while server.open == 0:
                await asyncio.sleep(0.01)
            closing = asyncio.ensure_future(seedx.aclose())
            await asyncio.sleep(0)
            server.may_answer.set()
            await asyncio.wait([info, closing])
            await server.closed()

    asyncio.run(run())


def test_a_call_cancelled_at_any_point_leaves_no_connection() -> None:
    async def run() -> None:
        server = Connections()
        server.may_answer.set()
        async with server.listening() as address:
            for steps in range(0, 60, 3):  # event loop iterations before the cancellation
                async with AsyncSeedX(base_url=address) as seedx:
                    calls = [asyncio.ensure_future(seedx.chat([Message.user("hello")])) for _ in range(3)]
                    for _ in range(steps):
                        await asyncio.sleep(0)
                    for call in calls:
                        call.cancel()
                    await asyncio.wait(calls)
                await server.closed()
            assert server.total > 0

    asyncio.run(run())

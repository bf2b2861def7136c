"""One tenant misbehaves, in each of many ways, while another one is answered correctly; then nothing is left of it."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from io import BytesIO

import httpx
import psutil
import pytest
from PIL import Image

from seedx_sdk import AsyncSeedX, Message
from seedx_sdk.serve import dependencies
from tests.support.echo_engine import ENDLESS, Echo, image_of, pieces
from tests.support.http_server import EVENT_SECONDS, Serve, wait_until

CONNECTIONS = 40
"""Of the tenant that misbehaves; the server has places for a quarter of them."""
HEAD = b"POST /v1/chat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer bad\r\nContent-Type: application/json\r\n"
Misbehavior = Callable[[str], AbstractContextManager[None]]


def chat(text: str) -> bytes:
    return json.dumps({"messages": [Message.user(text).model_dump(mode="json")]}).encode()


def sending(*contents: bytes, half_close: bool = False) -> Misbehavior:
    """Return what holds connections open on which these bytes were sent, in turn, and reads nothing."""

    @contextmanager
    def misbehave(address: str) -> Iterator[None]:
        with ExitStack() as stack:
            for n in range(CONNECTIONS):
                port = httpx.URL(address).port or 0
                sock = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), EVENT_SECONDS)))
                sock.sendall(contents[n % len(contents)])
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
            yield

    return misbehave


def posting(path: str, content: bytes, *allowed: int, **others: str) -> Misbehavior:
    """Return what posts this again and again, from many threads, and checks the statuses of the answers."""

    @contextmanager
    def misbehave(address: str) -> Iterator[None]:
        headers = {"Authorization": "Bearer bad", "Content-Type": "application/json", **others}
        stop, statuses = threading.Event(), list[int]()

        def flood() -> None:
            with httpx.Client(base_url=address, headers=headers, timeout=EVENT_SECONDS, verify=False) as client:
                while not stop.is_set():
                    statuses.append(client.post(path, content=content).status_code)

        with ThreadPoolExecutor(4) as pool:
            floods = [pool.submit(flood) for _ in range(4)]
            wait_until(lambda: bool(statuses) or any(each.done() for each in floods))
            try:
                yield
            finally:
                stop.set()
            for each in floods:
                each.result()
        assert set(statuses) <= set(allowed)

    return misbehave


@contextmanager
def cancel_storm(address: str) -> Iterator[None]:
    with sending(request(chat("never mind")), request(chat(ENDLESS)))(address):
        pass
    yield


def request(body: bytes, length: int | None = None) -> bytes:
    return HEAD + f"Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


def bomb() -> str:
    """Return an image of 400 million pixels in a few kilobytes."""
    file = BytesIO()
    Image.new("1", (20000, 20000)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def large() -> str:
    """Return an image that is allowed, and takes 12 MB when it is decoded."""
    file = BytesIO()
    Image.new("RGB", (2000, 2000)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


@contextmanager
def repeating(address: str) -> Iterator[None]:
    key = {"Idempotency-Key": "the only one"}
    with (
        posting("/v1/chat", chat("one"), 200, 409, 503, **key)(address),
        posting("/v1/chat", chat("other"), 200, 409, 503, **key)(address),
        posting("/v1/tools/generate", b'{"prompt": "a"}', 200, 409, 503, **key)(address),
    ):
        yield


MISBEHAVIORS: dict[str, Callable[[], Misbehavior]] = {
    "uploads slowly": lambda: sending(request(b'{"messages": [', 1000)),
    "reads slowly": lambda: sending(request(chat(ENDLESS))),
    "sends images that are huge": lambda: posting(
        "/v1/tools/describe", json.dumps({"images": [bomb()]}).encode(), 400, 413, 422
    ),
    "sends prompts that are huge": lambda: posting(
        "/v1/tools/generate", json.dumps({"prompt": "house " * 50_000}).encode(), 400, 413, 422
    ),
    "sends a hundred large images": lambda: posting(
        "/v1/tools/describe", json.dumps({"images": 100 * [large()]}).encode(), 400, 422
    ),
    "asks for too many steps": lambda: posting(
        "/v1/tools/generate",
        json.dumps({"prompt": "a", "width": 512, "height": 512, "num_inference_steps": 1000}).encode(),
        400,
        422,
    ),
    "nests JSON deeply": lambda: posting("/v1/chat", 100_000 * b'{"messages": [', 400, 413, 422),
    "guesses keys": lambda: posting("/v1/chat", chat("hello"), 401, Authorization="Bearer god"),
    "asks for everything with one idempotency key": lambda: repeating,
    "opens connections and is silent": lambda: sending(b""),
    "sends a part of a head": lambda: sending(HEAD, b"POST /v1/ch"),
    "sends invalid JSON": lambda: posting("/v1/chat", b'{"messages": [', 400, 422),
    "leaves": lambda: cancel_storm,
    "asks without pause": lambda: posting("/v1/chat", chat("more"), 200, 503),
    "declares a wrong length": lambda: sending(
        request(chat("hello"), 5), request(chat("hello"), 10**6), request(b"", -1), request(chat("hello"), 10**12)
    ),
    "declares two lengths": lambda: sending(
        HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "keeps connections without use": lambda: sending(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "closes its half of connections": lambda: sending(
        request(chat("hello")), request(chat(ENDLESS)), HEAD, half_close=True
    ),
    "does not speak HTTP": lambda: sending(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50, b"\x00" * 100_000),
}


IN_EVERY_RUN = ("reads slowly", "asks without pause", "sends a part of a head", "declares a wrong length", "leaves")


@pytest.mark.parametrize(
    "what", [what if what in IN_EVERY_RUN else pytest.param(what, marks=pytest.mark.nightly) for what in MISBEHAVIORS]
)
def test_others_are_answered_while_a_tenant(serve: Serve, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(dependencies, "SEND_SECONDS", 0.3)
    engine = Echo()
    address = serve(engine, api_keys=("bad", "good"), max_replies=CONNECTIONS // 4)
    before = psutil.Process().num_fds()
    with MISBEHAVIORS[what]()(address):
        asyncio.run(others(address))
    wait_until(lambda: in_flight(address) == 0 and psutil.Process().num_fds() <= before)
    asyncio.run(others(address))


async def others(address: str) -> None:
    """Make calls of all kinds, and check the answers."""

    async def one(seedx: AsyncSeedX, n: int) -> None:
        text = f"call {n}"
        answer = await seedx.chat([Message.user(text)], seed=n)
        assert (answer.message.text, answer.seed) == (" ".join(pieces(text)), n)
        drawn = await seedx.generate(text, seed=n)
        assert drawn.image is not None and drawn.image.tobytes() == image_of(n).tobytes()

    async with AsyncSeedX(base_url=address, api_key="good", max_retries=50) as seedx:
        await asyncio.gather(*(one(seedx, n) for n in range(3)))


def in_flight(address: str) -> int:
    metrics = httpx.get(f"{address}/metrics", timeout=EVENT_SECONDS).text
    (line,) = [line for line in metrics.splitlines() if line.startswith("seedx_replies_in_flight ")]
    return int(float(line.split()[1]))

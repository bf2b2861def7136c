"""Real servers on real ports: over a scripted engine, to test the server itself, and over the shipped model."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

import uvicorn

from seedx_sdk.engine import NANO
from seedx_sdk.engine.local import open_local
from seedx_sdk.errors import ModelError
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.network.head_timeout import HeadTimeoutProtocol
from seedx_sdk.serve.server import KEEP_ALIVE_SECONDS
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import ModelInfo, Request, StreamEvent
from seedx_tools.adapters import http as deck_route

Serve = Callable[..., Any]
EVENT_SECONDS = 120.0
"""Limit for waiting for an event, which takes far less time unless the machine is very busy."""


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + EVENT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the event that this test waits for did not happen"
        time.sleep(0.01)


@dataclass
class Scripted:
    """A scripted engine in an event loop, which can be slow, pause and fail."""

    scripted: ScriptedEngine = field(default_factory=ScriptedEngine)
    seconds: float = 0.0
    """Between two events."""
    pause_at: int | None = None
    """Index of the event before which each reply waits for `resume`."""
    resume: threading.Event = field(default_factory=threading.Event)
    failed: bool = False
    paused: int = 0
    """Replies that are waiting for `resume`."""
    stopped: int = 0
    """Replies that were cancelled."""

    @property
    def info(self) -> ModelInfo:
        return self.scripted.info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        assert deadline is not None and deadline > time.monotonic()
        try:
            for index, event in enumerate(self.scripted.stream(request)):
                if index == self.pause_at:
                    await self._pause()
                await asyncio.sleep(self.seconds)
                yield event
        except (GeneratorExit, asyncio.CancelledError):
            self.stopped += 1
            raise

    async def _pause(self) -> None:
        self.paused += 1
        try:
            while not self.resume.is_set():
                await asyncio.sleep(0.01)
        finally:
            self.paused -= 1

    async def check(self) -> None:
        if self.failed:
            raise ModelError("the engine has died")


def post_without_reading(address: str, path: str, body: object) -> socket.socket:
    """Send a request and return its connection, of which nothing is read."""
    content = json.dumps(body).encode()
    sock = socket.create_connection(("127.0.0.1", httpx.URL(address).port or 0), timeout=EVENT_SECONDS)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    sock.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    return sock


@asynccontextmanager
async def opened(engine: Scripted) -> AsyncIterator[Scripted]:
    yield engine


@contextmanager
def running(engine: Any, settings: ServerSettings) -> Iterator[str]:
    """Run a server in a thread; yield its address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(engine, settings, routers=[deck_route.router]),
                log_level="warning",
                lifespan="on",
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                http=HeadTimeoutProtocol,
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started or not thread.is_alive())
        assert server.started
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(EVENT_SECONDS)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server over an engine with settings; return its address."""
    with ExitStack() as stack:

        def start(engine: Scripted | None = None, **settings: Any) -> str:
            return stack.enter_context(running(opened(engine or Scripted()), ServerSettings(**settings)))

        yield start


@pytest.fixture(scope="session")
def nano_server() -> Iterator[str]:
    with running(open_local(NANO), ServerSettings()) as address:
        yield address


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=EVENT_SECONDS) as client:
        yield client

"""Real servers on real ports: one over a scripted engine, to test the server itself, and one over the shipped model."""

from __future__ import annotations

import asyncio
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
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import ModelInfo, Request, StreamEvent
from seedx_tools.adapters import http as deck_route

Serve = Callable[..., Any]


@dataclass
class Scripted:
    """A scripted engine in an event loop, which can be slow and can fail."""

    scripted: ScriptedEngine = field(default_factory=ScriptedEngine)
    seconds: float = 0.0
    """Between two events."""
    failed: bool = False
    stopped: int = 0
    """Replies that were left before their end."""

    @property
    def info(self) -> ModelInfo:
        return self.scripted.info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        assert deadline is not None and deadline > time.monotonic()
        try:
            for event in self.scripted.stream(request):
                await asyncio.sleep(self.seconds)
                yield event
        except (GeneratorExit, asyncio.CancelledError):
            self.stopped += 1
            raise

    async def check(self) -> None:
        if self.failed:
            raise ModelError("the engine has died")


@asynccontextmanager
async def opened(engine: Scripted) -> AsyncIterator[Scripted]:
    yield engine


@contextmanager
def running(engine: Any, settings: ServerSettings) -> Iterator[str]:
    """Run a server in a thread; give its address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(engine, settings, routers=[deck_route.router]), log_level="warning", lifespan="on"
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        assert server.started
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=30)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server over an engine with settings; gives its address."""
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
    with httpx.Client(timeout=30) as client:
        yield client

"""Engines in the event loop of a portal, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from seedx_sdk import AsyncSeedX, Message, SeedX, ServiceError, StreamEvent
from seedx_sdk.engine import Request
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import ModelInfo, TextDelta

HELLO = [Message.user("hello")]


class Endless:
    """Send one event and then nothing more; notes what ends."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    @property
    def info(self) -> ModelInfo:
        return ScriptedEngine().info

    async def stream(
        self,
        request: Request,  # noqa: ARG002
        *,
        deadline: float | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[StreamEvent, None]:
        try:
            yield TextDelta(text="well")
            await asyncio.Event().wait()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0)
            self.ended.append("reply")

    async def check(self) -> None:
        """Return: it works."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Endless]:
        yield self
        self.ended.append("engine")


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_client_that_is_closed_or_forgotten_leaves_no_thread(is_forgotten: bool) -> None:
    played = Endless()
    threads = set(threading.enumerate())
    seedx = SeedX(engine=played.opened())
    assert seedx.info.name == "scripted"
    (thread,) = set(threading.enumerate()) - threads
    if not is_forgotten:
        seedx.close()
        seedx.close()
    del seedx
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
    assert played.ended == ["engine"]


def test_closing_ends_the_replies_in_flight_first() -> None:
    played = Endless()
    seedx = SeedX(engine=played.opened())
    seen: list[str] = []
    begun = threading.Barrier(3)

    def read() -> None:
        try:
            for event in seedx.chat_stream(HELLO):
                seen.append(event.type)
                begun.wait(10)
        except ServiceError as error:
            seen.append(str(error))

    threads = [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    paused = seedx.chat_stream(HELLO)
    assert next(paused).type == "text_delta"
    seedx.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    with pytest.raises(ServiceError, match="closed during the request"):
        next(paused)
    assert played.ended == ["reply"] * 3 + ["engine"]
    assert sorted(seen) == ["text_delta"] * 2 + ["the engine was closed during the request; retry"] * 2


async def test_closing_waits_for_a_reply_that_is_ending() -> None:
    may_end = asyncio.Event()

    class Slow(Endless):
        async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:  # noqa: ARG002
            try:
                yield TextDelta(text="well")
                yield TextDelta(text="then")
            finally:
                await may_end.wait()
                self.ended.append("reply")

    played = Slow()
    seedx = AsyncSeedX(engine=played.opened())
    events = seedx.chat_stream(HELLO)
    assert (await anext(events)).type == "text_delta"
    ending = asyncio.create_task(events.aclose())
    await asyncio.sleep(0)
    closing = asyncio.create_task(seedx.aclose())
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.wait_for(asyncio.gather(ending, closing), 100)
    assert played.ended == ["reply", "engine"]


@pytest.mark.slow  # two programs load the model
@pytest.mark.usefixtures("local")
@pytest.mark.slow
def test_a_program_may_end_during_a_drawing() -> None:
    program = (
        "from seedx_sdk import Message, SeedX\n"
        "seedx = SeedX()\n"
        "for event in seedx.chat_stream([Message.user('Draw a red house.')], num_inference_steps=1000):\n"
        "    if event.type == 'image_progress':\n"
        "        break\n"
        "print('drawing')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "drawing\n", "")


@pytest.mark.slow  # two programs load the model
@pytest.mark.usefixtures("local")
@pytest.mark.slow
def test_a_program_may_end_with_an_open_client() -> None:
    """With torch imported first, the interpreter takes asyncio apart before it collects the client."""
    program = "import torch\nfrom seedx_sdk import SeedX\nseedx = SeedX()\nprint(seedx.info.name)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert (ended.stdout, ended.stderr) == ("seed-x-nano\n", "")

"""Engines that live in a thread of their own."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from seedx_sdk import Message, ServiceError, StreamEvent
from seedx_sdk.engine import Request
from seedx_sdk.engine.blocking import BlockingEngine
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import GenerationOptions, ModelInfo, TextDelta

REQUEST = Request(task="chat", messages=(Message.user("hello"),), options=GenerationOptions())


class Endless:
    """Says one word and then nothing more; notes what ends."""

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
            await asyncio.sleep(0.05)
            self.ended.append("reply")

    async def check(self) -> None:
        """It works."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Endless]:
        yield self
        self.ended.append("engine")


@pytest.mark.parametrize("forsaken", [False, True])
def test_an_engine_that_is_closed_or_forgotten_leaves_no_thread(forsaken: bool) -> None:
    ended = threading.Event()
    threads = set(threading.enumerate())

    @asynccontextmanager
    async def opened() -> AsyncIterator[ScriptedEngine]:
        yield ScriptedEngine()
        ended.set()

    engine = BlockingEngine(opened())  # type: ignore[arg-type]  # what it answers is not asked for
    (thread,) = set(threading.enumerate()) - threads
    if not forsaken:
        engine.close()
        engine.close()
    del engine
    gc.collect()
    assert ended.wait(10)
    thread.join(10)
    assert not thread.is_alive()


def test_closing_ends_the_replies_under_way_first() -> None:
    played = Endless()
    engine = BlockingEngine(played.opened())
    said: list[str] = []
    began = threading.Event()

    def read() -> None:
        try:
            for event in engine.stream(REQUEST):
                said.append(event.type)
                began.set()
        except ServiceError as error:
            said.append(str(error))

    threads = [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert began.wait(10)
    paused = engine.stream(REQUEST)
    assert next(paused).type == "text_delta"
    engine.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    with pytest.raises(ServiceError, match="closed while it was answering"):
        next(paused)
    assert played.ended == ["reply"] * 3 + ["engine"]
    assert sorted(said) == ["text_delta"] * 2 + ["the engine was closed while it was answering; ask again"] * 2


def test_a_closed_engine_says_so() -> None:
    engine = BlockingEngine(Endless().opened())
    engine.close()
    with pytest.raises(ServiceError, match="closed before the call began; open another"):
        next(engine.stream(REQUEST))
    assert engine.info.name == "scripted"


def test_a_program_may_end_while_a_picture_is_drawn() -> None:
    program = (
        "from seedx_sdk import Message, SeedX\n"
        "seedx = SeedX()\n"
        "for event in seedx.chat_stream([Message.user('Draw a red house.')], num_inference_steps=1000):\n"
        "    if event.type == 'image_progress':\n"
        "        break\n"
        "print('drawing')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "drawing\n", "")


def test_a_program_may_end_with_an_open_client() -> None:
    """With torch imported first, the interpreter takes asyncio apart before it collects the client."""
    program = "import torch\nfrom seedx_sdk import SeedX\nseedx = SeedX()\nprint(seedx.info.name)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert (ended.stdout, ended.stderr) == ("seed-x-nano\n", "")

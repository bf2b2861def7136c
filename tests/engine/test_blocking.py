"""Engines that live in a thread of their own."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from seedx_sdk.engine.blocking import BlockingEngine
from seedx_sdk.testing import ScriptedEngine


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


def test_a_program_may_end_with_an_open_client() -> None:
    """With torch imported first, the interpreter takes asyncio apart before it collects the client."""
    program = "import torch\nfrom seedx_sdk import SeedX\nseedx = SeedX()\nprint(seedx.info.name)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert (ended.stdout, ended.stderr) == ("seed-x-nano\n", "")

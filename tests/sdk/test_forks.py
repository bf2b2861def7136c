"""Clients in processes that are forked off: they answer, or say at once what to do."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, nullcontext
from functools import partial

import pytest
from PIL import Image

from seedx_sdk import AsyncSeedX, Message, SeedX, ServiceError, StreamEvent
from seedx_sdk.engine import AsyncEngine, Request
from seedx_sdk.engine.threaded import ThreadedEngine
from seedx_sdk.forks import ThreadLock, inside_torch
from seedx_sdk.testing import ScriptedEngine
from tests.support.children import HANG_SECONDS, in_child, living_child
from tests.support.stub_server import StubServer, stub_server

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="nothing is forked on Windows"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),  # that is the point
]
HELLO = [Message.user("hello")]
WORKER = "make the client in the worker"


@pytest.fixture
def server() -> Iterator[StubServer]:
    with stub_server("a stub") as stub:
        yield stub


class Blocking(ScriptedEngine):
    """Holds each request until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = threading.Event(), threading.Event()

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        self.begun.set()
        self.may_end.wait()
        yield from super().stream(request, cancel)


def _takes(lock: ThreadLock) -> bool:
    with lock:
        return True


def says(error: object, words: str) -> bool:
    return isinstance(error, ServiceError) and words in str(error)


def test_an_engine_that_works_for_another_thread_stays_in_the_parent(picture: Image.Image) -> None:
    engine = Blocking()
    seedx, answers = SeedX(engine=engine), list[str]()
    thread = threading.Thread(target=lambda: answers.append(seedx.describe(picture).text))
    thread.start()
    engine.begun.wait()
    for ask in (
        lambda: seedx.describe(picture),
        lambda: seedx.info,
        lambda: next(seedx.chat_stream(HELLO)),
        lambda: asyncio.run(seedx.as_async().describe(picture)),
        lambda: seedx.with_cancel(lambda: False).generate("a house"),
    ):
        assert says(in_child(ask), WORKER)
    engine.may_end.set()
    thread.join()
    assert answers == [seedx.describe(picture).text]


def test_locks_that_are_held_at_the_fork_hold_up_nobody(picture: Image.Image) -> None:
    seedx, held = SeedX(engine=ScriptedEngine()), ThreadLock()
    with ExitStack() as locks:
        locks.enter_context(seedx._portal._lock)
        locks.enter_context(held)
        assert in_child(lambda: seedx.describe(picture).text) == "a scripted answer about 1 picture(s)"
        for lock in (held, copy.deepcopy(held), pickle.loads(pickle.dumps(held))):
            assert in_child(partial(_takes, lock)) is True


def test_an_engine_that_was_not_used_yet_is_opened_in_the_child(picture: Image.Image) -> None:
    assert in_child(lambda: SeedX(engine=ScriptedEngine()).describe(picture).text)
    seedx = SeedX(engine=ScriptedEngine())
    assert in_child(lambda: seedx.describe(picture).text) == seedx.describe(picture).text
    opened = SeedX(engine=nullcontext(ThreadedEngine(ScriptedEngine())))
    assert in_child(lambda: opened.info.name) == opened.info.name == "scripted"
    assert says(in_child(lambda: opened.info), WORKER)
    running = SeedX(engine=ThreadedEngine(ScriptedEngine()))  # open before the client is made
    assert says(in_child(lambda: running.info), WORKER)


def test_a_stream_that_was_begun_in_the_parent_ends_in_the_child() -> None:
    seedx = SeedX(engine=ScriptedEngine([Message.assistant("one", "two")]))
    events = seedx.chat_stream(HELLO)
    first = next(events)
    waiting = SeedX(engine=ScriptedEngine()).chat_stream(HELLO)
    for stream in (events, waiting):
        assert isinstance(in_child(partial(list, stream)), ServiceError)
    assert [first.type, *(event.type for event in events)] == ["text_delta", "text_delta", "reply_done"]


def test_parent_and_child_share_no_connection(server: StubServer, picture: Image.Image) -> None:
    seedx = SeedX(base_url=server.address)

    def ask() -> str:
        return seedx.describe(picture).text

    assert seedx.info.name == "scripted"  # leaves an idle connection
    assert [in_child(ask), in_child(ask), ask()] == ["a stub"] * 3
    parent, first, second = server.ports[0], server.ports[1:3], server.ports[3:5]
    assert len({parent, *first, *second}) == 3 and server.ports[5:] == [parent]


def test_what_the_parent_closes_is_closed_although_a_child_lives() -> None:
    errors: list[str] = []

    def ask() -> None:
        try:
            assert seedx.info
        except ServiceError as error:
            errors.append(str(error))

    with socket.create_server(("127.0.0.1", 0)) as server:
        seedx = SeedX(base_url=f"http://127.0.0.1:{server.getsockname()[1]}", max_retries=0)
        asking = threading.Thread(target=ask)
        asking.start()
        connection, _ = server.accept()
        connection.settimeout(HANG_SECONDS)
        assert connection.recv(10_000).startswith(b"GET /v1/info ")
        with connection, living_child():
            seedx.close()
            assert connection.recv(10_000) == b""
        asking.join()
    assert errors == ["the engine was closed during the request; retry"]


def test_an_async_client_connects_anew_in_the_child(server: StubServer, picture: Image.Image) -> None:
    seedx = AsyncSeedX(base_url=server.address)

    async def ask() -> str:
        return (await seedx.describe(picture)).text

    async def main() -> list[object]:
        await seedx.info()
        return [in_child(lambda: asyncio.run(ask())), await ask()]

    assert asyncio.run(main()) == ["a stub"] * 2
    parent, *child, last = server.ports
    assert parent == last and set(child).isdisjoint({parent})


def test_an_async_client_on_trio_connects_anew_in_the_child(server: StubServer, picture: Image.Image) -> None:
    trio = pytest.importorskip("trio")
    seedx = AsyncSeedX(base_url=server.address)

    async def ask() -> str:
        return (await seedx.describe(picture)).text

    assert [trio.run(ask), in_child(lambda: trio.run(ask)), trio.run(ask)] == ["a stub"] * 3


async def test_the_loop_of_the_parent_does_not_run_in_the_child(picture: Image.Image) -> None:
    seedx = AsyncSeedX(engine=ScriptedEngine())
    assert (await seedx.describe(picture)).text
    for call in (seedx.describe(picture), seedx.info(), SeedX().as_async().describe(picture)):
        assert says(in_child(partial(call.send, None)), WORKER)
        call.close()
    assert (await seedx.describe(picture)).text


def test_the_child_exits_in_peace() -> None:
    program = (
        "import os, sys\n"
        "from PIL import Image\n"
        "from seedx_sdk import SeedX, ServiceError\n"
        "from seedx_sdk.testing import ScriptedEngine\n"
        "seedx, red = SeedX(engine=ScriptedEngine()), Image.new('RGB', (8, 8))\n"
        "seedx.describe(red)\n"
        "if child := os.fork():\n"
        "    print(os.waitpid(child, 0)[1], seedx.describe(red).text)\n"
        "else:\n"
        "    try:\n"
        "        seedx.describe(red)\n"
        "    except ServiceError:\n"
        "        seedx.close()\n"
        "        SeedX(engine=ScriptedEngine()).describe(red)\n"
    )
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert (ended.stdout, ended.stderr) == ("0 a scripted answer about 1 picture(s)\n", "")


@pytest.mark.usefixtures("local")
def test_a_loaded_model_is_loaded_anew_in_the_child(nano: SeedX) -> None:
    def draw() -> bytes:
        image = nano.generate("a red house", num_inference_steps=1).image
        assert image is not None
        return image.tobytes()

    drawn = draw()
    assert in_child(draw) == drawn
    assert draw() == drawn


@pytest.mark.usefixtures("local")
def test_no_model_runs_in_a_child_that_was_forked_while_torch_worked(nano: SeedX) -> None:
    drawing = nano.chat_stream([Message.user("Draw a red house.")], num_inference_steps=1000)
    assert any(event.type == "image_progress" for event in drawing if event.type != "text_delta")
    for seedx in (nano, SeedX()):
        assert says(in_child(partial(getattr, seedx, "info")), "forked while its parent was loading a model")
    assert says(in_child(lambda: next(drawing)), WORKER)
    drawing.close()
    with inside_torch():  # so is one that is being loaded
        assert says(in_child(lambda: SeedX().info), "before the first call or with multiprocessing's 'spawn'")
        assert says(in_child(lambda: in_child(lambda: SeedX().info)), "spawn")


@pytest.mark.usefixtures("local")
def test_a_gpu_that_the_parent_used_is_not_for_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from seedx_sdk.engine.image_service.placement import resolve_device

    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    for name in (None, "cuda", "cuda:1"):
        with pytest.raises(ServiceError, match=WORKER):
            resolve_device(name)
    assert resolve_device("cpu").type == "cpu"


def test_what_is_forgotten_is_not_closed() -> None:
    ended: list[str] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[AsyncEngine]:
        try:
            yield ThreadedEngine(ScriptedEngine())
        finally:
            ended.append("engine")

    clients = [SeedX(engine=opened())]
    assert clients[0].info.name == "scripted"

    def forget() -> list[str]:
        clients.pop().close()
        gc.collect()
        return ended

    assert in_child(forget) == []
    clients[0].close()
    assert ended == ["engine"]

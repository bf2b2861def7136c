"""Calls that wait: for another thread's turn, for a model that is being loaded."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager

import pytest
from PIL import Image

from seedx_sdk import AsyncSeedX, DeadlineError, GenerationCancelled, Message, SeedX, ServiceError, StreamEvent
from seedx_sdk.engine import AsyncEngine, Request
from seedx_sdk.engine.threaded import ThreadedEngine
from seedx_sdk.options import GenerationOptions
from seedx_sdk.session import EngineSession
from seedx_sdk.testing import ScriptedEngine

HELLO = [Message.user("hello")]


LEFT = "whose caller has left"


class FirstWaits(ScriptedEngine):
    """Holds the first request until it may end, and one of LEFT until it is told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = threading.Event(), threading.Event()

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        if not self.begun.is_set():
            self.begun.set()
            self.may_end.wait()
        if request.messages[-1].text == LEFT:  # it came to its turn before it could leave the line
            assert cancel is not None
            while not cancel():
                time.sleep(0.01)
            return
        yield from super().stream(request, cancel)


@pytest.fixture
def engine() -> Iterator[FirstWaits]:
    """An engine that is busy with a request of another thread."""
    engine = FirstWaits()
    yield engine
    engine.may_end.set()


@pytest.fixture
def busy(engine: FirstWaits, picture: Image.Image) -> Iterator[SeedX]:
    seedx = SeedX(engine=engine)
    thread = threading.Thread(target=seedx.describe, args=(picture, "the first"))
    thread.start()
    engine.begun.wait()
    yield seedx
    engine.may_end.set()
    thread.join()


def third_time() -> Callable[[], bool]:
    """Return a cancel function that says yes when it is asked for the third time."""
    asked = itertools.count(1)
    return lambda: next(asked) >= 3


def test_a_call_in_line_asks_its_cancel_function(busy: SeedX, engine: FirstWaits) -> None:
    asks: list[Callable[[SeedX], object]] = [
        lambda seedx: seedx.generate(LEFT),
        lambda seedx: list(seedx.chat_stream([Message.user(LEFT)])),
        lambda seedx: seedx.with_cancel(lambda: False).generate(LEFT),
        lambda seedx: asyncio.run(seedx.as_async().generate(LEFT)),
    ]
    for ask in asks:
        with pytest.raises(GenerationCancelled):
            ask(busy.with_cancel(third_time()))
    engine.may_end.set()
    assert busy.generate("a house").image is not None
    assert [request.messages[-1].text for request in engine.requests] == ["the first", "a house"]


async def test_a_task_in_line_can_be_cancelled(busy: SeedX, engine: FirstWaits) -> None:
    waiting = asyncio.create_task(busy.as_async().generate("a house"))
    done, _ = await asyncio.wait([waiting], timeout=0)
    assert not done
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    engine.may_end.set()
    assert (await busy.as_async().generate("a boat")).image is not None
    assert [request.messages[-1].text for request in engine.requests] == ["the first", "a boat"]


async def test_requests_are_answered_in_their_order(engine: FirstWaits) -> None:
    threaded = ThreadedEngine(engine)

    async def ask(text: str) -> None:
        request = Request(task="chat", messages=(Message.user(text),), options=GenerationOptions())
        async with aclosing(threaded.stream(request)) as events:
            async for _ in events:
                pass

    texts = [str(number) for number in range(9)]
    tasks = [asyncio.create_task(ask(text)) for text in texts]
    await asyncio.sleep(0)  # each has begun
    tasks[4].cancel()
    await asyncio.wait([tasks[4]])
    engine.may_end.set()
    await asyncio.wait(tasks)
    assert [request.messages[-1].text for request in engine.requests] == [text for text in texts if text != "4"]
    threaded.close()


async def test_a_request_in_line_ends_at_its_deadline(engine: FirstWaits) -> None:
    threaded = ThreadedEngine(engine)
    request = Request(task="chat", messages=(Message.user("hello"),), options=GenerationOptions())
    first = asyncio.create_task(anext(threaded.stream(request)))
    await asyncio.to_thread(engine.begun.wait)
    with pytest.raises(DeadlineError, match="did not finish in time"):
        await anext(threaded.stream(request, deadline=time.monotonic() + 0.01))
    engine.may_end.set()
    assert (await first).type == "text_delta"
    assert len(engine.requests) == 1
    threaded.close()


@asynccontextmanager
async def opening(may_open: threading.Event) -> AsyncIterator[AsyncEngine]:
    """Open an engine, which takes its time."""
    await asyncio.to_thread(may_open.wait)
    yield ThreadedEngine(ScriptedEngine())


async def test_a_model_is_loaded_for_those_who_still_wait() -> None:
    seedx = AsyncSeedX(engine=opening(may_open := threading.Event()))
    first, second = asyncio.create_task(seedx.info()), asyncio.create_task(seedx.info())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    may_open.set()
    assert (await second).name == "scripted"
    await seedx.aclose()


async def test_closing_does_not_wait_for_a_model_to_be_loaded() -> None:
    seedx = AsyncSeedX(engine=opening(may_open := threading.Event()))
    waiting = asyncio.create_task(seedx.info())
    await asyncio.sleep(0)
    await seedx.aclose()
    with pytest.raises(ServiceError, match="closed during the request"):
        await waiting
    may_open.set()


async def test_an_engine_that_cannot_be_opened_is_tried_again() -> None:
    faults = [ServiceError("not yet"), ServiceError("not yet either")]

    @asynccontextmanager
    async def failing() -> AsyncIterator[AsyncEngine]:
        await asyncio.sleep(0)
        if faults:
            raise faults.pop()
        yield ThreadedEngine(ScriptedEngine())

    session = EngineSession(failing)
    for words in ("not yet either", "not yet"):
        results = await asyncio.gather(session.info(), session.info(), return_exceptions=True)
        assert [str(error) for error in results] == [words] * 2
    assert (await session.info()).name == "scripted"
    await session.aclose()


def test_a_call_that_waits_for_a_model_to_be_loaded_can_be_cancelled() -> None:
    seedx = SeedX(engine=opening(may_open := threading.Event()))
    first = threading.Thread(target=lambda: seedx.info)
    first.start()
    asks: list[Callable[[SeedX], object]] = [
        lambda view: view.info,
        lambda view: view.chat_stream(HELLO),
        lambda view: view.generate("a house"),
    ]
    for ask in asks:
        with pytest.raises(GenerationCancelled):
            ask(seedx.with_cancel(third_time()))
    may_open.set()
    first.join()
    assert seedx.info.name == "scripted"
    seedx.close()

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest

from seedx_sdk import AsyncSeedX, InputError, Message, PromptError, ReplyDone, SeedX, StreamEvent
from seedx_sdk.engine import Request
from seedx_sdk.testing import ScriptedEngine

on_both_loops = pytest.mark.parametrize(
    "loop",
    [
        "asyncio",
        pytest.param(
            "trio",
            marks=[
                pytest.mark.skipif(importlib.util.find_spec("trio") is None, reason="trio is not installed"),
                pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning"),  # trio tells of each it closes
            ],
        ),
    ],
)


def test_it_has_the_calls_and_arguments_of_seedx() -> None:
    for name in ("describe", "detect", "generate", "edit", "chat", "chat_stream"):
        theirs, ours = (inspect.signature(getattr(kind, name)).parameters for kind in (AsyncSeedX, SeedX))
        assert theirs == ours


def test_calls_give_what_seedx_gives() -> None:
    async def run() -> None:
        seedx = AsyncSeedX(engine=ScriptedEngine())
        drawn = await seedx.generate("a house", seed=3)
        expected = SeedX(engine=ScriptedEngine()).generate("a house", seed=3)
        assert drawn.image is not None and expected.image is not None
        assert drawn.image.tobytes() == expected.image.tobytes()
        assert (await seedx.detect(drawn.image, "the house")).boxes[0].label == "the house"
        assert (await seedx.info()).name == "scripted"
        with pytest.raises(PromptError):
            await seedx.generate("")

    anyio.run(run)


def test_many_tasks_may_ask_at_once() -> None:
    async def run() -> None:
        seedx = AsyncSeedX(engine=ScriptedEngine())
        texts: list[str] = []

        async def ask(number: int) -> None:
            texts.append((await seedx.chat([Message.user(str(number))])).message.text)

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(ask, number)
        assert len(texts) == 10

    anyio.run(run)


def test_a_stream_is_an_async_iterator_and_can_be_left_early() -> None:
    async def run() -> None:
        seedx = AsyncSeedX(engine=ScriptedEngine())
        events: list[StreamEvent] = [event async for event in seedx.chat_stream([Message.user("hello")])]
        assert isinstance(events[-1], ReplyDone)
        stream = seedx.chat_stream([Message.user("hello")])
        await anext(stream)
        assert (await seedx.generate("a house")).image is not None
        await stream.aclose()
        assert (await seedx.generate("a house")).image is not None

    anyio.run(run)


class _Async:
    """An engine that lives in the loop of its callers; notes when it is closed."""

    info = ScriptedEngine().info

    def __init__(self) -> None:
        self.closed = 0
        self.loops: set[object] = set()

    async def stream(
        self,
        request: Request,
        *,
        deadline: float | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[StreamEvent, None]:
        self.loops.add(asyncio.get_running_loop())
        for event in ScriptedEngine().stream(request):
            yield event

    async def check(self) -> None:
        """Return: it works."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[_Async]:
        try:
            yield self
        finally:
            self.closed += 1


@on_both_loops
def test_a_block_closes_its_client_also_when_it_is_cancelled(loop: str) -> None:
    engine = _Async()

    async def run() -> None:
        with anyio.CancelScope() as scope:
            async with AsyncSeedX(engine=engine.opened()) as seedx:
                assert (await seedx.generate("a house")).image is not None
                scope.cancel()
                await anyio.sleep_forever()

    anyio.run(run, backend=loop)
    assert engine.closed == 1


def test_the_engine_lives_in_the_loop_of_its_callers() -> None:
    async def run() -> None:
        engine = _Async()
        async with AsyncSeedX(engine=engine) as seedx:
            await seedx.generate("a house")
        assert engine.loops == {asyncio.get_running_loop()}

    asyncio.run(run())


def test_a_client_may_be_used_in_one_loop_after_another() -> None:
    seedx = AsyncSeedX(engine=_Async())
    for _ in range(2):
        assert asyncio.run(seedx.generate("a house")).image is not None


def test_a_client_that_is_open_in_a_loop_that_runs_is_refused_in_another() -> None:
    async def run() -> None:
        seedx = AsyncSeedX(engine=_Async())
        await seedx.generate("a house")
        with pytest.raises(InputError, match="open in another event loop"):
            await anyio.to_thread.run_sync(lambda: asyncio.run(seedx.generate("a house")))
        assert (await seedx.generate("a house")).image is not None

    asyncio.run(run())


@on_both_loops
def test_a_blocking_client_serves_tasks_of_any_loop(loop: str) -> None:
    async def run() -> None:
        drawn = await seedx.as_async().generate("a house", seed=2)
        assert drawn.image is not None
        assert drawn.image.tobytes() == expected
        events = [event.type async for event in seedx.as_async().chat_stream([Message.user("hello")])]
        assert events == ["text_delta", "reply_done"]
        with pytest.raises(PromptError):
            await seedx.as_async().generate(" ")

    with SeedX(engine=_Async()) as seedx:
        image = seedx.generate("a house", seed=2).image
        assert image is not None
        expected = image.tobytes()
        anyio.run(run, backend=loop)


@on_both_loops
def test_a_stream_that_is_broken_off_frees_the_model(loop: str) -> None:
    async def run() -> None:
        seedx = AsyncSeedX(engine=ScriptedEngine())
        with anyio.fail_after(10):
            for _ in range(3):
                async for _ in seedx.chat_stream([Message.user("hello")]):
                    break
                assert (await seedx.generate("a house")).image is not None

    anyio.run(run, backend=loop)


@on_both_loops
def test_a_stream_may_be_read_and_closed_by_several_tasks(loop: str) -> None:
    async def run() -> None:
        seedx = AsyncSeedX(engine=ScriptedEngine(notices=("careful",)))
        events: list[StreamEvent] = []
        with anyio.fail_after(10):
            stream = seedx.chat_stream([Message.user("hello")])

            async def read_one() -> None:
                events.append(await anext(stream))

            for _ in range(2):
                async with anyio.create_task_group() as group:
                    group.start_soon(read_one)
            events += [event async for event in stream]
            assert [event.type for event in events] == ["notice", "text_delta", "reply_done"]
            stream = seedx.chat_stream([Message.user("hello")])
            await anext(stream)
            async with anyio.create_task_group() as group:
                group.start_soon(stream.aclose)
            assert (await seedx.generate("a house")).image is not None

    anyio.run(run, backend=loop)


def test_each_event_may_have_a_time_limit() -> None:
    async def run() -> None:
        seedx = AsyncSeedX(engine=ScriptedEngine())
        stream = seedx.chat_stream([Message.user("hello")])
        assert (await asyncio.wait_for(anext(stream), 10)).type == "text_delta"
        await asyncio.wait_for(stream.aclose(), 10)
        assert (await asyncio.wait_for(seedx.generate("a house"), 10)).image is not None

    asyncio.run(run())


class _Slow(ScriptedEngine):
    """Works until it is cancelled."""

    started = threading.Event()
    stopped = threading.Event()

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        assert cancel is not None
        if request.messages[-1].text == "slow":
            self.started.set()
            pause = threading.Event()
            while not cancel():
                pause.wait(0.005)
            self.stopped.set()
            return
        yield from super().stream(request, cancel)


def test_cancelling_the_task_stops_the_model_and_frees_it() -> None:
    async def run() -> None:
        engine = _Slow()
        seedx = AsyncSeedX(engine=engine)
        async with anyio.create_task_group() as group:
            group.start_soon(seedx.generate, "slow")
            await anyio.to_thread.run_sync(engine.started.wait)
            group.cancel_scope.cancel()
        assert (await seedx.generate("quick")).image is not None
        assert engine.stopped.is_set()

    anyio.run(run)

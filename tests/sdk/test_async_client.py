from __future__ import annotations

import asyncio
import importlib.util
import inspect
import threading
from collections.abc import Callable, Iterator

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
        assert inspect.signature(getattr(AsyncSeedX, name)) == inspect.signature(getattr(SeedX, name))


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


def test_many_tasks_take_turns() -> None:
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
        with pytest.raises(InputError, match="still under way"):
            await seedx.generate("a house")
        await stream.aclose()
        assert (await seedx.generate("a house")).image is not None

    anyio.run(run)


@on_both_loops
def test_a_block_closes_its_client_also_when_it_is_cancelled(loop: str) -> None:
    closed: list[bool] = []

    async def run() -> None:
        with anyio.move_on_after(0.01):
            async with AsyncSeedX(engine=ScriptedEngine()) as seedx:
                seedx._seedx.close = lambda: closed.append(True)  # type: ignore[method-assign]
                assert (await seedx.generate("a house")).image is not None
                await anyio.sleep(10)

    anyio.run(run, backend=loop)
    assert closed == [True]


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
            with pytest.raises(InputError, match="still under way"):
                await seedx.generate("a house")
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


@on_both_loops
def test_a_call_waits_for_the_stream_of_another_task(loop: str) -> None:
    async def run() -> None:
        seedx = AsyncSeedX(engine=ScriptedEngine())
        order: list[str] = []

        async def draw() -> None:
            await seedx.generate("a house")
            order.append("drawn")

        async with anyio.create_task_group() as group:
            stream = seedx.chat_stream([Message.user("hello")])
            await anext(stream)
            group.start_soon(draw)
            await anyio.wait_all_tasks_blocked()
            order += [event.type async for event in stream]
        assert order[-2:] == ["reply_done", "drawn"]

    anyio.run(run, backend=loop)


class _Slow(ScriptedEngine):
    """Works until it is cancelled."""

    stopped = threading.Event()

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        assert cancel is not None
        if request.messages[-1].text == "slow":
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
        with anyio.move_on_after(0.05) as scope:
            await seedx.generate("slow")
        assert scope.cancelled_caught
        with anyio.fail_after(5):
            assert (await seedx.generate("quick")).image is not None
        assert engine.stopped.is_set()

    anyio.run(run)

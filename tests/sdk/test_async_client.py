from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator

import anyio
import pytest

from seedx_sdk import AsyncSeedX, InputError, Message, PromptError, ReplyDone, SeedX, StreamEvent
from seedx_sdk.engine import Request
from seedx_sdk.testing import ScriptedEngine


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

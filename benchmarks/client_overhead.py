"""What the clients add to an engine: thread switches and time per event, and the time to the first event.

    python benchmarks/client_overhead.py [--events 2000] [--repeat 5]

The engine only sends text, so that the client's own work is left. A thread switch is a voluntary context switch of the
process (getrusage): a thread that slept until another one handed something over.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from statistics import median

from hardware import describe as describe_hardware
from rich.console import Console
from rich.table import Table

from seedx_sdk import AsyncSeedX, Message, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import ChatReply, ModelInfo, ReplyDone, Request, StreamEvent, TextDelta

HELLO = [Message.user("hello")]
Sample = tuple[float, float, float]
"""Milliseconds to the first event, microseconds and thread switches per event."""


class Ready:
    """An async engine whose tokens are there already."""

    info: ModelInfo = ScriptedEngine().info

    def __init__(self, events: int) -> None:
        self._events = events

    async def stream(
        self,
        request: Request,  # noqa: ARG002
        *,
        deadline: float | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[StreamEvent, None]:
        """Yield text, giving the loop a turn before each piece as a model would."""
        for _ in range(self._events):
            await asyncio.sleep(0)
            yield TextDelta(text="a")
        reply = ChatReply(
            message=Message.assistant("a"), boxes=(), seed=0, model="m", revision="0", timings={}, warnings=()
        )
        yield ReplyDone(reply=reply)

    async def check(self) -> None:
        """Return: it works."""


def read(events: Iterable[StreamEvent], started: float) -> Sample:
    """Read a stream to its end."""
    iterator = iter(events)
    next(iterator)
    first, switches = time.perf_counter(), _switches()
    count = sum(1 for _ in iterator)
    return _sample(started, first, switches, count)


async def aread(events: AsyncIterator[StreamEvent], started: float) -> Sample:
    """Read an async stream to its end."""
    await anext(events)
    first, switches, count = time.perf_counter(), _switches(), 0
    async for _ in events:
        count += 1
    return _sample(started, first, switches, count)


def _sample(started: float, first: float, switches: int, count: int) -> Sample:
    seconds = time.perf_counter() - first
    return (first - started) * 1e3, seconds / count * 1e6, (_switches() - switches) / count


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def blocking(engine: Ready) -> Sample:
    """SeedX: the engine is in the loop of a portal."""
    with SeedX(engine=engine) as seedx:
        seedx.info  # noqa: B018  # opens it
        return read(seedx.chat_stream(HELLO), time.perf_counter())


def in_loop(engine: Ready) -> Sample:
    """AsyncSeedX: the engine is in the caller's loop."""

    async def run() -> Sample:
        async with AsyncSeedX(engine=engine) as seedx:
            await seedx.info()
            return await aread(seedx.chat_stream(HELLO), time.perf_counter())

    return asyncio.run(run())


def bridged(engine: Ready) -> Sample:
    """SeedX.as_async: the engine is in the loop of a portal, the caller in another one."""

    async def run(seedx: AsyncSeedX) -> Sample:
        return await aread(seedx.chat_stream(HELLO), time.perf_counter())

    with SeedX(engine=engine) as seedx:
        seedx.info  # noqa: B018  # opens it
        return asyncio.run(run(seedx.as_async()))


WAYS: dict[str, Callable[[Ready], Sample]] = {"SeedX": blocking, "AsyncSeedX": in_loop, "SeedX.as_async()": bridged}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    table = Table("client", "first event, ms", "µs per event", "thread switches per event", title=describe_hardware())
    for name, way in WAYS.items():
        samples = [way(Ready(options.events)) for _ in range(options.repeat)]
        first, each, switches = (median(column) for column in zip(*samples, strict=True))
        table.add_row(name, f"{first:.2f}", f"{each:.1f}", f"{switches:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()

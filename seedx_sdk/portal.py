"""An event loop in a thread of its own, for callers without one and for callers in another one."""

from __future__ import annotations

import atexit
import os
import queue
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future
from contextlib import ExitStack, aclosing, closing, suppress
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio._backends._asyncio  # else imported by the first call: a process forked meanwhile has half of it
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.lowlevel import current_token

from seedx_sdk.errors import GenerationCancelled, ServiceError
from seedx_sdk.forks import LEFT_BEHIND, forget_in_children

__all__ = ["Portal", "drain"]

T = TypeVar("T")
_POLL_SECONDS = 0.05
"""Between two calls of a cancel function, which only a client made by `SeedX.with_cancel` has."""
_EXIT_SECONDS = 10.0
"""What an open portal gets to finish when the interpreter exits."""


class Portal:
    """An asyncio event loop in a daemon thread, started at the first call (anyio's BlockingPortal).

    Args:
        close: Awaited in the loop before it ends: at `close`, when the portal is garbage, and when the program exits.
    """

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self._close = close
        self._lock = threading.Lock()
        self._open: tuple[BlockingPortal, ExitStack, weakref.finalize[Any, Any]] | None = None
        _PORTALS.add(self)
        forget_in_children(self._forget)

    def start(self, function: Callable[[], Awaitable[T]]) -> Future[T]:
        """Run a coroutine function in the loop; cancelling the future cancels it."""
        return self._running().start_task_soon(function)

    async def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function in the loop, from a task of another loop; cancelling the task cancels it."""
        return await self._running().call_async(function)

    def wait(
        self,
        function: Callable[[Callable[[T], None]], Awaitable[Any]],
        *,
        cancel: Callable[[], bool] | None = None,
        name: str = "the call",
    ) -> Generator[T, None, Any]:
        """Run a coroutine function that reports items, yield the items in this thread, and return its result.

        Closing the generator cancels it.

        Args:
            function: Gets the function that it reports items to.
            cancel: The work is cancelled soon after this returns True.
            name: Of the work, for the message.

        Raises:
            GenerationCancelled: If `cancel` returned True.
            ServiceError: If the process was forked at an item, and this is the child.
        """
        inbox, process = queue.SimpleQueue[Any](), os.getpid()
        future = self.start(partial(function, inbox.put))
        future.add_done_callback(inbox.put)
        try:
            while not (cancel is not None and cancel()):
                try:
                    item = inbox.get(timeout=None if cancel is None else _POLL_SECONDS)
                except queue.Empty:
                    continue
                if item is future:
                    return future.result()
                yield item
                if os.getpid() != process:
                    raise ServiceError(LEFT_BEHIND)
            raise GenerationCancelled(f"{name} was cancelled before it was finished")
        finally:
            if os.getpid() == process:
                future.cancel()

    def run(
        self,
        function: Callable[[Callable[[Any], None]], Awaitable[T]],
        on_item: Callable[[Any], None] | None = None,
        *,
        cancel: Callable[[], bool] | None = None,
        name: str = "the call",
    ) -> T:
        """Run a coroutine function, and return its result; arguments and errors as for `wait`."""
        with closing(self.wait(function, cancel=cancel, name=name)) as waiting:
            while True:
                try:
                    item = next(waiting)
                except StopIteration as done:
                    result: T = done.value
                    return result
                if on_item is not None:
                    on_item(item)

    async def stream(
        self, events: AsyncGenerator[T, None], *, cancel: Callable[[], bool] | None = None
    ) -> AsyncGenerator[T, None]:
        """Yield what a generator of the loop yields, in a task of another loop.

        Raises:
            GenerationCancelled: If `cancel` returned True.
        """
        token = current_token()
        send, receive = anyio.create_memory_object_stream[T](float("inf"))

        def in_reader(function: Callable[..., None], *args: object) -> None:
            def run() -> None:
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # the reader has left
                    function(*args)

            with suppress(anyio.RunFinishedError):  # the reader's loop has ended
                token.backend_class.run_sync_soon(run, (), token.native_token)

        future = self.start(partial(drain, events, partial(in_reader, send.send_nowait)))
        future.add_done_callback(lambda _: in_reader(send.close))
        try:
            with receive:
                while not (cancel is not None and cancel()):
                    with anyio.move_on_after(None if cancel is None else _POLL_SECONDS) as waiting:
                        try:
                            event = await receive.receive()
                        except anyio.EndOfStream:
                            future.result()
                            return
                    if not waiting.cancelled_caught:
                        yield event
            raise GenerationCancelled("the call was cancelled before it was finished")
        finally:
            future.cancel()

    def close(self, timeout: float | None = None) -> None:
        """End the loop and its thread; a later call starts another one.

        Args:
            timeout: Seconds after which the thread is left to itself; None waits for its end.
        """
        with self._lock:
            running, self._open = self._open, None
        if running is None:
            return
        portal, stack, abandon = running
        abandon.detach()
        with suppress(TimeoutError):
            portal.start_task_soon(self._close).result(timeout)
            stack.close()

    def _forget(self) -> object:
        """Forget a loop whose thread is not in this process."""
        running, self._open, self._lock = self._open, None, threading.Lock()
        if running is not None:
            running[2].detach()
        return running

    def _running(self) -> BlockingPortal:
        with self._lock:
            if self._open is None:
                stack = ExitStack()
                portal = stack.enter_context(start_blocking_portal("asyncio", name="seedx"))
                abandon = weakref.finalize(self, _abandon, portal, stack, self._close)
                abandon.atexit = False
                self._open = portal, stack, abandon
            return self._open[0]


async def drain(events: AsyncGenerator[T, None], report: Callable[[T], None]) -> None:
    """Report all that a generator yields, and close it."""
    async with aclosing(events):
        async for event in events:
            report(event)


_PORTALS: weakref.WeakSet[Portal] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what is open when the interpreter exits: a thread inside torch would abort the process then."""
    for portal in list(_PORTALS):
        portal.close(_EXIT_SECONDS)


def _abandon(portal: BlockingPortal, stack: ExitStack, close: Callable[[], Awaitable[None]]) -> None:
    """End a portal that is garbage, in another thread: this one may be the very thread of its loop."""

    def end() -> None:
        portal.start_task_soon(close).result()
        stack.close()

    threading.Thread(target=end, name="seedx closing", daemon=True).start()

"""Functions in a process that is forked off."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

HANG_SECONDS = 100.0
"""A child that has not answered by then hangs."""


def in_child(function: Callable[[], object]) -> object:
    """Return what a function returns in a forked child, or the error that it raises there."""
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    child = context.Process(target=_tell, args=(writer, function))
    child.start()
    writer.close()
    try:
        assert reader.poll(HANG_SECONDS), "the child hangs"
        return reader.recv()
    finally:
        child.kill()
        child.join()


@contextmanager
def living_child() -> Iterator[None]:
    """Have a forked child inside the block, which does nothing."""
    child = multiprocessing.get_context("fork").Process(target=signal.pause)
    child.start()
    try:
        yield
    finally:
        child.kill()
        child.join()


def _tell(writer: Connection, function: Callable[[], object]) -> None:
    try:
        writer.send(function())
    except Exception as error:  # the test looks at it
        writer.send(error)

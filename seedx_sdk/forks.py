"""Processes that are forked off: only the forking thread lives on there, beside the locks and loops of all the others.

Whatever stands on threads, event loops or sockets forgets them in the child (`forget_in_children`), and then opens them
anew or raises. What was forgotten is kept for good: its finalizers would reach through shared sockets into the parent.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from seedx_sdk.errors import ServiceError

__all__ = ["LEFT_BEHIND", "ThreadLock", "check_torch", "forget_in_children", "inside_torch"]

LEFT_BEHIND = (
    "the process was forked, and what this client was doing stayed in the parent; make the client in the worker"
)
"""Message of the error for what cannot be opened again in the child."""

_FORGETTING: set[weakref.WeakMethod[Any]] = set()
_KEPT: list[object] = []
_INSIDE: set[object] = set()
_is_torch_broken = False


def forget_in_children(forget: Callable[[], object]) -> None:
    """Call a bound method in each child that is forked off while its object lives; what it returns is kept for good."""
    _FORGETTING.add(weakref.WeakMethod(forget, _FORGETTING.discard))


class ThreadLock:
    """A lock between the threads of one process; a forked child, a pickled copy and a deep copy have a new one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        forget_in_children(self._forget)

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[ThreadLock], tuple[()]]:
        return ThreadLock, ()

    def _forget(self) -> object:
        left, self._lock = self._lock, threading.Lock()
        return left


@contextmanager
def inside_torch() -> Iterator[None]:
    """Say that torch is loading or computing: a child that is forked off meanwhile inherits locks that nobody opens."""
    token = object()
    _INSIDE.add(token)
    try:
        yield
    finally:
        _INSIDE.discard(token)


def check_torch() -> None:
    """Return if torch can be used in this process.

    Raises:
        ServiceError: If the process was forked while torch was loading or computing.
    """
    if _is_torch_broken:
        raise ServiceError(
            "the process was forked while its parent was loading a model or computing, and no model can run here; "
            "make the client in the worker, and start workers before the first call or with multiprocessing's 'spawn'"
        )


def _in_child() -> None:
    global _is_torch_broken
    _is_torch_broken = _is_torch_broken or bool(_INSIDE)
    _INSIDE.clear()
    for method in list(_FORGETTING):
        if (forget := method()) is not None:
            _KEPT.append(forget())


if hasattr(os, "register_at_fork"):  # not on Windows, which forks nothing
    os.register_at_fork(after_in_child=_in_child)

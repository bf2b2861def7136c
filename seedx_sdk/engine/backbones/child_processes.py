"""How vLLM's processes are started, and how they end when the process that started them is gone."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

__all__ = ["child_settings", "end_with_parent"]

_NAMES = ("EngineCore", "VllmWorker")
"""Prefixes of the names of vLLM's processes; the engine is a child of the server, the workers are its children."""


@contextmanager
def child_settings(directory: str) -> Iterator[None]:
    """Make processes that vLLM starts inside the block keep their sockets and temporary files in the directory.

    They are spawned: a fork of a process with threads may hang, and would hold the server's connections open. vLLM's
    usage reports are switched off.
    """
    settings = {
        "TMPDIR": directory,
        "VLLM_RPC_BASE_PATH": directory,
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_NO_USAGE_STATS": "1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def end_with_parent() -> None:
    """End this process soon after its parent is gone; do nothing outside vLLM's processes.

    The guard of the engine (child_guard.py) ends it too, but only when the server is gone, not the engine alone.
    """
    parent, name = multiprocessing.parent_process(), multiprocessing.current_process().name
    if parent is None or not name.startswith(_NAMES):
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent watcher", daemon=True).start()

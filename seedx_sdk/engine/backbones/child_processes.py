"""Cleans up vLLM's child processes and their files when the process that started them is gone.

vLLM computes in processes of its own. They do not notice when their parent is killed: they would keep the model in
memory forever, and nobody would remove their sockets and temporary files.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

from seedx_sdk.errors import ServiceError

__all__ = ["end_with_parent", "child_settings", "temporary_directory"]

_PREFIX = "seedx-vllm-"
_MAX_SOCKET_PATH = 107
"""Bytes of the path of a Unix socket: sun_path of <sys/un.h> less its final zero."""
_ENGINE, _WORKER = "EngineCore", "VllmWorker"
"""Prefixes of the names of vLLM's processes; the engine is a child of the server, the workers are its children."""


def temporary_directory() -> tempfile.TemporaryDirectory[str]:
    """Return a new directory, for all files of one engine, that only this user can enter.

    Raises:
        ServiceError: If its path is too long for vLLM's sockets.
    """
    directory = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    longest = len(os.fsencode(directory.name)) + len(f"/{uuid.UUID(int=0)}")
    if longest > _MAX_SOCKET_PATH:
        directory.cleanup()
        raise ServiceError(
            f"the temporary directory {tempfile.gettempdir()!r} is {longest - _MAX_SOCKET_PATH} bytes too long for "
            "vLLM's sockets; set TMPDIR to a shorter path"
        )
    return directory


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
    """End this process, and remove its directory, soon after its parent is gone; do nothing outside vLLM's processes.

    A process that is still importing when its parent is killed has not reached this point; it ends when vLLM's
    handshake times out, after five minutes.
    """
    parent, name = multiprocessing.parent_process(), multiprocessing.current_process().name
    if parent is None or not name.startswith((_ENGINE, _WORKER)):
        return

    def watch() -> None:
        wait([parent.sentinel])
        directory = os.environ.get("TMPDIR", "")
        if name.startswith(_ENGINE) and os.path.basename(directory).startswith(_PREFIX):
            shutil.rmtree(directory, ignore_errors=True)  # workers leave that to the server, which may still be running
        os._exit(1)

    threading.Thread(target=watch, name="parent watcher", daemon=True).start()

"""Nothing of an engine outlives the process that started it: no process, no file.

vLLM computes in processes of its own. They are not told when the one that started them is killed, would keep the
model in memory for ever, and nobody would remove their sockets and temporary files.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

__all__ = ["end_with_parent", "settings_of_children", "temporary_folder"]

_PREFIX = "seedx-vllm-"
_ENGINE, _WORKER = "EngineCore", "VllmWorker"
"""How the names of vLLM's processes begin; the engine is a child of the server, the workers are children of it."""


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Returns a new folder, for all files of one engine, that only this user can enter."""
    return tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)


@contextmanager
def settings_of_children(folder: str) -> Iterator[None]:
    """Processes that vLLM starts inside the block keep their sockets and temporary files in the folder.

    They are spawned: a fork of a process with threads may hang, and would hold the server's connections open. And they
    report to nobody how they are used, which vLLM does by itself.
    """
    settings = {
        "TMPDIR": folder,
        "VLLM_RPC_BASE_PATH": folder,
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
    """Ends this process, and removes its folder, soon after its parent is gone; does nothing outside vLLM's own.

    A process that is still importing when its parent is killed has not come here; it ends when vLLM's handshake does,
    after five minutes.
    """
    parent, name = multiprocessing.parent_process(), multiprocessing.current_process().name
    if parent is None or not name.startswith((_ENGINE, _WORKER)):
        return

    def watch() -> None:
        wait([parent.sentinel])
        folder = os.environ.get("TMPDIR", "")
        if name.startswith(_ENGINE) and os.path.basename(folder).startswith(_PREFIX):
            shutil.rmtree(folder, ignore_errors=True)  # workers leave that to the server, which may live on
        os._exit(1)

    threading.Thread(target=watch, name="ends with its parent", daemon=True).start()

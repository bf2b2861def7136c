"""A small process that ends vLLM's processes and removes their files when the server is done with them, or is gone.

vLLM computes in processes of its own, which do not notice when their parent is killed: they would keep the model in
memory forever, and nobody would remove their sockets and temporary files. From its start on, an engine has one
directory for all its files, named in the environment of each of its processes, and a guard that knows the directory.
Run as a program, this module is the guard.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress

__all__ = ["ChildGuard", "end_all_children"]

_PREFIX = "seedx-vllm-"
_MAX_SOCKET_PATH = 107
"""Bytes of the path of a Unix socket: sun_path of <sys/un.h> less its final zero."""
_POLL_SECONDS = 0.05
_TRACKER = "multiprocessing.resource_tracker"
"""In the command line of the process that removes Python's shared memory. It ends by itself after its last user."""


class ChildGuard:
    """The directory of an engine, and the process that guards it; `close` ends both.

    Raises:
        ServiceError: If no directory can be made, or its path is too long for vLLM's sockets.
    """

    def __init__(self) -> None:
        self.directory = _directory()
        command = [sys.executable, "-P", __file__, self.directory]  # -P: this folder has a module named vllm
        # Not TMPDIR as it is now: while another engine starts, it is that one's directory, whose guard would end this.
        environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
        _OPEN.add(self)

    def close(self) -> None:
        """End all processes of the engine by force, and remove its files; return when that is done."""
        _OPEN.discard(self)
        self._process.communicate()  # closes its standard input, which tells it to begin


_OPEN: set[ChildGuard] = set()


def end_all_children() -> None:
    """Close all guards: end the processes of all engines, also of those that are still starting."""
    for guard in list(_OPEN):
        guard.close()


def _directory() -> str:
    from seedx_sdk.errors import ServiceError

    try:
        directory = tempfile.mkdtemp(prefix=_PREFIX)
    except OSError as error:
        raise ServiceError(
            f"vLLM needs a temporary directory ({error}); set TMPDIR to one that can be written"
        ) from error
    longest = len(os.fsencode(directory)) + len(f"/{uuid.UUID(int=0)}")
    if longest > _MAX_SOCKET_PATH:
        os.rmdir(directory)
        raise ServiceError(
            f"the temporary directory {tempfile.gettempdir()!r} is {longest - _MAX_SOCKET_PATH} bytes too long for "
            "vLLM's sockets; set TMPDIR to a shorter path"
        )
    return directory


def _guard(directory: str) -> None:
    """Wait until standard input is closed, by the server or by its end; then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # may be sent to the whole group of the server
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    while processes := _processes(directory):
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    shutil.rmtree(directory, ignore_errors=True)


def _processes(directory: str) -> list[int]:
    """Return the ids of the processes that were started with this directory for their temporary files."""
    import psutil  # comes with vLLM

    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # another user's, or gone
            if process.environ().get("TMPDIR") == directory and _TRACKER not in " ".join(process.cmdline()):
                found.append(process.pid)
    return found


if __name__ == "__main__":
    _guard(sys.argv[1])

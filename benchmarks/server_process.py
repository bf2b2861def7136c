"""A server in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A ready `seedx serve`."""

    process: subprocess.Popen[bytes]
    address: str

    def memory(self) -> int:
        """Return the bytes of its memory and that of its children, each shared page counted once."""
        family = psutil.Process(self.process.pid)
        return sum(process.memory_full_info().pss for process in [family, *family.children(recursive=True)])


@contextmanager
def serving(
    *arguments: str, log: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Start `seedx serve` with these arguments and wait until it is ready; end it afterwards.

    Args:
        arguments: Of the command.
        log: Where its log goes; None throws it away.
        environment: Further environment variables.
    """
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with ExitStack() as stack:
        process = subprocess.Popen(
            [sys.executable, "-m", "seedx_sdk", "serve", "--port", str(port), *arguments],
            stderr=subprocess.DEVNULL if log is None else stack.enter_context(log.open("wb")),
            env={**os.environ, **(environment or {})},
        )
    server = ServerProcess(process, f"http://127.0.0.1:{port}")
    try:
        while not _is_ready(server.address):
            if process.poll() is not None:
                raise RuntimeError(f"the server exited with code {process.returncode}; run `seedx serve` to see why")
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/ready", timeout=10).status_code == 200
    except httpx.TransportError:
        return False

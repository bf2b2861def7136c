"""A server on a Unix socket, and the client that reaches it."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from seedx_sdk import InputError, SeedX, ServiceError
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.network.unix_socket import unix_socket
from seedx_sdk.serve.server import DrainingServer
from seedx_sdk.serve.settings import ServerSettings
from tests.support.http_server import EVENT_SECONDS, Scripted, opened, wait_until
from tests.support.server_processes import short_temp_dir


@pytest.fixture
def path() -> Path:
    return short_temp_dir().parent / "seedx.sock"


@pytest.fixture
def server(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DrainingServer]:
    monkeypatch.setattr("signal.signal", lambda *_: None)  # it runs in a thread
    app = create_app(opened(Scripted()), ServerSettings(), routers=[])
    server = DrainingServer(app, host="127.0.0.1", port=0, grace=1, uds=path)
    thread = threading.Thread(target=server.run_until_signal)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    yield server
    server.should_exit = True
    thread.join(EVENT_SECONDS)
    assert not path.exists()


@pytest.mark.usefixtures("server")
def test_the_client_reaches_it(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with SeedX(base_url=f"unix://{path}") as seedx:
        assert seedx.info.name == "scripted"
        assert seedx.generate("a red house", seed=3).seed == 3
    with pytest.raises(InputError, match="another server uses"), unix_socket(path):
        pass


def test_a_server_whose_engine_cannot_be_opened_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def failing() -> AsyncIterator[Scripted]:
        raise ServiceError("no memory")
        yield Scripted()

    monkeypatch.setattr("signal.signal", lambda *_: None)
    server = DrainingServer(create_app(failing(), ServerSettings(), routers=[]), host="", port=0, grace=1, uds=path)
    with pytest.raises(SystemExit, match="3"):
        server.run_until_signal()
    assert not path.exists()


def test_the_socket_of_a_dead_server_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with unix_socket(path) as bound:
        bound.listen()
        assert path.is_socket()
    assert not path.exists()


LOADING = """
import sys, time
from pathlib import Path
from seedx_sdk.serve.network.unix_socket import unix_socket

with unix_socket(Path(sys.argv[1])):
    print("bound", flush=True)
    time.sleep(600)
"""


def test_a_server_that_is_loading_keeps_its_socket_until_it_is_killed(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", LOADING, path], stdout=subprocess.PIPE) as loading:
        assert loading.stdout is not None and loading.stdout.readline() == b"bound\n"
        with pytest.raises(InputError, match="is about to"), unix_socket(path):
            pass
        loading.kill()
        loading.wait()
        assert path.is_socket()
        with unix_socket(path):
            pass
    assert list(path.parent.iterdir()) == []


def test_a_socket_that_another_program_listens_on_is_left(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(InputError, match="a server listens on"), unix_socket(path):
            pass
    assert path.is_socket()


def test_the_socket_of_the_next_server_is_left(path: Path) -> None:
    with unix_socket(path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as following:
            following.bind(str(path))
    assert path.is_socket()


def test_what_is_no_socket_is_left(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(InputError, match="is no socket"), unix_socket(path):
        pass
    assert path.read_text() == "mine"
    with pytest.raises(InputError, match="give a short path"), unix_socket(path.parent / ("a" * 200)):
        pass


@pytest.mark.parametrize("url", ["unix://relative.sock", "unix://", "unix:/run/seedx.sock"])
def test_the_path_is_absolute(url: str) -> None:
    with pytest.raises(InputError, match="base_url"):
        _ = SeedX(base_url=url, max_retries=0).info


def test_a_server_that_is_not_there(path: Path) -> None:
    with pytest.raises(ServiceError, match="is it running"):
        _ = SeedX(base_url=f"unix://{path}", max_retries=0).info

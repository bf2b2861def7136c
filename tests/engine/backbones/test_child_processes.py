from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from seedx_sdk import ServiceError
from seedx_sdk.engine.backbones.child_guard import ChildGuard
from seedx_sdk.engine.backbones.child_processes import child_settings


def test_a_temporary_directory_too_long_for_sockets_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("a" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(ServiceError, match="bytes too long for vLLM's sockets; set TMPDIR to a shorter path"):
        ChildGuard()
    assert not list(deep.iterdir())


def test_without_a_place_for_temporary_files_no_engine_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(ServiceError, match="set TMPDIR to one that can be written"):
        ChildGuard()


SLEEPS = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "


@pytest.mark.skipif(sys.platform == "win32", reason="vLLM does not run there")
def test_a_closed_guard_ends_the_processes_of_its_engine_and_no_others() -> None:
    guard = ChildGuard()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with child_settings(guard.directory):
        child = subprocess.Popen([sys.executable, "-c", SLEEPS + "print(flush=True); time.sleep(600)"], stdout=-1)
    assert child.stdout is not None and child.stdout.readline()
    (grandchild,) = psutil.Process(child.pid).children()
    Path(guard.directory, "socket").touch()
    guard.close()
    assert child.wait() < 0 and not os.path.exists(guard.directory) and other.poll() is None
    assert psutil.wait_procs([grandchild], timeout=100)[1] == []
    child.stdout.close()
    other.kill()
    other.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="vLLM does not run there")
def test_a_guard_that_starts_while_another_engine_does_outlives_it() -> None:
    first = ChildGuard()
    with child_settings(first.directory):
        second = ChildGuard()
    first.close()
    assert second._process.poll() is None and os.path.isdir(second.directory)
    second.close()
    assert not os.path.exists(second.directory)


STARTS = (
    "import subprocess, sys; from seedx_sdk.engine.backbones.child_guard import ChildGuard; "
    "from seedx_sdk.engine.backbones.child_processes import child_settings; guard = ChildGuard()\n"
    "with child_settings(guard.directory): "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(child.pid, guard.directory, flush=True); sys.stdin.read()"
)


@pytest.mark.skipif(sys.platform == "win32", reason="vLLM does not run there")
def test_nothing_is_left_of_a_process_that_is_killed_while_its_engine_starts() -> None:
    server = subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert server.stdout is not None and server.stdin is not None
    pid, directory = server.stdout.readline().decode().split()
    family = psutil.Process(server.pid).children(recursive=True)
    assert int(pid) in [process.pid for process in family] and os.path.isdir(directory)
    server.kill()
    _, alive = psutil.wait_procs(family, timeout=100)
    assert not alive and not os.path.exists(directory)
    server.wait()
    server.stdout.close()
    server.stdin.close()

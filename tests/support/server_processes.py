"""Servers in processes of their own, to be killed, suspended and starved; run as a program, this is such a server."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
from httpx_sse import connect_sse

from seedx_sdk import Message
from seedx_sdk.engine import NANO

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "import typer; from seedx_sdk.serve.cli import serve; typer.run(serve)"
"""`seedx serve`, also where the package is not installed."""
STEP_SECONDS = 4.0
"""Watchdog timeout of a server whose engine is made to hang."""
NEVER_SECONDS = 3600.0
"""Watchdog timeout of a server whose engine must not count as stuck, however slow the machine is."""
EVENT_SECONDS = 600.0
"""Limit for waiting for an event, which takes far less time unless the machine is very busy."""
STUCK_FILE = "stuck"
"""While the server's TMPDIR has a file with this name, its de-tokenizer hangs."""


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    address: str
    temp_dir: Path
    """Its TMPDIR."""
    log: Path

    def ready(self) -> tuple[int, str]:
        answer = httpx.get(f"{self.address}/health/ready", timeout=EVENT_SECONDS)
        return answer.status_code, answer.text

    def wait_until_ready(self, seconds: float = EVENT_SECONDS) -> float:
        """Return the seconds until the server is ready."""
        return self.wait_until(lambda: self.ready()[0] == 200, seconds)

    def wait_until_failed(self) -> str:
        """Return what `/health/ready` says once the engine has failed."""
        answers: list[tuple[int, str]] = []

        def has_failed() -> bool:
            answers.append(self.ready())
            return answers[-1][0] == 503

        self.wait_until(has_failed)
        return answers[-1][1]

    def wait_until(self, condition: Callable[[], bool], seconds: float = EVENT_SECONDS) -> float:
        """Return the seconds until the condition holds; fail at once if the server ends."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                if condition():
                    return time.monotonic() - started
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s\n{self.log.read_text()[-3000:]}")

    def in_flight(self) -> int:
        """Return the number of replies in flight."""
        metrics = httpx.get(f"{self.address}/metrics", timeout=EVENT_SECONDS).text
        (line,) = [line for line in metrics.splitlines() if line.startswith("seedx_replies_in_flight ")]
        return int(float(line.split()[1]))

    def engine(self) -> psutil.Process:
        """Return vLLM's process that the server talks to."""
        return self._descendant("EngineCore")

    def worker(self) -> psutil.Process:
        """Return vLLM's process that computes."""
        return self._descendant("Worker")

    def _descendant(self, name: str) -> psutil.Process:
        family = psutil.Process(self.process.pid).children(recursive=True)
        (found,) = [child for child in family if name in " ".join(child.cmdline())]
        return found

    def family(self) -> list[psutil.Process]:
        """Return all processes that it has started, also when it is gone itself."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # another user's, or gone
                temp_dir = process.environ().get("TMPDIR", "")
                if process.pid != self.process.pid and Path(temp_dir).is_relative_to(self.temp_dir):
                    found.append(process)
        return found

    def files(self) -> list[Path]:
        """Return its temporary files, without the cache of torch, which is shared on purpose."""
        return [path for path in self.temp_dir.iterdir() if not path.name.startswith("torchinductor_")]

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.address}{path}", json=body, timeout=EVENT_SECONDS)


def short_temp_dir() -> Path:
    """Return the path of a TMPDIR that is short enough for vLLM's sockets; removed at exit."""
    parent = Path(tempfile.mkdtemp(prefix="seedx-"))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    return parent / "tmp"


@contextmanager
def started(temp_dir: Path, *command: str, seconds: float = EVENT_SECONDS, **environment: str) -> Iterator[Server]:
    """Run a command line of Python with `--port` added as a server, once it is ready; kill it at the end."""
    with starting(temp_dir, *command, **environment) as server:
        server.wait_until_ready(seconds)
        yield server


@contextmanager
def starting(temp_dir: Path, *command: str, **environment: str) -> Iterator[Server]:
    """Run such a server, which is not ready yet; kill it at the end if it still runs, with its children."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    temp_dir.mkdir()
    log = temp_dir.with_suffix(".log")
    paths = [str(ROOT), *(str(ROOT / room) for room in ("tools", "agents", "finetune"))]
    settings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "TMPDIR": str(temp_dir),
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "SPT_NOENV": "1",  # processes that give themselves a name keep their environment, by which family() finds them
        **environment,
    }
    settings.pop("VLLM_ENABLE_V1_MULTIPROCESSING", None)  # as users run it
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port)], env=settings, stdout=written, stderr=subprocess.STDOUT
        )
        parent = psutil.Process(process.pid)
        server = Server(process, f"http://127.0.0.1:{port}", temp_dir, log)
        try:
            yield server
        finally:
            for member in (family := [parent, *server.family()]):
                if member.is_running():  # not another process with the same number
                    member.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
            _, alive = psutil.wait_procs(family[1:], timeout=30)  # their guard removes their shared memory
            for member in alive:
                member.kill()


def started_with_limits(
    temp_dir: Path,
    backbone: str,
    *,
    model: Path = NANO,
    step_seconds: float = NEVER_SECONDS,
    reply_seconds: float = NEVER_SECONDS,
) -> Any:
    """Run a model on "vllm" or "transformers", with a small cache."""
    program = ("-m", "tests.support.server_processes", backbone, str(model))
    return started(temp_dir, *program, str(step_seconds), str(reply_seconds))


def vllm_parts(server: Server) -> tuple[list[psutil.Process], set[str]]:
    """Return the processes of vLLM, and the files in shared memory that they hold."""
    family = psutil.Process(server.process.pid).children(recursive=True)
    shared = set().union(*(shared_memory(process) for process in (server.engine(), server.worker())))
    assert len(family) >= 2 and shared
    return family, shared


def check_nothing_is_left(server: Server, family: list[psutil.Process], shared: set[str]) -> None:
    """Check that a server which has ended left no process of its family, no shared memory and no file."""
    _, alive = psutil.wait_procs(family, timeout=EVENT_SECONDS)
    assert not alive
    assert not [path for path in shared if os.path.exists(path)] and not server.files()


def generation_events(server: Server, steps: int) -> Iterator[str]:
    """Yield the names of the events of a reply with one image."""
    message = Message.user("a red house").model_dump(mode="json")
    options = {"num_inference_steps": steps, "force_image": True}
    body = {"task": "generate", "messages": [message], "options": options}
    with httpx.Client(timeout=EVENT_SECONDS) as client:
        with connect_sse(client, "POST", f"{server.address}/v1/chat", json=body) as sse:
            for event in sse.iter_sse():
                yield event.event


def shared_memory(process: psutil.Process) -> set[str]:
    """Return the files in shared memory that a process holds."""
    return {m.path for m in process.memory_maps() if m.path.startswith("/dev/shm/")}


def main() -> None:
    from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
    from seedx_sdk.engine.image_service.limits import ServiceLimits
    from seedx_sdk.engine.image_service.stream import JobHandle
    from seedx_sdk.engine.image_service.worker import DenoiseWorker
    from seedx_sdk.engine.local import EngineOptions, open_local, open_vllm
    from seedx_sdk.serve.app import create_app
    from seedx_sdk.serve.server import DrainingServer
    from seedx_sdk.serve.settings import ServerSettings
    from seedx_sdk.serve.supervisor import SupervisedEngine

    backbone, model, step_seconds, reply_seconds = (
        sys.argv[1],
        Path(sys.argv[2]),
        float(sys.argv[3]),
        float(sys.argv[4]),
    )
    draw = DenoiseWorker.run

    def draw_or_hang(self: DenoiseWorker, handles: Sequence[JobHandle]) -> None:
        while (Path(os.environ["TMPDIR"]) / STUCK_FILE).exists():
            time.sleep(0.1)
        draw(self, handles)

    DenoiseWorker.run = draw_or_hang  # type: ignore[method-assign]
    vllm = VLLMOptions(
        dtype="float32",
        max_model_len=1024,
        block_size=32,
        kv_cache_bytes=64 << 20,
        enforce_eager=True,
        step_seconds=step_seconds,
    )
    served = EngineOptions(device="cpu", limits=ServiceLimits(step_seconds=step_seconds))
    on_vllm, on_transformers = partial(open_vllm, model, served, vllm), partial(open_local, model, served)
    engine = SupervisedEngine(on_vllm if backbone == "vllm" else on_transformers)
    app = create_app(engine, ServerSettings(reply_seconds=reply_seconds))
    DrainingServer(app, host="127.0.0.1", port=int(sys.argv[-1]), grace=20).run_until_signal()


if __name__ == "__main__":
    main()

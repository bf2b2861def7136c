"""Replicas that are killed under load, on a real Ray cluster of this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import psutil
import pytest

from seedx_sdk.errors import OverloadedError, ServiceError
from tests.serve.ray.deployment import (
    CALLS,
    MARKS,
    Deployment,
    answer_until,
    answers_in_process,
    answers_of,
    deployed,
    is_same,
    lives,
    title,
)
from tests.support.server_processes import EVENT_SECONDS, shared_memory

pytestmark = [*MARKS, pytest.mark.nightly]  # two replicas start, and two start again
LOG = logging.getLogger(__name__)


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with deployed("vllm", 2) as deployment:
        yield deployment


def test_killed_replicas_lose_and_repeat_nothing(deployment: Deployment) -> None:
    expected = answers_in_process()
    answer_until(deployment, expected, lambda: all(len(deployment.answering(kind)) == 2 for kind in CALLS))
    known = {kind: deployment.answering(kind) for kind in CALLS}
    replicas = {kind: deployment.replicas(kind) for kind in CALLS}
    assert [len(processes) for processes in replicas.values()] == [2, 2]
    idle = {process.pid: _cpu_seconds(process) for kind in CALLS for process in replicas[kind]}
    victims: list[psutil.Process] = []
    children: list[psutil.Process] = []
    shared: set[str] = set()

    def kill() -> None:
        for processes in replicas.values():
            victim = max(processes, key=lambda process: _cpu_seconds(process) - idle[process.pid])
            assert _cpu_seconds(victim) > idle[victim.pid]  # it works on a request
            victims.append(victim)
            children.extend(victim.children(recursive=True))
        shared.update(*map(shared_memory, children))
        for victim in victims:
            victim.kill()

    before = deployment.outcomes()
    outcomes = answers_of(deployment, kill)  # one of each request: an answer or an error
    ended = deployment.outcomes() - before

    for outcome, wanted in zip(outcomes, expected, strict=True):
        assert is_retryable(outcome) if isinstance(outcome, BaseException) else is_same(outcome, wanted), outcome
    answered = sum(not isinstance(outcome, BaseException) for outcome in outcomes)
    assert ended["done"] == answered  # none was computed twice, or lost
    assert answered >= len(outcomes) // 2  # the other replicas continue
    assert children and shared
    _, alive = psutil.wait_procs(children, timeout=EVENT_SECONDS)
    assert [title(process) for process in alive if lives(process)] == []
    assert [path for path in shared if os.path.exists(path)] == []

    back = answer_until(deployment, expected, lambda: all(deployment.answering(kind) - known[kind] for kind in CALLS))
    for kind, processes in replicas.items():
        now = deployment.replicas(kind)
        assert len(now) == 2 and len(set(now) - set(processes)) == 1
    LOG.info(f"{answered} of {len(outcomes)} answered, new replicas answered after {back:.1f} s; {outcomes}")


def is_retryable(error: BaseException) -> bool:
    """Return whether the caller may retry after the error, which has a message of ours."""
    return type(error) in (ServiceError, OverloadedError) and "Error" not in str(error)


def _cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of the process and its children."""
    family = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (member.cpu_times() for member in family))

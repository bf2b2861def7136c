"""When a step counts as stuck; a negative timeout has passed at once."""

from __future__ import annotations

from seedx_sdk.engine.image_service.step_watch import StepWatch


def test_a_step_is_stuck_after_its_time() -> None:
    watch, patient = StepWatch(-1), StepWatch(1000)
    assert not watch.stuck
    watch.begin()
    patient.begin()
    assert watch.stuck and not patient.stuck
    watch.end()
    assert not watch.stuck


def test_what_a_step_must_prepare_is_not_a_stuck_step() -> None:
    watch = StepWatch(-1)
    watch.begin()
    with watch.preparing():
        assert not watch.stuck
    assert watch.stuck  # the rest of the step has its own time again


def test_preparing_before_the_first_step_begins_none() -> None:
    watch = StepWatch(-1)
    with watch.preparing():
        assert not watch.stuck
    assert not watch.stuck

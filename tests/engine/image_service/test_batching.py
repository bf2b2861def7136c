from __future__ import annotations

import threading
import time

from seedx_sdk.engine.fair_line import Share
from seedx_sdk.engine.image_service.batching import BatchQueue


def _queue(*, max_queue: int = 8, max_batch: int = 3, max_wait: float = 0.0) -> BatchQueue[str]:
    """Words; those with the same first letter are compatible, and capital letters are another's than small ones."""
    return BatchQueue(
        lambda word: word[0].lower(),
        cost=len,
        share=lambda word: Share("capital" if word[0].isupper() else "small"),
        max_queue=max_queue,
        max_batch=max_batch,
        max_wait=max_wait,
    )


def test_the_oldest_leads_and_compatible_ones_join_up_to_the_limit() -> None:
    queue = _queue()
    for word in ("a1", "b1", "a2", "a3", "a4", "b2"):
        assert queue.put(word)
    assert [queue.take(), queue.take(), queue.take()] == [["a1", "a2", "a3"], ["b1", "b2"], ["a4"]]


def test_a_full_queue_takes_no_more_until_something_leaves() -> None:
    queue = _queue(max_queue=2)
    assert queue.put("a1") and queue.put("b1") and not queue.put("c1")
    assert queue.discard("a1") and not queue.discard("a1")
    assert queue.put("c1")
    assert len(queue) == 2


def test_calls_go_first_and_are_not_batched() -> None:
    queue, done = _queue(), []
    queue.put("a1")
    queue.put_call(lambda: done.append("call"))
    call = queue.take()
    assert callable(call)
    call()
    assert done == ["call"] and queue.take() == ["a1"]
    queue.put_call(lambda: None)
    assert len(queue.take_calls()) == 1 and queue.take_calls() == []


def test_shorter_jobs_are_taken_with_their_mates_and_leave_the_rest() -> None:
    queue = _queue()
    for word in ("a---", "b-", "c", "b=", "a+++"):
        queue.put(word)
    assert queue.take_shorter(2) == ["c"] and queue.take_shorter(2) == []
    assert queue.take_shorter(3) == ["b-", "b="] and queue.take_shorter(4) == []
    assert queue.take() == ["a---", "a+++"] and len(queue) == 0


def test_who_has_much_in_the_queue_does_not_delay_another() -> None:
    queue = _queue(max_batch=1, max_queue=99)
    for word in ("a1", "b1", "c1", "d1", "E1", "F1"):
        queue.put(word)
    assert [queue.take() for _ in range(6)] == [["a1"], ["E1"], ["b1"], ["F1"], ["c1"], ["d1"]]


def test_large_jobs_cost_more_turns() -> None:
    queue = _queue(max_batch=1, max_queue=99)
    for word in ("a" * 6, "b" * 6, "C1", "D1", "E1", "F1"):
        queue.put(word)
    assert [len((queue.take() or [""])[0]) for _ in range(6)] == [6, 2, 2, 2, 6, 2]  # type: ignore[index]


def test_a_batch_has_a_fair_part_of_each() -> None:
    queue = _queue(max_batch=4, max_queue=99)
    for word in ("a1", "a2", "a3", "a4", "a5", "A1", "A2"):
        queue.put(word)
    assert queue.take() == ["a1", "A1", "a2", "A2"] and queue.take() == ["a3", "a4", "a5"]


def test_it_waits_for_mates_until_the_batch_is_full() -> None:
    queue = _queue(max_batch=2, max_wait=30)
    queue.put("a1")
    later = threading.Timer(0.02, queue.put, ["a2"])
    later.start()
    started = time.monotonic()
    assert queue.take() == ["a1", "a2"]
    assert time.monotonic() - started < 10
    later.join()


def test_a_closed_queue_gives_what_waits_and_then_none() -> None:
    queue = _queue(max_wait=30)
    queue.put("a1")
    queue.close()
    assert queue.take() == ["a1"]
    assert queue.take() is None

"""Who works when several want more than there is."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter

import pytest

from seedx_sdk.engine.fair_line import FairLine, FairTurns, Place, Share
from seedx_sdk.errors import OverloadedError

A, B = Share("a"), Share("b")


class Crowd:
    """Tasks that want places in a line."""

    def __init__(self, line: FairLine) -> None:
        self.line, self.entered = line, list[Place]()
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, share: Share, *works: float) -> list[asyncio.Task[None]]:
        """Ask for a place for each work, and return once all are inside or wait."""
        tasks = [asyncio.create_task(self._enter(share, work)) for work in works]
        self.tasks += tasks
        await settled()
        return tasks

    async def _enter(self, share: Share, work: float) -> None:
        self.entered.append(await self.line.enter(share, work))

    async def leave(self, place: Place) -> None:
        place.done = place.work
        self.line.leave(place)
        await settled()

    @property
    def names(self) -> str:
        """Of those that have entered, in their order."""
        return "".join(place.share.name for place in self.entered)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_newcomer_enters_before_the_many_of_another() -> None:
    async def run() -> None:
        crowd = Crowd(FairLine(4))
        await crowd.come(A, *[1.0] * 9)
        assert crowd.names == "aaa" and crowd.line.num_waiting == 6  # one place is left to others
        await crowd.come(B, 1.0)
        assert crowd.names == "aaab"
        await crowd.come(B, 1.0)
        for place in crowd.entered[:4]:
            await crowd.leave(place)
        assert crowd.names == "aaababaa" and crowd.line.num_inside == 4

    asyncio.run(run())


@pytest.mark.parametrize(("weight", "turns"), [(1.0, "ababababab"), (2.0, "abbabbabba")])
def test_turns_are_in_proportion_to_the_weights(weight: float, turns: str) -> None:
    async def run() -> None:
        crowd = Crowd(FairLine(1))
        await crowd.come(A, *[1.0] * 20)
        await crowd.come(Share("b", weight), *[1.0] * 20)
        for index in range(9):
            await crowd.leave(crowd.entered[index])
        assert crowd.names == turns
        for task in crowd.tasks:
            task.cancel()
        await settled()
        assert crowd.line.num_waiting == 0

    asyncio.run(run())


def test_work_counts_and_not_how_often_somebody_asks() -> None:
    async def run() -> None:
        crowd = Crowd(FairLine(1))
        await crowd.come(A, *[100.0] * 3)
        await crowd.come(B, *[20.0] * 10)
        for index in range(11):
            await crowd.leave(crowd.entered[index])
        assert crowd.names == "abbbbbabbbbb"

    asyncio.run(run())


def test_what_was_not_done_is_given_back() -> None:
    turns = FairTurns()
    for share in (A, B):
        turns.join(share)
        turns.begin(share, 10.0)
    turns.correct(A, -9.0)
    assert turns.first((B, A)) is A
    turns.correct(A, 20.0)
    assert turns.first((A, B)) is B


def test_idle_time_earns_no_credit_and_is_forgotten() -> None:
    turns = FairTurns()
    turns.join(A)
    for _ in range(100):
        turns.begin(A, 1.0)
    turns.join(B)
    turns.begin(B, 2.0)
    assert turns.first((B, A)) is A
    for number in range(10_000):
        share = Share(str(number))
        turns.join(share)
        turns.begin(share, 1.0)
    assert len(turns._done) < 5000


def test_a_queue_by_numbers_is_served_in_turns() -> None:
    turns, queue, served, arrival = FairTurns(), list[tuple[float, int, str]](), list[str](), itertools.count()

    def ask(share: Share, *works: float) -> None:
        for work in works:
            heapq.heappush(queue, (turns.number(share, work), next(arrival), share.name))

    def serve(count: int) -> None:
        for _ in range(count):
            number, _, name = heapq.heappop(queue)
            turns.begun(number)
            served.append(name)

    ask(A, *[10.0] * 8)
    serve(2)
    ask(B, *[10.0] * 3)
    ask(Share("c", weight=2.0), *[10.0] * 3)
    turns.correct(B, 30.0)  # it wrote more than was expected, for which its later turns pay
    ask(B, 10.0)
    serve(len(queue))
    assert "".join(served) == "aabccabcabaaaab"


def test_a_share_has_its_own_limits() -> None:
    async def run() -> None:
        crowd = Crowd(FairLine(16))
        await crowd.come(Share("a", max_places=2), *[1.0] * 5)
        await crowd.come(Share("b", max_work=50.0), 60.0, 10.0)
        await crowd.come(Share("c", max_work=50.0), 20.0, 20.0, 20.0)
        assert Counter(crowd.names) == {"a": 2, "b": 1, "c": 2}
        await crowd.leave(crowd.entered[2])
        assert Counter(crowd.names) == {"a": 2, "b": 2, "c": 2}

    asyncio.run(run())


def test_who_is_cancelled_leaves_the_line_and_its_place() -> None:
    async def run() -> None:
        crowd = Crowd(FairLine(1))
        await crowd.come(A, 1.0)
        waiting, entering, last = await crowd.come(B, 1.0, 1.0, 1.0)
        waiting.cancel()
        await settled()
        assert crowd.line.num_waiting == 2
        crowd.line.leave(crowd.entered[0])
        entering.cancel()  # it has its place, and does not know yet
        await settled()
        assert crowd.names == "ab" and last.done() and crowd.line.num_inside == 1
        await crowd.leave(crowd.entered[1])
        assert (crowd.line.num_inside, crowd.line.num_waiting) == (0, 0)

    asyncio.run(run())


def test_a_full_line_turns_away_those_with_most_in_it() -> None:
    async def run() -> None:
        crowd = Crowd(FairLine(1, max_waiting=4))
        tasks = await crowd.come(A, *[30.0] * 6)
        assert isinstance(tasks[5].exception(), OverloadedError) and not tasks[4].done()
        first = (await crowd.come(B, 30.0))[0]
        error = tasks[4].exception()
        assert not first.done() and isinstance(error, OverloadedError)
        assert "4 waiting; retry in" in str(error) and not tasks[3].done()
        second, third = await crowd.come(B, 30.0, 30.0)
        assert not second.done() and isinstance(third.exception(), OverloadedError)
        assert isinstance(tasks[3].exception(), OverloadedError)
        for task in crowd.tasks:
            task.cancel()
        await settled()

    asyncio.run(run())


def test_the_wait_is_the_work_ahead_at_the_measured_speed() -> None:
    async def run() -> None:
        clock = [0.0]
        line = FairLine(1, clock=lambda: clock[0])
        crowd = Crowd(line)
        for _ in range(60):
            await crowd.come(A, 50.0)
            clock[0] += 10.0
            await crowd.leave(crowd.entered[-1])
        assert line._speed.value == pytest.approx(5.0, rel=0.02)
        await crowd.come(A, 100.0, 200.0, 300.0)
        crowd.entered[-1].done = 50.0
        # 50 are left; A waits for its own 500, B for as much of A's as it wants itself
        assert line.seconds_ahead(A, 10.0) == pytest.approx(550 / 5, rel=0.02)
        assert line.seconds_ahead(B, 10.0) == pytest.approx(60 / 5, rel=0.02)
        for task in crowd.tasks:
            task.cancel()
        await settled()

    asyncio.run(run())

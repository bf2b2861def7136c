"""Callers that share a dispatcher, in many random orders of events: no answer is lost, doubled or another caller's."""

from __future__ import annotations

import asyncio
import random
import zlib
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache

import pytest

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from seedx_sdk import DeadlineError, Message, ModelError, OverloadedError, ServiceError
from seedx_sdk.engine.fair_line import FairLine
from seedx_sdk.options import GenerationOptions
from seedx_sdk.serve.access.callers import Caller
from seedx_sdk.serve.access.limits import Limits
from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.serve.pending_call import PendingCall
from seedx_sdk.serve.repeats import IdempotencyError
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import ChatReply, ReplyDone, Request, StreamEvent, TextDelta
from tests.support.virtual_loop import VirtualLoop, simulate

REPLY_SECONDS = 30.0
REMEMBERED_SECONDS = 90.0
SLACK_SECONDS = 1.0
"""What threads and turns of the loop may add to a deadline."""
CALLERS = 4
LIMITS = {"caller-1": Limits(replies_in_flight=1), "caller-2": Limits(weight=10.0)}
"""Of those that have any."""
CALLS = 4
"""Of each task of a caller; a caller has two."""
CHUNK = 25


@dataclass(frozen=True)
class Body:
    """What a caller sends: its words say whose it is."""

    caller: str
    key: str | None
    variant: int

    @property
    def text(self) -> str:
        return f"{self.caller} {self.key} {self.variant}"


@cache
def pieces(text: str) -> list[str]:
    """Return the right answer; for some, more pieces than may be unread."""
    count = zlib.crc32(text.encode()) % 9
    return [f"{text}: {n}" for n in range(40 if count == 8 else count // 2)]


@dataclass
class World:
    """An engine, and what an observer has seen."""

    loop: VirtualLoop
    settings: ServerSettings
    info = ScriptedEngine().info
    runs: int = 0
    active: list[str] = field(default_factory=list)
    finished: dict[str, float] = field(default_factory=dict)
    """When the engine had computed an answer, by its run."""
    answered: dict[tuple[str, str], str] = field(default_factory=dict)
    """The last run whose answer a caller got for an idempotency key."""
    sent: set[tuple[str, str, int]] = field(default_factory=set)
    identities: dict[str, object] = field(default_factory=dict)
    """Of answers, by the run that computed them."""
    outcomes: Counter[str] = field(default_factory=Counter)

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        assert deadline is not None and deadline > self.loop.now
        text, rng = request.messages[-1].text, self.loop.rng
        self.runs += 1
        run = f"run {self.runs}"
        self.check_once(text)
        self.active.append(text)
        assert len(self.active) <= self.settings.max_replies
        caller = text.split()[0]
        allowed = LIMITS.get(caller, Limits()).replies_in_flight or len(self.active)
        assert len([other for other in self.active if other.split()[0] == caller]) <= allowed
        fate = rng.random()
        try:
            for piece in pieces(text):
                await asyncio.sleep(rng.choice((0.0, rng.random())))
                if fate < 0.05:
                    raise rng.choice([ModelError("broken"), ServiceError("restarting"), KeyError("a bug")])
                if fate < 0.1:
                    await asyncio.sleep(10 * REPLY_SECONDS)
                yield TextDelta(text=piece)
            self.finished[run] = self.loop.now
            yield ReplyDone(reply=reply(run, text))
        finally:
            self.active.remove(text)

    def check_once(self, text: str) -> None:
        """Check that no answer is computed which is known or being computed."""
        caller, key, _ = text.split()
        if key == "None":
            return
        assert not [other for other in self.active if other.split()[:2] == [caller, key]], f"{text} is computed twice"
        if (caller, key) in self.answered and self.settings.remembered_bytes:
            known = self.finished[self.answered[caller, key]]
            assert self.loop.now >= known + REMEMBERED_SECONDS, f"{text} is computed again"

    async def check(self) -> None: ...


def reply(run: str, text: str) -> ChatReply:
    return ChatReply(
        message=Message.assistant(text), boxes=(), seed=0, model="m", revision=run, timings={}, warnings=()
    )


async def call(world: World, dispatcher: Dispatcher, body: Body, rng: random.Random) -> None:
    """Make a call, read it in some way, and check what comes."""
    started, caller = world.loop.now, Caller(body.caller, limits=LIMITS.get(body.caller, Limits()))
    identity = dispatcher.identity(caller, body.key)
    request = Request(task="chat", messages=(Message.user(body.text),), options=GenerationOptions())
    pending = PendingCall.request(request)
    if body.key is not None:
        world.sent.add((body.caller, body.key, body.variant))
    leave_after = rng.choice((None, None, None, rng.randrange(4)))
    pause = rng.choice((0.0, 0.0, 0.0, 0.0, 0.5, 2 * REPLY_SECONDS))
    expected, seen = pieces(body.text), list[str]()
    done: ReplyDone | None = None
    try:
        async with aclosing(dispatcher.events(pending, caller=caller, key=body.key)) as events:
            async for event in events:
                assert done is None, "an event after the end"
                if isinstance(event, ReplyDone):
                    done = event
                else:
                    assert isinstance(event, TextDelta)
                    seen.append(event.text)
                    assert seen == expected[: len(seen)], "another caller's answer, or a part of it twice"
                if leave_after is not None and len(seen) > leave_after:
                    world.outcomes["left"] += 1
                    return
                if pause:
                    await asyncio.sleep(rng.random() * pause)
    except IdempotencyError:
        assert body.key is not None
        assert any((body.caller, body.key, other) in world.sent for other in (0, 1) if other != body.variant)
        world.outcomes["conflict"] += 1
        return
    except DeadlineError:
        world.outcomes["deadline"] += 1
        assert world.loop.now - started > REPLY_SECONDS - 1e-6
        assert pause or world.loop.now - started <= REPLY_SECONDS + SLACK_SECONDS, "the deadline came late"
        return
    except OverloadedError as error:
        assert 1.0 <= error.retry_after < 10 * REPLY_SECONDS and not seen
        world.outcomes["overloaded"] += 1
        return
    except (ModelError, ServiceError, KeyError) as error:
        world.outcomes[type(error).__name__] += 1
        return
    assert pause or world.loop.now - started <= REPLY_SECONDS + SLACK_SECONDS, "the answer came after its deadline"
    assert done is not None and seen == expected, "a part of the answer is lost"
    assert done.reply.message.text == body.text, "another caller's answer"
    assert world.identities.setdefault(done.reply.revision, identity) == identity, "one answer with two identities"
    if body.key is not None:
        run, before = done.reply.revision, world.answered.get((body.caller, body.key))
        if before is None or world.finished[run] > world.finished[before]:
            world.answered[body.caller, body.key] = run
        world.outcomes["replayed"] += run == before
    world.outcomes["answered"] += 1


async def task_of_caller(world: World, dispatcher: Dispatcher, caller: str, number: int) -> None:
    rng = random.Random(world.loop.rng.random())
    for n in range(CALLS):
        await asyncio.sleep(rng.choice((0.0, rng.random(), 20 * rng.random(), 100 * rng.random())))
        key = rng.choice((None, "a", "a", "b", "c"))
        variant = int(rng.random() < 0.1) if key is not None else 100 * number + n
        working = asyncio.create_task(call(world, dispatcher, Body(caller, key, variant), rng))
        if rng.random() < 0.2:
            await asyncio.sleep(rng.choice((0.0, rng.random(), 20 * rng.random())))
            working.cancel()
            await asyncio.wait([working])
            world.outcomes["cancelled"] += working.cancelled()
        else:
            await working


async def live(loop: VirtualLoop) -> Counter[str]:
    """Simulate a world from its beginning to its end, and return what happened in it."""
    settings = ServerSettings(
        max_replies=loop.rng.choice((1, 2, 4, 64)),
        max_waiting=loop.rng.choice((0, 0, 1, 4)),
        reply_seconds=REPLY_SECONDS,
        remembered_seconds=REMEMBERED_SECONDS,
        remembered_bytes=loop.rng.choice((0, 1 << 20)),
    )
    world = World(loop, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FairLine.__init__.__kwdefaults__ or {}, "clock", loop.time)  # bound when it was defined
        dispatcher = Dispatcher(world, settings)
    tasks = [task_of_caller(world, dispatcher, f"caller-{n // 2}", n) for n in range(2 * CALLERS)]
    await asyncio.gather(*tasks)
    for _ in range(20):  # what was told to stop has stopped
        await asyncio.sleep(0.1)
    assert not world.active and asyncio.all_tasks() == {asyncio.current_task()}
    outcomes, world.outcomes = world.outcomes, Counter()
    last = [Body(f"last-{n}", None, 0) for n in range(settings.max_replies)]  # all places are free again
    await asyncio.gather(*(call(world, dispatcher, body, random.Random(0)) for body in last))
    assert not world.outcomes["overloaded"]
    return outcomes


@pytest.mark.parametrize("seed", range(0, 2 * CHUNK, CHUNK))
def test_no_answer_is_lost_doubled_or_crossed(seed: int) -> None:
    check(range(seed, seed + CHUNK))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(0, 5000, 1000))
def test_no_answer_is_lost_doubled_or_crossed_in_thousands_of_worlds(seed: int) -> None:
    check(range(seed, seed + 1000))


def check(seeds: range) -> None:
    outcomes = Counter[str]()
    for seed in seeds:
        try:
            outcomes += simulate(seed, live, any_order=seed % 2 == 1)
        except BaseException as error:
            error.add_note(f"in the world of seed {seed}")
            raise
    assert all(
        outcomes[kind] for kind in ("answered", "replayed", "left", "cancelled", "conflict", "deadline", "overloaded")
    )

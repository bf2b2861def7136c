"""Tenants of a whole server, in many random orders of events: what they get, what they are charged, and when.

Their keys rotate, they leave, read slowly and repeat requests, its line is full, its engine fails, it is restarted.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from seedx_sdk.engine.fair_line import FairLine
from seedx_sdk.imaging import open_image
from seedx_sdk.serve.access import keyring
from seedx_sdk.serve.access.rates import Account
from tests.support.asgi_call import AsgiCall
from tests.support.simulated_server import (
    KEYS_ARE_READ_AFTER,
    LIMITS,
    REPLY_SECONDS,
    STEPS,
    KeyFile,
    Life,
    Server,
    World,
    color,
    pieces,
)
from tests.support.virtual_loop import VirtualLoop, simulate

SLACK_SECONDS = 1.0
"""What threads and turns of the loop may add to a deadline."""
STOPPED_SECONDS = 1.5
"""After which nothing more is computed for a client that has left; the engine's next event comes within one."""
WINDOW_SECONDS = 62.0
"""After which what was used in a minute is forgotten for sure."""
CALLS = 2
"""Of each task of a tenant; a tenant has two."""
CHECK_SECONDS = KEYS_ARE_READ_AFTER - 0.5
"""Between two looks at the file of keys."""
PNG = "data:image/png;base64,"
GAUGES = ("seedx_replies_in_flight", "seedx_replies_waiting")
CROWDS = ({"max_replies": 1, "max_waiting": 4}, {"max_replies": 2, "max_waiting": 0}, {"max_replies": 64})


@dataclass(eq=False)
class Asked:
    """A call and what it may be charged."""

    tenant: str
    images: int
    began: float
    ended: float | None = None


@dataclass
class Tenants:
    """All callers of one world."""

    world: World
    keys: KeyFile
    max_replies: int
    asked: list[Asked] = field(default_factory=list)
    life: Life | None = None
    """That of the server, now."""
    contents: dict[str, tuple[object, int]] = field(default_factory=dict)
    """The last answer to each repeated request, by its words, and how often it had been computed by then."""
    sent: set[tuple[str, str]] = field(default_factory=set)
    """Idempotency keys, with the words of the requests."""

    async def live(self, name: str, number: int) -> None:
        """Make calls now and then, whenever the server is there."""
        rng = random.Random(self.world.loop.rng.random())
        for n in range(CALLS):
            await asyncio.sleep(rng.choice((0.0, rng.random(), 60 * rng.random())))
            while self.life is None or self.life.is_over:
                await asyncio.sleep(rng.random())
            await self.call(self.life, name, rng, 1 + CALLS * number + n)

    async def call(self, life: Life, name: str, rng: random.Random, number: int) -> None:
        """Make a call of some kind, and check what comes of it."""
        tenant, began = self.keys.tenants[name], self.world.loop.now
        kind = rng.choice(("generate", "images", "chat"))
        key = rng.choice((None, f"{kind}-a", f"{kind}-a", f"{kind}-b"))
        variant = int(rng.random() < 0.1) if key is not None else number
        count = 1 if kind == "generate" else min(2, self.max_replies) if kind == "images" else rng.randrange(3)
        if kind == "chat" and name == "dan":
            count = 0  # what a chat draws may be more than is left
        text, seed = f"{tenant} {key} {variant} {count}", 10 * variant
        bearer = rng.choice([f"{tenant}-key-1", *7 * self.keys.texts[tenant][-1:]])
        is_settled, is_valid = self.keys.changed[bearer] < began - KEYS_ARE_READ_AFTER, self.keys.is_valid(bearer)
        call = request(kind, text, seed, count, bearer, key)
        call.pause = rng.choice((0.0, 0.0, 0.0, 0.5, 70.0))
        call.leaves_after = rng.choice((None, None, None, 1 + rng.randrange(4)))
        self.asked.append(asked := Asked(tenant, count, began))
        if key is not None:
            self.sent.add((f"{tenant} {key}", text))
        has_ended = await self._send(life, call, rng)
        asked.ended = self.world.loop.now
        if is_settled and call.status is not None:
            assert (call.status == 401) == (not is_valid), "the file of keys is not followed"
        if call.gone.is_set():
            self.world.outcomes["left"] += 1
        elif not has_ended:
            assert life.is_over
            self.world.outcomes["cut off"] += 1
        else:
            is_slow = call.pause > 0 and kind == "chat"
            assert is_slow or asked.ended - began <= REPLY_SECONDS + SLACK_SECONDS, "the deadline came late"
            end = self._end(call, kind, text, seed, asked)
            if end == "answered" and key is not None and not is_slow:
                self._check_repeated(call, text)
            self.world.outcomes[end] += 1

    async def _send(self, life: Life, call: AsgiCall, rng: random.Random) -> bool:
        """Send a call, leave it in some cases, and return whether the server ended it."""
        working, gone = asyncio.ensure_future(life.answer(call)), asyncio.ensure_future(call.gone.wait())
        if rng.random() < 0.2:
            await asyncio.wait([working], timeout=rng.choice((0.0, rng.random(), 20 * rng.random())))
            if not working.done():
                call.gone.set()
        await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not working.done():
            await asyncio.wait([working], timeout=STOPPED_SECONDS)
        assert working.done(), "the server works on for a client that has left"
        return working.result()

    def _end(self, call: AsgiCall, kind: str, text: str, seed: int, asked: Asked) -> str:
        """Check an answer or an error, and return what it is."""
        if call.status == 200:
            if kind != "chat":
                check_images(call, kind, text, seed, asked.images)
                return "answered"
            *parts, last = [{"type": "none"}, *(event for event in call.events() if event.get("type") != "notice")]
            check_parts(parts, text, seed)
            if last["type"] == "reply_done":
                assert len(parts) == 1 + len(pieces(text)) + (STEPS + 1) * asked.images, "a part is lost"
                assert said(last["reply"]) == [text, *(color(text, seed + n) for n in range(asked.images))]
                return "answered"
            if not call.is_complete:
                assert call.pause > 60
                return "cut off for reading nothing"
            problem = last
        else:
            problem = call.json()["error"]
        code, kind = problem["code"], problem["type"]
        took = self.world.loop.now - asked.began
        if code == "deadline_exceeded":
            assert took > REPLY_SECONDS - 1e-6
        elif code == "idempotency_conflict":
            key = " ".join(text.split()[:2])
            assert any(same == key and other != text for same, other in self.sent)
        elif code == "rate_limit_exceeded":
            wait = call.answered.get("retry-after", math.ceil(problem["retry_after"]))  # of a chat: before an image
            assert 1 <= int(wait) and self._has_used_all(asked)
        elif kind == "OverloadedError":
            assert problem["retry_after"] >= 1
            assert "restarting" not in problem["message"] or self.world.engine_failures
            return "restarting" if "restarting" in problem["message"] else "overloaded"
        elif kind == "ServiceError":
            assert self.world.engine_failures
            return "failed with its engine"
        elif code != "invalid_api_key":
            assert kind == "ModelError" and self.world.broken[text], problem
            return "failed alone"
        return str(code)

    def _has_used_all(self, asked: Asked) -> bool:
        """Whether a call may have been more than was left: what was not drawn is given back at the end of a call."""
        own = [other for other in self.asked if other.tenant == asked.tenant]
        beside = sum(other.images for other in own if other.ended is None or other.ended > asked.began - 0.1)
        minute = sum(o.images for o in own if o.ended is None or o.ended > asked.began - WINDOW_SECONDS)
        limits = LIMITS[asked.tenant.partition("-")[0]]
        if limits.images_per_day is not None:
            return self.world.images[asked.tenant] + beside > limits.images_per_day
        return limits.images_per_minute is not None and minute > limits.images_per_minute

    def _check_repeated(self, call: AsgiCall, text: str) -> None:
        """Check that nothing but a new computation changes the answer to a repeated request."""
        world, count = self.world, sum(n for (own, _), n in self.world.runs.items() if own == text)
        content = call.events() if call.answered["content-type"].startswith("text/event-stream") else call.json()
        before, then = self.contents.get(text, (content, count))
        assert then != count or content == before, "another answer to the same request"
        world.outcomes["replayed"] += text in self.contents and then == count
        self.contents[text] = content, count
        for own, number in world.computed:
            if own == text:
                world.known[own, number] = world.computed[own, number]

    async def settle(self, life: Life) -> None:
        """Check that each tenant has all that it has not used, and no more."""
        await asyncio.sleep(WINDOW_SECONDS)
        left = {"ben": 2, "dan": 4 - self.world.images[self.keys.tenants["dan"]], "eve": 1, "ann": 1}
        for number, (name, images) in enumerate(left.items()):
            assert images >= 0, "more than is allowed"
            while images:
                count = min(images, self.max_replies)
                assert (await self._settling(life, name, 1000 + 100 * number + images, count)).status == 200
                images -= count
            if name in ("ben", "dan"):
                assert (await self._settling(life, name, 1000 + 100 * number, 1)).status == 429

    async def _settling(self, life: Life, name: str, seed: int, count: int) -> AsgiCall:
        tenant = self.keys.tenants[name]
        call = request("images", f"{tenant} None {seed} {count}", seed, count, self.keys.texts[tenant][-1], None)
        assert await life.answer(call)
        return call


def request(kind: str, text: str, seed: int, count: int, bearer: str, key: str | None) -> AsgiCall:
    options = {"width": 64, "height": 64, "num_inference_steps": STEPS, "seed": seed}
    path, body = {
        "generate": ("/v1/tools/generate", {"prompt": text, **options}),
        "images": (
            "/v1/images/generations",
            {"prompt": text, "n": count, "size": "64x64", "seed": seed, "num_inference_steps": STEPS},
        ),
        "chat": (
            "/v1/chat",
            {
                "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
                "options": {**options, "max_images": 2},
            },
        ),
    }[kind]
    headers = {"Authorization": f"Bearer {bearer}"} | ({"Idempotency-Key": key} if key else {})
    return AsgiCall(path, body, headers)


def said(message: dict[str, Any]) -> list[object]:
    """Return the words and colors of a message."""
    parts = message["message"]["content"]
    return [part["text"] if part["type"] == "text" else drawn(part["image"]) for part in parts]


def drawn(image: str) -> object:
    """Return the color of an image, given as a data URI."""
    opened = open_image(image)
    assert opened.size == (64, 64)
    return opened.getpixel((9, 9))


def check_images(call: AsgiCall, kind: str, text: str, seed: int, count: int) -> None:
    answer = call.json()
    images = [answer["image"]] if kind == "generate" else [PNG + image["b64_json"] for image in answer["data"]]
    assert [drawn(image) for image in images] == [color(text, seed + n) for n in range(count)]
    assert kind != "generate" or (answer["text"], answer["seed"]) == (text, seed), "another caller's answer"


def check_parts(parts: Sequence[dict[str, Any]], text: str, seed: int) -> None:
    """Check the parts of a chat that have come so far: each once and in its order."""
    words = [part["text"] for part in parts if part["type"] == "text_delta"]
    assert words == pieces(text)[: len(words)]
    colors = [drawn(part["image"]) for part in parts if part["type"] == "image_done"]
    assert colors == [color(text, seed + n) for n in range(len(colors))]
    steps = [part["step"] for part in parts if part["type"] == "image_progress"]
    assert steps == [1 + n % STEPS for n in range(len(steps))]


async def live(loop: VirtualLoop, server: Server) -> Counter[str]:
    """Simulate a world from its beginning to its end, and return what happened in it."""
    world = World(loop)
    keys = KeyFile(server.path, world, suffix=f"{loop.rng.getrandbits(40):x}")
    tenants = Tenants(world, keys, server.settings.max_replies)
    before = [REGISTRY.get_sample_value(name) for name in GAUGES]
    with pytest.MonkeyPatch.context() as patch:  # bound when they were defined
        patch.setitem(FairLine.__init__.__kwdefaults__ or {}, "clock", loop.time)
        patch.setattr(Account.__init__, "__defaults__", (loop.time,))
        patch.setattr(keyring, "_CHECK_SECONDS", CHECK_SECONDS)
        clients = asyncio.gather(*(tenants.live(name, n) for name in LIMITS for n in range(2)))
        while not clients.done():
            async with server.living(world) as tenants.life:
                rotating = asyncio.create_task(keys.rotate())
                await asyncio.wait([clients], timeout=20 + 100 * loop.rng.random())
                rotating.cancel()
            await asyncio.sleep(5 * loop.rng.random())
        clients.result()
        keys.restore()
        world.is_calm = True
        async with server.living(world) as life:
            await tenants.settle(life)
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:  # polls for the end of uvicorn as long as the loop lives
        assert "_shutdown_watcher" in repr(task)
        task.cancel()
    if rest:
        await asyncio.wait(rest)
    assert not world.active and before == [REGISTRY.get_sample_value(name) for name in GAUGES]
    return world.outcomes


@pytest.mark.parametrize("crowd", range(len(CROWDS)))
def test_tenants_get_their_own_and_are_charged_for_it(crowd: int, tmp_path: Path) -> None:
    outcomes = check(crowd, range(9), tmp_path)
    assert all(outcomes[kind] for kind in ("answered", "left", "replayed", "invalid_api_key"))


@pytest.mark.nightly
@pytest.mark.parametrize("crowd", range(len(CROWDS)))
def test_tenants_get_their_own_and_are_charged_for_it_in_thousands_of_worlds(crowd: int, tmp_path: Path) -> None:
    outcomes = check(crowd, range(1000), tmp_path)
    kinds = ("rate_limit_exceeded", "idempotency_conflict", "deadline_exceeded", "restarting", "cut off")
    assert all(outcomes[kind] for kind in kinds)


def check(crowd: int, seeds: range, directory: Path) -> Counter[str]:
    server, outcomes = Server(directory / "keys.toml", **CROWDS[crowd]), Counter[str]()
    for seed in seeds:
        try:
            outcomes += simulate(seed, lambda loop: live(loop, server), any_order=seed % 2 == 1)
        except BaseException as error:
            error.add_note(f"in the world of seed {seed}")
            raise
    return outcomes

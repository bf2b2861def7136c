"""A whole server in virtual time: its keys rotate, its engine fails and is restarted, and it is restarted itself."""

from __future__ import annotations

import asyncio
import os
import random
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from fastapi import FastAPI
from PIL import Image

from seedx_sdk import Message, ModelError
from seedx_sdk.engine.protocol import AsyncEngine
from seedx_sdk.serve.access.limits import Limits
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.serve.supervisor import SupervisedEngine
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import ChatReply, ImageDone, ImageProgress, ReplyDone, Request, StreamEvent, TextDelta
from tests.support.asgi_call import AsgiCall
from tests.support.virtual_loop import VirtualLoop

__all__ = [
    "KEYS_ARE_READ_AFTER",
    "LIMITS",
    "REPLY_SECONDS",
    "STEPS",
    "KeyFile",
    "Life",
    "Server",
    "World",
    "color",
    "pieces",
]

REPLY_SECONDS = 30.0
REMEMBERED_SECONDS = 90.0
STEPS = 4
"""Of an image; together they are one step's worth of an image of the model's own size, which has 4 times the pixels."""
LIMITS = {
    "ann": Limits(),
    "ben": Limits(images_per_minute=2, steps_per_minute=2),
    "eve": Limits(replies_in_flight=1),
    "dan": Limits(images_per_day=4, weight=5.0),
}
"""By tenant; the one without limits always has a key."""
KEYS_ARE_READ_AFTER = 5.5
"""Seconds after which a change of the file counts for sure."""


def pieces(text: str) -> list[str]:
    """Return the words of the right answer; for some, more pieces than may be unread."""
    count = zlib.crc32(text.encode()) % 9
    return [f"{text}: {n}" for n in range(40 if count == 8 else 1 + count // 2)]


def color(text: str, seed: int) -> tuple[int, int, int]:
    """Return the color of the right image."""
    number = zlib.crc32(f"{text} {seed}".encode())
    return number % 256, number // 256 % 256, number // 65536 % 256


@dataclass
class World:
    """What an observer sees."""

    loop: VirtualLoop
    is_calm: bool = False
    """Whether nothing fails any more."""
    active: list[tuple[str, int]] = field(default_factory=list)
    """Words and seeds of the replies that are being computed."""
    runs: Counter[tuple[str, int]] = field(default_factory=Counter)
    computed: dict[tuple[str, int], float] = field(default_factory=dict)
    """When an answer was computed last."""
    known: dict[tuple[str, int], float] = field(default_factory=dict)
    """The same of answers that a client has got in this life of the server."""
    broken: Counter[str] = field(default_factory=Counter)
    """Replies that failed alone, by their words."""
    engine_failures: int = 0
    images: Counter[str] = field(default_factory=Counter)
    """That were finished, by tenant."""
    outcomes: Counter[str] = field(default_factory=Counter)


class Engine:
    """Answers with words and colors that no other request has; may fail with all that is in it.

    Args:
        world: Sees what it does.
        settings: Of the server.
    """

    info = ScriptedEngine().info

    def __init__(self, world: World, settings: ServerSettings) -> None:
        self._world, self._settings, self._is_broken = world, settings, False

    async def check(self) -> None:
        if self._is_broken:
            raise ModelError("the engine has died")

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        world, rng = self._world, self._world.loop.rng
        text, seed = request.messages[-1].text, request.options.seed
        assert deadline is not None and deadline > world.loop.now
        self._check_begin(text, seed)
        world.active.append((text, seed))
        world.runs[text, seed] += 1
        fate = 1.0 if world.is_calm else rng.random()
        try:
            async for event in self._events(request):
                await asyncio.sleep(rng.choice((0.0, rng.random())))
                if fate < 0.04:
                    world.broken[text] += 1
                    raise ModelError("broken")
                if fate < 0.06:
                    self._is_broken = True
                    world.engine_failures += 1
                if self._is_broken:
                    raise ModelError("the engine has died")
                if fate < 0.1:
                    await asyncio.sleep(10 * REPLY_SECONDS)
                if isinstance(event, ImageDone):
                    world.images[text.split()[0]] += 1
                elif isinstance(event, ReplyDone):
                    world.computed[text, seed] = world.loop.now
                yield event
        finally:
            world.active.remove((text, seed))

    def _check_begin(self, text: str, seed: int) -> None:
        world, (tenant, key, *_) = self._world, text.split()
        assert len(world.active) < self._settings.max_replies
        allowed = LIMITS[tenant.partition("-")[0]].replies_in_flight
        assert allowed is None or len([own for own, _ in world.active if own.split()[0] == tenant]) < allowed
        if key == "None":
            return
        same = [own for own, others in world.active if own.split()[:2] == [tenant, key] and others == seed]
        assert not same, f"{text} is computed twice at once"
        if (known := world.known.get((text, seed))) is not None and self._settings.remembered_bytes:
            assert world.loop.now >= known + REMEMBERED_SECONDS, f"{text} is computed again"

    async def _events(self, request: Request) -> AsyncIterator[StreamEvent]:
        text, seed = request.messages[-1].text, request.options.seed
        count = 1 if request.makes_image else int(text.rpartition(" ")[2])
        images = [Image.new("RGB", (64, 64), color(text, seed + n)) for n in range(count)]
        for piece in pieces(text):
            yield TextDelta(text=piece)
        for image in images:
            for step in range(1, STEPS + 1):
                yield ImageProgress(step=step, total=STEPS)
            yield ImageDone(image=image, text=text)
        message = Message.assistant(text, *images)
        yield ReplyDone(
            reply=ChatReply(
                message=message, boxes=(), written=text, seed=seed, model="m", revision="r", timings={}, warnings=()
            )
        )


class KeyFile:
    """A file of API keys that is replaced now and then.

    Args:
        path: Of the file.
        world: Whose time counts.
        suffix: Of the tenants' names, so that two worlds share none.
    """

    def __init__(self, path: Path, world: World, suffix: str) -> None:
        self._path, self._world, self._made = path, world, Counter[str]()
        self.tenants = {name: f"{name}-{suffix}" for name in LIMITS}
        self.texts: dict[str, list[str]] = {tenant: [self._new(tenant)] for tenant in self.tenants.values()}
        """The valid ones of each tenant, oldest first."""
        self.changed: defaultdict[str, float] = defaultdict(lambda: 0.0)
        """When a text became valid or invalid."""
        self.write()

    def _new(self, tenant: str) -> str:
        self._made[tenant] += 1
        return f"{tenant}-key-{self._made[tenant]}"

    def is_valid(self, text: str) -> bool:
        return any(text in texts for texts in self.texts.values())

    def write(self) -> None:
        """Replace the file."""
        lines = []
        for name, tenant in self.tenants.items():
            if texts := self.texts[tenant]:
                own = LIMITS[name].model_dump(exclude_unset=True)
                lines += [f"[keys.{tenant}]", f"key = {texts}", *(f"{limit} = {value}" for limit, value in own.items())]
        self._put("\n".join(lines))

    def _put(self, content: str) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(content)
        new.chmod(0o600)
        os.replace(new, self._path)

    def restore(self) -> None:
        """Give each tenant a key."""
        for tenant, texts in self.texts.items():
            if not texts:
                self._add(tenant)
        self.write()

    def _add(self, tenant: str) -> None:
        self.texts[tenant].append(text := self._new(tenant))
        self.changed[text] = self._world.loop.now

    async def rotate(self) -> None:
        """Change the file again and again."""
        rng = random.Random(self._world.loop.rng.random())
        while True:
            await asyncio.sleep(KEYS_ARE_READ_AFTER + 10 * rng.random())
            tenant = self.tenants[rng.choice(list(LIMITS))]
            texts = self.texts[tenant]
            if rng.random() < 0.1:
                self._put("[keys.ann]\nkey =")
                continue  # the keys stay as they were, until the file is whole again
            if rng.random() < 0.6 or not texts:
                self._add(tenant)
            elif len(texts) > 1 or not tenant.startswith("ann"):
                self.changed[texts.pop(0)] = self._world.loop.now
            self.write()


class Server:
    """An application that lives several times; the accounts of its tenants outlive it, so that a leak would show.

    Args:
        path: For the file of keys.
        limits: Further settings.
    """

    def __init__(self, path: Path, **limits: int) -> None:
        self.path = path
        path.write_text("[keys.ann]\nkey = 'nobody has it'\n")
        path.chmod(0o600)
        self.settings = ServerSettings(
            api_keys_file=path, reply_seconds=REPLY_SECONDS, remembered_seconds=REMEMBERED_SECONDS, **limits
        )
        self.app = create_app(self, self.settings, routers=[])
        self.world: World | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncEngine:
        """Open an engine of the present world."""
        assert (world := self.world) is not None

        @asynccontextmanager
        async def started() -> AsyncIterator[Engine]:
            await asyncio.sleep(world.loop.rng.random())
            yield Engine(world, self.settings)

        return await self._stack.enter_async_context(SupervisedEngine(started, check_every=5.0))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def living(self, world: World) -> AsyncIterator[Life]:
        """Start the server; at the end, let calls finish for a while, and cut the others off."""
        self.world, life = world, Life(self.app)
        async with self.app.router.lifespan_context(self.app):
            await asyncio.sleep(KEYS_ARE_READ_AFTER)
            world.known.clear()
            yield life
            await life.end(world.loop.rng.choice((0.0, 2.0, 2 * REPLY_SECONDS)))
            dispatcher = self.app.state.dispatcher
        assert not dispatcher._finished._in_flight and dispatcher._room._free == dispatcher._room._pixels
        assert dispatcher._line.num_waiting == dispatcher._line.num_inside == 0


class Life:
    """A server from its start to its end."""

    def __init__(self, app: FastAPI) -> None:
        self._app, self._working = app, set[asyncio.Task[None]]()
        self.is_over = False

    async def answer(self, call: AsgiCall) -> bool:
        """Make a call, and return whether it came to an end by itself, before that of the server."""
        working = asyncio.ensure_future(call.send(self._app))
        self._working.add(working)
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError:
            call.gone.set()
            raise
        if working.cancelled():
            return False
        working.result()
        return True

    async def end(self, grace: float) -> None:
        """Take no more calls, and cut those off that take longer than so many seconds."""
        self.is_over = True
        if unfinished := {working for working in self._working if not working.done()}:
            _, unfinished = await asyncio.wait(unfinished, timeout=grace)
        for working in unfinished:
            working.cancel()
        if unfinished:
            await asyncio.wait(unfinished)

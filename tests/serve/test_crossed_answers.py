"""Many clients of one server at once, each with words and seeds of its own: nobody gets the answer of another."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import httpx
import pytest
from httpx_sse import aconnect_sse

from seedx_sdk import AsyncSeedX, Message
from seedx_sdk.types import ReplyDone, TextDelta
from tests.support.echo_engine import PIECES, Echo, image_of, pieces
from tests.support.http_server import EVENT_SECONDS, Serve


class Client:
    """Makes calls of all kinds, and checks that each answer is its own."""

    def __init__(self, number: int, address: str, engine: Echo) -> None:
        self._seedx = AsyncSeedX(base_url=address, max_retries=50)
        self._http = httpx.AsyncClient(base_url=address, timeout=EVENT_SECONDS)
        self._number, self._engine, self._random = number, engine, random.Random(number)
        self.answered = Counter[str]()

    async def run(self, calls: int) -> None:
        kinds: list[Callable[[str, int], Awaitable[None]]] = [
            self.chat,
            self.draw,
            self.stream,
            self.leave,
            self.cancel,
            self.openai,
            self.repeat,
        ]
        async with self._seedx, self._http:
            for n in range(calls):
                kind = self._random.choice(kinds)
                await kind(f"client {self._number} call {n}", 1000 * self._number + n)
                self.answered[kind.__name__] += 1

    async def chat(self, text: str, seed: int) -> None:
        answer = await self._seedx.chat([Message.user(text)], seed=seed)
        assert (answer.message.text, answer.seed) == (" ".join(pieces(text)), seed)

    async def draw(self, text: str, seed: int) -> None:
        drawn = await self._seedx.generate(text, seed=seed)
        assert drawn.image is not None and drawn.image.tobytes() == image_of(seed).tobytes()
        assert (drawn.text, drawn.seed) == (" ".join(pieces(text)), seed)

    async def stream(self, text: str, seed: int) -> None:
        seen: list[str] = []
        async with aclosing(self._seedx.chat_stream([Message.user(text)], seed=seed)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    seen.append(event.text)
        assert seen == pieces(text) and isinstance(event, ReplyDone) and event.reply.seed == seed

    async def leave(self, text: str, seed: int) -> None:
        count, seen = self._random.randrange(PIECES), list[str]()
        async with aclosing(self._seedx.chat_stream([Message.user(text)], seed=seed)) as events:
            async for event in events:
                if len(seen) == count:
                    break
                assert isinstance(event, TextDelta)
                seen.append(event.text)
        assert seen == pieces(text)[:count]

    async def cancel(self, text: str, seed: int) -> None:
        working = asyncio.create_task(self.chat(text, seed))
        await asyncio.sleep(self._random.choice((0.0, 0.001, 0.01)))
        working.cancel()
        await asyncio.wait([working])
        if not working.cancelled():
            working.result()

    async def openai(self, text: str, seed: int) -> None:
        body = {"messages": [{"role": "user", "content": text}], "seed": seed, "stream": True}
        seen, chunks = "", []
        async with aconnect_sse(self._http, "POST", "/v1/chat/completions", json=body) as source:
            if source.response.status_code == 503:
                return
            async for event in source.aiter_sse():
                if event.data != "[DONE]":
                    chunks.append(event.json())
        for chunk in chunks:
            for choice in chunk["choices"]:
                seen += choice["delta"].get("content") or ""
        assert seen == "".join(pieces(text)) and chunks[-1]["seed"] == seed

    async def repeat(self, text: str, seed: int) -> None:
        """Send one request three times with one key, twice at once."""
        key, body = {"Idempotency-Key": uuid.uuid4().hex}, {"prompt": text, "seed": seed}

        async def post() -> httpx.Response:
            while True:
                answer = await self._http.post("/v1/tools/generate", json=body, headers=key)
                if answer.status_code != 503:
                    return answer
                await asyncio.sleep(float(answer.headers["Retry-After"]))

        answers = [*await asyncio.gather(post(), post()), await post()]
        assert {answer.content for answer in answers} == {answers[0].content} and answers[0].json()["seed"] == seed
        assert answers[0].json()["text"] == " ".join(pieces(text)) and self._engine.runs[text] == 1


async def crowd(address: str, engine: Echo, clients: int, calls: int) -> Counter[str]:
    """Let all clients make their calls at once, and return what they made."""
    callers = [Client(number, address, engine) for number in range(clients)]
    await asyncio.gather(*(caller.run(calls) for caller in callers))
    return sum((caller.answered for caller in callers), Counter[str]())


def test_nobody_gets_the_answer_of_another(serve: Serve) -> None:
    engine = Echo()
    made = asyncio.run(crowd(serve(engine), engine, clients=8, calls=20))
    assert made.total() == 8 * 20 and len(made) == 7


@pytest.mark.nightly
@pytest.mark.parametrize("places", [64, 16])
def test_nobody_gets_the_answer_of_another_in_thousands_of_calls(serve: Serve, places: int) -> None:
    """With too few places too, so that calls are rejected and sent again."""
    engine = Echo()
    made = asyncio.run(crowd(serve(engine, max_replies=places), engine, clients=64, calls=160))
    assert made.total() == 64 * 160 and len(made) == 7

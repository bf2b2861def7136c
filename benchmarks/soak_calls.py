"""What the clients of a soak test call, and what they check: each has pages, prompts and seeds that no other has."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import httpx
import numpy as np
from httpx_sse import EventSource
from soak_tally import Answer, CrossedAnswerError, Tally, WrongAnswerError

from seedx_finetune.world import render, sample_scene
from seedx_sdk import AsyncSeedX, Message
from seedx_sdk.imaging import open_image, to_data_uri
from seedx_sdk.options import ImageOptions
from seedx_sdk.types import ChatReply, ImageDone, ImageProgress, ReplyDone, TextDelta

__all__ = ["REFERENCES", "Caller"]

SMALL: ImageOptions = {"width": 64, "height": 64, "num_inference_steps": 2}
MIX = {
    "describe": 6,
    "generate": 3,
    "chat": 4,
    "chat_stream": 4,
    "openai": 3,
    "openai_stream": 4,
    "repeat": 2,
    "cancel": 3,
    "bad_input": 3,
}
"""How often a client makes each kind of call, relative to the others."""
REFERENCES = ("describe", "generate", "chat", "openai")
"""Calls whose answers are known before the test begins, for each client."""
_PATIENCE = 600.0
"""Seconds that a plain HTTP client waits for an answer or for its next part."""


class Caller:
    """One client.

    Args:
        number: Of the client, unique.
        address: Of the server.
        key: API key.
        tally: Counts.
    """

    def __init__(self, number: int, address: str, key: str, tally: Tally) -> None:
        self.number, self.tally = number, tally
        self.random = random.Random(number)
        self.page = render(sample_scene(np.random.default_rng(number)))
        self.seedx = AsyncSeedX(base_url=address, api_key=key, max_retries=20)
        self.http = httpx.AsyncClient(
            base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=httpx.Timeout(_PATIENCE, connect=60.0)
        )
        color = self.random.choice(["red", "blue", "yellow", "green"])
        self.prompt = f"a {color} {self.random.choice(['house', 'tree', 'car', 'boat', 'ball'])}"

    async def aclose(self) -> None:
        """Close the connections."""
        await self.seedx.aclose()
        await self.http.aclose()

    async def run(self, until: float) -> None:
        """Make calls till then, in `time.monotonic()`; the last one is finished."""
        kinds, weights = list(MIX), list(MIX.values())
        while time.monotonic() < until:
            (kind,) = self.random.choices(kinds, weights)
            await self.call(kind)

    async def call(self, kind: str) -> None:
        """Make one call and count what came of it."""
        make: Callable[[], Awaitable[None]] = getattr(self, f"_{kind}")
        self.tally.started[kind] += 1
        started = time.monotonic()
        try:
            await make()
        except CrossedAnswerError as error:
            self.tally.crossed[str(error)] += 1
        except WrongAnswerError as error:
            self.tally.wrong[str(error)] += 1
        except Exception as error:  # whatever it is, a caller did not get its answer
            self.tally.lost[f"{kind}: {type(error).__name__}: {str(error)[:100]}"] += 1
        else:
            self.tally.right[kind] += 1
            self.tally.seconds[kind].append(time.monotonic() - started)

    async def reference(self, kind: str) -> None:
        """Remember an answer as the right one."""
        self.tally.references[kind][self.number] = await getattr(self, f"_answer_{kind}")()

    # the calls that have a right answer

    async def _describe(self) -> None:
        self._check("describe", await self._answer_describe())

    async def _generate(self) -> None:
        self._check("generate", await self._answer_generate())

    async def _chat(self) -> None:
        self._check("chat", await self._answer_chat())

    async def _openai(self) -> None:
        self._check("openai", await self._answer_openai())

    def _check(self, kind: str, answer: Answer) -> None:
        self.tally.check(kind, self.number, answer)

    async def _answer_describe(self) -> Answer:
        description = await self.seedx.describe(self.page, seed=self._seed(0))
        return Answer(description.text, (), description.seed)

    async def _answer_generate(self) -> Answer:
        generated = await self.seedx.generate(self.prompt, **self._small(1))
        assert generated.image is not None
        return Answer(generated.text, (generated.image,), generated.seed)

    async def _answer_chat(self) -> Answer:
        reply = await self.seedx.chat(self._turn(), **self._small(2))
        return _answer(reply)

    async def _answer_openai(self) -> Answer:
        response = await self._post("/v1/chat/completions", self._openai_body())
        return _openai_answer(response["choices"][0]["message"], response["seed"])

    def _seed(self, kind: int) -> int:
        return 10 * self.number + kind

    def _small(self, kind: int) -> ImageOptions:
        return {**SMALL, "seed": self._seed(kind)}

    def _turn(self) -> list[Message]:
        if self.number % 2:
            return [Message.user(f"Draw {self.prompt}.")]
        return [Message.user(self.page, "What is in the picture?")]

    def _openai_body(self) -> dict[str, Any]:
        parts = [
            {"type": "text", "text": part.text}
            if part.type == "text"
            else {"type": "image_url", "image_url": {"url": to_data_uri(part.image)}}
            for part in self._turn()[0].content
        ]
        return {"messages": [{"role": "user", "content": parts}], "seed": self._seed(3), **SMALL}

    # streams, whose parts together are the whole answer

    async def _chat_stream(self) -> None:
        text, images = "", []
        async with aclosing(self.seedx.chat_stream(self._turn(), **self._small(2))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    text += event.text
                elif isinstance(event, ImageDone):
                    images.append(event.image)
                elif isinstance(event, ReplyDone):
                    reply = event.reply
        answer = _answer(reply)
        self._check("chat", answer)
        if len(images) != len(answer.images) or text.split() != answer.text.split():
            raise WrongAnswerError("chat_stream: its parts are not its end")

    async def _openai_stream(self) -> None:
        body = {**self._openai_body(), "stream": True, "stream_options": {"include_usage": True}}
        text, images, seed, ends = "", [], -1, 0
        response = await self._send("/v1/chat/completions", body, stream=True)
        async with aclosing(response):
            response.raise_for_status()
            async for event in EventSource(response).aiter_sse():
                if event.data == "[DONE]":
                    ends += 1
                    continue
                chunk = event.json()
                if "error" in chunk:
                    raise RuntimeError(f"{chunk['error']['type']}: {chunk['error']['message']}")
                seed = chunk.get("seed", seed)
                for choice in chunk["choices"]:
                    text += choice["delta"].get("content") or ""
                    images += choice["delta"].get("images", [])
        if ends != 1:
            raise WrongAnswerError(f"openai_stream: {ends} ends")
        self._check("openai", _openai_answer({"content": text, "images": images}, seed))

    # calls that end otherwise

    async def _repeat(self) -> None:
        """Send a request three times with one idempotency key, twice at once; then another one with that key."""
        body, key = {"images": [to_data_uri(self.page)], "seed": self._seed(0)}, uuid.uuid4().hex
        both = await asyncio.gather(*(self._send("/v1/tools/describe", body, key) for _ in range(2)))
        third = await self._send("/v1/tools/describe", body, key)
        third.raise_for_status()
        same = {response.content for response in (*both, third)}
        if len(same) > 1 or third.json()["text"] != self.tally.references["describe"][self.number].text:
            raise WrongAnswerError("repeat: another answer for the same idempotency key")
        other = await self._send("/v1/tools/describe", {**body, "seed": 5 + self._seed(0)}, key)
        if other.status_code != 409:
            raise WrongAnswerError(f"repeat: {other.status_code} for another request with the same idempotency key")

    async def _cancel(self) -> None:
        """Leave a stream that would go on for long."""
        options: ImageOptions = {**self._small(4), "num_inference_steps": 1000}
        call = self.seedx.chat_stream([Message.user(f"Draw {self.prompt}.")], **options)
        leave_at = self.random.choice([TextDelta, ImageProgress])
        async with aclosing(call) as events:
            async for event in events:
                if isinstance(event, leave_at):
                    return

    async def _bad_input(self) -> None:
        """Send something that must be rejected, and not by a failure."""
        path, content = self.random.choice(_BAD)
        response = await self._send(path, content)
        if not (400 <= response.status_code < 500 and response.json()["error"]["message"]):
            raise WrongAnswerError(f"bad_input: {response.status_code} for {path} with {str(content)[:60]}")

    async def _post(self, path: str, body: object, key: str | None = None) -> Any:
        response = await self._send(path, body, key)
        response.raise_for_status()
        return response.json()

    async def _send(self, path: str, body: object, key: str | None = None, *, stream: bool = False) -> httpx.Response:
        """Return the response; send the request again while the server has no place."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        while True:
            request = self.http.build_request("POST", path, content=content, headers=headers)
            response = await self.http.send(request, stream=stream)
            if response.status_code not in (429, 503) or "Retry-After" not in response.headers:
                return response
            await response.aclose()
            self.tally.retried[str(response.status_code)] += 1
            await asyncio.sleep(float(response.headers["Retry-After"]) + self.random.random())


def _answer(reply: ChatReply) -> Answer:
    return Answer(reply.message.text, reply.message.images, reply.seed)


def _openai_answer(message: dict[str, Any], seed: int) -> Answer:
    images = tuple(open_image(image["image_url"]["url"]) for image in message.get("images", []))
    return Answer(" ".join(message["content"].split()), images, seed)


_BAD: tuple[tuple[str, object], ...] = (
    ("/v1/tools/describe", b'{"images": ['),
    ("/v1/tools/describe", {"images": []}),
    ("/v1/tools/describe", {"images": ["data:image/png;base64,AAAA"]}),
    ("/v1/tools/describe", {"images": ["file:///etc/passwd"]}),
    ("/v1/tools/generate", {"prompt": "a red house", "width": 65, "height": 64}),
    ("/v1/tools/generate", {"prompt": "a red house", "num_inference_steps": 0}),
    ("/v1/tools/generate", {"prompt": "a red house", "no_such_option": 1}),
    ("/v1/tools/generate", {"prompt": "house " * 5000}),
    ("/v1/chat", {"messages": []}),
    ("/v1/chat", {"messages": [{"role": "user", "content": [{"type": "image", "image": "data:image/png;base64,AA"}]}]}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}], "n": 3}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
    ("/v1/images/generations", {"prompt": "a red house", "size": "huge"}),
)

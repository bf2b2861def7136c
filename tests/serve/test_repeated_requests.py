"""The same request with the same idempotency key has the same answer, on every route; another request has none."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from seedx_sdk.imaging import to_data_uri, to_png
from tests.support.asgi import reached_from
from tests.support.http_server import Scripted

IMAGE = Image.new("RGB", (64, 64), "red")
URI = to_data_uri(IMAGE)
WORDS = [{"role": "user", "content": "Draw a house."}]
OUTLINE = "# A boat school\n\n## The harbor\n- Boats\n\n![a blue boat](draw)\n"
REQUESTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "/v1/chat",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        {"options": {"seed": 1}},
    ),
    ("/v1/tools/describe", {"images": [URI]}, {"question": "What?"}),
    ("/v1/tools/detect", {"image": URI, "phrase": "the house"}, {"phrase": "the tree"}),
    ("/v1/tools/generate", {"prompt": "a house"}, {"seed": 1}),
    ("/v1/tools/edit", {"image": URI, "instruction": "make it blue"}, {"seed": 1}),
    ("/v1/tools/try_on", {"person": URI, "garment": URI}, {"seed": 1}),
    ("/v1/tools/make_slides", {"prompt_or_outline": OUTLINE}, {"seed": 1}),
    ("/v1/chat/completions", {"messages": WORDS}, {"max_tokens": 9}),
    ("/v1/chat/completions", {"messages": WORDS, "stream": True}, {"max_tokens": 9}),
    ("/v1/images/generations", {"prompt": "a house", "n": 2}, {"prompt": "a tree"}),
    ("/v1/images/generations", {"prompt": "a house", "stream": True, "partial_images": 1}, {"prompt": "a tree"}),
]


def received(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Return what a client receives, without the id of the request."""
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k != "x-request-id"}


@pytest.mark.parametrize(("path", "body", "change"), REQUESTS)
async def test_a_repeated_request(path: str, body: dict[str, Any], change: dict[str, Any]) -> None:
    engine, key = Scripted(), {"Idempotency-Key": "once"}
    async with reached_from("127.0.0.1", engine) as client:
        first, second = await asyncio.gather(*(client.post(path, json=body, headers=key) for _ in range(2)))
        computed = len(engine.scripted.requests)
        third = await client.post(path, json=body, headers=key)
        assert received(first) == received(second) == received(third) and first.status_code == 200
        assert len(engine.scripted.requests) == computed
        other = await client.post(path, json=body | change, headers=key)
        assert other.status_code == 409 and other.json()["error"]["code"] == "idempotency_conflict"
        fresh = await client.post(path, json=body, headers={"Idempotency-Key": "twice"})
        assert fresh.status_code == 200 and len(engine.scripted.requests) > computed


async def test_a_repeated_edit_of_a_deck() -> None:
    key = {"Idempotency-Key": "once"}
    async with reached_from("127.0.0.1") as client:
        made = (
            await client.post("/v1/tools/make_slides", json={"prompt_or_outline": OUTLINE, "pictures": False})
        ).content
        body = {"deck": base64.b64encode(made).decode(), "request": "delete slide 2"}
        answers = [received(await client.post("/v1/tools/edit_deck", json=body, headers=key)) for _ in range(2)]
        assert answers[0] == answers[1] and answers[0][0] == 200
        other = await client.post("/v1/tools/edit_deck", json=body | {"request": "delete slide 1"}, headers=key)
        assert other.status_code == 409


async def test_a_repeated_edit_of_an_image() -> None:
    form: Any = {"data": {"prompt": "make it blue", "n": "2"}, "files": {"image": to_png(IMAGE)}}
    async with reached_from("127.0.0.1") as client:
        answers = [await client.post("/v1/images/edits", headers={"Idempotency-Key": "once"}, **form) for _ in range(2)]
        assert received(answers[0]) == received(answers[1]) and answers[0].status_code == 200


async def test_a_request_that_failed_is_tried_again() -> None:
    key, body = {"Idempotency-Key": "once"}, {"prompt_or_outline": OUTLINE, "theme": "no such theme"}
    async with reached_from("127.0.0.1") as client:
        refused = await client.post("/v1/tools/make_slides", json=body, headers=key)
        assert refused.status_code in (400, 422)
        del body["theme"]
        assert (await client.post("/v1/tools/make_slides", json=body, headers=key)).status_code == 200

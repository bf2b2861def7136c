"""Callers of one server: turns, quotas and metrics, through its routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from PIL import Image
from prometheus_client import REGISTRY

from seedx_sdk import Message
from seedx_sdk.errors import InputError
from seedx_sdk.serve import dependencies
from seedx_sdk.serve.access.limits import Work
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.testing import ScriptedEngine
from tests.support.http_server import Scripted, opened

GENERATIONS = "/v1/images/generations"
KEYS = """
[keys.ann]
key = "a"
[keys.ben]
key = "b"
[keys.eve]
key = "e"
steps_per_minute = 100
images_per_day = 3
[keys.small]
key = "s"
replies_in_flight = 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(KEYS)
    path.chmod(0o600)
    return path


@asynccontextmanager
async def served(engine: Scripted, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(opened(engine), ServerSettings(**settings), routers=[])
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 1))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=None) as client,
    ):
        yield client


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def draw(client: httpx.AsyncClient, key: str, prompt: str = "a house", **body: Any) -> httpx.Response:
    body = {"prompt": prompt, **body}
    return await client.post(GENERATIONS, json=body, headers={"Authorization": f"Bearer {key}"})


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_route_outside_v1_gives_back_what_it_did_not_draw() -> None:
    router = APIRouter()

    @router.get("/own")
    async def own(caller: dependencies.Caller) -> None:
        caller.prepay(Work.drawing(3, 60))

    app = create_app(opened(Scripted()), ServerSettings(steps_per_minute=100), routers=[router])
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert [(await client.get("/own")).status_code for _ in range(3)] == [200] * 3


async def test_one_caller_does_not_take_all_places(file: Path) -> None:
    engine = Scripted(pause_at=0)
    async with served(engine, api_keys_file=file, max_replies=4) as client:
        hog = [asyncio.create_task(draw(client, "a", n=4, prompt="hog")) for _ in range(5)]
        await until(lambda: engine.paused == 3)
        other = asyncio.create_task(draw(client, "b", prompt="other"))
        await until(lambda: engine.paused == 4)
        later = asyncio.create_task(draw(client, "b", prompt="later"))
        waiting = sample("seedx_replies_waiting")
        await until(lambda: sample("seedx_replies_waiting") > waiting)
        engine.resume.set()
        answers = await asyncio.gather(*hog, other, later)
        assert {answer.status_code for answer in answers} == {200}
        order = [request.messages[-1].text for request in engine.scripted.requests]
        assert order[:4] == ["hog", "hog", "hog", "other"] and "later" in order[4:8]


async def test_a_key_has_its_own_places(file: Path) -> None:
    engine = Scripted(pause_at=0)
    async with served(engine, api_keys_file=file) as client:
        small = asyncio.create_task(draw(client, "s", n=3))
        await until(lambda: engine.paused == 1)
        others = [asyncio.create_task(draw(client, "a", n=2)), asyncio.create_task(draw(client, "b"))]
        await until(lambda: engine.paused == 4)
        engine.resume.set()
        assert {(await answer).status_code for answer in (small, *others)} == {200}


async def test_quotas_count_steps_and_images(file: Path) -> None:
    engine = Scripted(pause_at=0)
    size = engine.info.image_size
    async with served(engine, api_keys_file=file) as client:
        first = asyncio.create_task(draw(client, "e", size=f"{2 * size}x{size}", num_inference_steps=40))
        await until(lambda: engine.paused == 1)
        second = await draw(client, "e", num_inference_steps=21)
        assert second.status_code == 429 and 1 <= int(second.headers["retry-after"]) <= 61
        assert second.json()["error"]["code"] == "rate_limit_exceeded"
        assert "100 steps per minute" in second.json()["error"]["message"]
        never = await draw(client, "e", num_inference_steps=60, n=2)
        assert never.status_code == 400 and "ask for less at once" in never.json()["error"]["message"]
        engine.resume.set()
        assert (await first).status_code == 200
        day = await draw(client, "e", num_inference_steps=1, n=3)
        assert day.status_code == 429 and int(day.headers["retry-after"]) > 80_000
        assert (await draw(client, "a", num_inference_steps=60, n=2)).status_code == 200  # another key


async def test_what_is_not_drawn_is_given_back(file: Path) -> None:
    engine = Scripted(pause_at=0)
    async with served(engine, api_keys_file=file) as client:
        for _ in range(3):
            cancelled = asyncio.create_task(draw(client, "e", num_inference_steps=90))
            await until(lambda: engine.paused == 1)
            cancelled.cancel()
            await asyncio.wait([cancelled])
            await until(lambda: engine.paused == 0)
        engine.pause_at = None
        refused = await draw(client, "e", num_inference_steps=90, size="1x1")
        assert refused.status_code == 400
        assert (await draw(client, "e", num_inference_steps=90)).status_code == 200


async def test_a_stream_is_charged_before_it_begins() -> None:
    async with served(Scripted(), requests_per_minute=5) as client:
        answers = [await draw(client, "", n=n, stream=True) for n in (4, 4)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert answers[0].text.count("event: image_generation.completed") == 4


async def test_usage_is_counted_by_the_name_of_the_key(file: Path) -> None:
    before = {name: sample(f"seedx_key_{name}_total", key="ann") for name in ("requests", "images", "steps")}
    rejected = sample("seedx_key_rejected_total", key="eve", reason="rate")
    async with served(Scripted(), api_keys_file=file) as client:
        await draw(client, "a", n=2, num_inference_steps=7)
        for _ in range(2):
            await draw(client, "e", num_inference_steps=99)
        text = (await client.get("/metrics")).text
    after = {name: sample(f"seedx_key_{name}_total", key="ann") - value for name, value in before.items()}
    assert (after["requests"], after["images"]) == (1, 2) and after["steps"] > 0
    assert sample("seedx_key_rejected_total", key="eve", reason="rate") == rejected + 1
    assert 'seedx_key_images_total{key="ann"}' in text and '"a"' not in text


async def test_a_caller_sees_its_own_limits_and_asking_is_free(file: Path) -> None:
    async with served(Scripted(), api_keys_file=file, requests_per_minute=2) as client:
        drawn = await draw(client, "e", num_inference_steps=40)
        expected = {"images": ("3", "2"), "steps": ("100", "60"), "requests": ("2", "1")}
        for unit, values in expected.items():
            names = (f"x-ratelimit-{part}-{unit}" for part in ("limit", "remaining"))
            assert tuple(drawn.headers[name] for name in names) == values
        await draw(client, "e", num_inference_steps=1)
        for _ in range(3):
            answer = await client.get("/v1/usage", headers={"Authorization": "Bearer e"})
            assert answer.status_code == 200 and answer.headers["x-ratelimit-remaining-requests"] == "0"
        own = answer.json()
        assert own["name"] == "eve" and own["limits"]["images_per_day"] == 3
        assert own["limits"]["images_per_minute"] is None
        assert own["usage"]["images_per_day"]["used"] == 2.0 and own["usage"]["images_per_day"]["remaining"] == 1.0
        refused = await draw(client, "e")
        assert refused.status_code == 429 and refused.headers["x-ratelimit-remaining-requests"] == "0"
        assert (await client.get("/v1/usage")).status_code == 401
        other = await client.get("/v1/usage", headers={"Authorization": "Bearer a"})
        assert other.json()["usage"]["requests_per_minute"]["used"] == 0.0


async def test_callers_without_keys_share_one_label() -> None:
    before = sample("seedx_key_requests_total", key="(none)")
    async with served(Scripted()) as client:
        assert (await draw(client, "")).status_code == 200
    assert sample("seedx_key_requests_total", key="(none)") == before + 1


async def test_keys_are_rotated_without_a_restart(file: Path) -> None:
    async with served(Scripted(), api_keys_file=file) as client:
        assert (await draw(client, "a")).status_code == 200
        file.write_text('[keys.ann]\nkey = "changed"\n')
        async with asyncio.timeout(60):
            while (await draw(client, "changed")).status_code != 200:
                await asyncio.sleep(0.05)
        assert (await draw(client, "a")).status_code == 401


async def test_metrics_and_the_document_can_need_a_key(file: Path) -> None:
    paths = ("/metrics", "/openapi.json", "/health/ready", "/")
    header = {"Authorization": "Bearer a"}
    for everywhere, expected in ((False, [200, 200, 200, 200]), (True, [401, 401, 200, 200])):
        async with served(Scripted(), api_keys_file=file, keys_everywhere=everywhere) as client:
            assert [(await client.get(path)).status_code for path in paths] == expected
            assert [(await client.get(path, headers=header)).status_code for path in paths] == [200] * 4


def test_a_server_does_not_start_with_a_broken_file(file: Path) -> None:
    file.write_text("[keys.ann]\nkeys = 'a'\n")
    with pytest.raises(InputError, match=r"line 2: keys\.ann\.keys: Extra inputs"):
        create_app(opened(Scripted()), ServerSettings(api_keys_file=file), routers=[])


async def chat(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": "Draw a house."}]}
    return await client.post("/v1/chat/completions", json=body, headers=headers)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_repeated_key_costs_nothing(streamed: bool) -> None:
    key = {"Idempotency-Key": "1"}
    async with served(Scripted(), requests_per_minute=4) as client:
        body = {"prompt": "a house", "n": 4, "stream": streamed}
        first = await client.post(GENERATIONS, json=body, headers=key)
        again = [await client.post(GENERATIONS, json=body, headers=key) for _ in range(3)]
        assert first.status_code == 200 and [answer.content for answer in again] == [first.content] * 3
        assert (await client.post(GENERATIONS, json={**body, "n": 1}, headers=key)).status_code == 429
        assert (await chat(client)).status_code == 429


async def test_a_repeat_beside_its_first_request_costs_nothing() -> None:
    engine = Scripted(pause_at=0)
    async with served(engine, requests_per_minute=3) as client:
        tasks = [asyncio.create_task(chat(client, **{"Idempotency-Key": "1"}))]
        await until(lambda: engine.paused == 1)
        tasks.append(asyncio.create_task(chat(client, **{"Idempotency-Key": "1"})))
        engine.resume.set()
        answers = [await task for task in tasks]
        assert answers[0].content == answers[1].content
        assert [(await chat(client)).status_code for _ in range(3)] == [200, 200, 429]


async def test_another_request_with_a_known_key_counts() -> None:
    async with served(Scripted(), requests_per_minute=2) as client:
        for prompt, status in (("a house", 200), ("a boat", 409), ("a boat", 429), ("a house", 200)):
            answer = await client.post("/v1/tools/generate", json={"prompt": prompt}, headers={"Idempotency-Key": "1"})
            assert answer.status_code == status, answer.text


async def test_a_chat_draws_no_image_when_none_is_left() -> None:
    page = Image.new("RGB", (8, 8))
    engine = Scripted(
        ScriptedEngine([Message.assistant("one", page, "two", page), *[Message.assistant("no", page)] * 2])
    )
    async with served(engine, requests_per_minute=4) as client:
        assert (await chat(client)).status_code == 200  # counts twice, by the images that it drew
        assert (await chat(client)).status_code == 200
        assert (await chat(client)).status_code == 200
        refused = await chat(client)
        assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1

"""Images are counted before they are fetched and decoded, outside of the event loop, within capacity and deadline."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import Any

import httpx
import pytest
from PIL import Image

from seedx_sdk import validation
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import open_image, to_data_uri, to_png
from tests.support.http_server import EVENT_SECONDS, Scripted, Serve

BROKEN = "data:image/png;base64,AAAA"
PNG = to_png(Image.new("RGB", (8, 8), "red"))
URI = to_data_uri(open_image(PNG))


def openai_body(*urls: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]}]}


def turn(*images: str) -> dict[str, Any]:
    parts = [{"type": "image", "image": image} for image in images]
    return {"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/tools/describe", {"images": [BROKEN] * 3}),
        ("/v1/tools/describe", {"images": [BROKEN] * 2, "question": "?", "history": [turn(BROKEN)]}),
        ("/v1/tools/generate", {"prompt": "a house", "images": [BROKEN] * 3}),
        ("/v1/chat", {"messages": [turn(BROKEN, BROKEN), {"role": "assistant", "content": []}, turn(BROKEN)]}),
        ("/v1/chat/completions", openai_body(BROKEN, BROKEN, "http://nowhere.example.org/a.png")),
    ],
)
def test_images_are_counted_before_they_are_decoded(
    serve: Serve, http: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    answer = http.post(f"{serve(max_images=2)}{path}", json=body)
    assert answer.status_code == 400 and "3 images are too many" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/chat", {"messages": [turn(URI)]}), ("/v1/chat/completions", openai_body(URI))],
)
def test_images_are_decoded_outside_of_the_event_loop(
    serve: Serve, http: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    opened: list[object] = []

    def decode(source: object, *, on_warning: object = None) -> tuple[Image.Image, tuple[int, int]]:  # noqa: ARG001
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        opened.append(source)
        return Image.new("RGB", (8, 8)), (8, 8)

    monkeypatch.setattr(validation, "open_for_model", decode)
    assert http.post(f"{serve()}{path}", json=body).status_code == 200
    assert len(opened) == 1


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/tools/describe"])
def test_an_image_that_cannot_be_decoded_is_an_image_error(serve: Serve, http: httpx.Client, path: str) -> None:
    answer = http.post(
        f"{serve()}{path}", json={"images": [BROKEN]} if path.endswith("describe") else {"messages": [turn(BROKEN)]}
    )
    assert answer.status_code == 400 and answer.json()["error"]["type"] == "ImageError"


def test_fetching_counts_as_in_flight(serve: Serve, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    started, finish = threading.Event(), threading.Event()

    async def fetch(_self: ImageFetcher, _url: str) -> bytes:
        started.set()
        await asyncio.to_thread(finish.wait, EVENT_SECONDS)
        return PNG

    monkeypatch.setattr(ImageFetcher, "fetch", fetch)
    address = serve(max_replies=1, max_waiting=0)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(http.post, f"{address}/v1/chat/completions", json=openai_body("http://example.org/a.png"))
        assert started.wait(EVENT_SECONDS)
        assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 503
        finish.set()
        assert "1 picture(s)" in first.result().json()["choices"][0]["message"]["content"]


def test_fetching_ends_at_the_deadline(serve: Serve, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch(_self: ImageFetcher, _url: str) -> bytes:
        await asyncio.sleep(60)
        return PNG

    monkeypatch.setattr(ImageFetcher, "fetch", fetch)
    engine = Scripted()
    answer = http.post(
        f"{serve(engine, reply_seconds=0.5)}/v1/chat/completions", json=openai_body("http://example.org/a.png")
    )
    assert answer.status_code == 504 and not engine.scripted.requests


def test_a_repeated_key_fetches_no_image_again(
    serve: Serve, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    async def fetch(_self: ImageFetcher, url: str) -> bytes:
        fetched.append(url)
        return PNG

    monkeypatch.setattr(ImageFetcher, "fetch", fetch)
    address, body = serve(), {**openai_body("http://example.org/a.png"), "stream": True}
    answers = [
        http.post(f"{address}/v1/chat/completions", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert [answer.text.count("[DONE]") for answer in answers] == [1, 1] and len(fetched) == 1


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/tools/describe", "/v1/tools/edit"])
def test_the_pixels_of_all_images_are_limited(serve: Serve, http: httpx.Client, path: str) -> None:
    large, small = (to_data_uri(Image.new("RGB", (side, side))) for side in (1500, 900))
    body: dict[str, Any] = {
        "/v1/chat/completions": openai_body(*[small] * 3),
        "/v1/tools/describe": {"images": [small] * 3},
        "/v1/tools/edit": {"image": large, "instruction": "make it blue"},
    }[path]
    engine = Scripted()
    answer = http.post(f"{serve(engine, max_pixels=2_000_000)}{path}", json=body)
    assert answer.status_code == 400 and "at most 2.0 million are allowed" in answer.json()["error"]["message"]
    assert engine.scripted.requests == []

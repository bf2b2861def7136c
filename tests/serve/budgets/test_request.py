"""The budget of one request: checked before anything is decoded, and the error names the parameter and the cure."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from seedx_sdk import validation
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.imaging import to_data_uri
from seedx_sdk.testing import ScriptedEngine
from tests.support.http_server import Scripted, Serve

WIDE = to_data_uri(Image.new("RGB", (200, 100)))


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where an image is decoded."""

    def decode(*_: object, **__: object) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(validation, "open_for_model", decode)


def refused(answer: httpx.Response, param: str | None, *words: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param), error
    for word in words:
        assert word in error["message"]


def chat(*images: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in images]
    return {"messages": [{"role": "user", "content": [*parts, {"type": "text", "text": "What is it?"}]}]}


@pytest.mark.usefixtures("undecoded")
def test_images_by_url_count_once_they_are_fetched(
    serve: Serve, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer, fetched = BytesIO(), list[str]()
    frames = [Image.new("L", (200, 100), shade) for shade in range(5)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])

    async def fetch(_self: ImageFetcher, url: str) -> bytes:
        fetched.append(url)
        return buffer.getvalue()

    monkeypatch.setattr(ImageFetcher, "fetch", fetch)
    base = serve(max_pixels=50_000)
    url = f"{base}/v1/chat/completions"
    answer = http.post(url, json=chat(WIDE, "https://a.example/1.gif", "https://a.example/1.gif"))
    refused(answer, "messages", "0.1 million pixels", "scale them down, or send fewer")
    assert fetched == ["https://a.example/1.gif"], "the same image is fetched once, and counts twice"
    base = serve(max_body_bytes=1024)
    answer = http.post(f"{base}/v1/chat/completions", json=chat("https://a.example/1.gif", "https://a.example/2.gif"))
    refused(answer, "messages", "more than 1024 bytes together", "fewer or smaller")


@pytest.mark.parametrize("number", [10**400, -(10**400)], ids=["huge", "negative"])
def test_numbers_of_any_size_are_refused(serve: Serve, http: httpx.Client, number: int) -> None:
    base, sides = serve(), {"width": number, "height": number}
    drawn = {"prompt": "a house"}
    bodies: dict[str, list[dict[str, Any]]] = {
        "images/generations": [{**drawn, "size": f"{number}x{number}"}, {**drawn, "num_inference_steps": number}],
        "tools/generate": [{**drawn, **sides}, {**drawn, "num_inference_steps": number}],
        "chat/completions": [{**chat(), **sides}, {**chat(), "num_inference_steps": number}],
    }
    streamed = {"stream": True, "partial_images": 2}
    bodies["images/generations"] += [{**body, **streamed} for body in bodies["images/generations"]]
    for path, some in bodies.items():
        for body in some:
            answer = http.post(f"{base}/v1/{path}", json=body)
            assert answer.status_code == 400, answer.text


@pytest.mark.usefixtures("undecoded")
def test_images_and_steps_of_a_request_are_bounded(serve: Serve, http: httpx.Client) -> None:
    base = serve(max_steps=100, max_images=2)
    drawn = {"prompt": "a house", "num_inference_steps": 26}
    url = f"{base}/v1/images/generations"
    refused(
        http.post(url, json={**drawn, "n": 4}), "num_inference_steps", "104 denoising steps", "at most 100", "fewer"
    )
    assert http.post(url, json={**drawn, "n": 3}).status_code == 200
    large = {**drawn, "width": 256, "height": 256}
    refused(http.post(f"{base}/v1/tools/generate", json=large), "num_inference_steps", "104 denoising", "smaller size")
    refused(http.post(f"{base}/v1/tools/describe", json={"images": [WIDE] * 3}), "images", "at most 2")
    refused(http.post(f"{base}/v1/chat/completions", json=chat(WIDE, WIDE, WIDE)), "messages", "at most 2")


def test_the_texts_of_a_conversation_are_bounded_together(serve: Serve, http: httpx.Client) -> None:
    scripted = ScriptedEngine()
    url = f"{serve(Scripted(scripted))}/v1/chat/completions"

    def ask(length: int) -> httpx.Response:
        history = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "a" * (length - 6)}]
        return http.post(url, json={"messages": [*history, {"role": "user", "content": "So?"}]})

    assert ask(200_000).status_code == 200 and len(scripted.requests) == 1
    refused(ask(200_001), "messages", "200001 characters together, and at most 200000", "leave out messages")
    assert len(scripted.requests) == 1


def test_the_tokens_of_a_prompt_are_bounded_before_the_engine_sees_it(serve: Serve, http: httpx.Client) -> None:
    scripted = ScriptedEngine()
    base = serve(Scripted(scripted), max_prompt_tokens=100)
    body = {"messages": [{"role": "user", "content": "Tell me of boats. " * 40}]}
    refused(
        http.post(f"{base}/v1/chat/completions", json=body), "messages", "at most 100 are allowed", "shorten the texts"
    )
    refused(http.post(f"{base}/v1/chat/completions", json=chat(WIDE)), "messages", "its images included")
    assert scripted.requests == []
    body = {"messages": [{"role": "user", "content": "Tell me of boats."}]}
    assert http.post(f"{base}/v1/chat/completions", json=body).status_code == 200

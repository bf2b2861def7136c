"""The server's own behavior, over an engine that plays a script."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import socket
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPResponse
from typing import Any

import anyio
import httpx
import pytest
from PIL import Image
from prometheus_client import REGISTRY

from seedx_sdk import AsyncSeedX, Message, ReplyDone, SeedX
from seedx_sdk.errors import (
    DeadlineError,
    GenerationCancelled,
    InputError,
    ModelError,
    OverloadedError,
    PromptError,
    ServiceError,
    SizeError,
)
from seedx_sdk.imaging import to_data_uri
from seedx_sdk.testing import ScriptedEngine
from tests.support.http_server import EVENT_SECONDS, Scripted, Serve, post_without_reading, wait_until


@pytest.fixture
def image() -> Image.Image:
    return Image.new("RGB", (64, 48), "red")


def test_results_over_http_are_those_in_process(serve: Serve, image: Image.Image) -> None:
    here, there = (
        SeedX(engine=ScriptedEngine(notices=("a warning",))),
        SeedX(base_url=serve(Scripted(ScriptedEngine(notices=("a warning",))))),
    )
    calls: list[Callable[[SeedX], Any]] = [
        lambda s: s.describe(image, "what is it?"),
        lambda s: s.detect(image, "the house"),
        lambda s: s.generate("a house", seed=4, width=64, height=96),
        lambda s: s.edit(image, "make it blue", seed=5),
        lambda s: s.try_on(image, image, seed=6),
        lambda s: s.try_on(image, image, region=(0, 0, 8, 8), phrase="the hat"),
        lambda s: s.chat([Message.user(image, "hello"), Message.assistant("hi"), Message.user("what is it?")]),
    ]
    for call in calls:
        expected, got = call(here), call(there)
        plain: dict[str, Any] = {"timings": {}}
        assert got.model_copy(update=plain).model_dump_json() == expected.model_copy(update=plain).model_dump_json()
        assert set(got.timings) == set(expected.timings)
    assert there.info == here.info
    there.close()


def test_errors_over_http_are_those_in_process(serve: Serve) -> None:
    scripted = ScriptedEngine([ModelError("the model is broken"), PromptError("not this"), SizeError("too large")])
    seedx = SeedX(base_url=serve(Scripted(scripted)))
    for kind, message in ((ModelError, "is broken"), (PromptError, "not this"), (SizeError, "too large")):
        with pytest.raises(kind, match=message) as caught:
            seedx.generate("a house")
        assert type(caught.value) is kind
    with pytest.raises(SizeError, match="out of bounds"):
        seedx.generate("a house", width=1024, height=64)
    seedx.close()


def test_progress_streams_and_cancelling_stops_the_server(serve: Serve) -> None:
    engine = Scripted(pause_at=3)  # after the text and two denoising steps
    seedx = SeedX(base_url=serve(engine))
    steps: list[int] = []
    view = seedx.with_cancel(lambda: len(steps) >= 2)
    with pytest.raises(GenerationCancelled):
        view.generate("a house", on_progress=lambda event: steps.append(event.step))
    assert steps == [1, 2]
    wait_until(lambda: engine.stopped == 1)
    seedx.close()


def test_many_calls_of_one_client_run_at_once(serve: Serve) -> None:
    async def run() -> None:
        engine = Scripted(pause_at=0)
        async with AsyncSeedX(base_url=serve(engine)) as seedx:
            calls = [asyncio.ensure_future(seedx.chat([Message.user(str(number))])) for number in range(8)]
            await asyncio.to_thread(wait_until, lambda: engine.paused == 8)
            engine.resume.set()
            assert len(await asyncio.gather(*calls)) == 8

    anyio.run(run)


def test_an_unreachable_server_is_a_service_error() -> None:
    with pytest.raises(ServiceError, match="is it running"):
        SeedX(base_url="http://127.0.0.1:9").generate("a house")
    with pytest.raises(InputError, match="http:// or https://"):
        SeedX(base_url="127.0.0.1:9").generate("a house")


def test_keys_are_required(serve: Serve, http: httpx.Client) -> None:
    address = serve(api_keys=("first", "second"))
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic first"}):
        answer = http.get(f"{address}/v1/info", headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert "API key" in answer.json()["error"]["message"]
    assert http.get(f"{address}/v1/info", headers={"Authorization": "Bearer second"}).json()["name"] == "scripted"
    assert http.get(f"{address}/health/ready").status_code == 200
    with pytest.raises(InputError, match="API key"):
        SeedX(base_url=address).generate("a house")
    seedx = SeedX(base_url=address, api_key="first")
    assert seedx.generate("a house").image is not None
    seedx.close()


def response_to_headers(address: str, *headers: str) -> tuple[int, dict[str, Any]]:
    """Return the response to a request whose body is never sent."""
    with socket.create_connection(("127.0.0.1", httpx.URL(address).port or 0), timeout=EVENT_SECONDS) as sock:
        head = ["POST /v1/tools/generate HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
        sock.sendall("\r\n".join(head).encode())
        answer = HTTPResponse(sock)
        answer.begin()
        return answer.status, json.load(answer)["error"]


def test_a_request_is_rejected_before_its_body_arrives(serve: Serve) -> None:
    address = serve(api_keys=("secret",), max_body_bytes=5000)
    large = "Content-Length: 36000000"
    for headers in (("Content-Length: 9",), (large,), (large, "Authorization: Bearer wrong")):
        status, error = response_to_headers(address, *headers)
        assert (status, error["type"], len(error["request_id"])) == (401, "InputError", 32)
    status, error = response_to_headers(address, large, "Authorization: Bearer secret")
    assert status == 413 and "5000 bytes" in error["message"]


def test_without_a_key_the_body_is_not_parsed(serve: Serve, http: httpx.Client) -> None:
    address = serve(api_keys=("secret",))
    for path in ("/v1/chat", "/v1/chat/completions", "/v1/images/edits", "/v1/tools/edit", "/v1/nothing"):
        answer = http.post(f"{address}{path}", content=b"[[[")
        assert answer.status_code == 401 and "API key" in answer.json()["error"]["message"]


def test_requests_above_the_rate_limit_are_rejected(serve: Serve, http: httpx.Client) -> None:
    address = serve(requests_per_minute=2)
    answers = [http.get(f"{address}/v1/info") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0


def test_a_request_that_comes_too_slowly_is_rejected(serve: Serve) -> None:
    status, error = response_to_headers(serve(upload_seconds=0.5), "Content-Length: 9")
    assert (status, error["code"]) == (408, "request_too_slow") and "within 0.5 seconds" in error["message"]


def test_a_request_that_is_too_large_is_rejected(serve: Serve, http: httpx.Client) -> None:
    address = serve(max_body_bytes=5000)
    body = json.dumps({"prompt": "a" * 6000}).encode()
    declared = http.post(f"{address}/v1/tools/generate", content=body)
    streamed = http.post(f"{address}/v1/tools/generate", content=iter([body[:4000], body[4000:]]))
    for answer in (declared, streamed):
        assert answer.status_code == 413 and "5000 bytes" in answer.json()["error"]["message"]


def test_too_many_images_are_rejected(serve: Serve, http: httpx.Client, image: Image.Image) -> None:
    answer = http.post(f"{serve(max_images=2)}/v1/tools/describe", json={"images": [to_data_uri(image)] * 3})
    assert answer.status_code == 400 and "3 images" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("tool", "body", "message"),
    [
        ("generate", {"prompt": "a house", "paint": "red"}, "paint: Extra inputs"),
        ("generate", {}, "prompt: Field required"),
        ("generate", {"prompt": ""}, "prompt is empty"),
        ("generate", {"prompt": "a house", "num_inference_steps": 0}, "num_inference_steps 0 is not allowed"),
        ("generate", {"prompt": "a house", "width": 30, "height": 64}, "30x64"),
        ("describe", {"images": ["/etc/passwd"]}, "must be a data URI"),
        ("describe", {"images": ["http://localhost/x.png"]}, "must be a data URI"),
        ("detect", {"image": "data:image/png;base64,AAAA", "phrase": "a house"}, "not a readable image"),
        (
            "describe",
            {"images": [], "history": [{"role": "user", "content": [{"type": "image", "image": "/x"}]}]},
            "URI",
        ),
        ("edit", {"image": "data:image/png;base64,AAAA", "instruction": 7}, "instruction"),
        ("try_on", {"person": "data:image/png;base64,AAAA", "garment": "/x"}, "garment"),
        ("generate", {"prompt": "a house", "specialist": "poet"}, "its specialists: try_on"),
    ],
)
def test_invalid_arguments_are_named(
    serve: Serve, http: httpx.Client, tool: str, body: dict[str, Any], message: str
) -> None:
    answer = http.post(f"{serve()}/v1/tools/{tool}", json=body)
    assert answer.status_code in (400, 422)
    assert message in answer.json()["error"]["message"]
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


def test_try_on_answers_as_a_route_too(serve: Serve, http: httpx.Client, image: Image.Image) -> None:
    address, sent = serve(), {"person": to_data_uri(image), "garment": to_data_uri(image), "phrase": "the shirt"}
    found = http.post(f"{address}/v1/tools/try_on", json=sent, headers={"Idempotency-Key": "once"}).json()
    assert (found["region"]["label"], found["region"]["pixels"]) == ("the shirt", [16, 12, 48, 36])
    again = http.post(f"{address}/v1/tools/try_on", json=sent, headers={"Idempotency-Key": "once"}).json()
    assert again["image"] == found["image"]
    given = http.post(f"{address}/v1/tools/try_on", json={**sent, "region": [0, 0, 64, 24]}).json()
    assert given["region"]["pixels"] == [0, 0, 64, 24]


def test_a_server_without_the_specialist_says_so(serve: Serve, http: httpx.Client, image: Image.Image) -> None:
    scripted = ScriptedEngine()
    scripted.info = scripted.info.model_copy(update={"specialists": ()})
    sent = {"person": to_data_uri(image), "garment": to_data_uri(image)}
    answer = http.post(f"{serve(Scripted(scripted))}/v1/tools/try_on", json=sent)
    assert answer.status_code == 400 and answer.json()["error"]["type"] == "SpecialistMissingError"
    assert scripted.requests == []


def test_chat_validates_what_any_client_sends(serve: Serve, http: httpx.Client, image: Image.Image) -> None:
    address, user = serve(), Message.user("hello").model_dump(mode="json")
    with_image = Message.user(image).model_dump(mode="json")
    bodies: list[dict[str, Any]] = [
        {"messages": []},
        {"messages": [Message.assistant("hi").model_dump(mode="json")]},
        {"messages": [user], "options": {"num_inference_steps": 10**6}},
        {"messages": [user], "options": {"temperature": 9}},
        {"messages": [user], "task": "detect"},
        {"messages": [with_image], "task": "edit"},
        {"messages": [with_image], "task": "try_on"},
        {"messages": [user], "options": {"specialist": "poet"}},
        {"messages": [user], "task": "fly"},
        {"messages": [user], "more": 1},
        {"messages": [user], "options": {"width": 64}},
    ]
    for body in bodies:
        answer = http.post(f"{address}/v1/chat", json=body)
        assert answer.status_code in (400, 422), body


def test_a_server_at_capacity_says_when_to_retry(serve: Serve, http: httpx.Client) -> None:
    def rejected() -> float:
        return REGISTRY.get_sample_value("seedx_rejected_total", {"reason": "at_capacity"}) or 0.0

    before = rejected()
    engine = Scripted(pause_at=0)
    address = serve(engine, max_replies=1, max_waiting=0)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(http.post, f"{address}/v1/tools/generate", json={"prompt": "a house"})
        wait_until(lambda: engine.paused == 1)
        second = http.post(f"{address}/v1/tools/generate", json={"prompt": "a tree"})
        assert second.status_code == 503 and int(second.headers["retry-after"]) >= 1
        assert second.json()["error"]["type"] == "OverloadedError"
        with SeedX(base_url=address) as seedx:
            third = pool.submit(seedx.generate, "a boat")  # our client retries by itself
            wait_until(lambda: rejected() >= before + 2)
            engine.resume.set()
            assert third.result().image is not None
        assert first.result().status_code == 200


def test_a_reply_that_takes_too_long_is_stopped(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted(pause_at=0)
    address = serve(engine, reply_seconds=0.5)
    answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
    assert answer.status_code == 504 and "0.5 seconds" in answer.json()["error"]["message"]
    seedx = SeedX(base_url=address)
    with pytest.raises(DeadlineError):
        seedx.generate("a house")
    seedx.close()
    assert engine.stopped == 2


def test_a_client_that_disconnects_frees_capacity(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted()
    address = serve(engine, max_replies=1)

    engine.pause_at = 0
    with closing(post_without_reading(address, "/v1/tools/generate", {"prompt": "a house"})):
        wait_until(lambda: engine.paused == 1)
    wait_until(lambda: engine.stopped == 1)

    engine.pause_at = 1
    body = {"messages": [Message.user("hello").model_dump(mode="json")]}
    with http.stream("POST", f"{address}/v1/chat", json=body) as answer:
        next(answer.iter_lines())
    wait_until(lambda: engine.stopped == 2)

    engine.pause_at = None
    assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 200


def test_a_repeated_key_replays_the_answer(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted()
    address = serve(engine)

    def request(key: str, prompt: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return http.post(f"{address}/v1/tools/generate", json={"prompt": prompt}, headers=headers)

    first = request("k", "a house")
    assert request("k", "a house").content == first.content and len(engine.scripted.requests) == 1
    other = request("k", "a tree")
    assert other.status_code == 409 and "use a new one" in other.json()["error"]["message"]
    assert request("l", "a tree").status_code == 200 and len(engine.scripted.requests) == 2


def test_repeats_in_flight_wait_for_the_first(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted(pause_at=0)
    address = serve(engine)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        requests = [
            pool.submit(
                http.post,
                f"{address}/v1/tools/generate",
                json={"prompt": "a house"},
                headers={"Idempotency-Key": "same"},
            )
            for _ in range(4)
        ]
        wait_until(lambda: engine.paused == 1)
        engine.resume.set()
        answers = {future.result().content for future in requests}
    assert len(answers) == 1 and len(engine.scripted.requests) == 1


def test_health_and_metrics_match_the_engine(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted()
    address = serve(engine)
    assert http.get(f"{address}/health").text == "ready\n"
    http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
    metrics = http.get(f"{address}/metrics").text
    assert 'seedx_replies_total{outcome="done",task="generate"}' in metrics
    assert "seedx_replies_in_flight 0.0" in metrics
    engine.failed = True
    assert http.get(f"{address}/health/ready").status_code == 503
    assert http.get(f"{address}/health/live").status_code == 200


def test_request_ids_are_kept_or_generated(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    assert http.get(f"{address}/v1/info", headers={"X-Request-ID": "mine"}).headers["x-request-id"] == "mine"
    for headers in ({}, {b"X-Request-ID": b"a" * 129}, {b"X-Request-ID": b"\xe9"}):
        answer = http.get(f"{address}/v1/info", headers=headers)
        assert len(answer.headers["x-request-id"]) == 32


def test_a_stream_ends_with_the_whole_reply(serve: Serve) -> None:
    seedx = SeedX(base_url=serve(Scripted(ScriptedEngine([Message.assistant("a red house")]))))
    events = list(seedx.chat_stream([Message.user("what is it?")]))
    assert isinstance(events[-1], ReplyDone) and events[-1].reply.message.text == "a red house"
    seedx.close()


def test_lasting_overload_is_an_error(serve: Serve) -> None:
    scripted = ScriptedEngine([OverloadedError("full", retry_after=0.1)] * 9)
    seedx = SeedX(base_url=serve(Scripted(scripted)))
    with pytest.raises(OverloadedError, match="full"):
        seedx.generate("a house")
    assert len(scripted.requests) == 4
    seedx.close()


def test_an_unexpected_error_has_the_form_of_the_others(serve: Serve, http: httpx.Client) -> None:
    def failed() -> float:
        return REGISTRY.get_sample_value("seedx_replies_total", {"outcome": "KeyError", "task": "generate"}) or 0.0

    address, before = serve(Scripted(ScriptedEngine([KeyError("secret")]))), failed()
    answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a"})
    assert answer.status_code == 500 and "secret" not in answer.text
    assert answer.json()["error"]["type"] == "ServiceError" and len(answer.json()["error"]["request_id"]) == 32
    assert answer.headers["x-request-id"] == answer.json()["error"]["request_id"]
    assert failed() == before + 1


def test_a_height_without_a_width_is_a_size_error(serve: Serve, http: httpx.Client) -> None:
    body = {"messages": [Message.user("hello").model_dump(mode="json")], "options": {"height": 64}}
    error = http.post(f"{serve()}/v1/chat", json=body).json()["error"]
    assert error["type"] == "SizeError" and "give both" in error["message"]

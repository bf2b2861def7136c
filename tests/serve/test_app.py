"""The server's own behaviour, over an engine that plays a script."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import socket
import time
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
from tests.support.http_server import Scripted, Serve


@pytest.fixture
def page() -> Image.Image:
    return Image.new("RGB", (64, 48), "red")


def test_a_client_of_a_server_gets_what_a_client_in_process_gets(serve: Serve, page: Image.Image) -> None:
    here, there = (
        SeedX(engine=ScriptedEngine(notices=("mind this",))),
        SeedX(base_url=serve(Scripted(ScriptedEngine(notices=("mind this",))))),
    )
    for ask in (
        lambda s: s.describe(page, "what is it?"),
        lambda s: s.detect(page, "the house"),
        lambda s: s.generate("a house", seed=4, width=64, height=96),
        lambda s: s.edit(page, "make it blue", seed=5),
        lambda s: s.chat([Message.user(page, "hello"), Message.assistant("hi"), Message.user("what is it?")]),
    ):
        expected, got = ask(here), ask(there)
        plain: dict[str, Any] = {"timings": {}}
        assert got.model_copy(update=plain).model_dump_json() == expected.model_copy(update=plain).model_dump_json()
        assert set(got.timings) == set(expected.timings)
    assert there.info == here.info
    there.close()


def test_errors_are_those_of_a_client_in_process(serve: Serve) -> None:
    scripted = ScriptedEngine([ModelError("the model is broken"), PromptError("not this"), SizeError("too large")])
    seedx = SeedX(base_url=serve(Scripted(scripted)))
    for kind, words in ((ModelError, "is broken"), (PromptError, "not this"), (SizeError, "too large")):
        with pytest.raises(kind, match=words) as caught:
            seedx.generate("a house")
        assert type(caught.value) is kind
    with pytest.raises(SizeError, match="out of bounds"):
        seedx.generate("a house", width=1024, height=64)
    seedx.close()


def test_progress_streams_and_cancelling_stops_the_server(serve: Serve) -> None:
    engine = Scripted(seconds=0.2)
    seedx = SeedX(base_url=serve(engine))
    steps: list[int] = []
    view = seedx.with_cancel(lambda: len(steps) >= 2)
    started = time.perf_counter()
    with pytest.raises(GenerationCancelled):
        view.generate("a house", on_progress=lambda event: steps.append(event.step))
    assert steps == [1, 2]
    while engine.stopped == 0 and time.perf_counter() - started < 20:
        time.sleep(0.05)
    assert engine.stopped == 1
    seedx.close()


def test_many_calls_of_one_client_run_at_once(serve: Serve) -> None:
    async def run() -> None:
        seedx = AsyncSeedX(base_url=serve(Scripted(seconds=0.2)))
        await seedx.info()
        started = time.perf_counter()
        answers = await asyncio.gather(*(seedx.chat([Message.user(str(number))]) for number in range(8)))
        assert len(answers) == 8 and time.perf_counter() - started < 8 * 0.4
        await seedx.aclose()

    anyio.run(run)


def test_a_server_that_is_not_there_is_a_service_error() -> None:
    with pytest.raises(ServiceError, match="is it running"):
        SeedX(base_url="http://127.0.0.1:9").generate("a house")
    with pytest.raises(InputError, match="http:// or https://"):
        SeedX(base_url="127.0.0.1:9").generate("a house")


def test_keys_are_asked_for(serve: Serve, http: httpx.Client) -> None:
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


def answer_to_a_head(address: str, *headers: str) -> tuple[int, dict[str, Any]]:
    """What is answered to a request whose body does not come."""
    with socket.create_connection(("127.0.0.1", httpx.URL(address).port or 0), timeout=20) as sock:
        head = ["POST /v1/tools/generate HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
        sock.sendall("\r\n".join(head).encode())
        answer = HTTPResponse(sock)
        answer.begin()
        return answer.status, json.load(answer)["error"]


def test_a_request_is_judged_before_its_body_comes(serve: Serve) -> None:
    address = serve(api_keys=("secret",), max_body_bytes=5000)
    large = "Content-Length: 36000000"
    for headers in (("Content-Length: 9",), (large,), (large, "Authorization: Bearer wrong")):
        status, error = answer_to_a_head(address, *headers)
        assert (status, error["type"], len(error["request_id"])) == (401, "InputError", 32)
    status, error = answer_to_a_head(address, large, "Authorization: Bearer secret")
    assert status == 413 and "5000 bytes" in error["message"]


def test_without_a_key_nothing_of_a_body_is_told(serve: Serve, http: httpx.Client) -> None:
    address = serve(api_keys=("secret",))
    for path in ("/v1/chat", "/v1/chat/completions", "/v1/images/edits", "/v1/tools/edit", "/v1/nothing"):
        answer = http.post(f"{address}{path}", content=b"[[[")
        assert answer.status_code == 401 and "API key" in answer.json()["error"]["message"]


def test_a_caller_who_asks_too_often_waits(serve: Serve, http: httpx.Client) -> None:
    address = serve(requests_per_minute=2)
    answers = [http.get(f"{address}/v1/info") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0


def test_too_large_a_request_is_refused(serve: Serve, http: httpx.Client) -> None:
    address = serve(max_body_bytes=5000)
    body = json.dumps({"prompt": "a" * 6000}).encode()
    declared = http.post(f"{address}/v1/tools/generate", content=body)
    streamed = http.post(f"{address}/v1/tools/generate", content=iter([body[:4000], body[4000:]]))
    for answer in (declared, streamed):
        assert answer.status_code == 413 and "5000 bytes" in answer.json()["error"]["message"]


def test_too_many_pictures_are_refused(serve: Serve, http: httpx.Client, page: Image.Image) -> None:
    answer = http.post(f"{serve(max_pictures=2)}/v1/tools/describe", json={"images": [to_data_uri(page)] * 3})
    assert answer.status_code == 400 and "3 pictures" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("tool", "body", "words"),
    [
        ("generate", {"prompt": "a house", "colour": "red"}, "colour: Extra inputs"),
        ("generate", {}, "prompt: Field required"),
        ("generate", {"prompt": ""}, "prompt is empty"),
        ("generate", {"prompt": "a house", "num_inference_steps": 0}, "num_inference_steps 0 is not allowed"),
        ("generate", {"prompt": "a house", "width": 30, "height": 64}, "30x64"),
        ("describe", {"images": ["/etc/passwd"]}, "must be a data URI"),
        ("describe", {"images": ["http://localhost/x.png"]}, "must be a data URI"),
        ("detect", {"image": "data:image/png;base64,AAAA", "phrase": "a house"}, "not a readable picture"),
        (
            "describe",
            {"images": [], "history": [{"role": "user", "content": [{"type": "image", "image": "/x"}]}]},
            "URI",
        ),
        ("edit", {"image": "data:image/png;base64,AAAA", "instruction": 7}, "instruction"),
    ],
)
def test_wrong_arguments_are_named(
    serve: Serve, http: httpx.Client, tool: str, body: dict[str, Any], words: str
) -> None:
    answer = http.post(f"{serve()}/v1/tools/{tool}", json=body)
    assert answer.status_code in (400, 422)
    assert words in answer.json()["error"]["message"]
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


def test_chat_checks_what_a_foreign_client_sends(serve: Serve, http: httpx.Client, page: Image.Image) -> None:
    address, user = serve(), Message.user("hello").model_dump(mode="json")
    picture = Message.user(page).model_dump(mode="json")
    for body in (
        {"messages": []},
        {"messages": [Message.assistant("hi").model_dump(mode="json")]},
        {"messages": [user], "options": {"num_inference_steps": 10**6}},
        {"messages": [user], "options": {"temperature": 9}},
        {"messages": [user], "task": "detect"},
        {"messages": [picture], "task": "edit"},
        {"messages": [user], "task": "fly"},
        {"messages": [user], "more": 1},
        {"messages": [user], "options": {"width": 64}},
    ):
        answer = http.post(f"{address}/v1/chat", json=body)
        assert answer.status_code in (400, 422), body


def test_a_full_server_says_when_to_come_back(serve: Serve, http: httpx.Client) -> None:
    address = serve(Scripted(seconds=0.5), max_replies=1)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(http.post, f"{address}/v1/tools/generate", json={"prompt": "a house"})
        time.sleep(0.6)
        second = http.post(f"{address}/v1/tools/generate", json={"prompt": "a tree"})
        assert second.status_code == 503 and int(second.headers["retry-after"]) >= 1
        assert second.json()["error"]["type"] == "OverloadedError"
        seedx = SeedX(base_url=address)
        assert seedx.generate("a boat").image is not None  # our client comes back by itself
        seedx.close()
        assert first.result().status_code == 200


def test_a_reply_that_takes_too_long_is_stopped(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted(seconds=0.4)
    address = serve(engine, reply_seconds=1.0)
    answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
    assert answer.status_code == 504 and "1 seconds" in answer.json()["error"]["message"]
    seedx = SeedX(base_url=address)
    with pytest.raises(DeadlineError):
        seedx.generate("a house")
    seedx.close()
    assert engine.stopped == 2


def test_a_client_that_goes_away_frees_its_place(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted(seconds=0.3)
    address = serve(engine, max_replies=1)

    def leave_whole() -> None:
        with pytest.raises(httpx.ReadTimeout):
            http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}, timeout=0.45)

    def leave_stream() -> None:
        body = {"messages": [Message.user("hello").model_dump(mode="json")]}
        with http.stream("POST", f"{address}/v1/chat", json=body) as answer:
            next(answer.iter_lines())

    for number, leave in enumerate((leave_whole, leave_stream), start=1):
        leave()
        for _ in range(100):
            if engine.stopped == number:
                break
            time.sleep(0.05)
        assert engine.stopped == number
    assert http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"}).status_code == 200


def test_a_repeated_key_is_answered_from_memory(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted()
    address = serve(engine)
    ask = lambda key, prompt: http.post(  # noqa: E731
        f"{address}/v1/tools/generate", json={"prompt": prompt}, headers={"Idempotency-Key": key}
    )
    first = ask("k", "a house")
    assert ask("k", "a house").content == first.content and len(engine.scripted.requests) == 1
    other = ask("k", "a tree")
    assert other.status_code == 409 and "take a new one" in other.json()["error"]["message"]
    assert ask("l", "a tree").status_code == 200 and len(engine.scripted.requests) == 2


def test_repeats_in_flight_wait_for_the_first(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted(seconds=0.2)
    address = serve(engine)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [
            pool.submit(
                http.post,
                f"{address}/v1/tools/generate",
                json={"prompt": "a house"},
                headers={"Idempotency-Key": "same"},
            )
            for _ in range(4)
        ]
        answers = {future.result().content for future in asked}
    assert len(answers) == 1 and len(engine.scripted.requests) == 1


def test_health_and_metrics_tell_the_truth(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted()
    address = serve(engine)
    assert http.get(f"{address}/health").text == "ready\n"
    http.post(f"{address}/v1/tools/generate", json={"prompt": "a house"})
    counted = http.get(f"{address}/metrics").text
    assert 'seedx_replies_total{outcome="done",task="generate"}' in counted
    assert "seedx_active_replies 0.0" in counted
    engine.failed = True
    assert http.get(f"{address}/health/ready").status_code == 503
    assert http.get(f"{address}/health/live").status_code == 200


def test_request_ids_are_kept_or_made(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    assert http.get(f"{address}/v1/info", headers={"X-Request-ID": "mine"}).headers["x-request-id"] == "mine"
    assert len(http.get(f"{address}/v1/info").headers["x-request-id"]) == 32


def test_a_stream_ends_with_the_whole_reply(serve: Serve) -> None:
    seedx = SeedX(base_url=serve(Scripted(ScriptedEngine([Message.assistant("a red house")]))))
    events = list(seedx.chat_stream([Message.user("what is it?")]))
    assert isinstance(events[-1], ReplyDone) and events[-1].reply.message.text == "a red house"
    seedx.close()


def test_overload_that_lasts_is_told(serve: Serve) -> None:
    scripted = ScriptedEngine([OverloadedError("full", retry_after=0.1)] * 9)
    seedx = SeedX(base_url=serve(Scripted(scripted)))
    with pytest.raises(OverloadedError, match="full"):
        seedx.generate("a house")
    assert len(scripted.requests) == 4
    seedx.close()


def test_an_error_that_nobody_foresaw_has_the_form_of_the_others(serve: Serve, http: httpx.Client) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("seedx_replies_total", {"outcome": "KeyError", "task": "generate"}) or 0.0

    address, before = serve(Scripted(ScriptedEngine([KeyError("secret")]))), counted()
    answer = http.post(f"{address}/v1/tools/generate", json={"prompt": "a"})
    assert answer.status_code == 500 and "secret" not in answer.text
    assert answer.json()["error"]["type"] == "ServiceError" and len(answer.json()["error"]["request_id"]) == 32
    assert answer.headers["x-request-id"] == answer.json()["error"]["request_id"]
    assert counted() == before + 1


def test_half_a_size_is_a_size_error(serve: Serve, http: httpx.Client) -> None:
    body = {"messages": [Message.user("hello").model_dump(mode="json")], "options": {"height": 64}}
    error = http.post(f"{serve()}/v1/chat", json=body).json()["error"]
    assert error["type"] == "SizeError" and "0x64" in error["message"]

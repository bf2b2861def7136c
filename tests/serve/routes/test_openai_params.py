"""What the OpenAI routes say of a request that cannot be honored, in the words of its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from PIL import Image

from seedx_sdk.imaging import to_data_uri, to_png
from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.settings import ServerSettings
from tests.support.http_server import Scripted, opened

PAGE = Image.new("RGB", (16, 8), "red")
URI = to_data_uri(PAGE)
USER = {"role": "user", "content": "What is it?"}


@pytest.fixture
async def engine() -> Scripted:
    return Scripted()


@pytest.fixture
async def client(engine: Scripted) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(opened(engine), ServerSettings(max_prompt_tokens=900), routers=[])
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 1))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=None) as http,
    ):
        yield http


async def chat(client: httpx.AsyncClient, *content: Any, **fields: Any) -> httpx.Response:
    messages = [{"role": "user", "content": [*content]} if content else USER]
    return await client.post("/v1/chat/completions", json={"messages": messages, **fields})


async def generate(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/v1/images/generations", json={"prompt": "a house", **fields})


async def edit(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    files = {"image": ("a.png", to_png(PAGE))}
    return await client.post("/v1/images/edits", files=files, data={"prompt": "make it blue", **fields})


def refused(answer: httpx.Response) -> tuple[str | None, str]:
    error = answer.json()["error"]
    assert 400 <= answer.status_code < 500 and error["type"] and error["request_id"], error
    return error["param"], error["message"]


@pytest.mark.parametrize(
    ("fields", "param", "text"),
    [
        ({"max_tokens": -1}, "max_tokens", "max_tokens -1 is not allowed"),
        ({"max_completion_tokens": 0, "max_tokens": 5}, "max_completion_tokens", "max_completion_tokens 0 is not"),
        ({"response_format": {"type": "json_object"}}, "response_format", "cannot fit its text to a JSON schema"),
        ({"stop": ["a" * 201]}, "stop", "1 to 200 characters"),
        ({"width": 64}, "width", "width is given without height"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages[0]", "messages[0] is empty"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, "messages", "does not end with a user message"),
        ({"messages": [{"role": "user", "content": "much " * 800}]}, "messages", "at most 900 are allowed"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content", "valid list"),
        ({"min_p": 0.5}, "min_p", "'min_p' is not supported here; set temperature"),
        ({"max_token": 5}, "max_token", "did you mean 'max_tokens'?"),
        ({"tool_choice": "required"}, "tool_choice", "tool_choice: 'required' is not supported here"),
    ],
)
async def test_errors_of_a_chat_name_the_parameter_that_was_sent(
    client: httpx.AsyncClient, fields: dict[str, Any], param: str, text: str
) -> None:
    named, message = refused(await chat(client, **fields))
    assert named == param and text in message


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, "messages"),
        ({"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}, "messages"),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}, "messages"),
        ({"type": "file", "file": {"file_id": "file-7"}}, "messages.0.content.0"),
        ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, "messages.0.content.0"),
    ],
)
async def test_errors_about_a_part_say_where_it_is(client: httpx.AsyncClient, part: dict[str, Any], param: str) -> None:
    assert refused(await chat(client, part))[0] == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"size": "100x100"}, "size"), ({"prompt": ""}, "prompt"), ({"prompt": "word " * 800}, "prompt")],
)
async def test_errors_of_images_name_the_parameter_that_was_sent(
    client: httpx.AsyncClient, fields: dict[str, Any], param: str
) -> None:
    assert refused(await generate(client, **fields))[0] == param
    assert refused(await edit(client, **fields))[0] == param


async def test_errors_about_a_form_name_the_cure(client: httpx.AsyncClient) -> None:
    empty = await client.post("/v1/images/edits", files={"image": ("a.png", b"")}, data={"prompt": "make it blue"})
    assert refused(empty)[0] == "image"
    param, message = refused(await client.post("/v1/images/edits", json={"prompt": "make it blue"}))
    assert param == "image" and "multipart/form-data" in message


@pytest.mark.parametrize(
    ("content", "headers", "text"),
    [
        (b'{"messages": ', {"Content-Type": "application/json"}, "the body is not valid JSON: Expecting value at"),
        (b"[]", {"Content-Type": "application/json"}, "dictionary"),
        (b'{"messages": []}', {"Content-Type": "text/plain"}, "came as text/plain; send JSON"),
        (b'{"messages": []}', {}, "Content-Type: application/json"),
    ],
)
async def test_a_body_that_is_no_json_object_is_told_so(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str], text: str
) -> None:
    param, message = refused(await client.post("/v1/chat/completions", content=content, headers=headers))
    assert param is None and text in message


async def test_routes_and_methods_that_are_not_there_name_those_that_are(client: httpx.AsyncClient) -> None:
    unknown = await client.post("/v1/responses", json={})
    assert unknown.status_code == 404 and unknown.json()["error"]["code"] == "not_found"
    assert "no route POST /v1/responses; GET /openapi.json lists" in refused(unknown)[1]
    wrong = await client.get("/v1/chat/completions")
    assert wrong.status_code == 405 and refused(wrong)[1] == "GET is not allowed here; use POST"


@pytest.mark.parametrize(
    "url",
    [
        URI,
        "DATA:" + URI[5:],
        URI.replace("image/png", ""),
        URI.replace("image/png", "application/octet-stream"),
        URI.replace(";base64", ";charset=utf-8;base64"),
        URI.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D").replace("image%2Fpng", "image/png"),
        f"{URI[:60]}\n{URI[60:]}".rstrip("="),
    ],
)
async def test_data_uris_in_every_spelling_are_read(client: httpx.AsyncClient, engine: Scripted, url: str) -> None:
    for part in (
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "file", "file": {"file_data": url, "filename": "a.png"}},
        {"type": "input_file", "file_data": url},
    ):
        assert (await chat(client, part, "what?")).status_code == 200
    read = [image.tobytes() for request in engine.scripted.requests for image in request.messages[0].images]
    assert read == [PAGE.tobytes()] * 3


async def test_empty_values_ask_for_nothing(client: httpx.AsyncClient, engine: Scripted) -> None:
    for stop in ("", [""], [], None, ["end", ""]):
        assert (await chat(client, stop=stop)).status_code == 200
    assert [request.options.stop for request in engine.scripted.requests] == [(), (), (), (), ("end",)]
    empty = dict.fromkeys(("n", "size", "force", "quality", "stream", "mask", "seed"), "")
    assert (await edit(client, **empty)).status_code == 200


async def test_a_refusal_in_a_history_is_read_as_text(client: httpx.AsyncClient, engine: Scripted) -> None:
    said = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I can't."}]}
    assert (await chat(client, messages=[USER, said, USER])).status_code == 200
    assert engine.scripted.requests[0].messages[1].text == "I can't."


async def test_an_edit_is_made_of_any_image_unless_the_client_minds(
    client: httpx.AsyncClient, engine: Scripted
) -> None:
    for fields in ({}, {"force": "false"}):
        assert (await edit(client, **fields)).status_code == 200
    body = {"image": URI, "instruction": "make it blue"}
    assert (await client.post("/v1/tools/edit", json=body)).status_code == 200
    assert [request.options.force for request in engine.scripted.requests] == [True, False, False]


async def test_a_mask_is_refused_by_its_name(client: httpx.AsyncClient) -> None:
    files = {"image": ("a.png", to_png(PAGE)), "mask": ("m.png", to_png(PAGE))}
    answer = await client.post("/v1/images/edits", files=files, data={"prompt": "make it blue"})
    assert refused(answer)[0] == "mask"


@pytest.mark.parametrize(
    ("steps", "shown", "every"), [(1, 2, 1), (4, 2, 1), (6, 2, 2), (11, 3, 3), (20, 3, 5), (30, 1, 15)]
)
async def test_previews_are_as_many_as_asked_for_and_spread_out(
    client: httpx.AsyncClient, engine: Scripted, steps: int, shown: int, every: int
) -> None:
    answer = await generate(client, stream=True, partial_images=shown, num_inference_steps=steps)
    assert answer.status_code == 200
    assert engine.scripted.requests[0].options.preview_every == every
    assert steps == 1 or (steps - 1) // every >= shown


async def test_an_answer_names_the_weights(client: httpx.AsyncClient, engine: Scripted) -> None:
    assert (await chat(client)).json()["system_fingerprint"] == engine.info.revision

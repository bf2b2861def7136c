"""What real clients of OpenAI's API send beside the plain request, and what they read."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from seedx_sdk import Message
from seedx_sdk.imaging import to_data_uri, to_png
from seedx_sdk.testing import ScriptedEngine
from tests.support.http_server import Scripted, Serve

USER = {"role": "user", "content": "What is it?"}
PAGE = Image.new("RGB", (64, 48), "red")


def chat(http: httpx.Client, address: str, messages: list[Any] | None = None, **fields: Any) -> httpx.Response:
    return http.post(f"{address}/v1/chat/completions", json={"messages": messages or [USER], **fields})


def generate(http: httpx.Client, address: str, **fields: Any) -> httpx.Response:
    return http.post(f"{address}/v1/images/generations", json={"prompt": "a house", **fields})


def edit(http: httpx.Client, address: str, files: list[Any], **fields: str) -> httpx.Response:
    return http.post(f"{address}/v1/images/edits", data={"prompt": "make it blue", **fields}, files=files)


def events(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


CHAT_NULLS = (
    "stop tools tool_choice n stream logprobs top_logprobs seed user response_format stream_options logit_bias "
    "metadata temperature top_p max_tokens model functions audio web_search_options"
).split()
CHAT_NEUTRAL: dict[str, Any] = {
    "n": 1,
    "top_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0.0,
    "logprobs": False,
    "tools": [],
    "tool_choice": "none",
    "parallel_tool_calls": True,
    "store": False,
    "modalities": ["image", "text"],
    "service_tier": "auto",
    "logit_bias": {},
    "stop": [],
    "model": "",
    "metadata": {"run": "7"},
    "user": "u",
}
CHAT_REFUSED: dict[str, Any] = {
    "n": 2,
    "top_p": 0.5,
    "presence_penalty": 1,
    "logprobs": True,
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "functions": [{"name": "f"}],
    "top_k": 4,
    "num_inference_step": 4,
}


def test_nulls_and_values_that_ask_for_nothing_special_are_accepted(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    answers = [chat(http, address, **{name: None}) for name in CHAT_NULLS]
    answers += [chat(http, address, **{name: value}) for name, value in CHAT_NEUTRAL.items()]
    answers.append(chat(http, address, [{"role": "user", "content": [image("auto"), image(None)], "name": None}]))
    assert [(answer.status_code, answer.json().get("warnings")) for answer in answers] == [(200, None)] * len(answers)


def image(detail: str | None) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": to_data_uri(PAGE), "detail": detail}}


@pytest.mark.parametrize("name", CHAT_REFUSED)
def test_what_would_change_the_answer_is_an_error_that_names_it(serve: Serve, http: httpx.Client, name: str) -> None:
    answer = chat(http, serve(), **{name: CHAT_REFUSED[name]})
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "invalid_value"
    assert name in answer.json()["error"]["message"]


def test_other_unknown_parameters_are_ignored_with_a_warning(serve: Serve, http: httpx.Client) -> None:
    address, warning = serve(), "the parameter 'zygomorphic' is unknown here and was ignored"
    assert chat(http, address, zygomorphic=1).json()["warnings"] == [warning]
    streamed = events(chat(http, address, zygomorphic=1, stream=True))
    assert [event["warnings"] for event in streamed if "warnings" in event] == [[warning]]
    generated = generate(http, address, zygomorphic=1)
    assert generated.json()["warnings"] == json.loads(generated.headers["X-SeedX-Warnings"]) == [warning]
    edited = edit(http, address, [("image", ("a.png", to_png(PAGE)))], zygomorphic="1")
    assert edited.json()["warnings"] == [warning]


def test_warnings_about_given_images_reach_the_client(serve: Serve, http: httpx.Client) -> None:
    buffer, address = BytesIO(), serve()
    PAGE.save(buffer, "GIF", save_all=True, append_images=[Image.new("RGB", (64, 48), "blue")])
    url = "data:image/gif;base64," + base64.b64encode(buffer.getvalue()).decode()
    (warning,) = chat(http, address, [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]).json()[
        "warnings"
    ]
    assert "several frames; only the first is used" in warning
    body = {"messages": [{"role": "user", "content": [{"type": "image", "image": url}, {"type": "text", "text": "?"}]}]}
    assert "several frames; only the first is used" in http.post(f"{address}/v1/chat", json=body).text
    history = [body["messages"][0], {"role": "assistant", "content": [{"type": "text", "text": "red"}]}]
    asked = {"images": [to_data_uri(PAGE)], "question": "and this?", "history": history}
    assert "several frames" in http.post(f"{address}/v1/tools/describe", json=asked).json()["warnings"][0]


@pytest.mark.parametrize(
    "part",
    [
        image("high"),
        {"type": "image_url", "image_url": to_data_uri(PAGE)},
        {"type": "input_image", "image_url": to_data_uri(PAGE), "detail": "auto"},
    ],
)
def test_every_spelling_of_an_image_is_read(serve: Serve, http: httpx.Client, part: dict[str, Any]) -> None:
    engine = Scripted()
    assert chat(http, serve(engine), [{"role": "user", "content": [part, "what?"]}]).status_code == 200
    (request,) = engine.scripted.requests
    assert request.messages[0].text == "what?" and request.messages[0].images[0].tobytes() == PAGE.tobytes()


def test_answers_can_be_sent_back_as_they_came(serve: Serve) -> None:
    engine = Scripted(ScriptedEngine([Message.assistant("here", PAGE, "done"), Message.assistant("yes")] * 2))
    address = serve(engine)
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        for content_format in ("text", "parts"):
            user: Any = [USER]
            first: Any = client.chat.completions.create(
                model="scripted", messages=user, extra_body={"content_format": content_format}
            )
            history: Any = [USER, first.choices[0].message.model_dump(warnings=False), USER]
            assert client.chat.completions.create(model="scripted", messages=history).choices[0].message.content
            answer = engine.scripted.requests[-1].messages[1]
            assert answer.text == "here done" and [i.tobytes() for i in answer.images] == [PAGE.tobytes()]


def test_a_history_of_a_model_that_calls_tools_is_read_as_text(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted()
    call = {"id": "7", "type": "function", "function": {"name": "paint", "arguments": '{"color": "ü"}'}}
    history: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None, "annotations": [], "audio": None},
        {"role": "tool", "tool_call_id": "7", "content": [{"type": "text", "text": "done"}]},
        {"role": "assistant", "content": "ok", "function_call": {"name": "burn", "arguments": "{}"}},
        {"role": "function", "name": "burn", "content": "no"},
    ]
    address = serve(engine)
    answer = chat(http, address, history)
    assert answer.status_code == 200, answer.text
    assert answer.json()["warnings"] == [
        "the model calls no tools; calls and results in the conversation are read as text"
    ]
    assert [(m.role, m.text) for m in engine.scripted.requests[0].messages] == [
        ("user", "Be brief. What is it?"),
        ("assistant", 'paint({"color": "ü"})'),
        ("user", "Result of paint: done"),
        ("assistant", "ok burn({})"),
        ("user", "Result of burn: no"),
    ]
    assert chat(http, address, [{"role": "tool", "content": "done"}]).status_code == 200
    nameless = chat(http, address, [USER, {"role": "assistant", "tool_calls": [{"id": "1"}]}, USER])
    assert nameless.json()["error"]["param"] == "messages.1.tool_calls.0.function"


def test_what_chat_front_ends_send_beside_the_request(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    same: dict[str, Any] = {
        "repetition_penalty": 1.0,
        "min_p": 0,
        "top_k": -1,
        "min_tokens": 0,
        "functions": [],
        "image_config": {},
    }
    assert "warnings" not in chat(http, address, **same).json()
    ignored: dict[str, Any] = {
        "chat_id": "1",
        "session_id": "2",
        "features": {"web_search": False},
        "reasoning_effort": "low",
    }
    body: dict[str, Any] = {
        **ignored,
        "modalities": ["image", "text"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    streamed = events(chat(http, address, **body))
    assert streamed[-1]["usage"]["total_tokens"] and streamed[-1]["choices"] == []
    (warnings,) = (event["warnings"] for event in streamed if "warnings" in event)
    assert warnings == [f"the parameter {name!r} is unknown here and was ignored" for name in sorted(ignored)]
    changing: dict[str, Any] = {"image_config": {"aspect_ratio": "16:9"}, "top_k": 5, "repetition_penalty": 1.1}
    for name, value in changing.items():
        assert name in chat(http, address, **{name: value}).json()["error"]["message"]


@pytest.mark.parametrize("stop", ["blue", ["tree", "blue"], ["blue", "boat"]])
def test_a_reply_ends_before_a_stop_text(serve: Serve, http: httpx.Client, stop: str | list[str]) -> None:
    address = serve(Scripted(ScriptedEngine([Message.assistant("a red house, a blue boat", PAGE)] * 2)))
    choice = chat(http, address, stop=stop).json()["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "a red house, a"}
    assert choice["finish_reason"] == "stop"
    deltas = [event["choices"][0]["delta"] for event in events(chat(http, address, stop=stop, stream=True))]
    assert "".join(delta.get("content", "") for delta in deltas) == "a red house, a"
    assert not any("images" in delta for delta in deltas)


def test_without_a_seed_each_image_is_another_and_the_answer_says_which(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    first, second = (generate(http, address, n=2).json()["data"] for _ in range(2))
    assert first[1]["seed"] == first[0]["seed"] + 1 and {i["seed"] for i in first}.isdisjoint(i["seed"] for i in second)
    again = generate(http, address, n=2, seed=first[0]["seed"]).json()["data"]
    assert again == first
    assert chat(http, address).json()["seed"] != chat(http, address).json()["seed"]
    assert chat(http, address, seed=5).json()["seed"] == 5


def test_a_repeated_key_gives_the_same_answer_to_the_byte(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    bodies: dict[str, dict[str, Any]] = {
        "chat/completions": {"messages": [USER]},
        "images/generations": {"prompt": "a house", "n": 2},
    }
    for path, body in bodies.items():
        for streamed in (False, True):
            key = {"Idempotency-Key": f"{path} {streamed}"}
            sent = [http.post(f"{address}/v1/{path}", json={**body, "stream": streamed}, headers=key) for _ in range(2)]
            assert sent[0].status_code == 200 and sent[0].content == sent[1].content


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_images_come_in_the_format_that_is_asked_for(serve: Serve, http: httpx.Client, kind: str) -> None:
    answer = generate(http, serve(), output_format=kind, output_compression=60, seed=1).json()
    opened = Image.open(BytesIO(base64.b64decode(answer["data"][0]["b64_json"])))
    assert opened.format == kind.upper() and answer["output_format"] == kind


IMAGES_NEUTRAL: dict[str, Any] = {
    "quality": "auto",
    "background": "opaque",
    "moderation": "low",
    "style": None,
    "n": None,
    "stream": False,
    "size": "auto",
    "user": "u",
    "partial_images": 0,
    "response_format": None,
}
IMAGES_REFUSED: dict[str, Any] = {
    "quality": "hd",
    "background": "transparent",
    "style": "vivid",
    "negative_prompt": "trees",
    "response_format": "url",
    "output_format": "avif",
    "n": 0,
}


def test_neutral_parameters_of_images_are_accepted(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    answers = [generate(http, address, **{name: value}) for name, value in IMAGES_NEUTRAL.items()]
    file = [("image[]", ("a.png", to_png(PAGE)))]
    answers.append(edit(http, address, file, input_fidelity="low", quality="standard", image_guidance_scale="1.5"))
    assert [(answer.status_code, answer.json().get("warnings")) for answer in answers] == [(200, None)] * len(answers)


@pytest.mark.parametrize("name", IMAGES_REFUSED)
def test_parameters_that_would_change_the_image_are_errors(serve: Serve, http: httpx.Client, name: str) -> None:
    error = generate(http, serve(), **{name: IMAGES_REFUSED[name]}).json()["error"]
    assert name in error["message"] and error["code"] == "invalid_value"


@pytest.mark.parametrize("name", ["image", "image[]"])
def test_a_form_says_everything_once(serve: Serve, http: httpx.Client, name: str) -> None:
    address, engine_file = serve(), (name, ("a.png", to_png(PAGE)))
    twice = edit(http, address, [engine_file, engine_file])
    assert twice.status_code == 400 and "exactly one file" in twice.json()["error"]["message"]
    prompts = [("prompt", (None, "make it blue")), ("prompt", (None, "make it red"))]
    answer = http.post(f"{address}/v1/images/edits", files=[engine_file, *prompts])
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "prompt")


def test_images_are_streamed_with_previews(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    streamed = events(generate(http, address, stream=True, n=2, seed=3))
    assert [event["type"] for event in streamed] == ["image_generation.completed"] * 2
    whole = generate(http, address, n=2, seed=3).json()["data"]
    assert [event["b64_json"] for event in streamed] == [image["b64_json"] for image in whole]
    edited = http.post(
        f"{address}/v1/images/edits",
        data={"prompt": "make it blue", "stream": "true"},
        files={"image": ("a.png", to_png(PAGE))},
    )
    assert [event["type"] for event in events(edited)] == ["image_edit.completed"]


def test_partial_images_of_the_shipped_model(nano_server: str) -> None:
    with openai.OpenAI(base_url=f"{nano_server}/v1", api_key="none", max_retries=0) as client:
        with client.images.generate(
            prompt="a red house", stream=True, partial_images=2, extra_body={"num_inference_steps": 6, "seed": 1}
        ) as stream:
            seen = list(stream)
        whole = client.images.generate(prompt="a red house", extra_body={"num_inference_steps": 6, "seed": 1})
    assert [event.type for event in seen] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [getattr(event, "partial_image_index", None) for event in seen] == [0, 1, None]
    assert whole.data is not None and seen[-1].b64_json == whole.data[0].b64_json


def test_the_model_answers_under_further_names(serve: Serve, http: httpx.Client) -> None:
    address = serve(served_model_names=("gpt-image-1", "scripted"))
    listed = http.get(f"{address}/v1/models").json()["data"]
    assert [(model["id"], model["root"]) for model in listed] == [
        ("scripted", "scripted"),
        ("gpt-image-1", "scripted"),
    ]
    assert chat(http, address, model="gpt-image-1").json()["model"] == "gpt-image-1"
    assert generate(http, address, model="gpt-image-1").status_code == 200
    assert chat(http, address, model="").json()["model"] == "scripted"
    assert chat(http, address, model="nano").status_code == 404
    error = generate(http, address, model="dall-e-3").json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")


@pytest.mark.parametrize("name", ["nano", "seed-x-nano"])
def test_the_shipped_model_has_two_names_everywhere(serve: Serve, http: httpx.Client, name: str) -> None:
    engine = Scripted()
    engine.scripted.info = engine.scripted.info.model_copy(update={"name": "seed-x-nano"})
    address = serve(engine)
    assert chat(http, address, model=name).json()["model"] == name
    assert generate(http, address, model=name).status_code == 200
    assert http.get(f"{address}/v1/models/{name}").json()["id"] == name
    assert [model["id"] for model in http.get(f"{address}/v1/models").json()["data"]] == ["seed-x-nano"]


def test_errors_name_the_parameter(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    for answer, param in (
        (generate(http, address, num_inference_steps=5000), "num_inference_steps"),
        (generate(http, address, n=50), "n"),
        (generate(http, address, seed=-1), "seed"),
        (chat(http, address, [{"role": "nobody", "content": ""}]), "messages.0.role"),
    ):
        error = answer.json()["error"]
        assert (error["param"], error["code"], error["type"]) == (param, "invalid_value", "InputError")

"""OpenAI's own client against the server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import httpx
import openai
import pytest
from openai.pagination import SyncPage
from openai.types import ImagesResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from PIL import Image

from seedx_sdk import Message, SeedX
from seedx_sdk.imaging import to_data_uri, to_png
from seedx_sdk.testing import ScriptedEngine
from tests.support.http_server import Scripted, Serve

Connect = Callable[[Scripted], openai.OpenAI]


@pytest.fixture
def connect(serve: Serve) -> Iterator[Connect]:
    clients: list[openai.OpenAI] = []

    def make(engine: Scripted) -> openai.OpenAI:
        clients.append(openai.OpenAI(base_url=f"{serve(engine)}/v1", api_key="none", max_retries=0))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def page() -> Image.Image:
    return Image.new("RGB", (64, 48), "red")


def decoded(b64: str | None) -> Image.Image:
    assert b64 is not None
    return Image.open(BytesIO(base64.b64decode(b64))).convert("RGB")


def test_models(connect: Connect) -> None:
    client = connect(Scripted())
    assert [model.id for model in client.models.list()] == ["scripted"]
    assert client.models.retrieve("scripted").owned_by == "seedx"
    with pytest.raises(openai.NotFoundError, match="this server has 'scripted'"):
        client.models.retrieve("gpt")


def test_a_chat_with_images_in_and_out(connect: Connect, page: Image.Image) -> None:
    engine = Scripted(ScriptedEngine([Message.assistant("here", page, "done"), Message.assistant("a red page")]))
    client = connect(engine)
    messages: Any = [
        {"role": "system", "content": "Be short."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is it?"},
                {"type": "image_url", "image_url": {"url": to_data_uri(page)}},
            ],
        },
    ]
    options: dict[str, Any] = {"seed": 3, "max_tokens": 50, "temperature": 0.5}
    answer = client.chat.completions.create(model="scripted", messages=messages, **options)
    message: Any = answer.choices[0].message
    assert message.content == "here done" and [(i["type"], i["index"]) for i in message.images] == [("image_url", 0)]
    assert decoded(message.images[0]["image_url"]["url"].partition(",")[2]).tobytes() == page.tobytes()
    assert answer.model_extra == {"seed": 3}
    request = engine.scripted.requests[0]
    assert request.messages[0].text == "Be short. what is it?" and len(request.messages[0].images) == 1
    assert (request.options.seed, request.options.max_new_tokens, request.options.temperature) == (3, 50, 0.5)
    answer = client.chat.completions.create(model="scripted", messages=messages)
    assert answer.choices[0].message.content == "a red page" and answer.choices[0].finish_reason == "stop"


def test_content_in_parts_keeps_the_order(connect: Connect, page: Image.Image) -> None:
    client = connect(Scripted(ScriptedEngine([Message.assistant("here", page, "done")] * 2)))
    messages: Any = [{"role": "user", "content": "Draw."}]
    extra_body = {"content_format": "parts"}
    content: Any = (
        client.chat.completions.create(model="scripted", messages=messages, extra_body=extra_body)
        .choices[0]
        .message.content
    )
    assert [part["type"] for part in content] == ["text", "image_url", "text"]
    assert decoded(content[1]["image_url"]["url"].partition(",")[2]).tobytes() == page.tobytes()
    with client.chat.completions.create(
        model="scripted", messages=messages, extra_body=extra_body, stream=True
    ) as chunks:
        streamed: list[Any] = [chunk.choices[0].delta.content for chunk in chunks]
    assert [delta for delta in streamed if isinstance(delta, list)] == [[content[1]]]


def test_a_streamed_chat(connect: Connect, page: Image.Image) -> None:
    client = connect(Scripted(ScriptedEngine([Message.assistant("here it is", page)])))
    deltas: list[Any] = []
    images: list[Any] = []
    finish = None
    with client.chat.completions.create(
        model="scripted",
        messages=[{"role": "user", "content": "Draw."}],
        stream=True,
        extra_body={"num_inference_steps": 4},
    ) as chunks:
        for chunk in chunks:
            deltas.append(chunk.choices[0].delta.content)
            images += getattr(chunk.choices[0].delta, "images", [])
            finish = chunk.choices[0].finish_reason
    assert finish == "stop" and "here it is" in deltas
    assert decoded(images[0]["image_url"]["url"].partition(",")[2]).tobytes() == page.tobytes()


def test_tokens_are_counted(connect: Connect) -> None:
    client = connect(Scripted(ScriptedEngine([Message.assistant("a red page")] * 3)))
    messages: Any = [{"role": "user", "content": "What do you see?"}]
    usage = client.chat.completions.create(model="scripted", messages=messages).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (4, 3, 7)
    for include_usage in (True, False):
        with client.chat.completions.create(
            model="scripted", messages=messages, stream=True, stream_options={"include_usage": include_usage}
        ) as stream:
            chunks = list(stream)
        last = chunks[-1]
        assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
        assert (last.choices == []) is include_usage
        assert last.usage == (usage if include_usage else None)


def test_tokens_of_the_shipped_model(nano_server: str) -> None:
    with openai.OpenAI(base_url=f"{nano_server}/v1", api_key="none", max_retries=0) as client:
        name = client.models.list().data[0].id
        messages: Any = [{"role": "user", "content": "Draw a red house."}]
        generated = client.chat.completions.create(model=name, messages=messages, extra_body={"num_inference_steps": 2})
        cut = client.chat.completions.create(model=name, messages=messages, max_tokens=3)
    assert (
        generated.usage is not None
        and generated.usage.completion_tokens > 64
        and generated.choices[0].finish_reason == "stop"
    )
    assert cut.usage is not None and cut.usage.completion_tokens == 3 and cut.choices[0].finish_reason == "length"
    assert generated.usage.prompt_tokens == cut.usage.prompt_tokens > 4


def test_the_form_of_an_answer_goes_to_the_engine(connect: Connect) -> None:
    scripted = ScriptedEngine()
    scripted.info = scripted.info.model_copy(update={"supports_structured_output": True})
    client, messages = connect(Scripted(scripted)), [{"role": "user", "content": "What do you see?"}]
    schema = {"type": "object", "properties": {"color": {"enum": ["red"]}}}
    forms: list[Any] = [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    ]
    for form in forms:
        client.chat.completions.create(model="scripted", messages=messages, response_format=form)  # type: ignore[arg-type]
    assert [request.options.json_schema for request in scripted.requests] == [None, {"type": "object"}, schema]
    with pytest.raises(openai.BadRequestError, match="cannot fit its text"):
        connect(Scripted()).chat.completions.create(model="scripted", messages=messages, response_format=forms[2])  # type: ignore[arg-type]


def test_images_are_those_of_the_sdk(connect: Connect) -> None:
    client = connect(Scripted())
    generated = client.images.generate(
        model="scripted",
        prompt="a house",
        n=2,
        size="128x64",
        extra_body={"seed": 7, "guidance_scale": 3.0},
    )
    assert generated.data is not None and len(generated.data) == 2
    for seed, image in zip((7, 8), generated.data, strict=True):
        expected = SeedX(engine=ScriptedEngine()).generate("a house", seed=seed, width=128, height=64).image
        assert expected is not None and decoded(image.b64_json).tobytes() == expected.tobytes()


def test_an_image_is_edited(connect: Connect, page: Image.Image) -> None:
    engine = Scripted()
    client = connect(engine)
    edited = client.images.edit(image=("page.png", to_png(page)), prompt="make it blue", extra_body={"seed": 5})
    expected = SeedX(engine=ScriptedEngine()).edit(page, "make it blue", seed=5).image
    assert edited.data is not None and decoded(edited.data[0].b64_json).tobytes() == expected.tobytes()
    assert engine.scripted.requests[0].messages[-1].images[0].tobytes() == page.tobytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.images.generate(prompt="a house", quality="high"), "quality"),
        (lambda c: c.images.generate(prompt="a house", size="big"), "WIDTHxHEIGHT"),
        (lambda c: c.images.generate(prompt="a house", response_format="url"), "response_format"),
        (lambda c: c.images.generate(prompt="a house", n=50), "n:"),
        (lambda c: c.images.edit(image=("p.png", b"no image"), prompt="x"), "image"),
        (
            lambda c: c.images.edit(image=("p.png", to_png(Image.new("RGB", (8, 8)))), prompt="x", mask=b"m"),
            "exactly one file",
        ),
        (
            lambda c: c.images.edit(
                image=("p.png", to_png(Image.new("RGB", (8, 8)))), prompt="x", background="transparent"
            ),
            "background",
        ),
        (
            lambda c: c.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "x"}], top_p=0.5
            ),
            "top_p",
        ),
        (
            lambda c: c.chat.completions.create(
                model="scripted",
                messages=[
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}]}
                ],
            ),
            "fetches no images",
        ),
        (lambda c: c.chat.completions.create(model="scripted", messages=[]), "does not end with a user message"),
    ],
)
def test_unsupported_fields_are_errors(connect: Connect, call: Callable[[openai.OpenAI], Any], message: str) -> None:
    with pytest.raises((openai.BadRequestError, openai.UnprocessableEntityError), match=message):
        call(connect(Scripted()))


def test_an_unknown_model_is_not_found(connect: Connect) -> None:
    with pytest.raises(openai.NotFoundError):
        connect(Scripted()).images.generate(model="dall-e-3", prompt="a house")


def test_the_api_key_of_the_client_is_checked(serve: Serve) -> None:
    address = serve(api_keys=("sesame",))
    for key, known in (("sesame", True), ("wrong", False)):
        with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client:
            if known:
                assert client.models.list().data[0].id == "scripted"
            else:
                with pytest.raises(openai.AuthenticationError):
                    client.models.list()


def test_a_last_system_message_is_appended_to_the_user_message(connect: Connect) -> None:
    engine = Scripted()
    messages: Any = [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "What is it?"},
        {"role": "system", "content": "Be short."},
    ]
    client = connect(engine)
    client.chat.completions.create(model="scripted", messages=messages)
    assert [message.text for message in engine.scripted.requests[0].messages] == [
        "Hello.",
        "Hi.",
        "What is it? Be short.",
    ]
    for unanswerable in (messages[:2] + messages[3:], messages[3:]):
        with pytest.raises(openai.BadRequestError, match="does not end with a user message"):
            client.chat.completions.create(model="scripted", messages=unanswerable)


def test_more_images_than_the_capacity_are_rejected(serve: Serve, http: httpx.Client) -> None:
    address = serve(max_replies=2)
    page = {"image": ("page.png", to_png(Image.new("RGB", (8, 8))))}
    for answer in (
        http.post(f"{address}/v1/images/generations", json={"prompt": "a house", "n": 3}),
        http.post(f"{address}/v1/images/edits", data={"prompt": "a house", "n": "3"}, files=page),
    ):
        assert answer.status_code == 400 and "at most 2" in answer.json()["error"]["message"]
    generated = http.post(f"{address}/v1/images/generations", json={"prompt": "a house", "n": 2})
    assert len(generated.json()["data"]) == 2


def test_responses_fit_openais_models(serve: Serve, http: httpx.Client) -> None:
    address = f"{serve(Scripted(ScriptedEngine([Message.assistant('a red page')] * 2)))}/v1"
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "What is it?"}]}
    streamed = http.post(
        f"{address}/chat/completions", json={**body, "stream": True, "stream_options": {"include_usage": True}}
    )
    events = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line.startswith("data: ")]
    assert events.pop() == "[DONE]" and len(events) == 4
    responses: list[tuple[type[openai.BaseModel], str]] = [
        (Model, http.get(f"{address}/models/scripted").text),
        (SyncPage[Model], http.get(f"{address}/models").text),
        (ChatCompletion, http.post(f"{address}/chat/completions", json=body).text),
        (ImagesResponse, http.post(f"{address}/images/generations", json={"prompt": "a house"}).text),
        *((ChatCompletionChunk, event) for event in events),
    ]
    for kind, text in responses:
        answer = kind.model_validate_json(text)
        assert (answer.model_extra or {}).keys() <= {"seed", "root"}
        assert answer.model_dump(exclude_unset=True) == json.loads(text)

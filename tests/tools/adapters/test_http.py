"""Decks over HTTP, opened by python-pptx."""

from __future__ import annotations

import concurrent.futures
import json
import math
import socket
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from pptx import Presentation

from seedx_sdk.errors import ModelError
from seedx_sdk.imaging import to_data_uri
from seedx_sdk.serve.access.limits import Work
from seedx_sdk.testing import ScriptedEngine
from tests.support.http_server import Scripted, Serve

OUTLINE = "# A boat school\n\n## The harbor\n- Boats\n\n![a blue boat](draw)\n\n## The end\n- Home\n"


def deck_of(answer: httpx.Response) -> tuple[list[str], int]:
    """Return the titles and the number of pictures of a deck."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="slides.pptx"'
    deck = Presentation(BytesIO(answer.content))
    titles = [slide.shapes.title.text_frame.text for slide in deck.slides if slide.shapes.title is not None]
    return titles, sum(hasattr(shape, "image") for slide in deck.slides for shape in slide.shapes)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within a minute")


def test_a_deck_is_made_of_an_outline(serve: Serve, http: httpx.Client) -> None:
    engine = Scripted()
    address = serve(engine)
    answer = http.post(f"{address}/v1/tools/make_slides", json={"prompt_or_outline": OUTLINE, "seed": 5})
    titles, pictures = deck_of(answer)
    assert titles == ["A boat school", "The harbor", "The end"]
    assert pictures == len(engine.scripted.requests) > 0
    assert engine.scripted.requests[0].options.seed >= 5
    plain = http.post(f"{address}/v1/tools/make_slides", json={"prompt_or_outline": OUTLINE, "pictures": False})
    assert deck_of(plain) == (titles, 0)


def test_what_a_slide_lacks_is_a_warning(serve: Serve, http: httpx.Client) -> None:
    address = serve(Scripted(ScriptedEngine([ModelError("the model is broken")] * 9)))
    answer = http.post(f"{address}/v1/tools/make_slides", json={"prompt_or_outline": OUTLINE})
    assert deck_of(answer)[1] == 0
    assert any("the model is broken" in warning for warning in json.loads(answer.headers["x-seedx-warnings"]))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"prompt_or_outline": OUTLINE, "path": "/tmp/deck.pptx"}, "path: Extra inputs"),
        ({"prompt_or_outline": OUTLINE, "template": "/etc/passwd"}, "template: Extra inputs"),
        ({"prompt_or_outline": "   "}, "prompt is empty"),
        ({"prompt_or_outline": "boats", "num_slides": 0}, "num_slides"),
    ],
)
def test_invalid_arguments_are_named(serve: Serve, http: httpx.Client, body: dict[str, object], message: str) -> None:
    answer = http.post(f"{serve()}/v1/tools/make_slides", json=body)
    assert answer.status_code in (400, 422) and message in answer.json()["error"]["message"]


def test_the_images_of_a_deck_have_the_budget_of_one_request(serve: Serve, http: httpx.Client) -> None:
    outline = {"prompt_or_outline": OUTLINE + "\n![a red boat](draw)\n"}
    engine = Scripted()
    assert deck_of(http.post(f"{serve(engine)}/v1/tools/make_slides", json=outline))[1] == 2
    steps = sum(
        Work.most(asked.task, asked.options.model_dump(), engine.info).steps for asked in engine.scripted.requests
    )
    answer = http.post(f"{serve(Scripted(), max_steps=math.ceil(steps) - 1)}/v1/tools/make_slides", json=outline)
    assert deck_of(answer)[1] == 1
    assert any(
        f"asks for {steps:.0f} denoising steps" in text for text in json.loads(answer.headers["x-seedx-warnings"])
    )


def test_a_logo_is_counted_before_it_is_decoded(
    serve: Serve, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{serve(max_pixels=10_000)}/v1/tools/make_slides"

    def make(logo: str) -> httpx.Response:
        brand = {"name": "Harbor", "colors": ["navy"], "logo": logo}
        return http.post(address, json={"prompt_or_outline": OUTLINE, "pictures": False, "brand": brand})

    answer = make(to_data_uri(Image.new("RGB", (100, 100), "navy")))
    assert deck_of(answer)[0] == ["A boat school", "The harbor", "The end"]
    assert any(
        "/media/" in str(part.partname) for part in Presentation(BytesIO(answer.content)).part.package.iter_parts()
    )
    faults = {
        to_data_uri(Image.new("RGB", (101, 100))): "at most 0.0 million are allowed",
        "data:image/png;base64,AAAA": "not a readable image",
        "/etc/passwd": "must be a data URI",
    }
    monkeypatch.setattr("seedx_sdk.imaging._decode", None)
    for logo, message in faults.items():
        error = make(logo).json()["error"]
        assert error["type"] in ("InputError", "ImageError") and message in error["message"]


def test_a_deck_needs_a_key_too(serve: Serve, http: httpx.Client) -> None:
    answer = http.post(f"{serve(api_keys=('secret',))}/v1/tools/make_slides", json={"prompt_or_outline": OUTLINE})
    assert answer.status_code == 401


def test_a_client_that_disconnects_cancels_its_deck(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine = Scripted(seconds=3600)  # no image is ever finished
    address = httpx.URL(serve(engine))
    body = json.dumps({"prompt_or_outline": OUTLINE})
    head = f"POST /v1/tools/make_slides HTTP/1.1\r\nHost: {address.host}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((address.host, address.port)) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        wait_until(lambda: len(engine.scripted.requests) > 0)
        assert engine.stopped == 0 and len(list(tmp_path.iterdir())) == 1
    wait_until(lambda: engine.stopped == len(engine.scripted.requests) and not list(tmp_path.iterdir()))


def test_many_parallel_decks_do_not_block_the_model(nano_server: str) -> None:
    def make(seed: int) -> httpx.Response:
        body = {"prompt_or_outline": "# Red\n\n## A house\n- red\n", "seed": seed, "pictures": seed == 0}
        return httpx.post(f"{nano_server}/v1/tools/make_slides", json=body, timeout=120)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        decks = [deck_of(answer) for answer in pool.map(make, range(6))]  # more than are made at once
    assert {tuple(titles) for titles, _ in decks} == {("Red", "A house")}
    assert decks[0][1] > 0 and all(pictures == 0 for _, pictures in decks[1:])

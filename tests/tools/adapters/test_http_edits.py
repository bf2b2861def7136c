"""Decks that are edited over HTTP."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import AsyncGenerator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from pptx import Presentation

from seedx_sdk import SeedX
from seedx_sdk.imaging import to_png
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Request, StreamEvent
from seedx_tools import make_slides
from tests.support.http_server import Scripted, Serve

OUTLINE = "# Plan\n\n## Budget\n- 4 M\n\n## Risks\n- Late parts\n\n## Team\n- Ann\n"


@pytest.fixture
def deck(tmp_path: Path) -> str:
    path = tmp_path / "plan.pptx"
    make_slides(SeedX(engine=ScriptedEngine()), OUTLINE, path=path, pictures=False)
    return base64.b64encode(path.read_bytes()).decode()


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [slide.shapes.title.text for slide in Presentation(BytesIO(answer.content)).slides]


def test_a_deck_is_read_and_edited(serve: Serve, http: httpx.Client, deck: str) -> None:
    address = f"{serve()}/v1/tools"
    outline = http.post(f"{address}/read_deck", json={"deck": deck}).json()
    assert [(slide["number"], slide["title"]) for slide in outline["slides"]][2] == (3, "Risks")
    orders = [{"kind": "move", "slide": 3}, {"kind": "insert", "after": 1, "content": "## Why\n- now"}]
    edited = http.post(f"{address}/edit_deck", json={"deck": f"data:application/x;base64,{deck}", "orders": orders})
    assert titles(edited) == ["Plan", "Why", "Budget", "Team", "Risks"]
    assert json.loads(edited.headers["x-seedx-warnings"]) == []
    words = http.post(f"{address}/edit_deck", json={"deck": deck, "request": "make it 3 slides"})
    assert len(titles(words)) == 3 and "was merged with" in words.headers["x-seedx-warnings"]
    files = {"deck": deck, "files": {"other.pptx": deck}, "orders": [{"kind": "merge", "file": "other.pptx"}]}
    assert len(titles(http.post(f"{address}/edit_deck", json=files))) == 8


class Unasked(Scripted):
    asked = 0

    def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        self.asked += 1
        return super().stream(request, deadline=deadline)


def test_the_model_of_the_server_is_left_to_its_event_loop(serve: Serve, http: httpx.Client, deck: str) -> None:
    orders = [
        {"kind": "insert", "content": "## A harbor\n- red boats\n![a red boat](boat)"},
        {"kind": "revise", "slide": 3, "content": "## Risks\n- late parts, with a picture of a clock"},
        {"kind": "length", "num_slides": 4},
    ]
    engine = Unasked()
    edited = http.post(f"{serve(engine)}/v1/tools/edit_deck", json={"deck": deck, "orders": orders})
    assert len(titles(edited)) == 4 and engine.asked == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"request": "delete slide 9"}, "there is no slide 9; the deck has slides 1 to 4"),
        ({"orders": [{"kind": "merge", "file": "/etc/passwd"}]}, "'/etc/passwd' is not in 'files'"),
        ({"request": "dance"}, "without a chat model 'dance' cannot be followed"),
        ({}, "give either 'orders' or a 'request'"),
        ({"request": "delete slide 2", "deck": "no deck"}, "must be a data URI"),
        *(
            ({"request": "x", "files": {name: "AAAA"}}, "is not a plain file name")
            for name in ("../x.pptx", "..", "a\0b", "x" * 256)
        ),
    ],
)
def test_faults_are_named(serve: Serve, http: httpx.Client, deck: str, body: dict[str, object], message: str) -> None:
    answer = http.post(f"{serve()}/v1/tools/edit_deck", json={"deck": deck} | body)
    assert answer.status_code in (400, 422) and message in answer.json()["error"]["message"]


def with_parts(deck: str, parts: dict[str, bytes]) -> str:
    """Return a deck with further parts, packed as tightly as they can be."""
    buffer = BytesIO(base64.b64decode(deck))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return base64.b64encode(buffer.getvalue()).decode()


WIDE = to_png(Image.new("L", (300, 200)))
BOMBS = {
    "pictures": {f"ppt/media/image{n}.png": WIDE for n in range(90, 92)},
    "bytes": {f"ppt/media/big{n}.bin": bytes(2**20) for n in range(3)},
    "xml": {f"ppt/slides/slide{n}.xml": b"<a>" + b"<b/>" * 2**16 + b"</a>" for n in range(90, 93)},
}
CURES = {
    "pictures": "0.2 million pixels, and at most 0.1 million are allowed: scale them down",
    "bytes": "MiB of it XML, and at most 2.0 MiB with 0.5 MiB of XML are allowed: compress the pictures, or split",
    "xml": "MiB of it XML, and at most 2.0 MiB with 0.5 MiB of XML are allowed",
}


@pytest.mark.parametrize("what", BOMBS)
def test_what_a_deck_unpacks_to_is_counted_before_it_is_opened(
    serve: Serve, http: httpx.Client, deck: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{serve(max_pixels=100_000, max_body_bytes=2**20)}/v1/tools"
    request = {"request": "delete slide 2"}
    assert http.post(f"{address}/edit_deck", json={"deck": deck} | request).status_code == 200

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("the deck was opened")

    monkeypatch.setattr("seedx_tools.decks.ooxml.package.Presentation", opened)
    bomb = with_parts(deck, BOMBS[what])
    merge = {"files": {"other.pptx": bomb}, "orders": [{"kind": "merge", "file": "other.pptx"}]}
    for name, body in (("read_deck", {"deck": bomb}), ("edit_deck", {"deck": bomb} | request), ("edit_deck", merge)):
        error = http.post(f"{address}/{name}", json={"deck": deck} | body).json()["error"]
        assert (error["code"], error["param"]) == ("invalid_value", "deck") and CURES[what] in error["message"]


def test_a_key_is_needed(serve: Serve, http: httpx.Client, deck: str) -> None:
    address = f"{serve(api_keys=('secret',))}/v1/tools"
    for name in ("read_deck", "edit_deck"):
        assert http.post(f"{address}/{name}", json={"deck": deck, "request": "delete slide 2"}).status_code == 401

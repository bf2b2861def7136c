"""Every program of examples/ runs as it stands, with the shipped model at few denoising steps."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pptx import Presentation

import seedx_sdk
from seedx_finetune.world import render, sample_edit
from seedx_sdk import SeedX
from seedx_sdk.imaging import to_png
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import FolderImages, ImageStore

EXAMPLES = Path(__file__).parents[1] / "examples"
PROGRAMS: dict[str, tuple[list[str], str]] = {
    "assistant": (["talk"], r"\d+ messages and 3 images were saved$"),
    "chat": ([], r"\[image: chat-1\.png \]\n\n> what color is the house\?\nred"),
    "demo": ([], r"Open out/demo/index\.html$"),
    "describe": ([], r"house.*\n\w+"),
    "designer": (["a red house", "design"], r"saved design/change-3\.png\n"),
    "detect": ([], r"^red house at .* of \(128, 128\)\nsaved detect\.png$"),
    "edit": ([], r"make the house blue: saved edit-1\.png\nremove the tree: saved edit-2\.png$"),
    "generate": (["a", "red", "house"], r"^saved generate\.png in \d+\.\d s, seed 1"),
    "lecture": ([], r"saved lecture\.pptx with 15 slides$"),
    "pitch": ([], r"saved pitch\.pptx with 8 slides$"),
    "presenter": ([], r"\n3\. Pupils rose from 18 to 41: .*\n.*saved presenter\.pptx$"),
    "prompt_to_image": (["a red house", "house.png"], r"^house\.png$"),
    "quarterly_review": ([], r"saved review\.pptx with 12 slides$"),
    "revise_session": (
        [],
        r"^2\. title: .*\n4\. move slide 4 to 3: All tickets come in one queue / Tickets fell after the pilot / "
        r"What it costs / Who is trained first\nsaved help-desk\.pptx$",
    ),
    "slides": ([], r"^saved deck\.pptx with 3 slides"),
    "story": (["a red cat on the beach", "cat.html"], r"saved cat\.html$"),
    "storyteller": (["a red cat", "cat.html"], r"saved cat\.html $"),
}
"""The arguments of each program, and what it prints."""
SIX = range(1, 7)
FILES = {
    "assistant": {"talk", *(f"talk/image-{number}.png" for number in (1, 2, 3))},
    "chat": {"chat-1.png"},
    "demo": {"out/demo/index.html", "out/demo/deck.pptx", "out/demo/story.html"},
    "describe": set(),
    "designer": {
        "design",
        "design/design.png",
        "design/accepted.png",
        *(f"design/change-{number}.png" for number in (1, 2, 3)),
    },
    "detect": {"detect.png"},
    "edit": {"edit-1.png", "edit-2.png"},
    "generate": {"generate.png"},
    "lecture": {"lecture.pptx"},
    "pitch": {"pitch.pptx"},
    "presenter": {"presenter.pptx"},
    "prompt_to_image": {"house.png"},
    "quarterly_review": {"review.pptx", "harbor-tools.pptx"},
    "revise_session": {"help-desk.pptx"},
    "slides": {"deck.pptx"},
    "story": {"cat.html"},
    "storyteller": {"cat.html", "cat.json"},
}
"""What each program leaves behind, among other files."""
Run = Callable[..., str]


class _Sources(HTMLParser):
    """The files that a page refers to, and its images without alternative text."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        source = found.get("src") or found.get("href")
        if source:
            self.files.append(source)
        if tag == "img" and not found.get("alt"):
            self.silent.append(str(source))


@pytest.fixture
def run(quick_nano: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a program in an empty directory; gives what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("seedx_sdk.engine.NANO", quick_nano)
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def start(name: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
        try:
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        except SystemExit as ended:
            assert not ended.code, capsys.readouterr().err
        return capsys.readouterr().out

    return start


def test_every_program_is_run_here() -> None:
    programs = {path.stem for path in EXAMPLES.glob("*.py") if "seedx" in path.read_text(encoding="utf-8")}
    assert {*PROGRAMS, "approval", "many_users"} == programs - {"demo_page"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_and_leaves_what_it_should(name: str, run: Run, tmp_path: Path) -> None:
    arguments, expected = PROGRAMS[name]
    printed = run(name, *arguments)
    assert re.search(expected, printed.strip("\n"), re.DOTALL), printed
    assert "fault:" not in printed
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left >= FILES[name] and bool(left) == bool(FILES[name])
    for path in tmp_path.rglob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) >= 128
    if name == "demo":
        _check_demo_page(tmp_path / "out" / "demo")


def _check_demo_page(output: Path) -> None:
    html = (output / "index.html").read_text(encoding="utf-8")
    page = _Sources()
    page.feed(html)
    assert page.silent == []
    assert len(page.files) == 6 + 2 + 4 + 6 + 6 + 2  # drawn, found, edited, story, slides, and links to both files
    assert all((output / name).is_file() for name in page.files)
    assert html.count("<h2>") == 6
    assert not re.search(r"https?://", html)


def test_programs_of_one_call_take_their_input_from_the_command_line(run: Run, tmp_path: Path) -> None:
    render(sample_edit(np.random.default_rng(7)).source).save("page.png")
    Path("outline.md").write_text("# Our garden\n\n## What we planted\n- Three trees\n", encoding="utf-8")
    assert run("describe", "page.png", "what is the background?").strip()
    assert run("detect", "page.png", "the red house").endswith("saved detect.png\n")
    assert run("edit", "page.png", "make the sky pink") == "make the sky pink: saved edit-1.png\n"
    assert run("slides", "outline.md", "garden.pptx").startswith("saved garden.pptx with 2 slides")
    assert [slide.shapes.title.text for slide in Presentation(str(tmp_path / "garden.pptx")).slides] == [
        "Our garden",
        "What we planted",
    ]


def test_a_subject_of_the_demo_becomes_a_deck_of_six_slides(
    run: Run, seedx: SeedX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seedx_sdk, "SeedX", lambda **_options: seedx)
    run("demo", "dragons", "--output", str(tmp_path / "dragons"))
    deck = Presentation(str(tmp_path / "dragons" / "deck.pptx"))
    assert len(deck.slides) == 6
    assert deck.slides[0].shapes.title.text == "Dragons"


def test_the_demo_reports_a_missing_model(run: Run) -> None:
    with pytest.raises(AssertionError, match="error: .*nowhere"):
        run("demo", "--model", "nowhere")


def test_edits_wait_for_approval_and_the_conversation_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    before: list[Image.Image] = []

    def review(_prompt: str) -> str:
        with Image.open(tmp_path / "talk" / "before.png") as image:
            before.append(image.convert("RGB"))
        return said.pop(0)

    monkeypatch.setattr("builtins.input", review)
    program = runpy.run_path(str(EXAMPLES / "approval.py"))

    def talk() -> str:
        folder = Path("talk")
        program["talk"](SeedX(engine=ScriptedEngine()), program["OfflineChatModel"](), folder=folder)
        return capsys.readouterr().out

    said = ["yes", "no"]
    printed = talk()
    assert re.search(r"make the house blue\? The image before is talk/before\.png\.\nEdited the image", printed)
    assert "with reason: The user wants to keep the image as it is." in printed
    assert printed.endswith("2 images are in talk/images\n")
    said += ["make the house green", "yes"]
    printed = talk()
    assert "a human reviewer replaced this tool call" in printed and "make the house green" in printed
    assert printed.endswith("5 images are in talk/images\n")
    images = ImageStore(FolderImages(tmp_path / "talk" / "images"), thread="me")
    assert before == [images[f"image:{number}"] for number in (1, 2, 3, 4)]


def test_a_server_keeps_users_apart_and_goes_on_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    server, model = importlib.import_module("many_users"), importlib.import_module("offline_chat_model")
    photo = render(sample_edit(np.random.default_rng(7)).source)
    engine = ScriptedEngine()

    def serving() -> TestClient:
        return TestClient(server.create_app(SeedX(engine=engine), model.OfflineChatModel(), folder=tmp_path / "chats"))

    def say(user: str, text: str, *files: tuple[str, bytes], chat: str = "first") -> list[dict[str, Any]]:
        given: dict[str, Any] = {"data": {"text": text}, "files": [("files", file) for file in files]}
        reply = client.post(f"/chats/{chat}", headers={"Authorization": f"Bearer {user}-key"}, **given)
        assert reply.status_code == 200, reply.text
        return [json.loads(line) for line in reply.text.splitlines()]

    def image(user: str, name: str, chat: str = "first") -> Any:
        return client.get(f"/chats/{chat}/images/{name}", headers={"Authorization": f"Bearer {user}-key"})

    with serving() as client:
        upload = ("cat.png", to_png(photo))
        lines = say("alice", "make the house blue", upload, upload)
        assert [line["progress"]["done"] for line in lines[:-2]] == [1, 2, 3, 4]
        assert [list(line) for line in lines[-2:]] == [["tool"], ["ai"]] and "image:3" in lines[-1]["ai"]
        assert engine.requests[-1].messages[-1].images == (photo,)
        assert image("alice", "cat.png").content == image("alice", "image:2").content == to_png(photo)
        assert image("bob", "image:1").status_code == image("alice", "image:1", "second").status_code == 404
        assert say("bob", "make it blue") == [{"ai": "There is no image yet; say what to draw."}]
        assert client.get("/chats/first/images/image:1").status_code == 401
        unreadable: dict[str, Any] = {"data": {"text": "blue"}, "files": {"files": ("a.png", b"none")}}
        assert client.post("/chats/first", headers={"Authorization": "Bearer bob-key"}, **unreadable).status_code == 422
    with serving() as client:
        assert "image:4" in say("alice", "remove the tree")[-1]["ai"]
        assert "image:1." in say("bob", "draw a cat")[-1]["ai"]
        assert client.delete("/chats/first", headers={"Authorization": "Bearer alice-key"}).status_code == 204
        assert image("alice", "image:1").status_code == 404 and image("bob", "image:1").status_code == 200
        assert say("alice", "make it blue") == [{"ai": "There is no image yet; say what to draw."}]


@pytest.mark.parametrize("name", ["assistant", "designer", "presenter", "storyteller"])
def test_the_programs_of_the_agents_stay_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 60

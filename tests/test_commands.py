"""The commands that seedx_tools adds to `seedx`, through the entry points of the installed package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from pptx import Presentation
from typer.testing import CliRunner, Result

from seedx_sdk import SeedX
from seedx_sdk.cli.main import app
from seedx_sdk.imaging import save_image
from seedx_sdk.testing import ScriptedEngine


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*args: str) -> Result:
    client = SeedX(engine=ScriptedEngine())
    return CliRunner().invoke(app, list(args), obj=lambda _: client, catch_exceptions=False)


def test_slides_makes_a_deck() -> None:
    result = run("slides", "A boat school", "--num-slides", "3", "--size", "4:3", "-o", "deck.pptx")
    assert (result.exit_code, result.stdout) == (0, "deck.pptx\n")
    assert "warning: planned without a language model" in result.stderr
    deck = Presentation("deck.pptx")
    assert len(deck.slides) == 3
    assert deck.slide_width / deck.slide_height == pytest.approx(4 / 3, abs=0.01)


def test_slides_as_json_holds_the_path_and_the_warnings() -> None:
    deck = json.loads(run("slides", "A boat school", "--num-slides", "2", "--no-pictures", "--json").stdout)
    assert deck["path"] == "slides.pptx"
    assert deck["warnings"]


def test_a_file_that_was_not_named_is_never_replaced() -> None:
    Path("slides.pptx").write_bytes(b"three weeks of work")
    for name in ("slides-2.pptx", "slides-3.pptx"):
        assert run("slides", "# Boats", "--no-pictures").stdout == f"{name}\n"
    assert Path("slides.pptx").read_bytes() == b"three weeks of work"
    assert run("slides", "# Boats", "--no-pictures", "-o", "slides.pptx").stdout == "slides.pptx\n"
    assert len(Presentation("slides.pptx").slides) == 1


def test_story_tells_its_pages(picture: Image.Image) -> None:
    save_image(picture, "first.png")
    told = json.loads(run("story", "a cat finds a boat", "--pages", "2", "-i", "first.png", "--json").stdout)
    assert len(told["pages"]) == 2
    assert Path("story.html").is_file()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("slides", ""), "prompt is empty"),
        (("slides", "boats", "-o", "deck.ppt"), "use one of .pptx"),
        (("slides", "boats", "-o", "no/deck.pptx"), "mkdir -p 'no'"),
        (("slides", "boats", "--num-slides", "0"), "num_slides is 0"),
        (("slides", "boats", "--template", "missing.pptx"), "missing.pptx"),
        (("story", " "), "prompt is empty"),
        (("story", "boats", "--pages", "0"), "pages is 0"),
        (("story", "boats", "-i", "missing.png"), "no image at 'missing.png'"),
        (("story", "boats", "-o", "story.docx"), "story.docx"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(args: tuple[str, ...], message: str, tmp_path: Path) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line
    assert list(tmp_path.iterdir()) == []

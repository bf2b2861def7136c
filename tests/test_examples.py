"""The examples of the agents run as they stand, with the model that ships and few steps."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from seedx_sdk import SeedX

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    assert len((EXAMPLES / f"{request.param}.py").read_text(encoding="utf-8").splitlines()) <= 60
    return importlib.import_module(request.param)


@pytest.mark.parametrize("example", ["assistant"], indirect=True)
def test_assistant(example: ModuleType, nano: SeedX, tmp_path: Path) -> None:
    again = example.talk(nano, folder=tmp_path / "out", num_inference_steps=4)
    assert [message.text for message in again.messages if message.type == "human"] == list(example.REQUESTS)
    assert len(again.album.images) == 3
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == [
        "image-1.png",
        "image-2.png",
        "image-3.png",
    ]


@pytest.mark.parametrize("example", ["storyteller"], indirect=True)
def test_storyteller(example: ModuleType, nano: SeedX, tmp_path: Path) -> None:
    book = example.tell(nano, "a red cat on the beach", path=tmp_path / "story.html", pages=2, num_inference_steps=4)
    assert book.finished and (tmp_path / "story.html").read_text(encoding="utf-8").count("<img") == 2
    assert (tmp_path / "story.json").exists()


@pytest.mark.parametrize("example", ["presenter"], indirect=True)
def test_presenter(example: ModuleType, seedx: SeedX, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deck = example.present(seedx, example.PUPILS, path=tmp_path / "deck.pptx", pictures=False)
    assert [slide.title for slide in deck.slides][1:] == ["What the numbers say", "Pupils", "Highest and lowest"]
    assert deck.slides[3].bullets == ("Pupils: 41 in 2024, 18 in 2022",)
    assert "fault:" not in capsys.readouterr().out


@pytest.mark.parametrize("example", ["designer"], indirect=True)
def test_designer(example: ModuleType, seedx: SeedX, tmp_path: Path) -> None:
    shown = example.design(seedx, "a red house", folder=tmp_path / "out")
    saved = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert saved == ["change-1.png", "change-2.png", "change-3.png", "design.png"]
    assert len(shown.proposals) == 3

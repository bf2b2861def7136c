from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pypdf import PdfReader

from seedx_sdk import ImageError, InputError, Message, ModelError, OutputPathError, PromptError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import PagePlan, StoryPlan, TemplateStoryPlanner, ToolFailed, tell_story
from seedx_tools.illustration.prompts import PICTURE_BOOK

PROMPT = "Tell me a story about a red cat on the beach who wants to sail a blue boat"


class FixedPlanner:
    """Returns one fixed story."""

    def __init__(self, *texts: str, title: str = "T", language: str = "en") -> None:
        pages = tuple(PagePlan(text=text, picture="a red cat") for text in texts)
        self._plan = StoryPlan(title=title, language=language, pages=pages)

    def plan(self, text: str, num_pages: int, first_image: str | None) -> StoryPlan:  # noqa: ARG002
        return self._plan


def test_the_story_is_about_the_hero_the_place_and_the_wish_of_the_prompt(seedx: SeedX) -> None:
    story = tell_story(seedx, PROMPT, pages=6)
    assert story.title == "The red cat on the beach"
    assert story.pages[0].text == (
        "Once upon a time there was a red cat on the beach. More than anything, the red cat wanted to sail a blue boat."
    )
    assert len(story.pages) == 6
    assert all("red cat" in page.image_prompt for page in story.pages)
    assert "blue boat" in story.pages[1].image_prompt
    assert any("without a language model" in warning for warning in story.warnings)


@pytest.mark.parametrize("pages", [1, 2, 6, 11])
def test_any_number_of_pages(pages: int) -> None:
    plan = TemplateStoryPlanner(PICTURE_BOOK).plan(PROMPT, pages, None)
    assert len(plan.pages) == pages
    assert all("{" not in page.text for page in plan.pages)


@pytest.mark.parametrize(
    "prompt", ["Zoe", "the old sailor", "An octopus in the deep", "\u732b", "story", "a story about"]
)
def test_any_prompt_gives_whole_sentences(prompt: str) -> None:
    plan = TemplateStoryPlanner(PICTURE_BOOK).plan(prompt, 6, None)
    for page in plan.pages:
        assert "  " not in page.text
        assert page.text[-1] in ".!?"
        assert any(kind in page.picture for kind in PICTURE_BOOK["kinds"])


def test_a_first_image_becomes_the_first_page_and_names_the_hero(picture: Image.Image) -> None:
    engine = ScriptedEngine(replies=[Message.assistant("A snowy field with one yellow dog.")])
    story = tell_story(SeedX(engine=engine), "somebody who wants a friend", pages=3, first_image=picture)
    assert story.pages[0].image is not None and story.pages[0].image.tobytes() == picture.tobytes()
    assert story.pages[0].image_prompt == "A snowy field with one yellow dog."
    assert "yellow dog" in story.pages[0].text
    assert all("a yellow dog" in page.image_prompt for page in story.pages[1:])
    assert [request.task for request in engine.requests] == ["describe", "generate", "generate"]


def test_html_is_one_escaped_accessible_file(seedx: SeedX, tmp_path: Path) -> None:
    planner = FixedPlanner("<script>alert('x')</script> & more", "Fin", title='Le "chat"', language="fr")
    tell_story(seedx, "x", pages=2, path=tmp_path / "story.html", planner=planner)
    html = (tmp_path / "story.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; more" in html
    assert '<html lang="fr">' in html
    assert "<title>Le &quot;chat&quot;</title>" in html
    assert html.count('src="data:image/png;base64,') == 2
    assert html.count('alt="a red cat') == 2
    assert "http" not in html


def test_pdf_text_can_be_selected(seedx: SeedX, tmp_path: Path) -> None:
    tell_story(
        seedx, "x", pages=2, path=tmp_path / "s.pdf", planner=FixedPlanner("Caf\u00e9 \u201cau lait\u201d", "End.")
    )
    reader = PdfReader(tmp_path / "s.pdf")
    assert len(reader.pages) == 3
    assert "Caf\u00e9 \u201cau lait\u201d" in reader.pages[1].extract_text()
    assert reader.metadata is not None and reader.metadata.title == "T"
    assert len(reader.pages[1].images) == 1


def test_text_too_long_for_a_pdf_page_continues_on_the_next(seedx: SeedX, tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(2500)]
    tell_story(seedx, "x", pages=1, path=tmp_path / "s.pdf", planner=FixedPlanner(" ".join(words)))
    pages = PdfReader(tmp_path / "s.pdf").pages
    assert [word for page in pages[1:] for word in page.extract_text().split() if word.startswith("word")] == words
    assert [len(page.images) for page in pages[1:3]] == [1, 0]
    places: list[float] = []
    pages[2].extract_text(visitor_text=lambda text, _cm, tm, *_: places.append(tm[5]) if text.strip() else None)
    assert 0 < min(places) and max(places) < float(pages[2].mediabox.height)


def test_a_plan_with_too_many_pages_is_rejected_before_anything_is_generated(
    engine: ScriptedEngine, seedx: SeedX
) -> None:
    with pytest.raises(ToolFailed, match="wrote 100 pages, not 2; at most 40"):
        tell_story(seedx, "x", pages=2, planner=FixedPlanner(*["More."] * 100))
    assert engine.requests == []


def test_a_long_prompt_is_a_title_that_a_file_can_hold(seedx: SeedX, tmp_path: Path) -> None:
    story = tell_story(seedx, "A cat, " + "a very nice cat, " * 20, pages=1, path=tmp_path / "s.pptx")
    assert Presentation(str(story.path)).core_properties.title == story.title[:255]


def test_a_prompt_that_names_every_friend_still_has_friends(seedx: SeedX) -> None:
    prompt = "a tree, a boat, a star, a flower, a balloon and an umbrella"
    assert len(tell_story(seedx, prompt, pages=3).pages) == 3


def test_a_pdf_without_a_font_for_the_text_warns(seedx: SeedX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedx_tools.stories.pdf.system_font", lambda _text: None)
    planner = FixedPlanner("\u732b sleeps")
    story = tell_story(seedx, "x", pages=1, path=tmp_path / "s.pdf", planner=planner)
    assert any("save it as .html" in warning for warning in story.warnings)
    assert "? sleeps" in PdfReader(tmp_path / "s.pdf").pages[1].extract_text()


def test_pptx_and_folder(seedx: SeedX, tmp_path: Path) -> None:
    story = tell_story(seedx, PROMPT, pages=2, path=tmp_path / "s.pptx")
    slides = list(Presentation(str(tmp_path / "s.pptx")).slides)
    assert [slide.shapes.title.text_frame.text for slide in slides] == [story.title, "Page 1", "Page 2"]
    tell_story(seedx, PROMPT, pages=2, path=tmp_path / "folder")
    names = sorted(path.name for path in (tmp_path / "folder").iterdir())
    assert names == ["page-01.png", "page-02.png", "story.json", "story.md"]
    saved = json.loads((tmp_path / "folder" / "story.json").read_text(encoding="utf-8"))
    assert [page["text"] for page in saved["pages"]] == [page.text for page in story.pages]
    with Image.open(tmp_path / "folder" / "page-01.png") as image:
        assert story.pages[0].image is not None and image.size == story.pages[0].image.size


@pytest.mark.parametrize("name", ["s.html", "s.pdf", "s.pptx", "folder"])
def test_a_failed_image_is_a_warning_and_the_story_is_saved(tmp_path: Path, name: str) -> None:
    engine = ScriptedEngine(replies=[ModelError("no memory")])
    story = tell_story(SeedX(engine=engine), PROMPT, pages=2, path=tmp_path / name)
    assert story.pages[0].image is None
    assert any("page 1: its image failed" in warning for warning in story.warnings)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("prompt", "arguments", "error"),
    [
        ("", {}, PromptError),
        ("x", {"pages": 0}, InputError),
        ("x", {"pages": 500}, InputError),
        ("x", {"path": "missing/story.html"}, OutputPathError),
        ("x", {"path": "story.docx"}, OutputPathError),
        ("x", {"path": "full"}, OutputPathError),
        ("x", {"first_image": "missing.png"}, ImageError),
    ],
)
def test_bad_input_is_rejected_before_anything_is_generated(
    engine: ScriptedEngine,
    seedx: SeedX,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prompt: str,
    arguments: dict[str, Any],
    error: type[Exception],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(error):
        tell_story(seedx, prompt, **arguments)
    assert engine.requests == []
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_images_come_from_the_model(nano: SeedX) -> None:
    story = tell_story(nano, PROMPT, pages=1, seed=2)
    image = nano.generate("a red cat on the beach", seed=2).image
    assert image is not None and story.pages[0].image is not None
    assert story.pages[0].image.tobytes() == image.tobytes()

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedx_sdk import ImageError, InputError, Message, OutputPathError, PromptError, SeedX
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


def test_a_plan_with_too_many_pages_is_rejected_before_anything_is_generated(
    engine: ScriptedEngine, seedx: SeedX
) -> None:
    with pytest.raises(ToolFailed, match="wrote 100 pages, not 2; at most 40"):
        tell_story(seedx, "x", pages=2, planner=FixedPlanner(*["More."] * 100))
    assert engine.requests == []


def test_a_prompt_that_names_every_friend_still_has_friends(seedx: SeedX) -> None:
    prompt = "a tree, a boat, a star, a flower, a balloon and an umbrella"
    assert len(tell_story(seedx, prompt, pages=3).pages) == 3


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

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedx_sdk import ImageError, InputError, Message, ModelError, OutputPathError, PromptError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import PagePlan, StoryPlan, ToolFailed, tell_story

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
    assert story.pages[4].text == "And so it came true: at last the red cat could sail a blue boat, and did."
    assert story.pages[4].image_prompt == "a red cat and a blue boat on the beach"
    assert len(story.pages) == 6
    assert all("red cat" in page.image_prompt for page in story.pages)
    assert any("without a language model" in warning for warning in story.warnings)


def test_first_images_become_the_first_pages_and_name_the_hero_and_whom_he_meets(picture: Image.Image) -> None:
    other = Image.new("RGB", (32, 32), "white")
    seen = ["A snowy field with 1: yellow dog.", "A meadow with 1: pink bird."]
    engine = ScriptedEngine(replies=[Message.assistant(text) for text in seen])
    prompt = "somebody who wants a friend"
    story = tell_story(SeedX(engine=engine), prompt, pages=4, first_images=[picture, other], check=False)
    assert [page.image.tobytes() for page in story.pages[:2] if page.image] == [picture.tobytes(), other.tobytes()]
    assert [page.image_prompt for page in story.pages[:2]] == seen
    assert "yellow dog" in story.pages[0].text and "a pink bird" in story.pages[1].text
    assert all("a yellow dog" in page.image_prompt for page in story.pages[2:])
    assert [request.task for request in engine.requests] == ["describe", "describe", "generate", "generate"]
    assert tell_story(SeedX(engine=ScriptedEngine()), prompt, first_images=picture).pages[0].seed is None


def test_an_image_without_a_thing_of_its_page_is_generated_once_more_and_the_fault_is_told() -> None:
    page = {"text": "'We come with you.'", "picture": "a red cat and a brown dog and a blue boat on the beach"}
    drawn = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 1)]
    seen = ["A beach with 1: red cat.", "A beach with 1: red cat, 2: blue dog."]
    replies = [Message.assistant(part) for pair in zip(drawn, seen, strict=True) for part in pair]
    engine = ScriptedEngine(replies)
    story = tell_story(SeedX(engine=engine), pages=[page])
    assert [request.task for request in engine.requests] == ["generate", "describe"] * 2
    assert [request.options.seed for request in engine.requests if request.task == "generate"] == [0, 1000]
    assert story.warnings == ("page 1: the model sees no brown dog; no blue boat",)
    assert story.pages[0].missing == ("brown dog", "blue boat") and story.pages[0].seed == 0
    engine = ScriptedEngine([*replies[2:], *replies[2:]])
    again = tell_story(SeedX(engine=engine), pages=[page], tries=1)
    assert again.warnings == ("page 1: the model sees a blue dog instead of a brown dog; no blue boat",)
    assert len(engine.requests) == 2


def test_nobody_looks_if_the_check_is_off_and_what_cannot_be_checked_is_no_fault(seedx: SeedX) -> None:
    engine = ScriptedEngine([Message.assistant(Image.new("RGB", (8, 8))), ModelError("no memory")])
    page = {"text": "One.", "picture": "a red cat"}
    story = tell_story(SeedX(engine=engine), pages=[page])
    assert story.warnings == ("the image of page 1 was not checked: the look at it failed: no memory",)
    assert story.pages[0].faults == () and len(engine.requests) == 2
    reason = "scripted described it in other words than those that it draws"
    assert tell_story(seedx, pages=[page, page]).warnings == (
        f"the images of pages 1 and 2 were not checked: {reason}",
    )
    quick = ScriptedEngine()
    assert tell_story(SeedX(engine=quick), pages=[page], check=False).warnings == ()
    assert [request.task for request in quick.requests] == ["generate"]


def test_a_model_with_an_open_vocabulary_detects_what_a_prompt_lists() -> None:
    engine = ScriptedEngine()
    engine.info = engine.info.model_copy(update={"is_picture_book": False})
    pages: list[dict[str, Any]] = [
        {"text": "One.", "picture": "Mina and a boat on the beach", "characters": ["Mina, a red cat"]},
        {"text": "Two.", "picture": "a green bird in the snow"},
        {"text": "Three.", "picture": "Everybody laughs until late."},
    ]
    story = tell_story(SeedX(engine=engine), pages=pages)
    assert [page.image_prompt for page in story.pages] == [
        "a red cat: Mina and a boat on the beach",
        "a green bird in the snow",
        "Everybody laughs until late.",
    ]
    assert [r.messages[-1].text for r in engine.requests if r.task == "detect"] == ["a red cat", "a green bird"]
    reason = "its prompt names no character and no list of things to look for"
    assert story.warnings == (f"the image of page 3 was not checked: {reason}",)


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
        ("x", {"first_images": "missing.png"}, ImageError),
        ("x", {"first_images": [Image.new("RGB", (8, 8))] * 3, "pages": 2}, InputError),
        ("x", {"tries": 0}, InputError),
        ("x", {"characters": [{"name": "Mina", "looks": "a red cat"}]}, InputError),
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
    story = tell_story(nano, PROMPT, pages=1, seed=2, num_inference_steps=4)
    assert story.pages[0].faults == ()
    seed = story.pages[0].seed or 0
    image = nano.generate("a red cat and a blue boat on the beach", seed=seed, num_inference_steps=4).image
    assert image is not None and story.pages[0].image is not None
    assert story.pages[0].image.tobytes() == image.tobytes()

"""Stories that a `story` specialist tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from seedx_sdk import Message, ModelInfo, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import Story, TemplateStoryPlanner, tell_story

PROMPT = "A red cat on the beach wants to sail."
IMAGE, FIRST = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")


def with_story() -> ModelInfo:
    info = ScriptedEngine().info
    return info.model_copy(update={"tasks": (*info.tasks, "story"), "specialists": ("story",)})


def tell(engine: ScriptedEngine, **arguments: object) -> Story:
    with SeedX(engine=engine) as seedx:
        return tell_story(seedx, PROMPT, **{"pages": 3, "seed": 4, "check": False, **arguments})  # type: ignore[arg-type]


def test_the_specialist_continues_from_the_first_page(tmp_path: Path) -> None:
    engine = ScriptedEngine(info=with_story())
    steps: list[tuple[int, int]] = []
    story = tell(engine, path=tmp_path / "story", on_progress=lambda done, total, _: steps.append((done, total)))
    drawn, continued = engine.requests
    assert (drawn.task, drawn.messages[-1].text) == ("generate", PROMPT)
    assert (continued.task, continued.messages[-1].text) == ("story", PROMPT)
    assert (continued.options.max_images, continued.options.seed) == (2, 4)
    assert continued.messages[-1].images == (story.pages[0].image,)
    assert [page.text for page in story.pages] == [PROMPT, "scripted page 1", "scripted page 2"]
    assert all(page.image is not None for page in story.pages)
    assert (story.title, story.warnings) == ("A red cat on the beach wants to sail", ())
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    saved = json.loads((tmp_path / "story" / "story.json").read_text())
    assert [page["text"] for page in saved["pages"]] == [page.text for page in story.pages]


def test_it_starts_from_a_given_image() -> None:
    engine = ScriptedEngine(info=with_story())
    story = tell(engine, first_images=FIRST)
    (continued,) = engine.requests
    assert continued.messages[-1].images == (FIRST,) == (story.pages[0].image,)
    alone = ScriptedEngine(info=with_story())
    assert len(tell(alone, first_images=FIRST, pages=1).pages) == 1 and alone.requests == []


def test_a_story_that_ends_early_says_so() -> None:
    engine = ScriptedEngine([Message.assistant("It sailed.", IMAGE, "The end.")], info=with_story())
    story = tell(engine, first_images=FIRST, pages=5)
    assert [(page.text, page.image is not None) for page in story.pages] == [
        (PROMPT, True),
        ("It sailed.", True),
        ("The end.", False),
    ]
    assert story.warnings == ("the specialist ended the story after 3 pages, not 5",)


@pytest.mark.parametrize("arguments", [{"specialist": False}, {"planner": TemplateStoryPlanner()}])
def test_a_planner_or_a_no_comes_first(arguments: dict[str, object]) -> None:
    engine = ScriptedEngine(info=with_story())
    story = tell(engine, **arguments)
    assert {request.task for request in engine.requests} == {"generate"} and len(story.pages) == 3


def test_without_the_specialist_only_who_asked_is_warned() -> None:
    assert not any("specialist" in text for text in tell(ScriptedEngine()).warnings)
    (warning,) = [text for text in tell(ScriptedEngine(), specialist=True).warnings if "specialist" in text]
    assert warning.startswith("scripted has no story specialist, so the story follows a template; train one with")


def test_its_images_are_checked_for_what_its_texts_name_in_color() -> None:
    pages = Message.assistant("A red cat dreams of a boat.", IMAGE, "It has a blue boat.", IMAGE)
    looks = [Message.assistant(text) for text in ("A beach with 1: red cat.", "A beach with 1: red cat.")]
    engine = ScriptedEngine([pages, *looks], info=with_story())
    story = tell(engine, first_images=FIRST, check=True)
    assert [request.task for request in engine.requests] == ["story", "describe", "describe"]
    assert story.warnings == ("page 3: the model sees a red cat instead of a blue boat",)


def test_it_says_that_it_continues_one_image_and_leaves_your_own_pages_to_you() -> None:
    assert tell(ScriptedEngine(info=with_story()), first_images=[FIRST, IMAGE]).warnings == (
        "the story specialist continues one image; the other 1 are not used",
    )
    engine = ScriptedEngine(info=with_story())
    assert [page.text for page in tell(engine, pages=["Mine."]).pages] == ["Mine."]
    assert {request.task for request in engine.requests} == {"generate"}

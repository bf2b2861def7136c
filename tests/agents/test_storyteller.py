"""The storyteller: the same hero on every page, failures of a page or a model, and what it saves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedx_agents import Book, Storyteller
from seedx_sdk import GenerationCancelled, InputError, Message, ModelError, PromptError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import ToolFailed
from tests.agents.conftest import Script

PLAN: dict[str, Any] = {
    "title": "Tom and Ann",
    "characters": [{"name": "Tom", "looks": "a red cat"}, {"name": "Ann", "looks": "a yellow bird"}],
    "scenes": [
        {"text": "Tom woke up.", "characters": ["Tom"], "place": "on the beach"},
        {"text": "There was Ann.", "characters": ["Tom", "Ann"], "place": "in the snow"},
        {"text": "Off he went.", "characters": ["Tom"], "things": ["a blue boat"], "place": "on the beach"},
    ],
}


def planned(**changes: Any) -> tuple[str, dict[str, Any]]:
    return ("Screenplay", PLAN | changes)


def test_the_real_model_draws_a_recognizable_hero_on_every_page(nano: SeedX, tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    book = Storyteller(nano, num_inference_steps=4, seed=1).tell(
        "a red cat on the beach who wants to sail",
        2,
        on_progress=lambda done, total, _what: reports.append((done, total)),
    )
    assert reports == [(0, 2), (1, 2), (2, 2)]
    assert [page.image_prompt for page in book.pages] == ["a red cat on the beach"] * 2
    assert [page.missing for page in book.pages] == [(), ()] and book.finished
    assert book.warnings == (
        "written without a language model: a fixed plot around the hero, the place and the wish in the prompt",
    )
    for page in book.pages:
        assert "red cat" in nano.describe(page.image).text  # type: ignore[arg-type]
    for name in ("book.html", "book.pdf", "book.pptx", "folder"):
        path, _ = book.save(tmp_path / name)
        assert path.exists()
    entries = json.loads((tmp_path / "folder" / "story.json").read_text(encoding="utf-8"))["pages"]
    assert [entry["image"] for entry in entries] == ["page-01.png", "page-02.png"]


def test_a_chat_model_writes_and_code_keeps_the_looks(seedx: SeedX, engine: ScriptedEngine, script: Script) -> None:
    chat_model = script(planned())
    engine.replies = [
        Message.assistant(Image.new("RGB", (8, 8))),
        Message.assistant("a red cat, a yellow bird, a blue boat"),
    ] * 3
    book = Storyteller(seedx, chat_model).tell("Tom meets Ann", 3)
    assert [page.image_prompt for page in book.pages] == [
        "a red cat on the beach",
        "a red cat and a yellow bird in the snow",
        "a red cat and a blue boat on the beach",
    ]
    assert [request.options.seed for request in engine.requests if request.task == "generate"] == [0, 1, 2]
    assert book.warnings == () and book.screenplay.title == "Tom and Ann"
    assert "only these things: house, tree" in chat_model.seen[0][0].text


def test_a_page_is_generated_again_until_its_characters_are_seen_and_the_best_is_kept(
    seedx: SeedX, engine: ScriptedEngine, script: Script
) -> None:
    pictures = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 1, 2)]
    seen = ["a blue house", "a red cat", "a blue house"]
    engine.replies = [
        Message.assistant(part) for picture, text in zip(pictures, seen, strict=True) for part in (picture, text)
    ]
    book = Storyteller(seedx, script(planned(scenes=PLAN["scenes"][1:2])), tries=3).tell("Tom meets Ann", 1)
    (page,) = book.pages
    assert page.image is not None and page.image.getpixel((0, 0)) == (1, 0, 0)
    assert (page.seed, page.missing) == (1000, ("Ann",))
    assert book.warnings == ("page 1: the model sees no yellow bird (Ann)",)


def test_a_thing_that_is_not_seen_is_missing_too(seedx: SeedX, engine: ScriptedEngine, script: Script) -> None:
    parts = (Image.new("RGB", (8, 8)), "a red cat and a red boat", Image.new("RGB", (8, 8)), "a red cat on the beach")
    engine.replies = [Message.assistant(part) for part in parts]
    chat_model = script(planned(scenes=PLAN["scenes"][2:]))
    (page,) = (book := Storyteller(seedx, chat_model, tries=2).tell("Tom sails", 1)).pages
    assert (page.seed, page.missing, page.faults) == (0, ("blue boat",), ("a red boat instead of a blue boat",))
    assert book.warnings == ("page 1: the model sees a red boat instead of a blue boat",)
    engine.replies = []
    assert Storyteller(seedx, chat_model, check=False).illustrate(book.screenplay).warnings == ()
    assert [request.task for request in engine.requests] == ["generate", "describe"] * 2 + ["generate"]


def test_a_model_with_an_open_vocabulary_detects_the_characters(engine: ScriptedEngine, script: Script) -> None:
    engine.info = engine.info.model_copy(update={"is_picture_book": False})
    book = Storyteller(SeedX(engine=engine), script(planned())).tell("Tom", 3)
    assert book.pages[2].image_prompt == "a red cat and a blue boat on the beach"
    assert [r.messages[-1].text for r in engine.requests if r.task == "detect"] == [
        "a red cat",
        "a red cat",
        "a yellow bird",
        "a red cat",
        "a blue boat",
    ]
    plan = Storyteller(SeedX(engine=engine)).plan("a dragon in a cave", 2)
    assert plan.characters[0].looks == "a dragon"
    assert plan.image_prompt(plan.scenes[0], None) == "a dragon in a cave"


def test_a_hero_that_the_picture_book_model_cannot_draw_gets_a_stand_in_and_a_warning(seedx: SeedX) -> None:
    plan = Storyteller(seedx).plan("a dragon who loves tea", 4)
    (hero,) = plan.characters
    assert plan.warnings[1] == f"the model cannot draw a dragon: {hero.looks} stands in for the dragon on every page"
    _, color, kind = hero.looks.split()
    only = {"kinds": [kind], "colors": [color], "backgrounds": ["beach"]}
    assert {plan.image_prompt(scene, only).split(" on ")[0] for scene in plan.scenes} == {hero.looks}


@pytest.mark.parametrize("fault", [ModelError("out of memory"), GenerationCancelled("generate was cancelled")])
def test_pages_before_a_failure_are_kept_and_the_book_can_be_resumed(script: Script, fault: Exception) -> None:
    red = Image.new("RGB", (8, 8), "red")
    engine = ScriptedEngine([Message.assistant(red), Message.assistant("a red cat"), fault])
    storyteller = Storyteller(SeedX(engine=engine), script(planned()), tries=1)
    book = storyteller.tell("Tom meets Ann", 3)
    assert [page.image is not None for page in book.pages] == [True, False, False] and not book.finished
    assert book.warnings == (f"stopped at page 2: {fault}; illustrate the book again to resume",)
    kept = Book.model_validate_json(book.model_dump_json())
    whole = storyteller.illustrate(kept)
    assert whole.finished and whole.pages[0] == kept.pages[0]
    assert [r.options.seed for r in engine.requests if r.task == "generate"] == [0, 1, 1, 2]


def test_a_scene_that_cannot_be_drawn_goes_back_to_the_chat_model(script: Script) -> None:
    broken = PLAN["scenes"][0] | {"things": ["<img>"]}
    engine = ScriptedEngine()
    engine.info = engine.info.model_copy(update={"is_picture_book": False})
    rewritten = ("Scene", {"text": "Tom slept.", "characters": ["Tom"], "place": "on the beach"})
    chat_model = script(planned(scenes=[broken]), rewritten)
    book = Storyteller(SeedX(engine=engine), chat_model).tell("Tom", 1)
    assert book.pages[0].scene.text == "Tom slept." and book.finished
    assert "Scene 1 cannot be drawn: prompt contains '<img>'" in chat_model.seen[1][1].text
    failing = script(planned(scenes=[PLAN["scenes"][0], broken]), ConnectionError("no route"))
    book = Storyteller(SeedX(engine=engine), failing).tell("Tom", 2)
    assert [page.image is not None for page in book.pages] == [True, False]
    assert "stopped at page 2: the chat model failed: no route" in book.warnings[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"characters": []}, "at least 1 item"),
        ({"characters": PLAN["characters"][:1]}, "scene 2 shows 'Ann', who is not one of the characters: Tom"),
        ({"characters": PLAN["characters"][:1] * 2}, "two characters have the same name"),
        ({"scenes": []}, "at least 1 item"),
    ],
)
def test_an_invalid_plan_goes_back_with_the_reason(
    seedx: SeedX, script: Script, wrong: dict[str, Any], message: str
) -> None:
    chat_model = script(planned(**wrong), planned())
    assert Storyteller(seedx, chat_model).plan("Tom", 3).title == "Tom and Ann"
    assert message in chat_model.seen[1][-1].text
    with pytest.raises(ToolFailed, match="no valid Screenplay in 3 tries"):
        Storyteller(seedx, script(planned(**wrong))).plan("Tom", 3)


def test_a_wrong_number_of_scenes_is_a_warning(seedx: SeedX, script: Script) -> None:
    assert Storyteller(seedx, script(planned())).plan("Tom", 5).warnings == ("the chat model wrote 3 scenes, not 5",)


def test_bad_input(seedx: SeedX) -> None:
    with pytest.raises(PromptError):
        Storyteller(seedx).plan(" ")
    for pages in (0, 41):
        with pytest.raises(InputError, match="use 1 to 40"):
            Storyteller(seedx).plan("a cat", pages)
    with pytest.raises(InputError, match="tries is 0"):
        Storyteller(seedx, tries=0)
    with pytest.raises(InputError, match="seed -1"):
        Storyteller(seedx, seed=-1)

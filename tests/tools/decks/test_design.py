"""Slides that a `slides` specialist lays out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("peft")

from PIL import Image
from pptx import Presentation
from pptx.slide import Slide

from seedx_sdk import AsyncSeedX, Message, ModelError, SeedX
from seedx_sdk.checkpoints.specialists import add_specialist
from seedx_sdk.prompts import SlideBlock, slide_answer
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.testing.tiny import tiny_model
from seedx_tools import Deck, Outline, SlidePlan, check_deck, make_slides, make_slides_async
from seedx_tools.decks.layout.specialist import SPECIALIST
from tests.support.adapters import adapter_package

OUTLINE = Outline(
    title="A boat school",
    picture="",
    slides=(
        SlidePlan(title="Why", bullets=("Boats are easy to see", "Summers are long")),
        SlidePlan(title="The end", kind="closing"),
    ),
)
TITLE = SlideBlock(1, "title", (112, 24, 200, 32))
BODY = SlideBlock(2, "text", (56, 132, 96, 160))
PICTURE = SlideBlock(3, "picture", (168, 132, 96, 160), "a red boat")
IMAGE = Image.new("RGB", (40, 40), "red")


def designer(*replies: Message | Exception) -> ScriptedEngine:
    """Return a model with the specialist that gives these replies."""
    return ScriptedEngine(replies, info=ScriptedEngine().info.model_copy(update={"specialists": ("slides",)}))


def made(engine: ScriptedEngine, path: Path, specialist: bool | None = None) -> Deck:
    with SeedX(engine=engine) as seedx:
        return make_slides(seedx, OUTLINE, path=path / "deck.pptx", specialist=specialist, seed=5)


def places(slide: Slide) -> list[tuple[str, list[int]]]:
    """Return the text, or the alternative text, of each shape with its corners in 1/224 of the page."""
    deck = slide.part.package.presentation_part.presentation
    found = []
    shapes: Any = slide.shapes
    for shape in shapes:
        corners = (shape.left, shape.top, shape.left + shape.width, shape.top + shape.height)
        sides = (deck.slide_width, deck.slide_height) * 2
        text = shape.text_frame.text if shape.has_text_frame else shape._element.nvPicPr.cNvPr.get("descr")
        found.append((text, [round(224 * corner / side) for corner, side in zip(corners, sides, strict=True)]))
    return found


def check_designed(deck: Deck, engine: ScriptedEngine) -> None:
    (request,) = engine.requests
    assert (request.task, request.options.specialist, request.options.seed) == ("chat", "slides", 6)
    assert request.messages[-1].text == "Lay out a slide:\n1: Why\n2: Boats are easy to see / Summers are long"
    shapes = places(Presentation(str(deck.path)).slides[1])
    assert shapes[:2] == [("Why", [14, 9, 210, 42]), ("Boats are easy to see\nSummers are long", [9, 51, 103, 196])]
    alt, corners = shapes[2]
    assert alt == "Generated image: a red boat"
    assert corners == [127, 51, 209, 196], "square, in the middle"
    assert (deck.slides[1].picture_prompt, deck.slides[1].picture) == ("a red boat", IMAGE)
    assert deck.warnings == ()


def test_texts_and_pictures_go_where_the_specialist_puts_them(tmp_path: Path) -> None:
    engine = designer(Message.assistant(slide_answer([TITLE, BODY, PICTURE]), IMAGE))
    check_designed(made(engine, tmp_path), engine)


def test_async_decks_are_designed_too(tmp_path: Path) -> None:
    engine = designer(Message.assistant(slide_answer([TITLE, BODY, PICTURE]), IMAGE))

    async def make() -> Deck:
        async with AsyncSeedX(engine=engine) as seedx:
            return await make_slides_async(seedx, OUTLINE, path=tmp_path / "deck.pptx", seed=5)

    check_designed(asyncio.run(make()), engine)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Message.assistant("a nice slide"), "'a nice slide' is no block of a layout"),
        (Message.assistant(slide_answer([TITLE, PICTURE]), IMAGE), "the texts of the layout are numbered"),
        (Message.assistant(slide_answer([TITLE, BODY, PICTURE])), "it has 1 pictures and 0 images"),
        (Message.assistant(slide_answer([TITLE, BODY._replace(box=(56, 132, 4, 160))])), "block 2 is too small"),
        (Message.assistant(slide_answer([TITLE, BODY._replace(box=(56, 100, 96, 160))])), "block 2 covers another one"),
        (ModelError("the model is broken"), "the model is broken"),
    ],
)
def test_a_layout_that_cannot_be_used_is_a_warning(reply: Message | Exception, reason: str, tmp_path: Path) -> None:
    engine = designer(reply)
    deck = made(engine, tmp_path)
    (warning,) = [text for text in deck.warnings if "specialist" in text]
    assert warning.startswith("slide 2: the layout of the slides specialist was not used: ") and reason in warning
    assert [request.task for request in engine.requests] == ["chat", "generate"]
    assert deck.slides[1].picture is not None


def test_without_the_specialist_only_who_asked_is_warned(tmp_path: Path) -> None:
    assert not any("specialist" in text for text in made(ScriptedEngine(), tmp_path).warnings)
    (warning,) = [text for text in made(ScriptedEngine(), tmp_path, specialist=True).warnings if "specialist" in text]
    assert warning.startswith("scripted has no slides specialist, so the slides follow the template; train one with")
    unused = designer()
    made(unused, tmp_path, specialist=False)
    assert [request.task for request in unused.requests] == ["generate"]


def test_the_specialist_of_a_model_directory_is_asked(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    add_specialist(folder, adapter_package(tmp_path / "adapter", folder, rank=2, seed=0), SPECIALIST)
    with SeedX(folder) as seedx:
        assert seedx.info.specialists == (SPECIALIST,)
        deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", seed=5)
    (warning,) = [text for text in deck.warnings if "specialist" in text]  # its weights are random
    assert warning.startswith("slide 2: the layout of the slides specialist was not used: ")
    assert deck.slides[1].bullets == ("Boats are easy to see", "Summers are long")
    assert check_deck(deck.path).ok

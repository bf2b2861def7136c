"""Dressing a person: which region is redrawn, what the model sees, and which specialist answers."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from seedx_sdk import Box, InputError, Message, SeedX, SpecialistMissingError
from seedx_sdk.regions import blank_region
from seedx_sdk.testing import ScriptedEngine

PERSON = Image.new("RGB", (40, 80), "red")
GARMENT = Image.new("RGB", (24, 24), "blue")


def without(*specialists: str) -> ScriptedEngine:
    """Return a stand-in for a model with no other specialists than these."""
    info = ScriptedEngine().info.model_copy(update={"specialists": specialists})
    return ScriptedEngine(info=info)


def test_the_region_of_the_caller_is_blanked_and_said(seedx: SeedX, engine: ScriptedEngine) -> None:
    result = seedx.try_on(PERSON, GARMENT, region=(10, 20, 30, 60), seed=3)
    (request,) = engine.requests
    assert (request.task, request.messages[-1].text, request.options.force_image) == ("try_on", "", True)
    figure, garment = request.messages[-1].images
    assert figure == blank_region(PERSON, (10, 20, 30, 60)) != PERSON
    assert garment == GARMENT
    assert (result.region.label, result.region.pixels) == ("the clothes", (10, 20, 30, 60))
    assert result.region.normalized == (0.25, 0.25, 0.75, 0.75)
    assert (result.seed, result.model, result.revision, result.warnings) == (3, "scripted", "0", ())
    box = Box.on("shirt", (0.25, 0.25, 0.75, 0.75), PERSON.size)
    assert seedx.try_on(PERSON, GARMENT, region=box).region.pixels == (10, 20, 30, 60)


def test_without_a_region_detect_finds_it() -> None:
    boxes = tuple(Box.on("it", corners, PERSON.size) for corners in ((0, 0, 0.1, 0.1), (0.25, 0.5, 0.75, 1)))
    found = Message.assistant("there")
    engine = ScriptedEngine([found], boxes=boxes, notices=("a guess",))
    with SeedX(engine=engine) as seedx:
        result = seedx.try_on(PERSON, GARMENT, phrase="the shirt", seed=5)
    looked, dressed = engine.requests
    assert (looked.task, looked.messages[-1].text, looked.options.seed) == ("detect", "the shirt", 5)
    assert (result.region.label, result.region.pixels) == ("the shirt", (10, 40, 30, 80)), "the largest box"
    assert dressed.messages[-1].images[0] == blank_region(PERSON, (10, 40, 30, 80))
    assert result.warnings == ("a guess",)


def test_clothes_that_are_not_found_are_an_error() -> None:
    engine = ScriptedEngine([Message.assistant("no")])
    with SeedX(engine=engine) as seedx, pytest.raises(InputError, match="found no 'hat' on the person; .* pass the"):
        seedx.try_on(PERSON, GARMENT, phrase="the hat")
    assert len(engine.requests) == 1


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ((0, 0, 41, 80), r"\(0, 0, 41, 80\) is empty or not inside the image of 40x80 pixels"),
        ((-1, 0, 10, 10), "not inside"),
        ((10, 10, 10, 20), "is empty"),
        ((0.0, 0.0, 0.5, 0.5), "not four whole numbers"),
        ((1, 2, 3), "not four whole numbers"),
        ("all", "not four whole numbers"),
    ],
)
def test_a_region_must_be_inside_the_image(region: Any, message: str, seedx: SeedX, engine: ScriptedEngine) -> None:
    with pytest.raises(InputError, match=message):
        seedx.try_on(PERSON, GARMENT, region=region)
    assert engine.requests == []


def test_a_model_without_the_specialist_says_how_to_train_one() -> None:
    engine = without("edit", "story")
    with SeedX(engine=engine) as seedx, pytest.raises(SpecialistMissingError, match="seedx train try_on") as caught:
        seedx.try_on(PERSON, GARMENT)
    assert "its specialists: edit, story." in str(caught.value)
    assert engine.requests == []


def test_any_call_may_name_a_specialist() -> None:
    engine = without("story", "edit")
    with SeedX(engine=engine) as seedx:
        seedx.chat([Message.user("Once upon a time")], specialist="story")
        seedx.detect(PERSON, "the hat", specialist="edit")
        assert [request.options.specialist for request in engine.requests] == ["story", "edit"]
        for call in (lambda: seedx.describe(PERSON, specialist="poet"), lambda: seedx.generate("a", specialist="poet")):
            with pytest.raises(SpecialistMissingError, match="no specialist 'poet'; its specialists: story, edit"):
                call()
        with pytest.raises(InputError, match="specialist '7' is no text"):
            seedx.generate("a", specialist=7)  # type: ignore[arg-type]

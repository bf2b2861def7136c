"""What an image lacks, by a model's description of it."""

from __future__ import annotations

import pytest
from PIL import Image

from seedx_sdk import GenerationCancelled, Message, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools.illustration.image_check import check_image

IMAGE = Image.new("RGB", (8, 8))


@pytest.mark.parametrize(
    ("wanted", "seen", "faults"),
    [
        ("a red cat on the beach", "A beach with 1: red cat, 2: green tree.", ()),
        ("a cat and two boats", "A room with 1: red cat, 2: blue boat, 3: red boat.", ()),
        ("a red cat", "a cat in a room", ()),
        ("a red cat and a blue boat", "A beach with 1: red cat.", ("no blue boat",)),
        ("a red cat", "A beach with nothing on it.", ("no red cat",)),
        (
            "a brown dog and a blue boat",
            "A beach with 1: blue dog.",
            ("a blue dog instead of a brown dog", "no blue boat"),
        ),
        ("two blue boats", "A beach with 1: blue boat.", ("a blue boat instead of two blue boats",)),
        ("a red cat", "A room with 1: red cat, 2: red cat.", ("two red cats instead of a red cat",)),
        ("a red cat", "A room with 1: blue house.", ("a blue house instead of a red cat",)),
        ("a red boat and a blue boat", "A beach with 1: red boat.", ("no blue boat",)),
    ],
)
def test_things_are_counted_in_their_colors(wanted: str, seen: str, faults: tuple[str, ...]) -> None:
    check = check_image(SeedX(engine=ScriptedEngine([Message.assistant(seen)])), IMAGE, wanted)
    assert (check.faults, check.unchecked) == (faults, "")


def test_a_model_that_cannot_look_gives_a_reason_and_no_fault() -> None:
    engine = ScriptedEngine([Message.assistant("I cannot say.")])
    assert check_image(SeedX(engine=engine), IMAGE, "a red cat").unchecked.startswith("scripted described it in other")
    engine.info = engine.info.model_copy(update={"tasks": ("generate",)})
    assert check_image(SeedX(engine=engine), IMAGE, "a red cat").unchecked == "scripted cannot describe images"
    assert len(engine.requests) == 1
    cancelled = ScriptedEngine([GenerationCancelled("stop")])
    with pytest.raises(GenerationCancelled):
        check_image(SeedX(engine=cancelled), IMAGE, "a red cat")


def test_an_open_vocabulary_is_detected_one_subject_after_the_other() -> None:
    engine = ScriptedEngine([Message.assistant("none")])
    engine.info = engine.info.model_copy(update={"is_picture_book": False})
    check = check_image(SeedX(engine=engine), IMAGE, "a tall giraffe and an old lamp by the sea", ["a tall giraffe"])
    assert [request.messages[-1].text for request in engine.requests] == ["a tall giraffe", "an old lamp"]
    assert (check.faults, check.missing) == (("no tall giraffe",), ("tall giraffe",))

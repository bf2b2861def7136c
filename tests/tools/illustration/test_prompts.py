from __future__ import annotations

import json

import pytest

from seedx_sdk.engine import NANO
from seedx_sdk.testing import ScriptedEngine
from seedx_tools.illustration.prompts import PICTURE_BOOK, image_prompt, unknown_words, vocabulary_of


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("A red house stands near the sea", "a red house on the beach"),
        ("Two golden stars at night", "two yellow stars in the night sky"),
        ("Two cats and three dogs", "two orange cats and two brown dogs in a meadow"),
        ("Four fish and a boat at sea", "three blue fish and a blue boat on the beach"),
        ("Orange cats and a small brown dog in winter", "an orange cat and a brown dog in the snow"),
        ("The tree beside the boat, on the beach", "a green tree and a blue boat on the beach"),
        ("Three young dogs", "three brown dogs in a meadow"),
        ("red car", "a red car in a meadow"),
    ],
)
def test_known_things_colors_places_and_counts_are_used(text: str, prompt: str) -> None:
    found = image_prompt(text, PICTURE_BOOK, context="a meadow")
    assert (found.text, found.decorative) == (prompt, False)


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("three yellow stars in the night sky", "three yellow stars in the night sky"),
        ("an orange cat to the left of a yellow ball", "an orange cat to the left of a yellow ball in a meadow"),
        ("a red hat,  a blue cup and a green tree", "a red hat, a blue cup and a green tree in a meadow"),
    ],
)
def test_a_text_that_the_model_understands_is_the_prompt_itself(text: str, prompt: str) -> None:
    assert image_prompt(text, PICTURE_BOOK, context="a meadow").text == prompt


def test_the_context_helps_if_the_text_names_nothing() -> None:
    found = image_prompt("Why it matters", PICTURE_BOOK, context="A boat school by the sea")
    assert found.text.startswith("a blue boat and ")
    assert found.text.endswith(" on the beach")
    assert not found.decorative


def test_unknown_subjects_get_the_same_decoration_every_time() -> None:
    first, second = (image_prompt("Quarterly revenue", PICTURE_BOOK) for _ in range(2))
    assert first == second
    assert first.decorative


def test_a_model_with_an_open_vocabulary_gets_the_text_itself() -> None:
    found = image_prompt("Quarterly  revenue", None)
    assert (found.text, found.decorative) == ("Quarterly revenue", False)


def test_only_picture_book_models_have_a_vocabulary() -> None:
    info = ScriptedEngine().info
    assert vocabulary_of(info) is PICTURE_BOOK
    assert vocabulary_of(info.model_copy(update={"is_picture_book": False})) is None


@pytest.mark.parametrize(("task", "instruction"), [("generate", False), ("edit", True)])
def test_the_words_of_the_shipped_model_are_known(task: str, instruction: bool) -> None:
    learned = json.loads((NANO / "config.json").read_text(encoding="utf-8"))["vocabulary"][task].replace("_", " ")
    assert unknown_words(learned, PICTURE_BOOK, instruction=instruction) == []


def test_unknown_words_are_named_once_in_order() -> None:
    assert unknown_words("A dragon and a red house on a dragon's castle", PICTURE_BOOK) == [
        "dragon",
        "dragon's",
        "castle",
    ]
    assert unknown_words("make the house bigger", PICTURE_BOOK, instruction=True) == ["bigger"]
    assert unknown_words("remove the tree", PICTURE_BOOK) == ["remove"]
    assert unknown_words("a dragon", None) == []

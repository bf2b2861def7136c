"""What a model of a small language can't know is named, and nothing that it was trained to read."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from PIL import Image

from seedx_sdk import InputError, Message, SeedX
from seedx_sdk.checkpoints.directory import DirectoryConfig
from seedx_sdk.engine import NANO
from seedx_sdk.engine.domain_check import out_of_domain_text
from seedx_sdk.engine.prompting import normalized
from seedx_sdk.options import GenerationOptions
from seedx_sdk.types import Request, Task

ROOT = Path(__file__).parents[2]
CONFIG = DirectoryConfig.read(NANO)
FIRST_WORDS: dict[Task, str] = {
    "generate": r"an?|two|three|four",
    "edit": "make|remove|change|add|paint|move|replace",
    "describe": "what|how|is|where|which",
    "detect": "the|all",
}
NO_PROMPT = re.compile(r"\b(?:who|story|postcard|slides)\b|[{<]|\.\w|[A-Z]{2}")
"""Requests to the story and design agents, and what is no text."""
SHOWS_A_WARNING = "a helicopter"


def read(text: str, task: Task) -> str:
    """Return what the model reads of a user's text."""
    request = Request(task=task, messages=(Message.user(text),), options=GenerationOptions())
    return normalized(request).messages[0].text


def warning(text: str, task: Task) -> str | None:
    return out_of_domain_text(read(text, task), task, CONFIG)


def documented() -> list[tuple[Task, str]]:
    """Return all prompts, questions and phrases of the documents and the examples, with their tasks.

    The records in data_formats.md are of photographs, which other models are trained on; the requests in agents.md go
    to agents, which do not pass them on word for word, and so do those of slides.md and revise_session.py that edit
    decks.
    """
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page.name not in ("agents.md", "data_formats.md")]
    files = [ROOT / "README.md", *sorted(pages), *sorted((ROOT / "examples").glob("*.py"))]
    found: dict[tuple[Task, str], None] = {}
    for file in files:
        for text in re.findall(r'"([^"\n]+ [^"\n]+)"', file.read_text(encoding="utf-8")):
            for task, words in FIRST_WORDS.items():
                edits_a_deck = task == "edit" and file.name in ("slides.md", "revise_session.py")
                if re.match(rf"(?:{words})\b", text) and not NO_PROMPT.search(text) and not edits_a_deck:
                    found[task, text] = None
    return list(found)


def test_no_documented_prompt_is_warned_of() -> None:
    prompts = documented()
    assert {task for task, _ in prompts} == set(FIRST_WORDS)
    assert len(prompts) >= 20
    assert [text for task, text in prompts if warning(text, task)] == [SHOWS_A_WARNING]


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("describe", "How many boats are there?"),
        ("describe", "where is the boat?"),
        ("describe", "What's in the picture?"),
        ("detect", "a red house"),
        ("edit", "Take away the small dog!"),
        ("generate", "2 Blue Boats"),
        ("generate", "an image of a red house next to a tree"),
        ("chat", "Is this a beach?"),
        ("edit", "make the boats red"),
    ],
)
def test_words_of_the_training_requests_are_known(task: Task, text: str) -> None:
    assert warning(text, task) is None


@pytest.mark.parametrize(
    ("task", "text", "named"),
    [
        ("generate", "a crocodile", '"crocodile"'),
        ("generate", "a house behind a tree", '"behind"'),
        ("generate", "a cat in front of a house", '"front of"'),
        ("generate", "a cat on top of a car", '"top of"'),
        ("generate", "Seven boats", '"seven"'),
        ("generate", "12 cats", '"12"'),
        ("generate", "no dogs", '"no"'),
        ("generate", "a white cat", '"white"'),
        ("generate", "three cats and two dogs", "at most four"),
        ("describe", "who painted this?", '"who", "painted"'),
        ("edit", "make it nicer", '"it", "nicer"'),
        ("detect", "the helicopter", '"helicopter"'),
    ],
)
def test_wordings_that_the_model_was_not_trained_on_are_named(task: Task, text: str, named: str) -> None:
    message = warning(text, task)
    assert message is not None and named in message and "seed-x-nano" in message


def test_a_model_without_a_vocabulary_reads_everything() -> None:
    released = dataclasses.replace(CONFIG, vocabulary=None)
    assert out_of_domain_text("a crocodile behind seven houses", "generate", released) is None


def test_a_photograph_is_edited_only_if_forced() -> None:
    photo = Image.effect_noise((96, 96), 80).convert("RGB")
    with SeedX() as seedx:
        with pytest.raises(InputError, match="knows no photographs.*SeedX\\(model=.*force=True"):
            seedx.edit(photo, "make the house blue")
        forced = seedx.edit(photo, "make the house blue", force=True, num_inference_steps=1)
    assert any("picture book" in text for text in forced.warnings)

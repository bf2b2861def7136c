"""Tokens are counted without a model as the model counts them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from seedx_sdk import Message, SeedX, WeightsMissingError
from seedx_sdk.engine import NANO
from seedx_sdk.engine.token_count import EstimatedTokens, ImageSize, ModelTokens, read_tokens
from seedx_sdk.model.grids import READ_GRIDS
from seedx_sdk.types import ImagePart

PAGE = Image.new("RGB", (64, 48), "white")
VIEW = 66
"""Tokens of a view: 64, and two around them."""


@pytest.fixture
def tokens(local: None) -> ModelTokens:  # noqa: ARG001
    return read_tokens(NANO)


@pytest.mark.parametrize(
    "messages",
    [
        [Message.user("What do you see?", PAGE)],
        [Message.user("Don't draw 3 BOATS!"), Message.assistant("a red house, a tree"), Message.user("Why?")],
        [
            Message.user(PAGE, PAGE, "compare"),
            Message.user("them"),
            Message.assistant("two", PAGE),
            Message.user("ok?"),
        ],
    ],
)
def test_the_count_is_what_the_model_reads(nano: SeedX, tokens: ModelTokens, messages: list[Message]) -> None:
    usage = nano.chat(messages, max_new_tokens=1).usage
    sizes: list[ImageSize] = [image.size for message in messages for image in message.images]
    assert usage is not None
    assert tokens.count(messages, sizes) == usage.prompt_tokens


def test_any_messages_are_counted(tokens: ModelTokens) -> None:
    assert tokens.count([], []) == 0
    answer = [Message.assistant("a red house")]
    assert tokens.count(answer, []) > tokens.count_text("a red house") == len(tokens.ids("a red house")) > 2
    image = Message(role="user", content=(ImagePart(image=PAGE),))
    with_one, with_two = tokens.count([image], [(8, 8)]), tokens.count([image, image], [(8, 8), None])
    assert with_two - with_one == 2 * VIEW  # the nano model reads one cell, and the global view


def test_a_foundation_model_and_one_with_large_grids(tokens: ModelTokens) -> None:
    base = ModelTokens(replace(tokens.config, prompts="base", read_grids=READ_GRIDS), tokens.tokenizer)
    first, second = Message.user(PAGE, "what?"), Message.assistant("a house")
    small, large = base.count([first], [(64, 48)]), base.count([first], [(2000, 2000)])
    assert large - small == 3 * VIEW == base.count([first], [None]) - small
    assert base.count([first, second], [(64, 48)]) == small + base.count([second], [])


def test_an_estimate_is_rather_too_high() -> None:
    estimate = EstimatedTokens()
    assert estimate.count_text("") == 0
    assert estimate.count_text("a red house in a meadow") == 8
    assert estimate.count_text("\u5bb6\u5bb6\ud800") == 3
    message = Message.user(PAGE, "a red house")
    assert estimate.count([message], [(64, 48)]) == 2 * VIEW + 4 + 9
    assert estimate.count([message], [None]) == 5 * VIEW + 4 + 9


def test_a_count_loads_no_model(tmp_path: Path, tokens: ModelTokens) -> None:
    with pytest.raises(WeightsMissingError):
        read_tokens(tmp_path)
    program = (
        "import sys\n"
        "from seedx_sdk.engine import NANO\n"
        "from seedx_sdk.engine.token_count import read_tokens\n"
        "print(read_tokens(NANO).count_text('a red house'), 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert ended.stdout == f"{tokens.count_text('a red house')} False\n"

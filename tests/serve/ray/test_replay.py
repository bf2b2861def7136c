"""Streams that are replayed after a replica has died."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from seedx_sdk.engine.backbones.base import QueryStates, TokenChunk
from seedx_sdk.errors import ServiceError
from seedx_sdk.serve.ray.replay import ReplayedStream
from seedx_sdk.types import ImageProgress


def tokens(*token_ids: int) -> TokenChunk:
    return TokenChunk(token_ids=token_ids)


def steps(*numbers: int) -> list[ImageProgress]:
    return [ImageProgress(step=number, total=9) for number in numbers]


def states(value: float) -> QueryStates:
    return QueryStates(hidden_states=torch.full((2, 3), value))


def test_a_stream_that_is_not_replayed_is_passed_on() -> None:
    events = [tokens(1, 2), states(0.0), tokens(3), *steps(1, 2), Image.new("RGB", (2, 2))]
    replayed = ReplayedStream()
    assert [replayed.rest(event) for event in events] == events


def test_tokens_come_once_however_they_are_chunked() -> None:
    replayed = ReplayedStream()
    assert [replayed.rest(event) for event in (tokens(1), tokens(2, 3))] == [tokens(1), tokens(2, 3)]
    replayed.restart()
    assert replayed.rest(tokens(1, 2)) is None
    assert replayed.rest(tokens(3, 4, 5)) == tokens(4, 5)
    replayed.restart()
    assert replayed.rest(tokens(1, 2, 3, 4)) is None
    assert replayed.rest(tokens(5)) is None
    assert replayed.rest(tokens(6)) == tokens(6)


def test_an_image_keeps_its_first_hidden_states() -> None:
    replayed = ReplayedStream()
    replayed.rest(tokens(1))
    replayed.rest(states(0.0))
    replayed.restart()
    assert [replayed.rest(event) for event in (tokens(1), states(1e-6))] == [None, None]
    assert replayed.rest(tokens(2)) == tokens(2)


def test_progress_comes_once() -> None:
    replayed = ReplayedStream()
    for event in steps(1, 2):
        replayed.rest(event)
    replayed.restart()
    assert [replayed.rest(event) for event in steps(1, 2, 3)] == [None, None, *steps(3)]
    image = Image.new("RGB", (2, 2))
    assert replayed.rest(image) is image


@pytest.mark.parametrize("other", [tokens(1, 9), states(0.0)], ids=["other tokens", "an image instead of tokens"])
def test_a_replay_that_diverges_is_an_error(other: TokenChunk | QueryStates) -> None:
    replayed = ReplayedStream()
    replayed.rest(tokens(1, 2, 3))
    replayed.restart()
    with pytest.raises(ServiceError, match="diverged"):
        replayed.rest(other)

"""Streams that are begun anew after a replica has died."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from seedx_sdk.engine.backbones.base import QueryStates, TokenChunk
from seedx_sdk.errors import ServiceError
from seedx_sdk.serve.ray.replay import ReplayedStream
from seedx_sdk.types import ImageProgress


def written(*token_ids: int) -> TokenChunk:
    return TokenChunk(token_ids=token_ids)


def steps(*numbers: int) -> list[ImageProgress]:
    return [ImageProgress(step=number, total=9) for number in numbers]


def states(value: float) -> QueryStates:
    return QueryStates(hidden_states=torch.full((2, 3), value))


def test_a_stream_that_is_not_begun_anew_is_passed_on() -> None:
    events = [written(1, 2), states(0.0), written(3), *steps(1, 2), Image.new("RGB", (2, 2))]
    resumed = ReplayedStream()
    assert [resumed.rest(event) for event in events] == events


def test_words_come_once_however_they_are_cut() -> None:
    resumed = ReplayedStream()
    assert [resumed.rest(event) for event in (written(1), written(2, 3))] == [written(1), written(2, 3)]
    resumed.restart()
    assert resumed.rest(written(1, 2)) is None
    assert resumed.rest(written(3, 4, 5)) == written(4, 5)
    resumed.restart()
    assert resumed.rest(written(1, 2, 3, 4)) is None
    assert resumed.rest(written(5)) is None
    assert resumed.rest(written(6)) == written(6)


def test_a_picture_that_was_given_keeps_its_first_states() -> None:
    resumed = ReplayedStream()
    resumed.rest(written(1))
    resumed.rest(states(0.0))
    resumed.restart()
    assert [resumed.rest(event) for event in (written(1), states(1e-6))] == [None, None]
    assert resumed.rest(written(2)) == written(2)


def test_progress_is_told_once() -> None:
    resumed = ReplayedStream()
    for event in steps(1, 2):
        resumed.rest(event)
    resumed.restart()
    assert [resumed.rest(event) for event in steps(1, 2, 3)] == [None, None, *steps(3)]
    picture = Image.new("RGB", (2, 2))
    assert resumed.rest(picture) is picture


@pytest.mark.parametrize("other", [written(1, 9), states(0.0)], ids=["other words", "a picture for a word"])
def test_a_stream_that_comes_out_different_is_an_error(other: TokenChunk | QueryStates) -> None:
    resumed = ReplayedStream()
    resumed.rest(written(1, 2, 3))
    resumed.restart()
    with pytest.raises(ServiceError, match="came out different"):
        resumed.rest(other)

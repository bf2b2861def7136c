"""Lessons in which things a phrase means."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from seedx_finetune.dialogues import MARK, Segment
from seedx_finetune.matching import matching_lesson
from seedx_finetune.world import COLORS, KINDS, SIZES, SPOTS

_PLACES = "|".join(sorted(SPOTS, key=len, reverse=True))
_THING = re.compile(rf"(?:({'|'.join(SIZES)}) )?(?:({'|'.join(COLORS)}) )?({'|'.join(KINDS)})s?\b(?: ({_PLACES}))?")
"""Size, colour, kind and place of a thing, None where they are not said."""


_LISTED = re.compile(rf"[1-4]: {_THING.pattern} ")


def _lessons(count: int) -> list[list[Segment]]:
    rng = np.random.default_rng(0)
    return [matching_lesson(rng) for _ in range(count)]


def test_a_thing_is_marked_exactly_if_the_request_means_it() -> None:
    marked = 0
    lists = [lesson for lesson in _lessons(300) if any(segment.begins for segment in lesson)]
    for request, *answer in lists:
        meant = _THING.search(_LISTED.sub("", request.text))
        assert meant is not None
        read = [found[0].strip() for found in _LISTED.finditer(request.text)]
        assert read in ([], [segment.text for segment in answer if segment.begins])
        for thing, after in pairwise([*answer, Segment("")]):
            if thing.begins:
                found = _THING.search(thing.text)
                assert found is not None and not thing.learn
                fits = all(word in (None, said) for word, said in zip(meant.groups(), found.groups(), strict=True))
                assert (after == Segment(MARK, learn=True)) == fits
                marked += fits
    assert 0.2 < marked / sum(segment.begins for lesson in lists for segment in lesson) < 0.6


def test_an_answer_is_yes_exactly_if_the_thing_is_in_the_list() -> None:
    answers = []
    for lesson in _lessons(300):
        if any(segment.begins for segment in lesson):
            continue
        there = [found.groups() for found in _LISTED.finditer(lesson[0].text)]
        assert there
        for question, answer in zip(lesson[::2], lesson[1::2], strict=True):
            asked = _THING.search(_LISTED.sub("", question.text))
            assert asked is not None and answer.learn
            _, color, kind, _ = asked.groups()
            assert answer.text == ("yes" if any(k == kind and color in (None, c) for _, c, k, _ in there) else "no")
            answers.append(answer.text)
    assert 0.3 < answers.count("yes") / len(answers) < 0.6

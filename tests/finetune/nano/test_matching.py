"""Lessons in which things a phrase means, and how many are alike."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np

from seedx_finetune.nano.dialogues import MARK, Segment
from seedx_finetune.nano.matching import matching_lesson
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, SIZES, SPOTS, parse_description

_PLACES = "|".join(sorted(SPOTS, key=len, reverse=True))
_THING = re.compile(rf"\b(?:({'|'.join(SIZES)}) )?(?:({'|'.join(COLORS)}) )?({'|'.join(KINDS)})s?\b(?: ({_PLACES}))?")
"""Size, color, kind and place of a thing, None where they are not said."""


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


def test_answers_follow_from_the_list() -> None:
    answers = Counter[str]()
    for lesson in _lessons(300):
        if any(segment.begins for segment in lesson):
            continue
        there = [(color, kind) for _, color, kind, _ in (found.groups() for found in _LISTED.finditer(lesson[0].text))]
        noun = next(background.noun for background in BACKGROUNDS.values() if f"{background.noun}:" in lesson[0].text)
        assert 1 <= len(there) <= 4
        for question, answer in zip(lesson[::2], lesson[1::2], strict=True):
            assert answer.learn
            asked = _THING.search(_LISTED.sub("", question.text))
            if asked is None:
                assert answer.text.lower().startswith(f"{noun} with ")
                assert parse_description(answer.text)[1] == Counter(there)
                answers["description"] += 1
                continue
            _, color, kind, _ = asked.groups()
            count = sum(k == kind and color in (None, c) for c, k in there)
            is_count = "how many" in question.text.lower()
            assert answer.text == (("none", "one", "two", "three", "four") if is_count else ("no", *4 * ["yes"]))[count]
            answers[answer.text] += 1
    assert 0.25 < answers["yes"] / (answers["yes"] + answers["no"]) < 0.75
    assert answers.keys() == {"yes", "no", "none", "one", "two", "three", "four", "description"}

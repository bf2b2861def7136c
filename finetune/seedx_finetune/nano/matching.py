"""Lessons in which things a phrase means and how many are alike, in text alone: names are compared.

A dialogue about an image holds few such choices among many words; the small model does not learn from it what it
learns here in some hundred updates, and then finds and counts things on images with it.
"""

from __future__ import annotations

import numpy as np

from seedx_finetune.nano.dialogues import DESCRIBE, MARK, Segment, full_name, request_to_find, sentence
from seedx_finetune.world import (
    BACKGROUNDS,
    NUMBER_WORDS,
    SEEN_PAIRS,
    SIZES,
    SPOTS,
    Pair,
    Scene,
    Thing,
    describe,
    how_many,
    is_there,
    plural,
    sample_instruction,
)
from seedx_finetune.world.scene import pick
from seedx_sdk import prompts

_MOST_THINGS = 4
"""Things on a page at most; a list that is marked is two pages long, with the numbers of pages."""
_ASKED = 5
"""Questions on a list that is read."""
_NOWHERE = (0.0, 0.0, 0.0, 0.0)
_NUMBERS = ("none", *NUMBER_WORDS[1:])


def matching_lesson(rng: np.random.Generator) -> list[Segment]:
    """Return a request about a thing and a list in which what it means is marked, or a list and questions on it."""
    return _marking(rng) if rng.random() < 0.4 else _asking(rng)


def _marking(rng: np.random.Generator) -> list[Segment]:
    """Return a request and a list of which only the marks are learned, as its names follow from nothing."""
    meant, with_color = pick(rng, SEEN_PAIRS), bool(rng.random() < 0.7)
    size, place = pick(rng, tuple(SIZES)), pick(rng, tuple(SPOTS))
    detail = pick(rng, ("none", "none", "size", "place"))
    request = _request(meant, with_color, size if detail == "size" else "", place if detail == "place" else "", rng)
    is_read = bool(rng.random() < 0.6)
    answer, read = [], []
    for i in range(_MOST_THINGS if is_read else 2 * _MOST_THINGS):
        color, kind = _like(meant, rng)
        at = place if rng.random() < 0.5 else pick(rng, tuple(SPOTS))
        big = size if rng.random() < 0.5 else pick(rng, tuple(SIZES))
        name = f"{i % _MOST_THINGS + 1}: {full_name(color, kind, big, at, request)}"
        read.append(name)
        answer.append(Segment(name, begins=True))
        fits = {"none": True, "size": big == size, "place": at == place}[detail]
        if kind == meant[1] and (color == meant[0] or not with_color) and fits:
            answer.append(Segment(MARK, learn=True))
    return [Segment(prompts.instruct(f"{' '.join(read)} {request}" if is_read else request)), *answer]


def _request(meant: Pair, with_color: bool, size: str, place: str, rng: np.random.Generator) -> str:
    """Return a request about one thing, or about several where neither a size nor a place tells one apart."""
    color, kind = meant
    several = not (size or place) and bool(rng.random() < 0.6)
    words = (size, color if with_color else "", plural(kind) if several else kind, place)
    name = " ".join(word for word in words if word)
    if rng.random() < 0.4 and not several:
        return sample_instruction(rng, meant, name)
    article = pick(rng, ("all", "all the", "every one of the")) if several else "the"
    return request_to_find(f"{article} {name}", rng)


def _asking(rng: np.random.Generator) -> list[Segment]:
    """Turn about a list: what is there, how many, and the whole description, which says equal things together."""
    meant = pick(rng, SEEN_PAIRS)
    count = int(rng.integers(1, _MOST_THINGS + 1))
    scene = Scene(
        pick(rng, tuple(BACKGROUNDS)),
        tuple(Thing(kind, color, "medium", _NOWHERE) for color, kind in (_like(meant, rng) for _ in range(count))),
    )
    things = [thing.pair for thing in scene.things]
    listed = " ".join(f"{number}: {color} {kind}" for number, (color, kind) in enumerate(things, start=1))
    lesson: list[Segment] = []
    for _ in range(_ASKED):
        color, kind = _like(pick(rng, things), rng)
        with_color = rng.random() < 0.7
        same = sum(kind == k and (color == c or not with_color) for c, k in things)
        turn = pick(rng, ("describe", "count", "count", "is there"))
        if turn == "describe":
            question, answer = pick(rng, DESCRIBE), describe(scene)
        elif turn == "count":
            question, answer = how_many(rng, f"{color} {plural(kind)}" if with_color else plural(kind)), _NUMBERS[same]
        else:
            question, answer = is_there(rng, f"{color} {kind}" if with_color else kind), "yes" if same else "no"
        question = sentence(question)
        first = f"{BACKGROUNDS[scene.background].noun}: {listed} {question}"
        lesson += [Segment(prompts.later(question) if lesson else prompts.instruct(first)), Segment(answer, learn=True)]
    return lesson


def _like(meant: Pair, rng: np.random.Generator) -> Pair:
    """Return the same pair, one of the same kind, one of the same color, or any, each as likely."""
    alike = (
        lambda pair: pair == meant,
        lambda pair: pair[1] == meant[1],
        lambda pair: pair[0] == meant[0],
        lambda _pair: True,
    )[int(rng.integers(4))]
    return pick(rng, [pair for pair in SEEN_PAIRS if alike(pair)])

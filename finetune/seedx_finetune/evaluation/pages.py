"""The pages that describe, detect and edit are asked about, with the truth; `held-out` ones hold a held-out pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as count_up
from typing import get_args

import numpy as np

from seedx_finetune.evaluation.prompts import SPLITS, Split
from seedx_finetune.world import (
    EDIT_KINDS,
    PAIRS,
    QA,
    SEEN_PAIRS,
    EditPair,
    Pair,
    QuestionType,
    Scene,
    Thing,
    held_out,
    questions,
    referring,
    sample_edit,
    sample_scene,
)

QUESTION_TYPES: tuple[QuestionType, ...] = get_args(QuestionType)
_DESCRIBE, _ASK, _DETECT, _EDIT = range(4)
"""Each task draws its pages from its own stream of random numbers."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A phrase and the things on the page that it means."""

    scene: Scene
    phrase: str
    things: tuple[Thing, ...]


def pages_to_describe(split: Split, count: int, seed: int) -> list[Scene]:
    """Return `count` pages of 1 to 4 things; held-out ones hold at least one held-out pair, among others."""
    pages = _pages(np.random.default_rng((seed, _DESCRIBE, SPLITS.index(split))), split)
    return [next(pages) for _ in range(count)]


def questions_to_ask(split: Split, count: int, seed: int) -> list[tuple[Scene, QA]]:
    """Return `count` questions of every type; a page gives at most one question of each type."""
    rng = np.random.default_rng((seed, _ASK, SPLITS.index(split)))
    missing = dict.fromkeys(QUESTION_TYPES, count)
    found = []
    for scene in _pages(rng, split):
        for question in {qa.type: qa for qa in questions(scene, rng)}.values():
            if missing[question.type] > 0:
                missing[question.type] -= 1
                found.append((scene, question))
        if not any(missing.values()):
            break
    return found


def references_to_detect(split: Split, count: int, seed: int) -> list[Reference]:
    """Return `count` phrases for one thing ("the red house") or a set ("all houses")."""
    rng = np.random.default_rng((seed, _DETECT, SPLITS.index(split)))
    found: list[Reference] = []
    for scene in _pages(rng, split):
        phrase, indices = referring(scene, rng)
        things = tuple(scene.things[i] for i in indices)
        if split == "seen" or _any_held_out(things):
            found.append(Reference(scene, phrase, things))
        if len(found) >= count:
            break
    return found


def edits_to_make(split: Split, count: int, seed: int) -> list[EditPair]:
    """Return `count` edits, each kind in turn; with held-out ones the page before or after holds a held-out pair."""
    rng = np.random.default_rng((seed, _EDIT, SPLITS.index(split)))
    found: list[EditPair] = []
    while len(found) < count:
        edit = sample_edit(rng, pairs=_allowed(split), kind=EDIT_KINDS[len(found) % len(EDIT_KINDS)])
        if split == "seen" or _any_held_out((*edit.source.things, *edit.target.things)):
            found.append(edit)
    return found


def _pages(rng: np.random.Generator, split: Split) -> Iterator[Scene]:
    for _ in count_up():
        scene = sample_scene(rng, pairs=_allowed(split))
        if split == "seen" or _any_held_out(scene.things):
            yield scene


def _allowed(split: Split) -> tuple[Pair, ...]:
    return SEEN_PAIRS if split == "seen" else PAIRS


def _any_held_out(things: tuple[Thing, ...]) -> bool:
    return any(held_out(thing.kind, thing.color) for thing in things)

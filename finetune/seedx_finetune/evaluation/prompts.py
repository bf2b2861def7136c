"""GenEval-shaped prompts about the picture book: six categories, for pairs that training has seen and has not.

Source: GenEval (arXiv:2310.11513) for the categories and the shape of the prompts ("a photo of a red car"); ours say
"a picture of", hold the book's kinds and colors, and count from 2 to 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from seedx_finetune.world import (
    COLORS,
    HELD_OUT_PAIRS,
    KINDS,
    SEEN_PAIRS,
    Pair,
    Relation,
    Scene,
    count_noun,
    place,
    relation_between,
)

Category = Literal["single_object", "two_objects", "counting", "colors", "position", "color_attribution"]
CATEGORIES: tuple[Category, ...] = (
    "single_object",
    "two_objects",
    "counting",
    "colors",
    "position",
    "color_attribution",
)
"""GenEval's six, in its order."""
Split = Literal["seen", "held_out"]
SPLITS: tuple[Split, ...] = ("seen", "held_out")
"""`seen`: no held-out color-kind pair is named. `held-out`: at least one is."""

T = TypeVar("T")

RELATION_WORDS: dict[Relation, str] = {
    "left of": "to the left of",
    "right of": "to the right of",
    "above": "above",
    "below": "below",
}


@dataclass(frozen=True, slots=True)
class RequestedThing:
    """Things that a prompt asks for."""

    kind: str
    color: str | None = None
    """None where any color will do."""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request for an image and what makes it fulfilled."""

    category: Category
    requested: tuple[RequestedThing, ...]
    relation: Relation | None = None
    """How the first thing shall lie to the second; None where places are free."""

    @property
    def text(self) -> str:
        """The request in text: "a picture of a red house and a blue cat"."""
        words = [_words(want) for want in self.requested]
        link = "and" if self.relation is None else RELATION_WORDS[self.relation]
        return f"a picture of {f' {link} '.join(words)}"

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The (color, kind) pairs that the text names."""
        return tuple((want.color, want.kind) for want in self.requested if want.color is not None)


def sample_prompts(category: Category, split: Split, count: int, seed: int) -> list[Prompt]:
    """Return `count` prompts, the same for the same seed; a larger `count` only adds further ones.

    In the `seen` split the categories without colors (single_object, two_objects, counting, position) name kinds
    alone, as GenEval does. Their `held_out` variant has to name a color, or nothing about it would be held out: it asks
    for a held-out pair ("three purple houses"), with a seen pair as the second thing, and the colors are judged too.
    So held-out figures of these four are harder than the seen ones by more than the novelty of the pair.

    Args:
        category: One of `CATEGORIES`.
        split: Whether held-out pairs are named.
        count: How many prompts.
        seed: Not negative.
    """
    rng = np.random.default_rng((seed, CATEGORIES.index(category), SPLITS.index(split)))
    return [_sample(rng, category, split) for _ in range(count)]


def _sample(rng: np.random.Generator, category: Category, split: Split) -> Prompt:
    first, second = _two_pairs(rng, split, distinct_colors=category == "color_attribution")
    colored = split == "held_out" or category in ("colors", "color_attribution")
    relation: Relation | None = None
    count = 1
    if category == "position":
        relation = tuple(RELATION_WORDS)[int(rng.integers(len(RELATION_WORDS)))]
    if category == "counting":
        count = int(rng.integers(2, 5))
    num_requested = 2 if category in ("two_objects", "position", "color_attribution") else 1
    chosen = (first, second)[:num_requested]
    if rng.random() < 0.5:
        chosen = chosen[::-1]  # the held-out pair is named first as often as second
    return Prompt(
        category, tuple(RequestedThing(kind, color if colored else None, count) for color, kind in chosen), relation
    )


def _two_pairs(rng: np.random.Generator, split: Split, *, distinct_colors: bool) -> tuple[Pair, Pair]:
    """Return two pairs of different kinds; in the held-out split the first is held out."""
    first = _pick(rng, SEEN_PAIRS if split == "seen" else HELD_OUT_PAIRS)
    options = [p for p in SEEN_PAIRS if p[1] != first[1] and not (distinct_colors and p[0] == first[0])]
    return first, _pick(rng, options)


def scene_for(prompt: Prompt, rng: np.random.Generator) -> Scene:
    """Return a page that fulfills the prompt: the truth that the judge is measured on.

    Where the prompt leaves colors open they are seen ones; every fourth page that isn't about counting holds one
    thing more, of a kind that the prompt doesn't name.
    """
    contents: list[Pair] = []
    for want in prompt.requested:
        options = [pair for pair in SEEN_PAIRS if pair[1] == want.kind]
        shared = _pick(rng, options) if rng.random() < 0.7 else None
        for _ in range(want.count):
            contents.append((want.color, want.kind) if want.color else shared or _pick(rng, options))
    if prompt.category != "counting" and rng.random() < 0.25:
        named = {want.kind for want in prompt.requested}
        contents.append(_pick(rng, [pair for pair in SEEN_PAIRS if pair[1] not in named]))
    while True:
        scene = place(rng, contents)
        if prompt.relation in (None, relation_between(*scene.things[:2]) if len(scene.things) > 1 else None):
            return scene


def wrong_prompts(prompt: Prompt, on_page: frozenset[Pair], rng: np.random.Generator) -> list[Prompt]:
    """Prompts that differ from this one in exactly one fact and that a page made for it doesn't fulfil.

    One each for: another kind, another color, another count, another direction, swapped colors (where the prompt has
    such facts).

    Args:
        prompt: What the page was made for.
        on_page: All (color, kind) pairs that lie on the page, so that no wrong prompt is right by accident.
        rng: The only source of randomness.
    """
    at = int(rng.integers(len(prompt.requested)))
    want = prompt.requested[at]
    kinds_there = {kind for _, kind in on_page}
    kind = _pick(rng, [kind for kind in KINDS if kind not in kinds_there])
    wrong = [_with(prompt, at, replace(want, kind=kind))]
    if want.color is not None:
        colors = [color for color in COLORS if color != want.color and (color, want.kind) not in on_page]
        wrong.append(_with(prompt, at, replace(want, color=_pick(rng, colors))))
    if prompt.category == "counting":
        counts = [count for count in (1, 2, 3, 4, 5) if abs(count - want.count) == 1]
        wrong.append(_with(prompt, at, replace(want, count=_pick(rng, counts))))
    if prompt.relation is not None:
        others = [relation for relation in RELATION_WORDS if relation != prompt.relation]
        wrong.append(replace(prompt, relation=_pick(rng, others)))
    if len(prompt.pairs) == 2 and prompt.pairs[0][0] != prompt.pairs[1][0]:
        a, b = prompt.requested
        wrong.append(replace(prompt, requested=(replace(a, color=b.color), replace(b, color=a.color))))
    return wrong


def _with(prompt: Prompt, index: int, want: RequestedThing) -> Prompt:
    requested = list(prompt.requested)
    requested[index] = want
    return replace(prompt, requested=tuple(requested))


def _words(want: RequestedThing) -> str:
    if want.count > 1:
        return count_noun(want.count, want.color, want.kind)
    words = " ".join(word for word in (want.color, want.kind) if word)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]

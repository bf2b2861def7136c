"""Questions about a page with short, certain answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from seedx_finetune.world.language import NUMBER_WORDS, facts, with_article
from seedx_finetune.world.references import references
from seedx_finetune.world.scene import Relation, Scene, is_clearly_placed, pick, region_of, relation_between, relations
from seedx_finetune.world.vocabulary import BACKGROUNDS, COLORS, KINDS, SEEN_PAIRS, plural

QuestionType = Literal["yes_no", "color", "count", "where", "relation", "background"]

_OPPOSITE: dict[Relation, Relation] = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
_BESIDE: dict[Relation, str] = {
    "left of": "to the left of",
    "right of": "to the right of",
    "above": "above",
    "below": "below",
}


@dataclass(frozen=True, slots=True)
class QA:
    """One question, its answer in lower case without a full stop, and what it tests."""

    question: str
    answer: str
    type: QuestionType


def questions(scene: Scene, rng: np.random.Generator) -> list[QA]:
    """Return several questions on the page, of every type that has a certain answer there, in a random order.

    Yes-or-no questions are as often false as true and never name a held-out pair that isn't on the page.
    """
    found = [
        *_yes_no(scene, rng),
        *_colors(scene, rng),
        *_counts(scene, rng),
        *_places(scene, rng),
        *_relations(scene, rng),
        _background(scene, rng),
    ]
    found = list(dict.fromkeys(found))
    return [found[i] for i in rng.permutation(len(found))]


def is_there(rng: np.random.Generator, thing: str) -> str:
    """Ask whether a thing, named with or without its color, is on the page."""
    forms = ("is there {}?", "can you see {}?", "does the picture show {}?", "is there {} in the picture?")
    return pick(rng, forms).format(with_article(thing))


def how_many(rng: np.random.Generator, things: str) -> str:
    """Ask how many things of a name, in the plural, are on the page."""
    form = ("how many {} are there?", "how many {} can you see?", "how many {} are in the picture?")
    return pick(rng, form).format(things)


def _yes_no(scene: Scene, rng: np.random.Generator) -> list[QA]:
    counted = facts(scene)
    kinds = {kind for _, kind in counted}
    found = []
    for _ in range(2):
        true = bool(rng.random() < 0.5) and bool(counted)
        if rng.random() < 0.3:
            kind = pick(rng, sorted(kinds) if true else [kind for kind in KINDS if kind not in kinds])
            thing = kind
        else:
            absent = [pair for pair in SEEN_PAIRS if pair not in counted]
            near = [pair for pair in absent if pair[1] in kinds] if rng.random() < 0.6 else []
            color, kind = pick(rng, list(counted) if true else near or absent)
            thing = f"{color} {kind}"
        found.append(QA(is_there(rng, thing), "yes" if true else "no", "yes_no"))
    clear = [(a, relation, b) for a, relation, b in relations(scene) if _names(scene, a) and _names(scene, b)]
    if clear:
        a, relation, b = pick(rng, clear)
        true = bool(rng.random() < 0.5)
        asked = relation if true else _OPPOSITE[relation]
        text = f"is the {pick(rng, _names(scene, a))} {_BESIDE[asked]} the {pick(rng, _names(scene, b))}?"
        found.append(QA(text, "yes" if true else "no", "yes_no"))
    name = scene.background if rng.random() < 0.5 else pick(rng, [b for b in BACKGROUNDS if b != scene.background])
    found.append(QA(f"is this {BACKGROUNDS[name].noun}?", "yes" if name == scene.background else "no", "yes_no"))
    return found


def _colors(scene: Scene, rng: np.random.Generator) -> list[QA]:
    found = []
    for i, thing in enumerate(scene.things):
        names = [name for name in references(scene, i) if not any(color in name.split() for color in COLORS)]
        if names:
            form = pick(rng, ("what color is the {}?", "which color does the {} have?", "what is the color of the {}?"))
            found.append(QA(form.format(pick(rng, names)), thing.color, "color"))
    by_kind = {thing.kind for thing in scene.things}
    for kind in sorted(by_kind):
        same_kind = [thing for thing in scene.things if thing.kind == kind]
        if len(same_kind) > 1 and len({thing.color for thing in same_kind}) == 1:
            found.append(QA(f"what color are the {plural(kind)}?", same_kind[0].color, "color"))
    return found


def _counts(scene: Scene, rng: np.random.Generator) -> list[QA]:
    found = []
    thing = pick(rng, scene.things) if scene.things else None
    if thing is not None:
        same_kind = [other for other in scene.things if other.kind == thing.kind]
        equal = [other for other in same_kind if other.color == thing.color]
        name = plural(thing.kind)
        found.append(QA(how_many(rng, name), NUMBER_WORDS[len(same_kind)], "count"))
        if len(facts(scene)) > 1:
            found.append(QA(how_many(rng, f"{thing.color} {name}"), NUMBER_WORDS[len(equal)], "count"))
    if rng.random() < 0.2:
        absent = pick(rng, [kind for kind in KINDS if all(other.kind != kind for other in scene.things)])
        found.append(QA(how_many(rng, plural(absent)), "none", "count"))
    if rng.random() < 0.3:
        found.append(QA(how_many(rng, "things"), NUMBER_WORDS[len(scene.things)], "count"))
    return found


def _places(scene: Scene, rng: np.random.Generator) -> list[QA]:
    found = []
    for i, thing in enumerate(scene.things):
        names = _names(scene, i)
        if names and is_clearly_placed(thing):
            form = pick(rng, ("where is the {}?", "where in the picture is the {}?", "where can you see the {}?"))
            found.append(QA(form.format(pick(rng, names)), region_of(thing), "where"))
    return found


def _relations(scene: Scene, rng: np.random.Generator) -> list[QA]:
    """Return what lies in one direction of a thing, asked only where exactly one thing can be meant."""
    found = []
    for b in range(len(scene.things)):
        names = _names(scene, b)
        others = [a for a in range(len(scene.things)) if a != b]
        for relation in _BESIDE:
            there = [a for a in others if relation_between(scene.things[a], scene.things[b]) == relation]
            in_doubt = [a for a in others if relation_between(scene.things[a], scene.things[b]) is None]
            if names and len(there) == 1 and not in_doubt and facts(scene)[scene.things[there[0]].pair] == 1:
                answer = f"the {scene.things[there[0]].color} {scene.things[there[0]].kind}"
                text = pick(rng, ("what is {} the {}?", "which thing is {} the {}?"))
                found.append(QA(text.format(_BESIDE[relation], pick(rng, names)), answer, "relation"))
    return [found[i] for i in rng.permutation(len(found))[:2]]


def _background(scene: Scene, rng: np.random.Generator) -> QA:
    form = ("what is the background?", "what kind of place is this?", "what is behind everything?")
    return QA(pick(rng, form), BACKGROUNDS[scene.background].noun, "background")


def _names(scene: Scene, index: int) -> list[str]:
    """Return phrases for one thing that don't name a place, so that a place or a relation can follow them."""
    return [name for name in references(scene, index) if name.endswith(scene.things[index].kind)]

"""Phrases that point at things of a page without doubt: for detection, for questions and for edit instructions."""

from __future__ import annotations

import numpy as np

from seedx_finetune.world.language import facts
from seedx_finetune.world.scene import Scene, is_clearly_placed, pick, region_of
from seedx_finetune.world.vocabulary import plural


def references(scene: Scene, index: int) -> list[str]:
    """Return all phrases without an article that mean exactly this thing ("house", "red house", "house on the left").

    Longer phrases come later. Empty where the thing can't be distinguished from its equals.
    """
    thing = scene.things[index]
    others = [other for i, other in enumerate(scene.things) if i != index]
    same_kind = [other for other in others if other.kind == thing.kind]
    equal = [other for other in same_kind if other.color == thing.color]
    found = []
    if not same_kind:
        found.append(thing.kind)
    if not equal:
        found.append(f"{thing.color} {thing.kind}")
    for name, rivals in ((thing.kind, same_kind), (f"{thing.color} {thing.kind}", equal)):
        if rivals and all(other.size != thing.size for other in rivals):
            found.append(f"{thing.size} {name}")
    clear = is_clearly_placed(thing) and all(is_clearly_placed(other) for other in same_kind)
    place = region_of(thing)
    for name, rivals in ((thing.kind, same_kind), (f"{thing.color} {thing.kind}", equal)):
        if clear and all(region_of(other) != place for other in rivals):
            found.append(f"{name} {place}")
    return found


def referring(scene: Scene, rng: np.random.Generator) -> tuple[str, list[int]]:
    """Return a phrase to detect and the indices of the things that it means, from left to right on the page.

    Phrases are such as "the red house", "all houses", "all red houses", "the house on the left", "everything".

    Raises:
        ValueError: If the page is empty.
    """
    if not scene.things:
        raise ValueError("an empty scene has nothing to refer to; give a scene with at least one thing")
    thing = pick(rng, scene.things)
    index = next(i for i, other in enumerate(scene.things) if other is thing)
    options = [(f"the {phrase}", [index]) for phrase in references(scene, index)]
    same_kind = [i for i, other in enumerate(scene.things) if other.kind == thing.kind]
    equal = [i for i in same_kind if scene.things[i].color == thing.color]
    several = [
        (pick(rng, ("all {}", "all the {}", "every one of the {}")).format(plural(thing.kind)), same_kind),
        (pick(rng, ("all {}", "all the {}")).format(f"{thing.color} {plural(thing.kind)}"), equal),
    ]
    if len(facts(scene)) > 1 and rng.random() < 0.1:
        several.append((pick(rng, ("everything", "all things")), list(range(len(scene.things)))))
    if options and (len(same_kind) == 1 or rng.random() < 0.5) and rng.random() < 0.85:
        phrase, indices = pick(rng, options)
    else:
        phrase, indices = pick(rng, several)
    return phrase, sorted(indices, key=lambda i: scene.things[i].center)

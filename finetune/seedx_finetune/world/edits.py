"""Edit pairs: a page, an instruction in text, and the page that the instruction asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from seedx_finetune.world.language import with_article
from seedx_finetune.world.references import references
from seedx_finetune.world.scene import SPOTS, Box, Scene, Thing, box_around, is_free, pick, region_of, sample_scene
from seedx_finetune.world.vocabulary import BACKGROUNDS, SEEN_PAIRS, SIZES, Pair

EditKind = Literal["recolor", "add", "remove", "replace", "move", "background"]
EDIT_KINDS: tuple[EditKind, ...] = ("recolor", "add", "remove", "replace", "move", "background")

_ATTEMPTS = 1000
_PAGE: Box = (0.0, 0.0, 1.0, 1.0)
_RECOLOR = (
    "make the {old} {color}",
    "change the color of the {old} to {color}",
    "paint the {old} {color}",
    "turn the {old} {color}",
    "color the {old} {color}",
)
_ADD = ("add {new} {place}", "put {new} {place}", "draw {new} {place}", "place {new} {place}")
_REMOVE = ("remove the {old}", "take away the {old}", "erase the {old}", "delete the {old}", "get rid of the {old}")
_REPLACE = (
    "replace the {old} with {new}",
    "change the {old} into {new}",
    "turn the {old} into {new}",
    "swap the {old} for {new}",
)
_MOVE = ("move the {old} to {place}", "shift the {old} to {place}", "bring the {old} to {place}")
_BACKGROUND = (
    "change the background to {noun}",
    "make the background {noun}",
    "turn the background into {noun}",
    "put everything {phrase}",
)


@dataclass(frozen=True, slots=True)
class EditPair:
    """One edit as ground truth."""

    source: Scene
    target: Scene
    instruction: str
    kind: EditKind
    region: tuple[Box, ...]
    """The boxes that had to change, in the source and in the target; the whole page for a new background."""


def sample_edit(
    rng: np.random.Generator,
    *,
    pairs: Sequence[Pair] = SEEN_PAIRS,
    kind: EditKind | None = None,
    source: Scene | None = None,
) -> EditPair:
    """Return a random edit, the same for the same state of `rng`; both pages hold only these (color, kind) pairs.

    The instruction says without doubt which thing is meant. An added thing is of medium size and stands, like a moved
    one, at the fixed center of the place that the text names; a replaced one keeps its center and longest side, and
    its color unless the text names another.

    Args:
        rng: The only source of randomness.
        pairs: The (color, kind) pairs that may occur on either page.
        kind: What to do; by default any of `EDIT_KINDS`, each as likely.
        source: The page before; by default a new one.

    Raises:
        ValueError: If the pairs are too few for such an edit, or the source has no place for it.
    """
    chosen = pick(rng, EDIT_KINDS) if kind is None else kind
    for _ in range(_ATTEMPTS):
        page = source or sample_scene(rng, num_things=int(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25])), pairs=pairs)
        edit = _EDITS[chosen](rng, page, pairs)
        if edit is not None:
            return edit
    raise ValueError(f"no {chosen} edit found with {len(pairs)} pairs; give pairs with more colours and kinds")


def sample_instruction(rng: np.random.Generator, pair: Pair, old: str) -> str:
    """Return an instruction, in text alone, to recolor, remove, replace or move a thing.

    Args:
        rng: The only source of randomness.
        pair: Its color and kind.
        old: What it is called, without an article.
    """
    new_color, new_kind = pick(rng, [other for other in SEEN_PAIRS if other[1] != pair[1]])
    new = with_article(f"{new_color} {new_kind}" if rng.random() < 0.5 else new_kind)
    color = pick(rng, [c for c, kind in SEEN_PAIRS if kind == pair[1] and c != pair[0]])
    at = pick(rng, tuple(SPOTS)).split(" ", 1)[1]
    return pick(rng, pick(rng, (_RECOLOR, _REMOVE, _REPLACE, _MOVE))).format(old=old, new=new, color=color, place=at)


def _recolor(rng: np.random.Generator, source: Scene, pairs: Sequence[Pair]) -> EditPair | None:
    meant = _meant(rng, source)
    if meant is None:
        return None
    index, name = meant
    thing = source.things[index]
    colors = [color for color, kind in pairs if kind == thing.kind and color != thing.color]
    if not colors:
        return None
    new = replace(thing, color=pick(rng, colors))
    text = pick(rng, _RECOLOR).format(old=name, color=new.color)
    return EditPair(source, _with(source, index, new), text, "recolor", (thing.box,))


def _add(rng: np.random.Generator, source: Scene, pairs: Sequence[Pair]) -> EditPair | None:
    color, kind = pick(rng, pairs)
    free = {}
    for place, center in SPOTS.items():
        box = box_around(kind, center, SIZES["medium"])
        if is_free(box, source.things):
            free[place] = box
    if not free:
        return None
    place = pick(rng, tuple(free))
    target = Scene(source.background, (*source.things, Thing(kind, color, "medium", free[place])))
    text = pick(rng, _ADD).format(new=with_article(f"{color} {kind}"), place=place)
    return EditPair(source, target, text, "add", (free[place],))


def _remove(rng: np.random.Generator, source: Scene, _pairs: Sequence[Pair]) -> EditPair | None:
    meant = _meant(rng, source)
    if meant is None:
        return None
    index, name = meant
    text = pick(rng, _REMOVE).format(old=name)
    return EditPair(source, _with(source, index, None), text, "remove", (source.things[index].box,))


def _replace(rng: np.random.Generator, source: Scene, pairs: Sequence[Pair]) -> EditPair | None:
    meant = _meant(rng, source)
    if meant is None:
        return None
    index, name = meant
    thing = source.things[index]
    keep_color = rng.random() < 0.6
    options = [pair for pair in pairs if pair[1] != thing.kind and (pair[0] == thing.color) == bool(keep_color)]
    if not options:
        return None
    color, kind = pick(rng, options)
    side = max(thing.box[2] - thing.box[0], thing.box[3] - thing.box[1])
    box = box_around(kind, thing.center, side)
    if not is_free(box, _others(source, index)):
        return None
    new = with_article(kind if keep_color else f"{color} {kind}")
    text = pick(rng, _REPLACE).format(old=name, new=new)
    target = _with(source, index, Thing(kind, color, thing.size, box))
    return EditPair(source, target, text, "replace", (thing.box, box))


def _move(rng: np.random.Generator, source: Scene, _pairs: Sequence[Pair]) -> EditPair | None:
    meant = _meant(rng, source)
    if meant is None:
        return None
    index, name = meant
    thing = source.things[index]
    side = max(thing.box[2] - thing.box[0], thing.box[3] - thing.box[1])
    free = {}
    for place, center in SPOTS.items():
        box = box_around(thing.kind, center, side)
        if place != region_of(thing) and is_free(box, _others(source, index)):
            free[place] = box
    if not free:
        return None
    at = pick(rng, tuple(free))
    text = pick(rng, _MOVE).format(old=name, place=at.split(" ", 1)[1])
    target = _with(source, index, replace(thing, box=free[at]))
    return EditPair(source, target, text, "move", (thing.box, free[at]))


def _background(rng: np.random.Generator, source: Scene, _pairs: Sequence[Pair]) -> EditPair | None:
    name = pick(rng, [name for name in BACKGROUNDS if name != source.background])
    text = pick(rng, _BACKGROUND).format(noun=BACKGROUNDS[name].noun, phrase=BACKGROUNDS[name].phrase)
    return EditPair(source, Scene(name, source.things), text, "background", (_PAGE,))


def _meant(rng: np.random.Generator, scene: Scene) -> tuple[int, str] | None:
    """Return a thing and words that mean only this thing."""
    index = int(rng.integers(len(scene.things)))
    names = references(scene, index)
    return (index, pick(rng, names)) if names else None


def _others(scene: Scene, index: int) -> list[Thing]:
    return [thing for i, thing in enumerate(scene.things) if i != index]


def _with(scene: Scene, index: int, new: Thing | None) -> Scene:
    things = list(scene.things)
    things[index : index + 1] = [] if new is None else [new]
    return Scene(scene.background, tuple(things))


_EDITS: dict[EditKind, Callable[[np.random.Generator, Scene, Sequence[Pair]], EditPair | None]] = {
    "recolor": _recolor,
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "background": _background,
}

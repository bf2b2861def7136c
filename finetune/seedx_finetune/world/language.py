"""Pages in text: captions in varied wording, the full description, and reading a description back.

Every wording keeps color and kind side by side ("small red cat"), so that a text can be checked for held-out pairs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from seedx_finetune.world.scene import Scene, Thing, is_clearly_placed, pick, region_of, relations
from seedx_finetune.world.vocabulary import BACKGROUNDS, COLORS, KINDS, SIZES, Pair, plural

NUMBER_WORDS: tuple[str, ...] = ("no", "one", "two", "three", "four", "five", "six")
"""Counts in text; the index is the number."""

_BACKGROUND_WORDS: dict[str, tuple[str, ...]] = {
    "night sky": ("night", "moonlit"),
    "snow": ("snow", "snowy", "winter"),
    "beach": ("beach", "sand", "seaside"),
    "room": ("room", "indoors"),
    "meadow": ("meadow", "grass"),
}
_MEDIA = ("a picture of", "a drawing of", "an illustration of", "a picture book page with", "a painting of")
_RELATION_WORDS: dict[str, tuple[str, ...]] = {
    "left of": ("to the left of", "left of"),
    "right of": ("to the right of", "right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
}


def facts(scene: Scene) -> Counter[Pair]:
    """Return how many things of each (color, kind) are on the page."""
    return Counter(thing.pair for thing in scene.things)


def describe(scene: Scene) -> str:
    """Return the full description, such as "A meadow with 1: red house, 2: green tree.".

    Every thing by itself, in the order of the scene's things and with its number, so that it can be read off the page.
    """
    noun = BACKGROUNDS[scene.background].noun
    named = [f"{number}: {thing.color} {thing.kind}" for number, thing in enumerate(scene.things, start=1)]
    return f"{noun[0].upper()}{noun[1:]} with {', '.join(named) if named else 'nothing on it'}."


def parse_description(text: str) -> tuple[str | None, Counter[Pair]]:
    """Return what a text says is on the page: the background's name, or None, and the count of each (color, kind).

    Tolerant of wording: "a", digits, number words, sizes before the color and the usual words for backgrounds are
    understood; a plural without a number counts as two; a thing that is named again ("the red house") isn't counted
    again; everything else is passed over.
    """
    lowered = text.lower()
    words = set(re.findall(r"[a-z]+", lowered))
    background = next((name for name, hints in _BACKGROUND_WORDS.items() if words & set(hints)), None)
    counted: Counter[Pair] = Counter()
    for number, color, noun in _GROUP.findall(lowered):
        pair = (color, _KIND_OF[noun])
        if number in ("the", "this", "that") and counted[pair]:
            continue
        counted[pair] += _count_of(number, noun)
    return background, +counted


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """Return one of many wordings for the page, in lower case and without a full stop.

    All things are always mentioned; the background, sizes and places only sometimes, and a quarter leaves out colors.
    """
    with_background = rng.random() < 0.65
    roll = rng.random()
    body = _related(scene, rng) if roll < 0.35 else _placed(scene, rng) if roll < 0.5 else None
    if body is None:
        body = join(_groups(scene, rng))
    if not with_background:
        return f"{pick(rng, _MEDIA)} {body}" if rng.random() < 0.6 else body
    background = BACKGROUNDS[scene.background]
    roll = rng.random()
    if roll < 0.5:
        text = f"{body} {background.phrase}"
    elif roll < 0.75:
        text = f"{background.noun} with {body}"
    else:
        text = f"{background.phrase}, {body}"
    return f"{pick(rng, _MEDIA)} {text}" if roll < 0.75 and rng.random() < 0.4 else text


def count_noun(count: int, color: str | None, kind: str, size: str | None = None) -> str:
    """Return a counted group of things: "one red house", "three small yellow stars", "two cats"."""
    words = [NUMBER_WORDS[count], size or "", color or "", kind if count == 1 else plural(kind)]
    return " ".join(word for word in words if word)


def with_article(words: str) -> str:
    """Return the words with "a" or "an" before them."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def join(parts: Sequence[str]) -> str:
    """Return a list in text: "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _groups(scene: Scene, rng: np.random.Generator) -> list[str]:
    """Return every group of equal things with its count, in a random order."""
    with_size, with_color = rng.random() < 0.3, rng.random() > 0.25
    pairs = list(facts(scene))
    kinds = {kind for _, kind in pairs}
    parts = []
    for k in rng.permutation(len(pairs)):
        pair = pairs[k]
        members = [thing for thing in scene.things if thing.pair == pair]
        sizes = {thing.size for thing in members}
        size = sizes.pop() if with_size and len(sizes) == 1 else None
        color = pair[0] if with_color or len(kinds) < len(pairs) else None
        if len(members) > 1:
            parts.append(count_noun(len(members), color, pair[1], size))
        else:
            parts.append(_one(members[0], size, color, rng))
    return parts


def _one(thing: Thing, size: str | None, color: str | None, rng: np.random.Generator) -> str:
    words = " ".join(word for word in (size, color, thing.kind) if word)
    return with_article(words) if rng.random() < 0.85 else f"one {words}"


def _related(scene: Scene, rng: np.random.Generator) -> str | None:
    """Return two single things and how they lie to each other, then the rest; None where no two lie clearly."""
    counted = facts(scene)
    options = [
        (scene.things[i], relation, scene.things[j])
        for i, relation, j in relations(scene)
        if counted[scene.things[i].pair] == counted[scene.things[j].pair] == 1
    ]
    if not options:
        return None
    a, relation, b = pick(rng, options)
    rest = Scene(scene.background, tuple(thing for thing in scene.things if thing is not a and thing is not b))
    with_size = rng.random() < 0.25
    with_color = rng.random() > 0.2 or len({thing.kind for thing in scene.things}) < len(scene.things)
    first, second = (_one(t, t.size if with_size else None, t.color if with_color else None, rng) for t in (a, b))
    beside = relation in ("left of", "right of") and rng.random() < 0.2
    words = pick(rng, ("beside", "next to")) if beside else pick(rng, _RELATION_WORDS[relation])
    text = f"{first} {words} {second}"
    return f"{text}, with {join(_groups(rest, rng))}" if rest.things else text


def _placed(scene: Scene, rng: np.random.Generator) -> str | None:
    """Single things with their places; None where a place is in doubt or things are equal."""
    if len(facts(scene)) < len(scene.things) or not all(is_clearly_placed(thing) for thing in scene.things):
        return None
    with_size = rng.random() < 0.25
    order = rng.permutation(len(scene.things))
    parts = []
    for thing in (scene.things[i] for i in order):
        parts.append(f"{_one(thing, thing.size if with_size else None, thing.color, rng)} {region_of(thing)}")
    return join(parts)


def _count_of(number: str, noun: str) -> int:
    if number.isdigit():
        return int(number)
    if number in NUMBER_WORDS:
        return NUMBER_WORDS.index(number)
    if number in ("pair of", "couple of"):
        return 2
    return 2 if number == "" and noun not in KINDS else 1


_KIND_OF = {noun: kind for kind in KINDS for noun in (plural(kind), kind)}
_GROUP = re.compile(
    rf"(?:\b(the|this|that|an?|pair of|couple of|\d+|{'|'.join(NUMBER_WORDS)})\s+)?"
    rf"(?:(?:{'|'.join(SIZES)}|big|little|tiny|huge|bright|dark|light|pretty|cute)\s+)?"
    rf"\b({'|'.join(COLORS)})\s+({'|'.join(sorted(_KIND_OF, key=len, reverse=True))})\b"
)

"""Which picture goes with a text, for a model that can draw only certain things.

The shipped picture-book model knows a few kinds of things, colours and backgrounds; a model with an open vocabulary
(vocabulary None) gets the text itself as its prompt.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from seedx_sdk.types import ModelInfo

Vocabulary: TypeAlias = Mapping[str, Sequence[str]]
"""The lists "kinds", "colors" and "backgrounds" of a model that knows nothing else."""

PICTURE_BOOK: Vocabulary = {
    "kinds": ("house tree boat car cat dog fish bird flower star ball balloon hat cup mushroom umbrella".split()),
    "colors": "red orange yellow green blue purple pink brown".split(),
    "backgrounds": ("meadow", "beach", "night sky", "snow", "room"),
}
"""What the shipped picture-book model can draw; a test holds it against the world that the model was trained on."""

_LIKE = {
    "house": "home hut cottage school building hotel office shop hospital city town village farm family",
    "tree": "forest wood woods garden park nature climate environment leaf leaves",
    "boat": "ship sail sails sailing sailor sailors harbour harbor captain yacht voyage",
    "car": "drive driver road traffic vehicle journey trip travel transport",
    "cat": "kitten kitty pet",
    "dog": "puppy",
    "fish": "fishing fisherman",
    "bird": "fly wing wings flight parrot",
    "flower": "bloom blossom rose tulip growth",
    "star": "goal dream success future",
    "ball": "game play sport football team",
    "balloon": "party birthday celebration balloons",
    "hat": "cap wear fashion",
    "cup": "tea coffee drink mug breakfast",
    "mushroom": "toadstool",
    "umbrella": "rain weather protection insurance risk",
}
_PLACES = {
    "beach": ("on the beach", "sea seaside ocean coast shore sand island harbour harbor water"),
    "meadow": ("in a meadow", "field grass farm countryside garden summer spring park"),
    "snow": ("in the snow", "winter snowy ice cold christmas mountain"),
    "room": ("in a room", "indoors inside office kitchen classroom"),
    "night sky": ("in the night sky", "night dark moon space sky stars evening"),
}
"""A background's place in words, and other words that mean it."""
_USUAL_COLORS = {
    "house": "red",
    "tree": "green",
    "boat": "blue",
    "car": "red",
    "cat": "orange",
    "dog": "brown",
    "fish": "blue",
    "bird": "yellow",
    "flower": "pink",
    "star": "yellow",
    "ball": "orange",
    "balloon": "red",
    "hat": "purple",
    "cup": "blue",
    "mushroom": "red",
    "umbrella": "purple",
}
"""The colour of a thing that a text names without one: the same on every slide and page."""
_COUNTS = {"two": 2, "three": 3, "four": 4}
_NUMBERS = frozenset(("a", "an", "one", *_COUNTS))
_MAX_THINGS = 4
"""On one picture of the picture book."""
_PLAIN_WORDS = _NUMBERS.union(
    "and with in on at to of next beside left right above below over under large small".split()
)
"""With its things, colours and backgrounds, what a picture-book model reads in a request to draw."""
_PLAIN_COLORS = {"grey": "blue", "gray": "blue", "gold": "yellow", "golden": "yellow", "violet": "purple"}


def vocabulary_of(info: ModelInfo) -> Vocabulary | None:
    """Return what a model can draw; None for a model that was trained on pictures of all kinds."""
    return PICTURE_BOOK if info.is_picture_book else None


def drawing_advice(vocabulary: Vocabulary | None) -> str:
    """Return what to tell a language model that asks for pictures, to be put after its order; empty for None."""
    if vocabulary is None:
        return ""
    return (
        " The pictures are drawn by a small model that knows only these things: "
        f"{', '.join(vocabulary['kinds'])}; in these colours: {', '.join(vocabulary['colors'])}; on these backgrounds: "
        f"{', '.join(vocabulary['backgrounds'])}. Describe each picture with one to three of them, each with a colour, "
        "like 'a red house and a green tree on the beach', even where it only hints at the text."
    )


@dataclass(frozen=True, slots=True)
class ImagePrompt:
    """A prompt for the picture of a text."""

    text: str
    decorative: bool
    """True when nothing in the text named the things that it shows."""


def picture_prompt(text: str, vocabulary: Vocabulary | None, *, context: str = "") -> ImagePrompt:
    """Return what to draw beside a text; the same text gives the same prompt.

    Args:
        text: The words of a slide or a page, or a picture prompt to put in the model's words.
        vocabulary: What the model can draw; None: anything, so the text is the prompt.
        context: Words around it (the deck's title), asked for what the text itself does not name.
    """
    text = " ".join(text.split())
    if vocabulary is None:
        return ImagePrompt(text, decorative=False)
    place = find_place(text, vocabulary)
    background = (
        place or find_place(context, vocabulary) or place_phrase(_pick(vocabulary["backgrounds"], context or text))
    )
    if _is_understood(text, vocabulary):
        return ImagePrompt(text if place else f"{text} {background}", decorative=False)
    things = _find(text, vocabulary)
    named = bool(things)
    if not things:
        things = _find(context, vocabulary)[:1]
        named = bool(things)
        others = [kind for kind in vocabulary["kinds"] if kind not in [thing.kind for thing in things]]
        things.append(_Thing(_pick(others, text)))
    first, *more = things[:2]
    first = first.at_most(_MAX_THINGS - len(more))
    shown = [
        thing.phrase(vocabulary) for thing in (first, *(other.at_most(_MAX_THINGS - first.count) for other in more))
    ]
    return ImagePrompt(f"{' and '.join(shown)} {background}", decorative=not named)


@dataclass(frozen=True, slots=True)
class _Thing:
    kind: str
    color: str | None = None
    count: int = 1

    def at_most(self, count: int) -> _Thing:
        """The same thing, no more than so many of it."""
        return replace(self, count=min(self.count, count))

    def phrase(self, vocabulary: Vocabulary) -> str:
        """The things in words, of the usual colour if none was named."""
        usual = _USUAL_COLORS.get(self.kind, "")
        color = self.color or (usual if usual in vocabulary["colors"] else _pick(vocabulary["colors"], self.kind))
        number = next((word for word, count in _COUNTS.items() if count == self.count), None)
        if number is None:
            return f"{'an' if color[0] in 'aeiou' else 'a'} {color} {self.kind}"
        return f"{number} {color} {_plural(self.kind)}"


def find_things(text: str, vocabulary: Vocabulary) -> list[str]:
    """Return the things of the vocabulary that a text names, in order and once each: "red house", or "house"."""
    return [f"{thing.color} {thing.kind}" if thing.color else thing.kind for thing in _find(text, vocabulary)]


def _find(text: str, vocabulary: Vocabulary) -> list[_Thing]:
    words = _words(text)
    found: dict[str, _Thing] = {}
    for position, word in enumerate(words):
        kind = _kind(word, vocabulary["kinds"])
        if kind is None:
            continue
        before = words[max(0, position - 3) : position]
        color = _color(before[-2:], vocabulary["colors"])
        if kind not in found or (color and not found[kind].color):
            count = next((_COUNTS[word] for word in reversed(before) if word in _COUNTS), 1)
            found[kind] = _Thing(kind, color, count if word.endswith(("s", "fish")) else 1)
    return list(found.values())


def _is_understood(text: str, vocabulary: Vocabulary) -> bool:
    """Whether the model can be given a text as it is: it knows each word, and each thing has a number and a colour."""
    words = re.findall(r"[^\W_]+", text)
    names = {form for kind in vocabulary["kinds"] for form in (kind, _plural(kind))}
    places = {word for name in vocabulary["backgrounds"] for word in place_phrase(name).split()}
    things = [position for position, word in enumerate(words) if word in names]
    return (
        bool(things)
        and all(word in names | places | _PLAIN_WORDS or word in vocabulary["colors"] for word in words)
        and all(
            position > 1
            and words[position - 1] in vocabulary["colors"]
            and _NUMBERS & {*words[max(0, position - 3) : position - 1]}
            for position in things
        )
    )


def _plural(kind: str) -> str:
    return kind if kind == "fish" else f"{kind}s"


def find_place(text: str, vocabulary: Vocabulary) -> str | None:
    """Return the place that a text names, in the model's words ("on the beach"), or None."""
    words = set(_words(text))
    for background in vocabulary["backgrounds"]:
        own = set(_words(background)) - {"in", "on", "the", "a", "an", "at", "sky"}
        if own & words or words & set(_PLACES.get(_place_name(background), ("", ""))[1].split()):
            return place_phrase(background)
    return None


def place_phrase(background: str) -> str:
    """Return a background's name as a place: "beach" gives "on the beach"."""
    if background.split()[0] in ("in", "on", "at"):
        return background
    return _PLACES.get(background, (f"in the {background}", ""))[0]


def _place_name(background: str) -> str:
    return next((name for name in _PLACES if name.split()[0] in background), background)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:-[a-z]+)?", text.lower())


def _kind(word: str, kinds: Sequence[str]) -> str | None:
    for form in (word, word.removesuffix("s"), word.removesuffix("es")):
        if form in kinds:
            return form
    for kind in kinds:
        like = _LIKE.get(kind, "").split()
        if word in like or word.removesuffix("s") in like:
            return kind
    return None


def _color(words: list[str], colors: Sequence[str]) -> str | None:
    named = [_PLAIN_COLORS.get(word, word) for word in words]
    return next((word for word in reversed(named) if word in colors), None)


def _pick(choices: Sequence[str], text: str) -> str:
    """One of the choices, always the same one for a text."""
    return choices[zlib.crc32(text.encode()) % len(choices)]

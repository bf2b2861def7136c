"""Image prompts for a text, for a model that can draw only certain things.

The shipped picture-book model knows a few kinds of things, colors and backgrounds; a model with an open vocabulary
(vocabulary None) gets the text itself as its prompt.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
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
"""What the shipped picture-book model can draw; a test compares it with the world that the model was trained on."""

_SYNONYMS = {
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
_NEAR_SYNONYMS = {
    "house": "cottage hut",
    "tree": "forest woods",
    "boat": "sail sailing sails ship yacht",
    "cat": "kitten kitty",
    "dog": "puppy",
    "bird": "parrot",
    "flower": "blossom rose tulip",
    "cup": "mug",
    "mushroom": "toadstool",
}
"""Other words for the thing itself. The ones above also have what it stands for, which makes a poor picture of it."""
_PLACES = {
    "beach": ("on the beach", "sea seaside ocean coast shore sand island harbour harbor water"),
    "meadow": ("in a meadow", "field grass farm countryside garden summer spring park"),
    "snow": ("in the snow", "winter snowy ice cold christmas mountain"),
    "room": ("in a room", "indoors inside office kitchen classroom"),
    "night sky": ("in the night sky", "night dark moon space sky stars evening"),
}
"""Each background as a phrase, and other words that mean it."""
_DEFAULT_COLORS = {
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
"""The color of a thing that a text names without one: the same on every slide and page."""
_COUNTS = {"two": 2, "three": 3, "four": 4}
_NUMBERS = frozenset(("a", "an", "one", *_COUNTS))
_MAX_THINGS = 4
"""In one image of the picture-book model."""
_FUNCTION_WORDS = _NUMBERS.union(
    "and with in on at to of next beside left right above below over under large small".split()
)
"""Words that a picture-book model understands in a prompt, besides its things, colors and backgrounds."""
_REQUEST_WORDS = frozenset(
    "book bottom draw drawing field generate illustration image make me medium middle page paint painting picture "
    "please show snowy top".split()
)
"""Words that it understands around a prompt, or for a place or a background."""
_INSTRUCTION_WORDS = frozenset(
    "add away background bring change color delete erase everything for get into move place put remove replace rid "
    "shift swap take turn".split()
)
"""Words that it understands in an instruction to change an image, besides those of a prompt."""
_PREPOSITION = r"(?:in|on|at|by|near|under|over|above|below|behind|beside|from|with)"
_PHRASE = rf"\b(?:an?|the|two|three|four)(?: (?!and\b|{_PREPOSITION}\b)[\w-]+){{1,3}}"
_LIST = rf"(?P<things>{_PHRASE}(?: and {_PHRASE})*)(?: (?P<place>{_PREPOSITION} .*))?"
_COLOR_SYNONYMS = {"grey": "blue", "gray": "blue", "gold": "yellow", "golden": "yellow", "violet": "purple"}


def vocabulary_of(info: ModelInfo) -> Vocabulary | None:
    """Return what a model can draw; None for a model that was trained on images of all kinds."""
    return PICTURE_BOOK if info.is_picture_book else None


def drawing_advice(vocabulary: Vocabulary | None, *, only_subjects: bool = False) -> str:
    """Return what to append to the system prompt of a language model that asks for images; empty for None.

    Args:
        vocabulary: What the model can draw; None: anything.
        only_subjects: Whether a text that is about none of it gets no image, rather than one that hints at it.
    """
    if vocabulary is None:
        return ""
    rest = (
        "Where the text is about none of them, give an empty description: no image is better than an unrelated one."
        if only_subjects
        else "Do so even where it only hints at the text."
    )
    return (
        " The images are generated by a small model that knows only these things: "
        f"{', '.join(vocabulary['kinds'])}; in these colors: {', '.join(vocabulary['colors'])}; on these backgrounds: "
        f"{', '.join(vocabulary['backgrounds'])}. Describe each image with one to three of them, each with a color, "
        f"like 'a red house and a green tree on the beach'. {rest}"
    )


@dataclass(frozen=True, slots=True)
class ImagePrompt:
    """A prompt for the image of a text."""

    text: str
    decorative: bool
    """Whether it shows things that nothing in the text names."""


def image_prompt(
    text: str, vocabulary: Vocabulary | None, *, context: str = "", only_subjects: bool = False
) -> ImagePrompt:
    """Return the prompt of the image beside a text; the same text gives the same prompt.

    Args:
        text: The text of a slide or a page, or an image prompt to put in the model's vocabulary.
        vocabulary: What the model can draw; None: anything, so the text is the prompt.
        context: Text around it (the deck's title), searched for what the text itself does not name.
        only_subjects: Whether only things count that the text itself names, not what they stand for.
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
    things = _find(text, vocabulary, _NEAR_SYNONYMS if only_subjects else _SYNONYMS)
    named = bool(things)
    if not things:
        things = [] if only_subjects else _find(context, vocabulary)[:1]
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
        """Return the same thing, at most `count` of it."""
        return replace(self, count=min(self.count, count))

    def phrase(self, vocabulary: Vocabulary) -> str:
        """Return the things as a noun phrase, in the default color if none was named."""
        return number_phrase(colored(f"{self.color or ''} {self.kind}".strip(), vocabulary), self.count)


def find_things(text: str, vocabulary: Vocabulary) -> list[str]:
    """Return the things of the vocabulary that a text names, in order and once each: "red house", or "house"."""
    return [f"{thing.color} {thing.kind}" if thing.color else thing.kind for thing in _find(text, vocabulary)]


def count_things(text: str, vocabulary: Vocabulary) -> Counter[str]:
    """Return how many of each thing a prompt or a description names: {"red cat": 2, "boat": 1}.

    Only the words of the vocabulary itself count, so that a wish to sail is no boat.
    """
    kinds = {form: kind for kind in vocabulary["kinds"] for form in (kind, _plural(kind))}
    words, counted, start = _words(text), Counter[str](), 0
    for position, word in enumerate(words):
        if (kind := kinds.get(word)) is None:
            continue
        before, start = words[start:position], position + 1
        color = _color(before[-2:], vocabulary["colors"])
        number = next((_COUNTS[word] for word in reversed(before[-3:]) if word in _COUNTS), 1)
        counted[f"{color} {kind}" if color else kind] += number if word == _plural(kind) else 1
    return counted


def listed_things(prompt: str) -> tuple[list[str], str]:
    """Return the things and the place of a prompt that only lists them; no things if it is a sentence.

    "a red cat and a blue boat on the beach" gives ["a red cat", "a blue boat"] and "on the beach".
    """
    listed = re.fullmatch(_LIST, prompt)
    return (re.findall(_PHRASE, listed["things"]), listed["place"] or "") if listed else ([], prompt)


def in_color(text: str, vocabulary: Vocabulary | None) -> str:
    """Return the things that a text names with their color, as a prompt: what else it names may only be talked of."""
    if vocabulary is None:
        return text
    counted = count_things(text, vocabulary)
    return " and ".join(number_phrase(thing, count) for thing, count in counted.items() if " " in thing)


def colored(thing: str, vocabulary: Vocabulary) -> str:
    """Return a thing with its color, for one without: "blue boat"; always the same color for a kind."""
    if " " in thing:
        return thing
    default = _DEFAULT_COLORS.get(thing, "")
    return f"{default if default in vocabulary['colors'] else _pick(vocabulary['colors'], thing)} {thing}"


def number_phrase(thing: str, count: int = 1) -> str:
    """Return a thing with its number: "a red cat", "two blue boats"."""
    if count == 1:
        return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"
    *color, kind = thing.split()
    number = next((word for word, value in _COUNTS.items() if value == count), str(count))
    return " ".join((number, *color, _plural(kind)))


def _find(text: str, vocabulary: Vocabulary, synonyms: Mapping[str, str] = _SYNONYMS) -> list[_Thing]:
    words = _words(text)
    found: dict[str, _Thing] = {}
    for position, word in enumerate(words):
        kind = _kind(word, vocabulary["kinds"], synonyms)
        if kind is None:
            continue
        before = words[max(0, position - 3) : position]
        color = _color(before[-2:], vocabulary["colors"])
        if kind not in found or (color and not found[kind].color):
            count = next((_COUNTS[word] for word in reversed(before) if word in _COUNTS), 1)
            found[kind] = _Thing(kind, color, count if word.endswith(("s", "fish")) else 1)
    return list(found.values())


def unknown_words(text: str, vocabulary: Vocabulary | None, *, instruction: bool = False) -> list[str]:
    """Return the words of a prompt that the model was never trained to read, once each, in order; none for None.

    Args:
        text: A prompt, or an instruction to change an image.
        vocabulary: What the model can draw; None: anything.
        instruction: Whether it is an instruction.
    """
    if vocabulary is None:
        return []
    names = {form for kind in vocabulary["kinds"] for form in (kind, _plural(kind))}
    places = {word for name in vocabulary["backgrounds"] for word in f"{name} {place_phrase(name)}".split()}
    known = names | places | {*vocabulary["colors"]} | _FUNCTION_WORDS | _REQUEST_WORDS
    known |= _INSTRUCTION_WORDS if instruction else set()
    return [word for word in dict.fromkeys(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower())) if word not in known]


def _is_understood(text: str, vocabulary: Vocabulary) -> bool:
    """Whether the text can be the prompt as it is: each word is known, and each thing has a number and a color."""
    words = re.findall(r"[^\W_]+", text)
    names = {form for kind in vocabulary["kinds"] for form in (kind, _plural(kind))}
    places = {word for name in vocabulary["backgrounds"] for word in place_phrase(name).split()}
    things = [position for position, word in enumerate(words) if word in names]
    return (
        bool(things)
        and all(word in names | places | _FUNCTION_WORDS or word in vocabulary["colors"] for word in words)
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
    """Return the place that a text names as a phrase of the vocabulary ("on the beach"), or None."""
    words = set(_words(text))
    for background in vocabulary["backgrounds"]:
        own = set(_words(background)) - {"in", "on", "the", "a", "an", "at", "sky"}
        if own & words or words & set(_PLACES.get(_place_name(background), ("", ""))[1].split()):
            return place_phrase(background)
    return None


def place_phrase(background: str) -> str:
    """Return the phrase of a background: "beach" gives "on the beach"."""
    if background.split()[0] in ("in", "on", "at"):
        return background
    return _PLACES.get(background, (f"in the {background}", ""))[0]


def _place_name(background: str) -> str:
    return next((name for name in _PLACES if name.split()[0] in background), background)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:-[a-z]+)?", text.lower())


def _kind(word: str, kinds: Sequence[str], synonyms: Mapping[str, str]) -> str | None:
    for form in (word, word.removesuffix("s"), word.removesuffix("es")):
        if form in kinds:
            return form
    for kind in kinds:
        like = synonyms.get(kind, "").split()
        if word in like or word.removesuffix("s") in like:
            return kind
    return None


def _color(words: list[str], colors: Sequence[str]) -> str | None:
    named = [_COLOR_SYNONYMS.get(word, word) for word in words]
    return next((word for word in reversed(named) if word in colors), None)


def _pick(choices: Sequence[str], text: str) -> str:
    """Return one of the choices, always the same one for a text."""
    return choices[zlib.crc32(text.encode()) % len(choices)]

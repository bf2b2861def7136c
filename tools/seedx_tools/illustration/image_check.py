"""Whether an image shows what was requested, as the model itself sees it, which can be wrong."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from seedx_sdk import SeedX
from seedx_sdk.errors import GenerationCancelled, SeedXError
from seedx_tools.illustration.prompts import (
    Vocabulary,
    count_things,
    find_place,
    listed_things,
    number_phrase,
    vocabulary_of,
)


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """What a model sees in an image of what was requested; nothing at fault if all of it is there."""

    faults: tuple[str, ...] = ()
    """What is missing, or was drawn instead: "no blue boat", "a blue dog instead of a brown dog"."""
    missing: tuple[str, ...] = ()
    """The requested things that are not seen: "blue boat", "brown dog"."""
    unchecked: str = ""
    """Why the image was not checked; empty if it was."""


def check_image(
    seedx: SeedX, image: Image.Image, prompt: str, subjects: Sequence[str] = (), *, seen: str | None = None
) -> ImageCheck:
    """Return what a model does not see in an image.

    A model with a vocabulary of its own describes the image once, and every thing of the prompt is looked for, in its
    color and number. Other models detect each subject, because their descriptions may name the same thing otherwise.

    Args:
        seedx: The model that looks.
        image: The image.
        prompt: What the image should show. Where it only lists things ("a red cat and a boat on the beach"), other
            models detect these, too.
        subjects: Noun phrases ("a red cat") to detect with a model that knows all kinds of things.
        seen: The model's description of the image, if there is one already.
    """
    vocabulary, info = vocabulary_of(seedx.info), seedx.info
    task = "detect" if vocabulary is None else "describe"
    if task not in info.tasks:
        return ImageCheck(unchecked=f"{info.name} cannot {task} images")
    try:
        if vocabulary is None:
            return _detected(seedx, image, tuple(dict.fromkeys((*subjects, *listed_things(prompt)[0]))))
        wanted = count_things(prompt, vocabulary)
        return _described(seedx, seen or seedx.describe(image).text, wanted, vocabulary) if wanted else ImageCheck()
    except GenerationCancelled:
        raise
    except SeedXError as error:
        return ImageCheck(unchecked=f"the look at it failed: {error}")


def _detected(seedx: SeedX, image: Image.Image, subjects: Sequence[str]) -> ImageCheck:
    if not subjects:
        return ImageCheck(unchecked="its prompt names no character and no list of things to look for")
    missing = tuple(bare(subject) for subject in subjects if not seedx.detect(image, subject).boxes)
    return ImageCheck(faults=tuple(f"no {subject}" for subject in missing), missing=missing)


def _described(seedx: SeedX, text: str, wanted: Counter[str], vocabulary: Vocabulary) -> ImageCheck:
    seen = count_things(text, vocabulary)
    if not seen and find_place(text, vocabulary) is None:
        return ImageCheck(unchecked=f"{seedx.info.name} described it in other words than those that it draws")
    return _compared(wanted, seen)


def _compared(wanted: Counter[str], seen: Counter[str]) -> ImageCheck:
    """Return the check of what was seen: first other colors, then other numbers, then other things instead."""
    left, rest, faults, missing = Counter(wanted), Counter(seen), list[str](), list[str]()

    def pair(alike: Callable[[str, str], bool]) -> Iterator[tuple[str, str, int]]:
        for thing, other in itertools.product(wanted, seen):
            if (count := min(left[thing], rest[other])) > 0 and alike(thing, other):
                left[thing] -= count
                rest[other] -= count
                yield thing, other, count

    def instead(thing: str, number: int, other: str, other_number: int) -> None:
        faults.append(f"{number_phrase(other, other_number)} instead of {number_phrase(thing, number)}")

    list(pair(str.__eq__))
    list(pair(lambda thing, other: _kind(thing) == _kind(other) and " " not in min(thing, other, key=len)))
    for thing, other, count in pair(lambda thing, other: _kind(thing) == _kind(other)):
        instead(thing, count, other, count)
        missing.append(thing)
    for thing, number in wanted.items():
        if found := number - left[thing] if thing not in missing else 0:
            if drawn := found + rest.pop(thing, 0) - number:
                instead(thing, number, thing, number + drawn)
            missing += [thing] * (left.pop(thing) > 0)
    for thing, other, count in pair(lambda _thing, _other: True):
        instead(thing, count, other, count)
        missing.append(thing)
    faults += (f"no {thing}" for thing, lack in left.items() if lack and thing not in missing)
    missing += (thing for thing, lack in left.items() if lack and thing not in missing)
    return ImageCheck(faults=tuple(faults), missing=tuple(missing))


def _kind(thing: str) -> str:
    return thing.split()[-1]


def bare(phrase: str) -> str:
    """Return a noun phrase without its article."""
    return re.sub(r"^(an?|the) ", "", phrase, flags=re.IGNORECASE)

"""What the model sees in a design, and what contradicts the idea of it; the model's own view, which can be wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from seedx_agents.designer.results import Change
from seedx_sdk import SeedX
from seedx_tools.illustration.image_check import check_image
from seedx_tools.illustration.prompts import Vocabulary, find_place, find_things, vocabulary_of


class Look(NamedTuple):
    """What the model sees."""

    seen: str
    """Its description."""
    faults: tuple[str, ...]
    """What contradicts the idea: "no blue boat", "still a tree"; empty if nothing does."""


class Expected(NamedTuple):
    """What an image should show."""

    shows: tuple[str, ...] = ()
    """Noun phrases: "a blue house"."""
    gone: tuple[str, ...] = ()
    """Noun phrases of what should not be there."""
    place: str | None = None
    """A place of the picture-book model: "on the beach"."""


def look_at(seedx: SeedX, image: Image.Image, expected: Expected) -> Look:
    """Return what the model sees in an image, and what contradicts what is expected.

    Raises:
        SeedXError: If the model cannot describe the image.
    """
    vocabulary = vocabulary_of(seedx.info)
    seen = seedx.describe(image).text
    faults: list[str] = []
    if expected.shows:
        faults += check_image(seedx, image, " and ".join(expected.shows), expected.shows, seen=seen).faults
    for thing in expected.gone:
        check = check_image(seedx, image, thing, [thing], seen=seen)
        if not check.faults and not check.unchecked:
            faults.append(f"still {thing}")
    if vocabulary is not None and expected.place is not None:
        place = find_place(seen, vocabulary)
        if place is not None and place != expected.place:
            faults.append(f"{place} instead of {expected.place}")
    return Look(seen, tuple(faults))


def expected_of_prompt(prompt: str, shows: Sequence[str], vocabulary: Vocabulary | None) -> Expected:
    """Return what the image of a prompt should show: what the chat model named, else the prompt's own things."""
    if vocabulary is None:
        return Expected(tuple(shows))
    return Expected((prompt,) if find_things(prompt, vocabulary) else (), place=find_place(prompt, vocabulary))


def expected_of_change(change: Change, vocabulary: Vocabulary | None) -> Expected:
    """Return what an image should show after a change: what the chat model named, else what the instruction says."""
    if vocabulary is None or change.shows or change.gone:
        return Expected(change.shows, change.gone)
    instruction, colors = change.instruction.lower().strip(" .!"), "|".join(vocabulary["colors"])
    if recolored := re.fullmatch(rf"(?:make|turn|paint|color|change) the (.+?) (?:to |into )?({colors})", instruction):
        kind = recolored.group(1).split()[-1]
        return Expected((f"a {recolored.group(2)} {kind}",)) if find_things(kind, vocabulary) else Expected()
    things = find_things(instruction, vocabulary)
    if re.match(r"(?:remove|delete|erase|take away|get rid of) ", instruction):
        return Expected(gone=tuple(f"a {thing}" for thing in things[:1]))
    if re.match(r"(?:add|put) an? ", instruction):
        return Expected(tuple(f"a {thing}" for thing in things[:1]))
    if "background" in instruction:
        return Expected(place=find_place(instruction, vocabulary))
    return Expected()

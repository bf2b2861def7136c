"""A designer without a chat model: how an image is arranged, and changes by rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from seedx_agents.designer.results import Change
from seedx_sdk import Box
from seedx_tools.illustration.prompts import (
    Vocabulary,
    colored,
    find_place,
    find_things,
    number_phrase,
    place_phrase,
    unknown_words,
)

_PLACES = {
    "meadow": "a meadow",
    "beach": "a beach",
    "night sky": "a night sky",
    "snow": "a snowy field",
    "room": "a room",
}
"""A background's name in an instruction to change it, as the picture-book model learned it."""
_COMPLEMENT = {
    "red": "blue",
    "orange": "blue",
    "yellow": "purple",
    "green": "red",
    "blue": "orange",
    "purple": "yellow",
    "pink": "green",
    "brown": "blue",
}
_EXTRAS = ("yellow star", "pink flower", "green tree", "blue boat")


def arrangement(layout: Sequence[Box], seen: str) -> str:
    """Return where the things of an image are, from the boxes that the model planned, and what it sees now."""
    if not layout:
        return f"The image shows: {seen}"
    parts = [f"{box.label} {_third(box)}" for box in layout]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Planned with {listed}. The result shows: {seen}"


def rule_based_changes(
    seen: str, suggestions: Sequence[str], wish: str, count: int, vocabulary: Vocabulary | None
) -> list[Change]:
    """Return at most count changes; the user's wish comes first.

    Args:
        seen: What the model sees in the image.
        suggestions: Instructions that the model suggested, one per line.
        wish: The user's wish, or empty.
        count: How many.
        vocabulary: What the model can draw; None: anything.
    """
    found = _by_wish(wish, seen, vocabulary) if wish else []
    found += [
        (instruction, "The model suggests it.")
        for line in suggestions
        if (instruction := re.sub(r"^\s*(?:[-*]|\d+[.)])\s*", "", line).strip())
    ]
    if vocabulary is not None:
        found += _by_rule(seen, vocabulary)
    return [Change(instruction=instruction, reason=reason) for instruction, reason in dict(found).items()][:count]


def _by_wish(wish: str, seen: str, vocabulary: Vocabulary | None) -> list[tuple[str, str]]:
    """Return the wish itself; of one in words that the model does not know, what can be done towards it."""
    if vocabulary is None or not unknown_words(wish, vocabulary, instruction=True):
        return [(wish, "It is what you wished for.")]
    here, kinds = find_place(seen, vocabulary), {thing.split()[-1] for thing in find_things(seen, vocabulary)}
    place = find_place(wish, vocabulary)
    places = [
        (f"change the background to {_PLACES[name]}", "It is the place that you wished for.")
        for name in vocabulary["backgrounds"]
        if name in _PLACES and place_phrase(name) == place != here
    ]
    things = [
        (f"add {number_phrase(colored(thing, vocabulary))}", "You wished for it.")
        for thing in find_things(wish, vocabulary)
        if thing.split()[-1] not in kinds
    ]
    return [*places, *things]


def _by_rule(seen: str, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Return new colors, other backgrounds and further things, in turn."""
    things = find_things(seen, vocabulary)
    kinds = {thing.split()[-1] for thing in things}
    here = find_place(seen, vocabulary)
    colors = [
        (f"make the {kind} {_COMPLEMENT[color]}", f"{_COMPLEMENT[color].capitalize()} is the complement of {color}.")
        for color, kind in (thing.split() for thing in things if " " in thing)
        if color in _COMPLEMENT
    ]
    places = [
        (f"change the background to {_PLACES[name]}", "The same things somewhere else.")
        for name in vocabulary["backgrounds"]
        if name in _PLACES and place_phrase(name) != here
    ]
    more = [
        (f"add a {thing}", "One more thing for the eye to find.") for thing in _EXTRAS if thing.split()[1] not in kinds
    ]
    turns = zip_longest(colors, places, more)
    return [change for turn in turns for change in turn if change is not None]


def _third(box: Box) -> str:
    """Return where a box is in the image: "at the upper left", "in the middle"."""
    x = (box.normalized[0] + box.normalized[2]) / 2
    y = (box.normalized[1] + box.normalized[3]) / 2
    side = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    height = "upper" if y < 1 / 3 else "lower" if y > 2 / 3 else ""
    if side and height:
        return f"at the {height} {side}"
    if height:
        return f"at the {'top' if height == 'upper' else 'bottom'}"
    return f"on the {side}" if side else "in the middle"

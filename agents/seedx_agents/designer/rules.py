"""What a designer says without a chat model: how a picture is arranged, and changes by plain rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from seedx_sdk import Box
from seedx_tools.illustration.prompts import Vocabulary, find_place, find_things, place_phrase

_PLACES = {
    "meadow": "a meadow",
    "beach": "a beach",
    "night sky": "a night sky",
    "snow": "a snowy field",
    "room": "a room",
}
"""A background's name in an order to change it, as the picture-book model learned it."""
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
    """Return where the things of a picture stand, from the boxes that the model planned, and what it sees now."""
    if not layout:
        return f"The picture shows: {seen}"
    parts = [f"{box.label} {_third(box)}" for box in layout]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Planned with {listed}. Looked at again, it shows: {seen}"


def rule_based_changes(
    seen: str, said: Sequence[str], wish: str, count: int, vocabulary: Vocabulary | None
) -> list[tuple[str, str]]:
    """Return at most count changes, each an order and a reason; the user's wish comes first.

    Args:
        seen: What the model sees in the picture.
        said: Orders that the model proposed, one a line.
        wish: The user's wish, or empty.
        count: How many.
        vocabulary: What the model can draw; None: anything.
    """
    found = [(wish, "It is what you wished for.")] if wish else []
    found += [
        (order, "The model proposes it.")
        for line in said
        if (order := re.sub(r"^\s*(?:[-*]|\d+[.)])\s*", "", line).strip())
    ]
    if vocabulary is not None:
        found += _by_rule(seen, vocabulary)
    return list(dict(found).items())[:count]


def _by_rule(seen: str, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """New colours, other backgrounds and further things, in turn."""
    things = find_things(seen, vocabulary)
    kinds = {thing.split()[-1] for thing in things}
    here = find_place(seen, vocabulary)
    colors = [
        (f"make the {kind} {_COMPLEMENT[color]}", f"{_COMPLEMENT[color].capitalize()} is the opposite of {color}.")
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
    """Where a box stands on the picture: "at the upper left", "in the middle"."""
    x = (box.normalized[0] + box.normalized[2]) / 2
    y = (box.normalized[1] + box.normalized[3]) / 2
    side = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    height = "upper" if y < 1 / 3 else "lower" if y > 2 / 3 else ""
    if side and height:
        return f"at the {height} {side}"
    if height:
        return f"at the {'top' if height == 'upper' else 'bottom'}"
    return f"on the {side}" if side else "in the middle"

"""Read orders about whole slides in plain words, such as "delete slide 2" or "move slide 5 to 2"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_ANY = r"(?:this slide|the slide|(?:the )?slide (?P<slide>\d+))"
_DELETE = re.compile(rf"(?:please )?(?:delete|remove|drop) {_ANY}", re.IGNORECASE)
_DUPLICATE = re.compile(rf"(?:please )?(?:duplicate|copy|repeat) {_ANY}", re.IGNORECASE)
_MOVE = re.compile(
    rf"(?:please )?move {_ANY} (?:to|to place|to position|to slide) (?:number )?(?P<to>\d+)", re.IGNORECASE
)


@dataclass(frozen=True)
class DeckOrder:
    """What to do with a slide as a whole."""

    kind: Literal["delete", "duplicate", "move"]
    slide: int
    to: int = 0
    """The number that a moved slide gets."""


def deck_order(text: str, slide: int) -> DeckOrder | None:
    """Return the order that a text gives about a slide as a whole, by default about `slide`; None if it gives none."""
    words = text.strip(" .!\n")
    if found := _DELETE.fullmatch(words):
        return DeckOrder("delete", int(found["slide"] or slide))
    if found := _DUPLICATE.fullmatch(words):
        return DeckOrder("duplicate", int(found["slide"] or slide))
    if found := _MOVE.fullmatch(words):
        return DeckOrder("move", int(found["slide"] or slide), int(found["to"]))
    return None

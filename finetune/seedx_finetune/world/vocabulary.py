"""What a picture book can contain: kinds, colors, backgrounds and sizes, and which pairs are kept out of training.

Everything else in the world (scenes, images, wording, edits) and the benchmark read their words from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RGB = tuple[int, int, int]
Pair = tuple[str, str]
"""A (color, kind) pair of names, such as ("red", "house")."""
SizeName = Literal["small", "medium", "large"]

KINDS: tuple[str, ...] = (
    "house",
    "tree",
    "boat",
    "car",
    "cat",
    "dog",
    "fish",
    "bird",
    "flower",
    "star",
    "ball",
    "balloon",
    "hat",
    "cup",
    "mushroom",
    "umbrella",
)
"""The sixteen kinds, in the order that `held_out` counts in."""

COLORS: dict[str, RGB] = {
    "red": (224, 48, 46),
    "orange": (248, 144, 24),
    "yellow": (252, 218, 56),
    "green": (52, 164, 74),
    "blue": (44, 108, 222),
    "purple": (138, 66, 190),
    "pink": (248, 132, 190),
    "brown": (134, 84, 48),
}
"""The eight colors and the RGB (0-255) that fills the body of a thing, in the order that `held_out` counts in."""

SIZES: dict[SizeName, float] = {"small": 0.24, "medium": 0.36, "large": 0.50}
"""Longest side of a thing as a fraction of the page's side."""


@dataclass(frozen=True, slots=True)
class Background:
    """Words and the flat fills (RGB 0-255) of one kind of page."""

    noun: str
    """The background as a thing, with its article: "a beach"."""
    phrase: str
    """The background as a place: "on the beach"."""
    fills: tuple[RGB, ...]
    """Sky or wall first, then the ground, then the soft details."""


BACKGROUNDS: dict[str, Background] = {
    "meadow": Background(
        noun="a meadow",
        phrase="in a meadow",
        fills=((206, 231, 246), (192, 224, 172), (208, 234, 188), (240, 247, 251)),
    ),
    "beach": Background(
        noun="a beach",
        phrase="on the beach",
        fills=((218, 238, 249), (246, 230, 196), (162, 212, 226), (190, 226, 236)),
    ),
    "night sky": Background(
        noun="a night sky",
        phrase="in the night sky",
        fills=((60, 66, 112), (48, 53, 92), (222, 218, 196), (142, 148, 188)),
    ),
    "snow": Background(
        noun="a snowy field",
        phrase="in the snow",
        fills=((214, 222, 234), (246, 248, 252), (232, 238, 246), (255, 255, 255)),
    ),
    "room": Background(
        noun="a room",
        phrase="in a room",
        fills=((242, 229, 218), (218, 201, 184), (250, 244, 238), (230, 214, 201)),
    ),
}
"""The five backgrounds by name: pale or dim, so that the eight colors stand out."""


def plural(kind: str) -> str:
    """Return the plural of a kind ("house" gives "houses", "fish" stays "fish")."""
    return "fish" if kind == "fish" else kind + "s"


def held_out(kind: str, color: str) -> bool:
    """Return whether this kind never has this color in training, so that it can measure composition later.

    Raises:
        ValueError: If the kind or the color isn't in the vocabulary.
    """
    return (KINDS.index(kind) * 7 + tuple(COLORS).index(color)) % 10 == 3


PAIRS: tuple[Pair, ...] = tuple((color, kind) for kind in KINDS for color in COLORS)
"""All 128 (color, kind) pairs."""
SEEN_PAIRS: tuple[Pair, ...] = tuple(pair for pair in PAIRS if not held_out(pair[1], pair[0]))
"""The pairs that training may show."""
HELD_OUT_PAIRS: tuple[Pair, ...] = tuple(pair for pair in PAIRS if held_out(pair[1], pair[0]))
"""The pairs that training never shows or names."""

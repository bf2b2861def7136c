"""What came of the calls of a soak test."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

__all__ = ["Answer", "CrossedAnswerError", "Tally", "WrongAnswerError"]

TOLERANCE = 2
"""Of 255: what the other images of its batch may change in an image."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got."""

    text: str
    images: tuple[Image.Image, ...]
    seed: int
    """As the answer says it."""

    def is_same(self, other: Answer) -> bool:
        """Whether text, seed and images are those of another answer."""
        if (self.text, self.seed, len(self.images)) != (other.text, other.seed, len(other.images)):
            return False
        return all(_difference(one, two) <= TOLERANCE for one, two in zip(self.images, other.images, strict=True))


def _difference(one: Image.Image, two: Image.Image) -> int:
    if one.size != two.size:
        return 255
    return int(np.abs(np.asarray(one, np.int16) - np.asarray(two, np.int16)).max())


class WrongAnswerError(Exception):
    """An answer is not the one that its client must get."""


class CrossedAnswerError(Exception):
    """An answer is the one that another client must get."""


@dataclass
class Tally:
    """What came of the calls of all clients."""

    references: dict[str, dict[int, Answer]] = field(default_factory=lambda: defaultdict(dict))
    """The right answers, by kind and client."""
    started: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    """Plain HTTP calls that were sent again, since the server had no place for them; by status."""
    lost: Counter[str] = field(default_factory=Counter)
    """Calls that should have been answered and were not, by kind and error."""
    wrong: Counter[str] = field(default_factory=Counter)
    crossed: Counter[str] = field(default_factory=Counter)
    wrong_texts: list[tuple[str, str]] = field(default_factory=list)
    """Of wrong answers: what came, and what should have come."""
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def check(self, kind: str, number: int, answer: Answer) -> None:
        """Compare an answer with the right one.

        Raises:
            CrossedAnswerError: If it is that of another client.
            WrongAnswerError: If it is nobody's.
        """
        if answer.is_same(self.references[kind][number]):
            return
        owner = next((n for n, right in self.references[kind].items() if answer.is_same(right)), None)
        if owner is not None:
            raise CrossedAnswerError(f"{kind}: client {number} got the answer of client {owner}")
        right = self.references[kind][number]
        self.wrong_texts.append((answer.text, right.text))
        part = "seed" if answer.seed != right.seed else "text" if answer.text != right.text else "images"
        raise WrongAnswerError(f"{kind}: other {part}")

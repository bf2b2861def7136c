"""Sentences of a text, and points that are cut to one of them."""

from __future__ import annotations

import re

POINT_CHARS = 140
"""A longer point is cut to its first sentence or clause."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_CLAUSE = re.compile(r"[,;:(]| - | -- ")
_BEFORE = re.compile(r"\A\t*(?:\d{1,3}[.)]\s+)?")


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return _SENTENCE.split(text)


def first_sentence(text: str) -> str:
    """Return the first sentence; a leading number is part of it, not a sentence of its own."""
    rest = _BEFORE.sub("", text)
    return text.removesuffix(rest) + split_sentences(rest)[0]


def shorten(point: str, chars: int = POINT_CHARS) -> str:
    """Return a point, or its first sentence, clause or words if it has more characters.

    Leading tabs and a leading number stay.
    """
    text = _BEFORE.sub("", point)
    indent = point.removesuffix(text)
    if len(text) <= chars:
        return point
    for pieces in (split_sentences(text), _CLAUSE.split(text)):
        if 0 < len(pieces[0].strip()) <= chars:
            return indent + pieces[0].strip().rstrip(".")
    return indent + text[: chars - 3].rsplit(" ", 1)[0] + "..."

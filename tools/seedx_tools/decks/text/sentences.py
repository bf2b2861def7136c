"""Sentences of a text, and points that are cut to one of them."""

from __future__ import annotations

import re

from seedx_tools.decks.text.footnotes import unmarked
from seedx_tools.decks.text.inline import escape_inline, plain_text

POINT_CHARS = 140
"""A longer point is cut to its first sentence or clause."""
_END = re.compile(r"(?<=[.!?])[\"\u201d\u2019)*_]*\s+(?=[^a-z\s])|(?<=[\u3002\uff01\uff1f])\s*(?=\S)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:[A-Z]|e\.g|i\.e|cf|vs|al|etc|approx|ca|z\.B|d\.h|bzw|Dr|Mr|Mrs|Ms|Prof|St|No|Nos|Nr|Fig|Figs|Eq|"
    r"Sec|Tab|Vol|pp|p|Abb|Inc|Ltd|Co|Jr|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|\d{1,3})\.$"
)
_CLAUSE = re.compile(r"[,;:(]| - | -- | \u2013 | \u2014 ")
_BEFORE = re.compile(r"\A\t*(?:\d{1,3}[.)]\s+)?")


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text; an abbreviation ends none, and a bold phrase or a link is never parted."""
    sentences: list[str] = []
    start = 0
    for found in _END.finditer(text):
        piece = text[start : found.end()].strip()
        if piece and not _ABBREVIATION.search(piece) and _is_whole(piece):
            sentences.append(piece)
            start = found.end()
    rest = text[start:].strip()
    return [*sentences, rest] if rest or not sentences else sentences


def first_sentence(text: str) -> str:
    """Return the first sentence; a leading number is part of it, not a sentence of its own."""
    rest = _BEFORE.sub("", text)
    return text.removesuffix(rest) + split_sentences(rest)[0]


def shorten(point: str, chars: int = POINT_CHARS) -> str:
    """Return a point, or its first sentence, clause or words if it shows more characters.

    Leading tabs and a leading number stay.
    """
    text = _BEFORE.sub("", point)
    indent = point.removesuffix(text)
    if len(plain_text(text)) <= chars:
        return point
    for pieces in (split_sentences(text), _CLAUSE.split(text)):
        if 0 < len(plain_text(pieces[0].strip())) <= chars and _is_whole(pieces[0]):
            return indent + pieces[0].strip().rstrip(".")
    return indent + escape_inline(plain_text(unmarked(text))[: chars - 3].rsplit(" ", 1)[0]) + "..."


def _is_whole(text: str) -> bool:
    """Return whether no emphasis, code or link is cut."""
    bare = re.sub(r"\\.", "", text)
    balanced = bare.count("[") == bare.count("]") and bare.count("(") == bare.count(")")
    marks = (bare.count("**"), bare.replace("**", "").count("*"), bare.count("`"), bare.count("$"))
    return balanced and not any(count % 2 for count in marks)

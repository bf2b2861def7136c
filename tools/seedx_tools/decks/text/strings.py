"""Clean strings for XML and detect the direction of text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_ILLEGAL = re.compile("[\x00-\x08\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_HARD_BREAK = re.compile(r"(?: {2,}|\\)\n")


def clean(text: str, *, keep_lines: bool = False) -> str:
    """Return text without characters that XML forbids, on one line unless keep_lines."""
    text = _ILLEGAL.sub("", text)
    if keep_lines:
        return text.replace("\v", "\n").strip()
    return " ".join(text.split())


def clean_point(text: str) -> str:
    """Return a point without characters that XML forbids, with its tabs, paragraphs and line breaks.

    Two blanks or a backslash at the end of a line break it inside the paragraph, as in Markdown.
    """
    text = _HARD_BREAK.sub("\v", _ILLEGAL.sub("", text.replace("\r\n", "\n")))
    bare = text.lstrip("\t")
    lines = ["\v".join(" ".join(part.split()) for part in line.split("\v")).strip("\v") for line in bare.split("\n")]
    return text[: len(text) - len(bare)] + "\n".join([lines[0], *filter(None, lines[1:])])


def clean_code(text: str) -> str:
    """Return program text without characters that XML forbids and blank lines around it; a tab is four spaces."""
    lines = [_ILLEGAL.sub("", line).rstrip() for line in text.expandtabs(4).replace("\v", "\n").splitlines()]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return "\n".join(lines)


def runs_right_to_left(text: str) -> bool:
    """Return whether a text runs right to left: its first letter does (Unicode class R or AL), or most of its words."""
    first = next((side for char in text if (side := _direction(char))), 0)
    return first < 0 or (first > 0 and sum(_direction(next(filter(_direction, word), "")) for word in text.split()) < 0)


def mostly_right_to_left(texts: Iterable[str]) -> bool:
    """Return whether most letters of texts run right to left."""
    return sum(_direction(char) for text in texts for char in text) < 0


def _direction(char: str) -> int:
    """Return 1 for a letter that runs left to right, -1 for one that runs right to left, 0 for any other sign."""
    found = unicodedata.bidirectional(char) if char else ""
    return 1 if found == "L" else -1 if found in ("R", "AL") else 0

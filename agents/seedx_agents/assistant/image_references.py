"""Finds the words of a request that mean an image: "image:2", "IMG_1234.JPG", "the first one", "both images"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from seedx_tools.image_store import SCHEME

MARK = "\ufffc"
"""Stands in a text for one reference to an image (Unicode's object replacement character)."""
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
GROUPS = ("both", "all")
"""References that mean more than one image."""

_NOUN = r"(?:images?|pictures?|photos?|photographs?|drawings?|versions?|uploads?)"
_WHICH = {
    **{word: word for word in ORDINALS},
    **dict.fromkeys(("last", "latest", "newest", "current"), "current"),
    **dict.fromkeys(("previous", "earlier", "prior"), "previous"),
    "original": "original",
}
_NAME = re.compile(rf"{SCHEME}\w+", re.I)
_NUMBERED = re.compile(r"\b(?:image|picture|photo|drawing)\s+(?:#\s*|no\.?\s*|number\s+)?(\d+)\b", re.I)
_ORDINAL = re.compile(rf"\b(?:the|my|your|that)\s+(?:very\s+)?({'|'.join(_WHICH)})\s+(?:one\b|{_NOUN}\b)", re.I)
_ORIGINAL = re.compile(r"\bthe\s+original\b(?=\W*(?:$|[,.;:!?]|(?:and|with|to|again)\b))", re.I)
_BEFORE = re.compile(
    rf"\b(?:the|that)\s+(?:one|{_NOUN})\s+(?:from\s+)?before\b(?:\s+(?:that|it|this|the\s+last(?:\s+one)?)\b)?", re.I
)
_FIRST_AND_SECOND = re.compile(
    rf"\bthe\s+({'|'.join(ORDINALS)})(?=\s+and\s+(?:the\s+)?(?:{'|'.join(_WHICH)})\s+(?:one|{_NOUN})\b)", re.I
)
_BOTH = re.compile(
    rf"\bboth\s+(?:of\s+(?:them|these|those)\b|(?:of\s+)?(?:(?:the|these|my|your)\s+)?{_NOUN}\b)"
    rf"|\b(?:the|these|those|my)\s+two(?:\s+{_NOUN}\b|(?=\W*$))"
    r"|(?:(?<=\bin )|(?<=^compare )|(?<=^describe )|(?<=^save ))both\b|(?<=^compare )(?:them|these|those)\b",
    re.I,
)
_ALL = re.compile(rf"\ball\s+(?:of\s+(?:them|these|those)\b|(?:of\s+)?(?:(?:the|these|my|your)\s+)?{_NOUN}\b)", re.I)
_BEFORE_A_NAME = re.compile(
    r"(?:\b(?:in|of|from|between|back to|image|picture|photo|drawing|called|named)"
    r"|^(?:describe|caption|compare|save|use|take|show me)|^compare\b.*\b(?:and|with|to)|\bbetween\b.*\band)\s+$",
    re.I | re.S,
)


class Marked(NamedTuple):
    """A text with MARK in place of each reference."""

    text: str
    references: tuple[str, ...]
    """In the order of the text: a name or label, or one of ORDINALS, GROUPS, "current", "previous" and "original"."""


def mark_images(text: str, labels: Iterable[str]) -> Marked:
    """Return a text with its references to images marked.

    A label that is a plain word ("garden") is a reference only where the text uses it as a name: "in garden", "garden:
    add a cat", "compare garden and yard", but not "paint the garden green".

    Args:
        text: What the user wrote.
        labels: What the user calls images.
    """
    found: list[tuple[int, int, str]] = []

    def add(start: int, end: int, reference: str) -> None:
        if all(end <= other_start or other_end <= start for other_start, other_end, _ in found):
            found.append((start, end, reference))

    for label in sorted(labels, key=len, reverse=True):
        for match in re.finditer(rf"(?<![\w.:]){re.escape(label)}(?!\w)", text, re.I):
            if not label.isalpha() or _is_name(text, match):
                add(*match.span(), label)
    for match in _NAME.finditer(text):
        add(*match.span(), match.group(0).lower())
    for match in _NUMBERED.finditer(text):
        add(*match.span(), f"{SCHEME}{match.group(1)}")
    for pattern in (_FIRST_AND_SECOND, _ORDINAL):
        for match in pattern.finditer(text):
            add(*match.span(), _WHICH[match.group(1).lower()])
    for pattern, reference in ((_ORIGINAL, "original"), (_BEFORE, "previous"), (_BOTH, "both"), (_ALL, "all")):
        for match in pattern.finditer(text):
            add(*match.span(), reference)
    marked = text
    for start, end, _ in sorted(found, reverse=True):
        marked = marked[:start] + MARK + marked[end:]
    return Marked(marked, tuple(reference for _, _, reference in sorted(found)))


def _is_name(text: str, word: re.Match[str]) -> bool:
    """Return whether a text uses a plain word as the name of an image."""
    if word.start() == 0:
        return re.match(r"\s*(?:[,:]|$)", text[word.end() :]) is not None
    return _BEFORE_A_NAME.search(text[: word.start()]) is not None

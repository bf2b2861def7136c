"""The names of a story's pages, for bookmarks, contents and slide titles: the sentences that they begin with."""

from __future__ import annotations

from uniseg.sentencebreak import sentences

from seedx_tools.decks.text.strings import clean

MAX_CHARS = 80
_MIN_CHARS = 10
"""Fewer are an interjection or an abbreviation ("Dr."), to which the next sentence is added."""


def heading(text: str, number: int) -> str:
    """Return the name of a page: its first sentence, shortened; its number if it has no text."""
    first, _ = first_sentence(text)
    if len(first) <= MAX_CHARS:
        return first or str(number)
    start = first[:MAX_CHARS]
    space = start.rfind(" ")
    return (start[:space] if space > MAX_CHARS // 2 else start).rstrip() + "\u2026"


def first_sentence(text: str) -> tuple[str, str]:
    """Return the first sentence of a text on one line, and the rest of the text."""
    text = text.strip()
    length = 0
    for sentence in sentences(text):
        length += len(sentence)
        if length >= _MIN_CHARS:
            break
    return clean(text[:length]), text[length:].strip()

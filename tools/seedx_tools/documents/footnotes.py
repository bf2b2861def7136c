"""Footnotes of a document: raised numbers in its text, and what they say on the slide that they are on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seedx_tools.decks.text.inline import plain_text

DEFINITION = re.compile(r"\[\^([^\]\s]+)\]:\s+(.*)", re.S)
_MARK = re.compile(r"\[\^([^\]\s]+)\](?!:)")
_RAISED = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


class Footnotes:
    """The footnotes of one document.

    Args:
        definitions: Their Markdown, such as "[^1]: What it says."
    """

    def __init__(self, definitions: Sequence[str]) -> None:
        found = [match for text in definitions if (match := DEFINITION.match(text))]
        self._marks = {match[1]: str(number).translate(_RAISED) for number, match in enumerate(found, start=1)}
        self._texts = {match[1]: " ".join(match[2].split()) for match in found}

    def marked(self, text: str) -> str:
        """Return a text with raised numbers in place of the marks of footnotes."""
        return _MARK.sub(lambda found: self._marks.get(found[1], found[0]), text)

    def under(self, text: str) -> list[str]:
        """Return the footnotes that a text with marks names, each after its raised number."""
        labels = dict.fromkeys(found[1] for found in _MARK.finditer(text) if found[1] in self._texts)
        return [f"{self._marks[label]} {self._texts[label]}" for label in labels]

    def on(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return the footnotes whose raised numbers stand in these texts of a slide."""
        shown = plain_text(" ".join(texts))
        raised = set(re.findall("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+", shown))
        return tuple(f"{mark} {self._texts[label]}" for label, mark in self._marks.items() if mark in raised)

"""Ends a text that comes piece by piece before the first of several stop texts."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["StopTexts"]


class StopTexts:
    """Passes on pieces of a text, and holds back an end that may be the beginning of a stop text.

    White space before a stop text is dropped with it.

    Args:
        stop: The stop texts, none of them empty.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._held = ""
        self.found = False
        """Whether a stop text has come; whatever follows it is dropped."""

    def add(self, piece: str) -> str:
        """Add a piece; return the text that may be passed on, which can be empty."""
        if self.found:
            return ""
        text = self._held + piece
        starts = [start for start in map(text.find, self._stop) if start >= 0]
        self.found = bool(starts)
        end = min(starts) if starts else len(text) - self._overlap(text)
        if self._stop:
            end = len(text[:end].rstrip())
        self._held = "" if self.found else text[end:]
        return text[:end]

    def release(self) -> str:
        """Return what is held back, since no stop text can follow."""
        held, self._held = self._held, ""
        return held

    def _overlap(self, text: str) -> int:
        """Return the length of the longest end of the text that begins a stop text."""
        longest = max((len(stop) - 1 for stop in self._stop), default=0)
        lengths = range(min(longest, len(text)), 0, -1)
        return next((length for length in lengths if any(s.startswith(text[-length:]) for s in self._stop)), 0)

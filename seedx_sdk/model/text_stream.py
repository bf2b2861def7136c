"""The text of token ids as they come, in time that is linear in their number."""

from __future__ import annotations

from sentencepiece import SentencePieceProcessor

__all__ = ["TextStream"]

_REPLACEMENT = "\ufffd"
"""What sentencepiece writes for each byte of a character that is not whole."""
_HELD_BYTES = 3
"""Bytes that may still become a character: one less than the longest has in UTF-8."""


class TextStream:
    """Turns ids into text, one by one. The joined pieces are what sentencepiece makes of all ids at once.

    Each id is decoded with those since the last whole character only, behind a fixed text, because sentencepiece drops
    white space where a text begins.

    Args:
        pieces: The sentencepiece model; the ids are its own, none of them an added token.
    """

    def __init__(self, pieces: SentencePieceProcessor) -> None:
        self._pieces = pieces
        self._before: list[int] = pieces.encode("a")
        self._before_chars = len(pieces.decode(self._before))
        self._has_begun = False
        self._held: list[int] = []

    def add(self, token_id: int) -> str:
        """Add the next id; return the text that it completes, which is empty in the middle of a character."""
        self._held.append(token_id)
        if self._has_begun:
            text: str = self._pieces.decode([*self._before, *self._held])[self._before_chars :]
        else:
            text = self._pieces.decode(self._held)
        rest = self._unfinished(text)
        if rest < len(text):
            self._has_begun = True
            self._held = self._held[len(self._held) - rest :]
        return text[: len(text) - rest]

    def _unfinished(self, text: str) -> int:
        """Return how many bytes at the end, which are as many characters of the text, may become another character."""
        if not text.endswith(_REPLACEMENT) or not self._pieces.is_byte(self._held[-1]):
            return 0
        replaced = len(text) - len(text.rstrip(_REPLACEMENT))
        return len(text) if replaced <= _HELD_BYTES else _HELD_BYTES

"""JSON as chat models write it: with trailing commas, comments, other quotes, bare keys, or cut off before its end."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

_BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/|#[^\n]*)*", re.DOTALL)
_KEY = re.compile(r"[A-Za-z_][\w-]*")
_WORD = re.compile(r"[+-]?[A-Za-z]+|[+-]?[\d_]*\.?[\d_]+(?:[eE][+-]?\d+)?%?|\.{3}")
_WORDS = {"true": True, "false": False, "null": None, "none": None, "undefined": None, "nan": math.nan}
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_SKIP = object()


class Found(NamedTuple):
    """An object or a list in a text."""

    value: Any
    start: int
    end: int
    is_cut: bool
    """Whether the text ends before it does; its last, incomplete part is left out."""


def find_json(text: str) -> Found | None:
    """Return the longest JSON object or list in a text such as prose with a fenced block; None if there is none."""
    found: list[Found] = []
    strict, start = json.JSONDecoder(strict=False), 0
    while (start := _next_bracket(text, start)) >= 0:
        try:
            value, end = strict.raw_decode(text, start)
            found.append(Found(value, start, end, is_cut=False))
        except (ValueError, RecursionError):
            try:
                found.append(_Reader(text, start).read())
            except (ValueError, RecursionError):
                start += 1
                continue
        start = found[-1].end
    if not found and (quoted := text.strip()).startswith('"'):
        try:
            inner = json.loads(quoted)
        except ValueError:
            return None
        return find_json(inner)
    return max(found, key=lambda one: one.end - one.start, default=None)


def _next_bracket(text: str, start: int) -> int:
    return min((at for at in (text.find("{", start), text.find("[", start)) if at >= 0), default=-1)


class _Cut(Exception):
    """The text ended inside a value."""


class _Reader:
    """Reads one value of a text.

    Raises:
        ValueError: If there is none.
    """

    def __init__(self, text: str, start: int) -> None:
        self._text, self._start, self._at = text, start, start

    def read(self) -> Found:
        """Return the object or list that begins at the start."""
        root: list[Any] = []
        try:
            self._value(root)
        except _Cut:
            if not root[0]:
                raise ValueError("nothing before the end") from None
            return Found(root[0], self._start, len(self._text), is_cut=True)
        return Found(root[0], self._start, self._at, is_cut=False)

    def _value(self, into: list[Any]) -> None:
        """Append a value to a list; an object or a list is appended before it is filled, and so kept if it is cut."""
        sign = self._peek()
        if sign == "{":
            into.append({})
            self._object(into[-1])
        elif sign == "[":
            into.append([])
            self._list(into[-1])
        elif sign in _QUOTES:
            into.append(self._string())
        else:
            word = self._word()
            if word is not _SKIP:
                into.append(word)

    def _object(self, into: dict[str, Any]) -> None:
        self._at += 1
        while (sign := self._peek()) != "}":
            if sign == ",":
                self._at += 1
                continue
            if sign == ".":
                self._word()
                continue
            key = self._string() if sign in _QUOTES else self._match(_KEY)
            if self._peek() != ":":
                raise ValueError(f"no colon after '{key}'")
            self._at += 1
            held: list[Any] = []
            try:
                self._value(held)
            finally:
                if held:
                    into[key] = held[0]
        self._at += 1

    def _list(self, into: list[Any]) -> None:
        self._at += 1
        while (sign := self._peek()) != "]":
            if sign == ",":
                self._at += 1
            else:
                self._value(into)
        self._at += 1

    def _string(self) -> str:
        """Return a string; a quote that nothing follows which may follow a string is a letter of it."""
        close = {_QUOTES[self._text[self._at]], '"' if self._text[self._at] != "'" else "'"}
        self._at += 1
        letters: list[str] = []
        while self._at < len(self._text):
            letter = self._text[self._at]
            self._at += 1
            if letter == "\\":
                letters.append(self._escape())
            elif letter in close and self._may_end():
                return "".join(letters).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            else:
                letters.append(letter)
        raise _Cut

    def _may_end(self) -> bool:
        rest = self._text[self._at :].lstrip(" \t\r")
        return not rest or rest[0] in ",:}]\n/"

    def _escape(self) -> str:
        if self._at >= len(self._text):
            raise _Cut
        letter = self._text[self._at]
        self._at += 1
        if letter != "u":
            return _ESCAPES.get(letter, letter)
        digits = self._text[self._at : self._at + 4]
        self._at += 4
        return chr(int(digits, 16))

    def _word(self) -> Any:
        word = self._match(_WORD)
        if word == "...":
            return _SKIP
        if word.lower() in _WORDS:
            return _WORDS[word.lower()]
        if word.endswith("%"):
            return word
        number = word.replace("_", "").lstrip("+")
        return int(number) if re.fullmatch(r"-?\d+", number) else float(number)

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"no JSON at {self._at}")
        self._at = found.end()
        if self._at == len(self._text):
            raise _Cut
        return found[0]

    def _peek(self) -> str:
        """Return the next sign after blanks and comments."""
        blank = _BLANK.match(self._text, self._at)
        self._at = self._at if blank is None else blank.end()
        if self._at >= len(self._text):
            raise _Cut
        return self._text[self._at]

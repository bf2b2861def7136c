"""Points as chat models write them: one text with line breaks, list marks, nested lists, objects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from seedx_tools.model_answers import written

_BULLET = re.compile(r"(?:[*+\u2022\u2023\u25e6\u25aa\u25cf\u00b7\u2043\u2013\u2014-])\s+")
_DASHED_NUMBER = re.compile(r"[-\u2013\u2014]\s+[\d.,]")
_NUMBER = re.compile(r"\(?(\d{1,3})[.)]\s+")
_TEXTS = ("text", "point", "bullet", "title", "label", "heading", "name", "headline")
_HEADING = re.compile(r"#{1,6}\s+")
_WHOLE = re.compile(r"(\*\*|__)(?P<text>(?:(?!\1).)+)\1")
_FORMULA = re.compile(r"\$\$.+?\$\$|\\\[.+?\\\]", re.DOTALL)
_MAX_LEVEL = 4


def lines_of(value: Any) -> list[str]:
    """Return points with tabs for levels and no list marks, from a text, a list, or an object with parts."""
    nested = list(_flat(value, 0, is_whole=True))
    raw = [(level, *_indented(text)) for level, text in nested if text.strip()]
    step = min((blanks for _, blanks, _ in raw if blanks), default=2)
    marked = all(_BULLET.match(text) for _, _, text in raw)
    points: list[str] = []
    for level, blanks, text in raw:
        depth = min(_MAX_LEVEL, level + -(-blanks // max(2, step)), _depth(points) + 1)
        points.append("\t" * depth + _unmarked(text, dashes=marked))
    return points


def heading_of(value: Any) -> Any:
    """Return a title without the marks of a Markdown heading, emphasis of all of it, and line breaks."""
    if not isinstance(value, str):
        return value
    text = " ".join(value.split())
    text = _HEADING.sub("", text) if _HEADING.match(text) else text
    whole = _WHOLE.fullmatch(text)
    return whole["text"] if whole else text


def _flat(value: Any, level: int, *, is_whole: bool = False) -> Iterable[tuple[int, str]]:
    if isinstance(value, Mapping):
        yield from _object(value, level)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item, level + (1 if isinstance(item, list | tuple) else 0))
    elif isinstance(value, str) and (is_whole or _is_list(value)):
        text = _FORMULA.sub(lambda found: " ".join(found[0].split()), value)
        yield from ((level, line) for line in text.splitlines())
    else:
        yield level, written(value)


def _object(value: Mapping[str, Any], level: int) -> Iterable[tuple[int, str]]:
    """Yield the points of an object such as {"text": "Growth", "points": ["up 12 %"]} or {"Growth": "up 12 %"}."""
    named = next((name for name in _TEXTS if isinstance(value.get(name), str | int | float)), None)
    below = level
    if named is not None:
        more = [written(part) for name, part in value.items() if name != named and isinstance(part, str | int | float)]
        yield level, ": ".join([written(value[named]), *filter(None, more)])
        below = level + 1
    for name, part in value.items():
        if isinstance(part, list | tuple | Mapping):
            if named is None:
                yield level, name
            yield from _flat(part, level + 1 if named is None else below, is_whole=True)
        elif named is None and part is not None:
            yield level, f"{name}: {written(part)}"


def _is_list(text: str) -> bool:
    """Return whether the lines of a text after its first are list items."""
    more = [line.strip() for line in text.splitlines()[1:] if line.strip()]
    return bool(more) and all(_BULLET.match(line) or _NUMBER.match(line) for line in more)


def _indented(text: str) -> tuple[int, str]:
    """Return how far a line is indented, in blanks (a tab is two), and the line without that."""
    bare = text.strip(" \t\r\n")
    start = text[: len(text) - len(text.lstrip(" \t"))]
    return sum(2 if sign == "\t" else 1 for sign in start), bare


def _depth(points: list[str]) -> int:
    """Return the level of the last point; -1 if there is none."""
    return len(points[-1]) - len(points[-1].lstrip("\t")) if points else -1


def _unmarked(text: str, *, dashes: bool) -> str:
    """Return a point without its list mark; a number stays one as plans write it, and so may a minus sign."""
    if _DASHED_NUMBER.match(text) and not dashes:
        return text
    text = _BULLET.sub("", text, count=1) if _BULLET.match(text) else text
    text = _HEADING.sub("", text, count=1) if _HEADING.match(text) else text
    return _NUMBER.sub(r"\1. ", text, count=1) if _NUMBER.match(text) else text

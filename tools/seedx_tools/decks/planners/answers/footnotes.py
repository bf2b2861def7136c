"""Footnotes as chat models write them: with or without labels, among the points, marked [^1], [1] or with ¹."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from seedx_tools.decks.planners.answers.lines import lines_of
from seedx_tools.decks.text.inline import RAISED_DIGITS

_DIGITS = "0123456789"
_PLAIN = str.maketrans(_DIGITS.translate(RAISED_DIGITS), _DIGITS)
_RAISED = f"[{_DIGITS.translate(RAISED_DIGITS)}]+"
_DEFINITION = re.compile(r"[ \t]*\[\^(?P<label>[^\]\s]+)\]:\s*(?P<text>\S.*)", re.DOTALL)
_LABELED = re.compile(
    rf"(?:\[\^?(?P<bracketed>[^\]\s]+)\]:?|(?P<raised>{_RAISED})|(?P<number>\d{{1,3}})[.):]|(?P<sign>[\u2020\u2021*]+))"
    r"\s*(?P<text>\S.*)",
    re.DOTALL,
)
_MARK = re.compile(r"\[\^([^\]\s]+)\](?!:)")
_BRACKETED = re.compile(r"(?<![\]\\])\[(\d{1,3})\](?![(\[:])")
_TEXTS = ("title", "bullets", "columns", "table", "quote", "visual")


def read_footnotes(slide: dict[str, Any]) -> None:
    """Set the footnotes of a slide as plans have them, and their marks in its texts.

    Args:
        slide: A slide whose points and columns are read already.
    """
    found: dict[str, str] = {}
    slide["bullets"] = _without_definitions(slide.get("bullets") or (), found)
    for line in lines_of(slide.get("footnotes")):
        labeled = _LABELED.fullmatch(line.strip())
        parts = {} if labeled is None else labeled.groupdict()
        raised = (parts.get("raised") or "").translate(_PLAIN)
        label = parts.get("bracketed") or raised or parts.get("number") or parts.get("sign") or str(len(found) + 1)
        found.setdefault(label, str(parts.get("text") or line).strip())
    slide["footnotes"] = [text for text in found.values() if text]
    if not found:
        return
    numbers = {label: place for place, label in enumerate(found, start=1)}
    texts = {name: slide[name] for name in _TEXTS if slide.get(name)}
    slide |= _changed(texts, lambda text: _marked(text, numbers))
    if not any(_MARK.search(text) for text in _strings(texts)):
        texts = {name: slide[name] for name in texts}
        used = {mark.translate(_PLAIN) for text in _strings(texts) for mark in re.findall(_RAISED, text)}
        if used == set(found):  # else they are exponents
            slide |= _changed(texts, lambda text: re.sub(_RAISED, lambda mark: _mark_of(mark[0], numbers), text))


def _without_definitions(points: Iterable[Any], found: dict[str, str]) -> list[Any]:
    """Return points without those that are footnotes, which are added to `found` by label."""
    kept = []
    for point in points:
        definition = _DEFINITION.fullmatch(point) if isinstance(point, str) else None
        if definition is None:
            kept.append(point)
        else:
            found[definition["label"]] = definition["text"].strip()
    return kept


def _marked(text: str, numbers: Mapping[str, int]) -> str:
    def change(found: re.Match[str]) -> str:
        return f"[^{numbers[found[1]]}]" if found[1] in numbers else found[0]

    return _BRACKETED.sub(change, _MARK.sub(change, text))


def _mark_of(raised: str, numbers: Mapping[str, int]) -> str:
    return f"[^{numbers[raised.translate(_PLAIN)]}]"


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with each string in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _changed(part, change) for name, part in value.items()}
    return [_changed(part, change) for part in value] if isinstance(value, list | tuple) else value


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [text for part in parts for text in _strings(part)]

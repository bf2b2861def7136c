"""Recognize points that say more as a drawing: bold figures with a label, and dated events.

The rules are narrow: every point must have the form, and none may be indented under another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.visuals import Visual, VisualItem

_FIGURE = re.compile(r"\s*(?:\*\*|__)(?P<value>[^*_]{1,14}?)(?:\*\*|__):?\s+(?P<rest>\S.*)")
_IS_FIGURE = re.compile(
    r"[<>~+\u2212\u2248-]?\s?(?:[A-Z]{3}\s|[$\u20ac\u00a3\u00a5])?\d[\d.,\u00a0\u202f' ]*\S{0,5}(?:\s\S{1,4})?"
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?:{_YEAR}(?:[\s/-]?(?:Q[1-4]|H[12]|{_MONTH}|\d\d(?:-\d\d)?))?(?:\s?[-\u2013]\s?{_YEAR})?"
    rf"|(?:Q[1-4]|H[12])(?:[\s/]{_YEAR})?|(?:\d{{1,2}}\.?\s)?{_MONTH}(?:\s\d{{1,2}})?(?:,?\s{_YEAR})?"
    rf"|\d{{1,2}}\.\d{{1,2}}\.(?:{_YEAR})?|(?:week|day|month|year)\s\d{{1,2}}(?:\s?[-\u2013]\s?\d{{1,2}})?)",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"(?:\*\*|__)?(?P<date>[^:*_]{1,24}?)(?:\*\*|__)?\s*(?::(?:\*\*|__)?|\s[-\u2013\u2014])\s+(?P<rest>\S.*)"
)
_PART = re.compile(r",\s+|;\s+|\s+[-\u2013\u2014]\s+")
_FIGURES, _EVENTS = (2, 6), (3, 9)
_LABEL_CHARS, _TEXT_CHARS = 60, 110


def visual_of_points(points: Sequence[str]) -> Visual | None:
    """Return the key figures or the timeline that points are; None if they are neither."""
    if any(point.startswith("\t") or "\n" in point for point in points):
        return None
    return _kpis(points) or _timeline(points)


def _kpis(points: Sequence[str]) -> Visual | None:
    found = [_FIGURE.fullmatch(point) for point in points]
    if not _FIGURES[0] <= len(points) <= _FIGURES[1]:
        return None
    items: list[VisualItem] = []
    for match in found:
        if match is None or not _IS_FIGURE.fullmatch(match["value"].strip()):
            return None
        label, *text = _PART.split(match["rest"].strip().rstrip("."), maxsplit=1)
        if len(plain_text(label)) > _LABEL_CHARS or len(plain_text("".join(text))) > _TEXT_CHARS:
            return None
        items.append(VisualItem(value=match["value"].strip(), label=label, text="".join(text)))
    return Visual(kind="kpis", items=tuple(items))


def _timeline(points: Sequence[str]) -> Visual | None:
    if not _EVENTS[0] <= len(points) <= _EVENTS[1]:
        return None
    items: list[VisualItem] = []
    for point in points:
        match = _DATED.fullmatch(point.strip())
        if match is None or not _DATE.fullmatch(match["date"].strip()):
            return None
        if len(plain_text(match["rest"])) > _TEXT_CHARS:
            return None
        items.append(VisualItem(value=match["date"].strip(), label=match["rest"].rstrip(".")))
    return Visual(kind="timeline", items=tuple(items))

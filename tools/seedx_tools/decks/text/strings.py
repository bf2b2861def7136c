"""Plain strings before they become text on a slide: what XML can hold, and which way a text runs."""

from __future__ import annotations

import re
import unicodedata

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def clean(text: str, *, keep_tabs: bool = False, keep_lines: bool = False) -> str:
    """Return text that XML can hold, on one line unless keep_lines; keep_tabs keeps the tabs in front."""
    text = _ILLEGAL.sub("", text)
    if keep_lines:
        return text.strip()
    tabs = text[: len(text) - len(text.lstrip("\t"))] if keep_tabs else ""
    return tabs + " ".join(text.split())


def runs_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction runs from right to left (Unicode bidirectional class R or AL)."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False

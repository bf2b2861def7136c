"""Clean strings for XML and detect the direction of text."""

from __future__ import annotations

import re
import unicodedata

_ILLEGAL = re.compile("[\x00-\x08\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def clean(text: str, *, keep_tabs: bool = False, keep_lines: bool = False) -> str:
    """Return text without characters that XML forbids, on one line unless keep_lines; keep_tabs keeps leading tabs."""
    text = _ILLEGAL.sub("", text)
    if keep_lines:
        return text.replace("\v", "\n").strip()
    tabs = text[: len(text) - len(text.lstrip("\t"))] if keep_tabs else ""
    return tabs + " ".join(text.split())


def clean_code(text: str) -> str:
    """Return program text without characters that XML forbids and blank lines around it; a tab is four spaces."""
    lines = [_ILLEGAL.sub("", line).rstrip() for line in text.expandtabs(4).replace("\v", "\n").splitlines()]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return "\n".join(lines)


def runs_right_to_left(text: str) -> bool:
    """Return whether the first letter with a direction is right-to-left (Unicode bidirectional class R or AL)."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False

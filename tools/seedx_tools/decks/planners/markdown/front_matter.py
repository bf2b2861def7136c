"""The front matter of a text: "key: value" lines between two lines of dashes at its start."""

from __future__ import annotations

import re

_FRONT_MATTER = re.compile(
    r"---[ \t]*\n([\w-]+:(?:[ \t].*)?\n(?:(?:[\w-]+:(?:[ \t].*)?|[ \t].*|-[ \t].*|)\n)*)(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
_FRONT_KEY = re.compile(r"^([\w-]+):", re.MULTILINE)
_FRONT_TITLE = re.compile(r"^title:[ \t]*([^|>\s].*)$", re.MULTILINE)


def split_front_matter(text: str) -> tuple[str, str]:
    """Return the front matter of a text, or an empty string, and the rest of the text."""
    text = text.replace("\r\n", "\n")
    found = _FRONT_MATTER.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def front_title(front: str) -> str:
    """Return the title that front matter gives, or an empty string."""
    named = _FRONT_TITLE.search(front)
    return named[1].strip("\"' ") if named else ""


def lost_keys(front: str, title: str) -> list[str]:
    """Return the keys of front matter that a deck of this title does not show."""
    return [key for key in _FRONT_KEY.findall(front) if key != "title" or title != front_title(front)]

"""Takes lists in a request apart: "remove the tree and the boat" is two edits."""

from __future__ import annotations

import re

_COLORS = (
    "red orange yellow green blue purple pink brown black white grey gray gold golden silver violet turquoise beige"
).split()
_DETERMINER = r"(?:the|an?|all(?: the)?|both|two|three|four|some|another|my)"
_NOT_IN_A_NAME = (
    "on in at of with to from by near next between behind under over left right that which who into".split()
)
_THING = rf"{_DETERMINER}\s+(?:(?!(?:{'|'.join(_NOT_IN_A_NAME)})\b)[\w-]+\s*){{1,3}}"
_AND = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+", re.I)
_ADJECTIVE = rf"(?:(?:to|into)\s+)?(?:(?:light|dark|bright)\s+)?(?:{'|'.join(_COLORS)}|bigger|smaller|larger|taller)"
_BECOMES = re.compile(rf"(.+?)\s+({_ADJECTIVE})", re.I)
_RECOLOR = re.compile(r"(make|turn|paint|colou?r|recolou?r|repaint|dye|change)\s+(.+)", re.I | re.S)
_EACH = re.compile(r"(add|remove|delete|erase|get rid of|take away|take out|hide)\s+(.+)", re.I | re.S)


def listed(text: str) -> list[str]:
    """Return the things of a list, "the house and the tree", or the text itself if it is not one."""
    parts = _AND.split(text.strip(" .!?"))
    return parts if all(re.fullmatch(_THING, part, re.I) for part in parts) else [text.strip(" .!?")]


def says_what_becomes(text: str) -> bool:
    """Return whether a text names a thing and what it becomes: "the house blue", "a tree bigger"."""
    return _BECOMES.fullmatch(text) is not None


def one_edit_each(instruction: str) -> list[str]:
    """Return an instruction as edits of one thing each, as the edit tool wants them; else the instruction itself."""
    if each := _EACH.fullmatch(instruction):
        return [f"{each.group(1)} {thing}" for thing in listed(each.group(2))]
    if recolor := _RECOLOR.fullmatch(instruction):
        verb, parts = recolor.group(1), _AND.split(recolor.group(2))
        becomes = [_BECOMES.fullmatch(part) for part in parts]
        if all(becomes):
            return [f"{verb} {part}" for part in parts]
        if becomes[-1] is not None and not any(becomes[:-1]):
            things = [*parts[:-1], becomes[-1].group(1)]
            if all(re.fullmatch(_THING, thing, re.I) for thing in things):
                return [f"{verb} {thing} {becomes[-1].group(2)}" for thing in things]
    return [instruction]

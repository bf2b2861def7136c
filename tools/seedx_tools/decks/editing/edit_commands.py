"""Revises a slide without a language model: a few edit commands, and a clear error for everything else."""

from __future__ import annotations

import re

from seedx_sdk.errors import InputError
from seedx_tools.decks.editing.grid_commands import GRID_COMMANDS, follow_grid_command
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.text.inline import escape_inline, plain_text
from seedx_tools.decks.text.plan_texts import mapped_texts
from seedx_tools.decks.text.sentences import shorten

COMMANDS = (
    "'title: ...', 'add: ...' (a bullet), 'bullet 2: ...', 'remove bullet 2', 'remove the last bullet', 'shorter', "
    "'replace \"old\" with \"new\"' (anywhere on the slide), 'picture: ...' (what it shows, or a file), 'no picture', "
    f"'alt text: ...', 'notes: ...', {GRID_COMMANDS}; several separated by ';'; or the whole new slide as Markdown "
    "('## Title', bullets)"
)
"""The edit commands of RuleReviser."""

_TITLE = re.compile(
    r"(?:(?:change|set) the title to|(?:the )?title\s*(?:is|:)|call it|rename it to)\s*(.+)", re.I | re.S
)
_ADD = re.compile(r"(?:add|append)(?:\s+(?:a |the )?(?:point|bullet))?\s*(?::|\bthat\b|\bsaying\b)\s*(.+)", re.I | re.S)
_REMOVE = re.compile(r"(?:remove|delete|drop)(?: the)?(?: (first|last))? (?:point|bullet)(?: (\d+))?", re.I)
_SHORTER = re.compile(r"(?:make (?:it|the points) )?shorter|shorten(?: it| the points)?", re.I)
_NO_PICTURE = re.compile(r"(?:no|without(?: a| the)?|(?:remove|delete|drop) the) (?:picture|image)", re.I)
_PICTURE = re.compile(r"(?:(?:the )?picture\s*(?:of|:)|draw|show)\s*(?:a picture of\s+)?(.+)", re.I | re.S)
_BULLET = re.compile(
    r"(?:(?:change|set|replace) )?(?:the )?(?:(first|last) )?(?:bullet|point)(?: (\d+))?\s*(?::|to|with)\s*(.+)",
    re.I | re.S,
)
_REPLACE = re.compile(
    r"(?:replace|change)\s+(?P<one>[\"'\u201c\u2018])(.+?)[\"'\u201d\u2019]\s+(?:with|by|to|into)\s+[\"'\u201c\u2018](.*)"
    r"[\"'\u201d\u2019]",
    re.I | re.S,
)
_IMAGE_FILE = re.compile(
    r"(?:(?:replace|change|swap) the (?:picture|image|photo) (?:with|by|for|to)|picture\s*:)\s*"
    r"[\"']?([^\"']+\.(?:png|jpe?g|webp|gif|bmp|tiff?|svg)|(?<=\bwith )[\w.-]+)[\"']?",
    re.I,
)
_ALT = re.compile(
    r"(?:set )?(?:the )?alt(?:ernative)?[ -]?text\s*(?:of the picture\s*)?(?::|to|is)\s*(.+)", re.I | re.S
)
_NOTES = re.compile(r"(?:speaker )?notes?\s*:\s*(.+)", re.I | re.S)
_NUMBERED = re.compile(r"(\t*)(\d{1,3})(?=[.)]\s)")
_START = re.compile(r"\t*(?:\d{1,3}[.)]\s+|\[[ xX]\]\s+)?")
_SHORT_CHARS = 60


class RuleReviser:
    """Follows COMMANDS; a planner for revise_slide."""

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        """Return the slide after the commands of an instruction, one after the other.

        Raises:
            InputError: If a command is not one of COMMANDS, or names a bullet that does not exist.
        """
        for command in filter(None, (part.strip(" .\n") for part in instruction.split(";"))):
            plan = _apply(plan, command)
        return plan


def _apply(plan: SlidePlan, command: str) -> SlidePlan:
    if found := _TITLE.fullmatch(command):
        return plan.model_copy(update={"title": found.group(1).strip("'\" ")})
    if found := _ADD.fullmatch(command):
        return plan.model_copy(update={"bullets": (*plan.bullets, found.group(1))})
    if (found := _BULLET.fullmatch(command)) and (found[1] or found[2]):
        return plan.model_copy(update={"bullets": _with_text(plan.bullets, found[1], found[2], found[3])})
    if found := _REPLACE.fullmatch(command):
        return _replaced(plan, found[2], found[3])
    if found := _ALT.fullmatch(command):
        if plan.picture == "":
            raise InputError("the slide has no picture whose alt text could be set")
        return plan.model_copy(update={"picture_alt": found.group(1)})
    if found := _IMAGE_FILE.fullmatch(command):
        return plan.model_copy(update={"picture_file": found.group(1), "picture": None})
    if (found := _REMOVE.fullmatch(command)) and any(found.groups()):
        return plan.model_copy(update={"bullets": _without(plan.bullets, found.group(1), found.group(2))})
    if _SHORTER.fullmatch(command):
        columns = tuple(c.model_copy(update={"bullets": _shorten_all(c.bullets)}) for c in plan.columns)
        return plan.model_copy(update={"bullets": _shorten_all(plan.bullets), "columns": columns})
    if _NO_PICTURE.fullmatch(command):
        return plan.model_copy(update={"picture": ""})
    if found := _NOTES.fullmatch(command):
        return plan.model_copy(update={"notes": found.group(1)})
    if found := _PICTURE.fullmatch(command):
        return plan.model_copy(update={"picture": found.group(1)})
    if (changed := follow_grid_command(plan, command)) is not None:
        return changed
    raise InputError(f"without a chat model {command[:80]!r} cannot be followed; use {COMMANDS}")


def _shorten_all(points: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(shorten(point, _SHORT_CHARS) for point in points)


def _replaced(plan: SlidePlan, old: str, new: str) -> SlidePlan:
    """Return a slide with some words in place of others in all its texts and its notes."""

    def marked(text: str) -> str:
        shown = plain_text(text)
        return text.replace(old, new) if old in text or old not in shown else escape_inline(shown.replace(old, new))

    update: dict[str, object] = {"notes": plan.notes.replace(old, new), "labels": tuple(map(marked, plan.labels))}
    if (chart := plan.chart) is not None:
        names = {
            "title": chart.title.replace(old, new),
            "categories": tuple(name.replace(old, new) for name in chart.categories),
            "series": tuple(one.model_copy(update={"name": one.name.replace(old, new)}) for one in chart.series),
        }
        update["chart"] = chart.model_copy(update=names)
    changed = mapped_texts(plan, marked).model_copy(update=update)
    if changed == plan:
        raise InputError(f"nothing on the slide says '{old}'")
    return changed


def _with_text(points: tuple[str, ...], which: str | None, number: str | None, text: str) -> tuple[str, ...]:
    """Return the bullets with one of them changed, which keeps its level and its number."""
    index = _index(points, which, number)
    start = _START.match(points[index])
    lead = "" if start is None else start[0]
    return (*points[:index], lead + text, *points[index + 1 :])


def _index(points: tuple[str, ...], which: str | None, number: str | None) -> int:
    index = int(number) - 1 if number else 0 if (which or "").lower() == "first" else len(points) - 1
    if not 0 <= index < len(points):
        raise InputError(f"there is no bullet {index + 1}; the slide has {len(points)}")
    return index


def _without(points: tuple[str, ...], which: str | None, number: str | None) -> tuple[str, ...]:
    index = _index(points, which, number)
    return points[:index] + _renumber(points[index], points[index + 1 :])


def _renumber(removed: str, points: tuple[str, ...]) -> tuple[str, ...]:
    """Return the bullets after a removed one; those that continue its numbering count one less."""
    found = _NUMBERED.match(removed)
    if found is None:
        return points
    level, last = found[1], int(found[2])
    counted: list[str] = []
    for point in points:
        following = _NUMBERED.match(point)
        if following and following[1] == level and int(following[2]) == last + 1:
            counted.append(f"{level}{last}{point[following.end() :]}")
            last += 1
        elif point.startswith(f"{level}\t"):
            counted.append(point)
        else:
            break
    return (*counted, *points[len(counted) :])

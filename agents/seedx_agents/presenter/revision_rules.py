"""Changing a slide by an instruction without a language model: a few plain orders, and a clear answer to all others."""

from __future__ import annotations

import re

from seedx_agents.presenter.outline_rules import shortened
from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import SlidePlan

ORDERS = (
    "'title: ...', 'add: ...' (a point), 'remove point 2', 'remove the last point', 'shorter', 'picture: ...', "
    "'no picture', 'notes: ...'; several with ';' between them; or the whole new slide as Markdown ('## Title', points)"
)
"""What RuleReviser follows."""

_TITLE = re.compile(
    r"(?:(?:change|set) the title to|(?:the )?title\s*(?:is|:)|call it|rename it to)\s*(.+)", re.I | re.S
)
_ADD = re.compile(r"(?:add|append)(?:\s+(?:a |the )?(?:point|bullet))?\s*(?::|\bthat\b|\bsaying\b)\s*(.+)", re.I | re.S)
_REMOVE = re.compile(r"(?:remove|delete|drop)(?: the)?(?: (first|last))? (?:point|bullet)(?: (\d+))?", re.I)
_SHORTER = re.compile(r"(?:make (?:it|the points) )?shorter|shorten(?: it| the points)?", re.I)
_NO_PICTURE = re.compile(r"(?:no|without(?: a| the)?|(?:remove|delete|drop) the) (?:picture|image)", re.I)
_PICTURE = re.compile(r"(?:(?:the )?picture\s*(?:of|:)|draw|show)\s*(?:a picture of\s+)?(.+)", re.I | re.S)
_NOTES = re.compile(r"(?:speaker )?notes?\s*:\s*(.+)", re.I | re.S)
_NUMBERED = re.compile(r"(\t*)(\d{1,3})(?=[.)]\s)")
_SHORT_CHARS = 60


class RuleReviser:
    """Follows ORDERS; a planner for revise_slide."""

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        """Return the slide as the orders make it, one after the other.

        Raises:
            InputError: An order is none of ORDERS, or names a point that is not there.
        """
        for order in filter(None, (part.strip(" .\n") for part in instruction.split(";"))):
            plan = _follow(plan, order)
        return plan


def _follow(plan: SlidePlan, order: str) -> SlidePlan:
    if found := _TITLE.fullmatch(order):
        return plan.model_copy(update={"title": found.group(1).strip("'\" ")})
    if found := _ADD.fullmatch(order):
        return plan.model_copy(update={"bullets": (*plan.bullets, found.group(1))})
    if (found := _REMOVE.fullmatch(order)) and any(found.groups()):
        return plan.model_copy(update={"bullets": _without(plan.bullets, found.group(1), found.group(2))})
    if _SHORTER.fullmatch(order):
        columns = tuple(c.model_copy(update={"bullets": _shorter(c.bullets)}) for c in plan.columns)
        return plan.model_copy(update={"bullets": _shorter(plan.bullets), "columns": columns})
    if _NO_PICTURE.fullmatch(order):
        return plan.model_copy(update={"picture": ""})
    if found := _NOTES.fullmatch(order):
        return plan.model_copy(update={"notes": found.group(1)})
    if found := _PICTURE.fullmatch(order):
        return plan.model_copy(update={"picture": found.group(1)})
    raise InputError(f"without a chat model {order[:80]!r} cannot be followed; use {ORDERS}")


def _shorter(points: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(shortened(point, _SHORT_CHARS) for point in points)


def _without(points: tuple[str, ...], which: str | None, number: str | None) -> tuple[str, ...]:
    index = int(number) - 1 if number else 0 if (which or "").lower() == "first" else len(points) - 1
    if not 0 <= index < len(points):
        raise InputError(f"there is no point {index + 1}; the slide has {len(points)}")
    return points[:index] + _counted_down(points[index], points[index + 1 :])


def _counted_down(removed: str, points: tuple[str, ...]) -> tuple[str, ...]:
    """The points after a removed one; those that go on with its numbers count one less."""
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

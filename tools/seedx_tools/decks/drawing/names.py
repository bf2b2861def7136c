"""The names of a drawing and its parts in PowerPoint's selection pane, which also tell what it shows.

A drawing is one group, named like "Process 7". Its parts are named "Step 2: label, text": which item they belong to,
and which of its fields their paragraphs are, in order. A drawing can so be read back after its texts were edited.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from seedx_tools.decks.visuals import VisualKind

FieldName: TypeAlias = Literal["value", "label", "text"]

KIND_NAMES: dict[VisualKind, str] = {
    "kpis": "Key figures",
    "cards": "Cards",
    "big_number": "Big number",
    "process": "Process",
    "cycle": "Cycle",
    "timeline": "Timeline",
    "matrix": "Matrix",
    "pyramid": "Pyramid",
    "funnel": "Funnel",
    "org_chart": "Org chart",
    "flow": "Flow chart",
}
"""The group's name in the selection pane, before its number."""

PROGRESS_NAME = "Progress"
"""The group on a section slide that shows where the deck is; it holds nothing of the slide's own."""

_PART = re.compile(r"Item (\d+): ((?:value|label|text)(?:, (?:value|label|text))*)")
_GROUP = re.compile(r"(.+) \d+")


class PartName(NamedTuple):
    """What the name of a part says."""

    item: int
    """From 0."""
    fields: tuple[str, ...]
    """The item's fields that its paragraphs are, in order."""


def part_name(item: int, fields: Sequence[FieldName]) -> str:
    """Return the name of a shape that holds fields of an item; items count from 0, names from 1."""
    return f"Item {item + 1}: {', '.join(fields)}"


def parse_part_name(name: str) -> PartName | None:
    """Return what a part's name says; None for a part without text of an item."""
    found = _PART.fullmatch(name)
    return None if found is None else PartName(int(found[1]) - 1, tuple(found[2].split(", ")))


def kind_of(group_name: str) -> VisualKind | None:
    """Return the kind of drawing that a group's name tells; None for another group."""
    found = _GROUP.fullmatch(group_name)
    return next((kind for kind, name in KIND_NAMES.items() if found is not None and name == found[1]), None)

"""The names of a drawing's shapes in PowerPoint's selection pane, which also tell what it shows.

The shapes of a drawing are not grouped, so that each can be selected and is read aloud in order. What belongs together
is told by their names: "Process 7, item 2: label, text" is a shape of the seventh object, and its paragraphs are the
label and the text of the second item. A drawing can so be read back after its texts were edited.
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
    "comparison": "Comparison",
    "pyramid": "Pyramid",
    "funnel": "Funnel",
    "org_chart": "Org chart",
    "flow": "Flow chart",
}
"""What the names of a drawing's shapes begin with, before its number."""

PROGRESS_NAME = "Progress"
"""What the names of the shapes begin with that show on a section slide where the deck is."""

_PART = re.compile(r"(?P<kind>[^,]+) (?P<number>\d+), (?P<part>[^:]+)(?:: (?P<fields>.+))?")
_ITEM = re.compile(r"item (\d+)")


class Part(NamedTuple):
    """What the name of a shape says."""

    kind: VisualKind
    number: int
    """The drawing's number on its slide."""
    item: int | None
    """The item whose text it holds, from 0; None for a line, a bar or another part."""
    fields: tuple[str, ...]
    """The item's fields that its paragraphs are, in order."""


def item_name(item: int, fields: Sequence[FieldName]) -> str:
    """Return the name of a shape that holds fields of an item; items count from 0, names from 1."""
    return f"item {item + 1}: {', '.join(fields)}"


def part_of(name: str) -> Part | None:
    """Return what the name of a shape says; None for a shape that is no part of a drawing."""
    found = _PART.fullmatch(name)
    kind = next((kind for kind, known in KIND_NAMES.items() if found is not None and known == found["kind"]), None)
    if found is None or kind is None:
        return None
    item = _ITEM.fullmatch(found["part"])
    if item is None:
        return Part(kind, int(found["number"]), None, ())
    return Part(kind, int(found["number"]), int(item[1]) - 1, tuple((found["fields"] or "label").split(", ")))

"""Move what is on a slide from the places of one layout to those of another, keeping its XML otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pptx.oxml.ns import qn

from seedx_tools.decks.ooxml.layouts import EmuFrame

_SMALLEST = 1200
"""Hundredths of a point below which no text is scaled."""
_NO_CHANGE = 0.02


@dataclass(frozen=True, slots=True)
class Move:
    """From one frame to another one."""

    old: EmuFrame
    new: EmuFrame

    @property
    def scale(self) -> float:
        """By how much a shape that must keep its proportions gets larger."""
        return min(self.new[2] / max(1, self.old[2]), self.new[3] / max(1, self.old[3]))

    def stretched(self, frame: EmuFrame) -> EmuFrame:
        """Return where a frame is that may change its proportions."""
        across, down = self.new[2] / max(1, self.old[2]), self.new[3] / max(1, self.old[3])
        return (
            round(self.new[0] + (frame[0] - self.old[0]) * across),
            round(self.new[1] + (frame[1] - self.old[1]) * down),
            round(frame[2] * across),
            round(frame[3] * down),
        )

    def scaled(self, frame: EmuFrame) -> EmuFrame:
        """Return where a frame is that keeps its proportions; what lies in the old frame is centered in the new one."""
        scale = self.scale
        left = self.new[0] + (self.new[2] - self.old[2] * scale) / 2
        top = self.new[1] + (self.new[3] - self.old[3] * scale) / 2
        return (
            round(left + (frame[0] - self.old[0]) * scale),
            round(top + (frame[1] - self.old[1]) * scale),
            round(frame[2] * scale),
            round(frame[3] * scale),
        )


def contained(frame: EmuFrame, place: EmuFrame) -> EmuFrame:
    """Return a frame of the same proportions, as large as fits another one, in its middle."""
    scale = min(place[2] / max(1, frame[2]), place[3] / max(1, frame[3]))
    wide, high = round(frame[2] * scale), round(frame[3] * scale)
    return place[0] + (place[2] - wide) // 2, place[1] + (place[3] - high) // 2, wide, high


def has_own_frame(element: Any) -> bool:
    """Return whether a shape has a frame of its own, not that of its placeholder."""
    return transform_of(element) is not None


def transform_of(element: Any) -> Any:
    """Return the a:xfrm or p:xfrm of a shape; None if it has none."""
    for child in element:
        if child.tag == qn("p:xfrm"):
            return child
        if child.tag in (qn("p:spPr"), qn("p:grpSpPr")):
            return child.find(qn("a:xfrm"))
    return None


def set_frame(shape: Any, frame: EmuFrame) -> None:
    """Put a shape somewhere; a table's columns are shared out again, what a group holds moves with it."""
    if shape.element.tag == qn("p:graphicFrame") and shape.has_table:
        _resize_columns(shape.table, frame[2])
        frame = (*frame[:3], sum(int(row.height) for row in shape.table.rows))
    shape.left, shape.top, shape.width, shape.height = frame


def drop_frame(element: Any) -> None:
    """Let a placeholder have the frame of its layout."""
    found = transform_of(element)
    if found is not None:
        found.getparent().remove(found)


def scale_text(elements: Iterable[Any], scale: float) -> None:
    """Scale the type sizes that are set in shapes themselves."""
    if abs(scale - 1) <= _NO_CHANGE:
        return
    for element in elements:
        for found in element.iter(qn("a:rPr"), qn("a:endParaRPr"), qn("a:defRPr")):
            if found.get("sz"):
                size = round(int(found.get("sz")) * scale / 50) * 50
                found.set("sz", str(max(min(_SMALLEST, int(found.get("sz"))), size)))


def _resize_columns(table: Any, width: int) -> None:
    columns = list(table.columns)
    before = sum(int(column.width) for column in columns) or 1
    for column in columns:
        column.width = round(int(column.width) * width / before)

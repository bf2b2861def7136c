"""The marks of a comparison: a check, a cross, or a ball that is filled by quarters."""

from __future__ import annotations

from typing import Literal, TypeAlias

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.geometry import Area, preset_xml, strokes_xml
from seedx_tools.decks.text.inline import plain_text

Mark: TypeAlias = Literal["check", "cross", 0, 1, 2, 3, 4]
"""A number counts the filled quarters of a ball."""

_CELLS: dict[Mark, tuple[str, ...]] = {
    "check": ("yes", "y", "true", "[x]", "\u2713", "\u2714", "\u2705"),
    "cross": ("no", "n", "false", "[ ]", "\u2717", "\u2718", "\u2715", "\u2716", "\u274c"),
    0: ("0/4", "\u25cb"),
    1: ("1/4", "\u25d4"),
    2: ("2/4", "partly", "partial", "partially", "\u25d0", "\u25d1"),
    3: ("3/4", "\u25d5"),
    4: ("4/4", "\u25cf"),
}
_MARKS = {cell: mark for mark, cells in _CELLS.items() for cell in cells}
_CHECK = (((4.0, 12.5), (9.5, 18.0), (20.0, 6.5)),)
_CROSS = (((6.5, 6.5), (17.5, 17.5)), ((17.5, 6.5), (6.5, 17.5)))
_GRID = 24
_TOP = 16_200_000
"""The angle of twelve o'clock in 60000ths of a degree, clockwise from three o'clock."""
_QUARTER = 5_400_000


def mark_of(cell: str) -> Mark | None:
    """Return the mark that a cell such as "yes" or "3/4" asks for; None for other words."""
    text = plain_text(cell).strip().lower()
    return _MARKS.get(cell.strip().lower(), _MARKS.get(text.removesuffix("\ufe0f")))


def draw_mark(canvas: Canvas, mark: Mark, area: Area, name: str, alt: str) -> None:
    """Draw a mark in a square; `alt` is what a screen reader says."""
    paints = canvas.paints
    if mark == "check":
        canvas.symbol(area, name, strokes_xml(_CHECK, _GRID), line=paints.figure_on_page, width=3.0, alt=alt)
    elif mark == "cross":
        canvas.symbol(area, name, strokes_xml(_CROSS, _GRID), line=paints.line, width=2.25, alt=alt)
    else:
        ball = paints.figure_on_page
        canvas.symbol(
            area, name, preset_xml("ellipse"), fill=ball if mark == 4 else None, line=ball, width=1.75, alt=alt
        )
        if 0 < mark < 4:
            angles = {"adj1": _TOP, "adj2": (_TOP + mark * _QUARTER) % 21_600_000}
            canvas.symbol(area, f"filled {name.partition(':')[0]}", preset_xml("pie", angles), fill=ball)

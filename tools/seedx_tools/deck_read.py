"""The words of a slide that is already in a file, as a plan that can be changed and written again."""

from __future__ import annotations

from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.outline import SlideKind, SlidePlan
from seedx_tools.pptx_style import placeholder_type
from seedx_tools.slide_content import MAX_COLUMNS, MAX_ROWS, TableData
from seedx_tools.slide_shapes import placed_shapes

_NOT_WORDS = ("title", "ctrTitle", "dt", "ftr", "sldNum")


def read_slide(slide: Slide) -> SlidePlan:
    """Return title, points, first table and notes of a slide; what else it shows is not in words."""
    title = slide.shapes.title
    bullets: list[str] = []
    table: TableData | None = None
    pictures: list[str] = []
    for placed in placed_shapes(slide):
        shape = placed.shape
        if placed.holds == "picture":
            pictures.append(placed.alt_text.removeprefix("Drawn picture: "))
        elif placed.holds == "table" and table is None:
            table = _table(shape)
        elif placed.holds == "text" and placeholder_type(shape.element) not in _NOT_WORDS:
            bullets += ["\t" * p.level + p.text for p in shape.text_frame.paragraphs if p.text.strip()]
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    kind: SlideKind = "section" if slide.slide_layout.element.get("type") == "secHead" else "content"
    return SlidePlan(
        title="" if title is None else title.text_frame.text,
        kind=kind,
        bullets=tuple(bullets),
        table=table,
        picture=pictures[0] if pictures else "",
        notes="" if notes is None else notes.text,
    )


def first_picture(slide: Slide) -> tuple[bytes, str] | None:
    """Return the bytes and the alt text of the first picture on a slide that is in the file, or None."""
    for placed in placed_shapes(slide):
        if placed.shape.element.tag == qn("p:pic"):
            try:
                return bytes(placed.shape.image.blob), placed.alt_text
            except (AttributeError, ValueError):  # a linked picture has no bytes in the file
                continue
    return None


def _table(shape: Any) -> TableData | None:
    rows = [tuple(cell.text for cell in list(row.cells)[:MAX_COLUMNS]) for row in shape.table.rows][: MAX_ROWS + 1]
    return TableData(header=rows[0], rows=tuple(rows[1:])) if rows and any(rows[0]) else None

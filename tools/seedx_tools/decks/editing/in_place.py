"""Make a saved slide show another plan by touching only the shapes whose content differs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.table import _Cell

from seedx_tools.decks.editing.footnotes import edit_footnotes
from seedx_tools.decks.editing.points import edit_points
from seedx_tools.decks.editing.words import rewrite
from seedx_tools.decks.ooxml.layouts import remove
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.outline import ChartData, SlidePlan, TableData
from seedx_tools.decks.reader import column_shapes, point_paragraphs, shapes_of
from seedx_tools.decks.text.fitting import set_scale
from seedx_tools.decks.text.footnotes import marked_footnotes, with_footnotes_in_order
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.points import split_points
from seedx_tools.decks.text.shapes import font_scale, place_text
from seedx_tools.decks.text.strings import clean, clean_point
from seedx_tools.decks.text.tables import table_height
from seedx_tools.decks.writing.balance import balance_text, release
from seedx_tools.decks.writing.charts import chart_alt, replace_numbers

_EDITABLE = {"title", "bullets", "columns", "notes", "table", "chart", "picture", "footnotes"}
_LEAST_SCALE, _STEP = 0.8, 0.05
_LEAST_TITLE_SCALE = 0.5
_PAGE_SHARE = 0.97
"""A table may reach down to this share of the page."""


def edit_in_place(slide: Slide, before: SlidePlan, after: SlidePlan, page_height: int) -> bool:
    """Change a slide from one plan to another; return False, with nothing touched, if that takes another slide.

    Args:
        slide: The slide.
        before: Its plan, as read_slide returns it.
        after: The plan to show. A text without marks keeps the marks of the same words in `before`.
        page_height: The height of the page in EMU.
    """
    after = with_footnotes_in_order(_with_marks(after, before))
    changed = {name for name in SlidePlan.model_fields if getattr(before, name) != getattr(after, name)}
    changed -= {"picture_side", "warnings"} | ({"picture"} if after.picture is None else set())
    if not changed <= _EDITABLE or len(marked_footnotes(before)) != len(marked_footnotes(after)):
        return False
    tree = slide.shapes._spTree
    original = [copy.deepcopy(child) for child in tree]
    edits: dict[str, Callable[[], bool]] = {
        "title": lambda: _edit_title(slide, after.title),
        "bullets": lambda: _edit_bullets(slide, before.bullets, after.bullets),
        "columns": lambda: _edit_columns(slide, before, after),
        "table": lambda: _edit_table(slide, before.table, after.table, page_height),
        "chart": lambda: _can_edit_chart(before.chart, after.chart),
        "footnotes": lambda: edit_footnotes(slide, before.footnotes, after.footnotes),
        "picture": lambda: _remove_picture(slide, after.picture),
    }
    if not all(edit() for name, edit in edits.items() if name in changed):
        for child in list(tree):
            tree.remove(child)
        tree.extend(original)
        return False
    if "chart" in changed and after.chart is not None:
        _edit_chart(slide, after.chart)
    if "notes" in changed:
        frame = slide.notes_slide.notes_text_frame
        if frame is not None:
            frame.text = clean(after.notes, keep_lines=True)
    return True


def _with_marks(plan: SlidePlan, before: SlidePlan) -> SlidePlan:
    """Return a plan in which texts that differ from those before in marks alone, having none, are those before."""

    def marked(texts: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
        known = {plain_text(other): other for other in others}
        return tuple(known.get(text, text) if plain_text(text) == text else text for text in texts)

    (title,) = marked((plan.title,), (before.title,))
    return plan.model_copy(update={"title": title, "bullets": marked(plan.bullets, before.bullets)})


def _edit_title(slide: Slide, title: str) -> bool:
    shape = slide.shapes.title
    if shape is None or not clean(plain_text(title)):
        return False
    first, *more = shape.text_frame.paragraphs
    for paragraph in more:
        paragraph._p.getparent().remove(paragraph._p)
    height = place_text(slide, shape).height
    rewrite(first, clean(title))
    return _fit(slide, shape, height, _LEAST_TITLE_SCALE)


def _edit_bullets(slide: Slide, before: Sequence[str], after: Sequence[str]) -> bool:
    if not before or not after:
        return False
    return _edit_text(slide, point_paragraphs(slide), before, after)


def _edit_columns(slide: Slide, before: SlidePlan, after: SlidePlan) -> bool:
    if len(before.columns) != len(after.columns) or not before.columns:
        return False
    for column, old, new in zip(column_shapes(slide), before.columns, after.columns, strict=True):
        if (
            bool(old.heading) != bool(new.heading)
            or not new.bullets
            or (old.heading != new.heading and column.heading is None)
        ):
            return False
        if old.heading != new.heading:
            if not _edit_text(slide, _written(column.heading), (old.heading,), (new.heading,)):
                return False
        if old.bullets != new.bullets:
            if not _edit_text(slide, _written(column.body), old.bullets, new.bullets):
                return False
    return True


def _written(shape: Any) -> list[tuple[Any, Any]]:
    return [(shape, paragraph) for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]


def _edit_text(slide: Slide, written: Sequence[tuple[Any, Any]], before: Sequence[str], after: Sequence[str]) -> bool:
    """Edit paragraphs, each with its shape; return whether the text still fits where it stands."""
    if len(written) != len(split_points(before)):
        return False
    shapes = {id(shape.element): shape for shape, _ in written}.values()
    was_balanced = release([shape for shape in shapes if shape.is_placeholder])
    heights = [place_text(slide, shape).height for shape in shapes]
    edit_points([paragraph for _, paragraph in written], before, [clean_point(text) for text in after])
    fits = all(_fit(slide, shape, height, _LEAST_SCALE) for shape, height in zip(shapes, heights, strict=True))
    if fits and was_balanced:
        balance_text(slide, [shape for shape in shapes if shape.is_placeholder])
    return fits


def _fit(slide: Slide, shape: Any, height: float, least: float) -> bool:
    """Scale the text of a shape down until it fits; return whether it does, or is no taller than it was."""
    placed = place_text(slide, shape)
    if placed.height <= max(placed.room + 0.5, height):
        return True
    scale = font_scale(shape.element)
    while scale - _STEP >= least - 1e-6:
        scale -= _STEP
        set_scale(shape, scale)
        placed = place_text(slide, shape)
        if placed.height <= placed.room + 0.5:
            return True
    return False


def _edit_table(slide: Slide, before: TableData | None, after: TableData | None, page_height: int) -> bool:
    if before is None or after is None or len(before.header) != len(after.header):
        return False
    (placed,) = shapes_of(slide, "table")
    table = placed.shape.table
    rows = list(table._tbl.tr_lst)
    old, new = [before.header, *before.rows], [after.header, *after.rows]
    if any(cell.is_merge_origin or cell.is_spanned for row in table.rows for cell in row.cells):
        if len(old) != len(new):
            return False
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, start, end, first, last in reversed(matcher.get_opcodes()):
        if kind == "equal":
            continue
        shared = min(end - start, last - first)
        for offset in range(shared):
            _edit_row(placed.shape, rows[start + offset], old[start + offset], new[first + offset])
        place = rows[start + shared - 1] if start + shared else rows[0]
        for cells in reversed(new[first + shared : last]):
            row = copy.deepcopy(place)
            place.addnext(row)
            _edit_row(placed.shape, row, ("",) * len(cells), cells)
        for row in rows[start + shared : end]:
            row.getparent().remove(row)
    bottom = placed.frame[1] / EMU_PER_POINT + table_height(slide, placed.shape)
    return len(old) >= len(new) or bottom <= _PAGE_SHARE * page_height / EMU_PER_POINT


def _edit_row(shape: Any, row: Any, before: Sequence[str], after: Sequence[str]) -> None:
    for element, old, new in zip(row.tc_lst, before, after, strict=True):
        if old != new:
            first, *more = _Cell(element, shape).text_frame.paragraphs
            for paragraph in more:
                paragraph._p.getparent().remove(paragraph._p)
            rewrite(first, clean(new))


def _can_edit_chart(before: ChartData | None, after: ChartData | None) -> bool:
    if before is None or after is None:
        return False
    if before.kind == "combo" or any(series.second_axis for series in (*before.series, *after.series)):
        return False
    numbers = {"categories", "series", "title"}
    others = set(ChartData.model_fields) - numbers
    return all(getattr(before, name) == getattr(after, name) for name in others) and bool(before.title) == bool(
        after.title
    )


def _edit_chart(slide: Slide, after: ChartData) -> None:
    (placed,) = shapes_of(slide, "chart")
    chart = placed.shape.chart
    replace_numbers(chart, after)
    if after.title and chart.has_title and chart.chart_title.has_text_frame:
        rewrite(chart.chart_title.text_frame.paragraphs[0], after.title)
    placed.shape._element.nvGraphicFramePr.cNvPr.set("descr", chart_alt(after))


def _remove_picture(slide: Slide, picture: str | None) -> bool:
    """Remove the only picture of a slide if its plan wants none."""
    pictures = shapes_of(slide, "picture")
    if picture != "" or len(pictures) != 1 or pictures[0].shape.element.tag != qn("p:pic"):
        return False
    shape_id = str(pictures[0].shape.shape_id)
    if any(target.get("spid") == shape_id for target in slide.element.iter(qn("p:spTgt"))):
        return False  # it is animated
    remove(pictures[0].shape)
    return True

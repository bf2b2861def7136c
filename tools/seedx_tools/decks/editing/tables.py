"""Change a native table: cells, rows and columns come and go, and what stays keeps its look."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import count
from typing import Any

from lxml import etree
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.table import _Cell

from seedx_tools.decks.editing.fit import page_bottom
from seedx_tools.decks.editing.texts import remove_shape
from seedx_tools.decks.editing.words import empty, rewrite_all
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.outline import TableData
from seedx_tools.decks.reader import shapes_of
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.strings import clean
from seedx_tools.decks.text.tables import table_height

_IDS = ("rowId", "colId")
_MERGES = ("gridSpan", "rowSpan", "hMerge", "vMerge")


def edit_table(slide: Slide, before: TableData | None, after: TableData | None) -> bool:
    """Turn the table of a slide from one into another, or take it off; return whether it can, and fits the page.

    Text for a cell that is merged into another one cannot be shown.
    """
    if before is None:
        return False
    placed = shapes_of(slide, "table")[0]
    if after is None:
        return remove_shape(slide, placed.shape)
    table = placed.shape.table
    height = sum(int(row.get("h")) for row in table._tbl.tr_lst)
    old = [list(row) for row in (before.header, *before.rows)]
    new = [list(row) for row in (after.header, *after.rows)]
    _edit_columns(table._tbl, old, new)
    _edit_rows(placed.shape, old, new)
    for row, cells in zip(table.rows, new, strict=True):
        if any(cell.is_spanned and text for cell, text in zip(row.cells, cells, strict=True)):
            return False
    frame = placed.shape._element.xfrm.find(qn("a:ext"))
    frame.set("cy", str(int(frame.get("cy")) + sum(int(row.get("h")) for row in table._tbl.tr_lst) - height))
    bottom = placed.frame[1] / EMU_PER_POINT + table_height(slide, placed.shape)
    return len(before.rows) >= len(after.rows) or bottom <= page_bottom(slide) / EMU_PER_POINT


def _edit_columns(table: Any, old: list[list[str]], new: list[list[str]]) -> None:
    """Add and remove columns; `old` gets the columns that the table then has, new ones empty.

    Columns are known by their headings, of a renamed one and where headings repeat by their place.
    """
    if len(old[0]) == len(new[0]):
        return
    heads = [[plain_text(cell) for cell in rows[0]] for rows in (old, new)]
    matcher = SequenceMatcher(None, heads[0], heads[1], autojunk=False)
    width = sum(int(column.get("w")) for column in table.tblGrid)
    for kind, start, end, first, last in reversed(matcher.get_opcodes()):
        if kind == "equal":
            continue
        shared = min(end - start, last - first)
        for place in reversed(range(start + shared, end)):
            _remove_column(table, place)
            for row in old:
                del row[place]
        for place in range(start + shared, start + last - first):
            _add_column(table, place)
            for row in old:
                row.insert(place, "")
    total = sum(int(column.get("w")) for column in table.tblGrid)
    for column in table.tblGrid:
        column.set("w", str(round(int(column.get("w")) * width / total)))


def _add_column(table: Any, place: int) -> None:
    """Add an empty column that looks like the one before it, or the first one like the next."""
    model = max(0, place - 1)
    column = copy.deepcopy(table.tblGrid[model])
    _renew_ids(table, column)
    table.tblGrid.insert(place, column)
    for row in table.tr_lst:
        cells = list(row.tc_lst)
        cell = copy.deepcopy(cells[model])
        _clear(cell)
        if place < len(cells) and cells[place].get("hMerge") in ("1", "true"):
            origin = next(other for other in reversed(cells[:place]) if other.get("hMerge") is None)
            origin.set("gridSpan", str(int(origin.get("gridSpan", "1")) + 1))
            cell.set("hMerge", "1")
        cells[model].addnext(cell) if place else cells[model].addprevious(cell)


def _remove_column(table: Any, place: int) -> None:
    table.tblGrid.remove(table.tblGrid[place])
    for row in table.tr_lst:
        cells = list(row.tc_lst)
        cell, span = cells[place], int(cells[place].get("gridSpan", "1"))
        if cell.get("hMerge") is not None:
            origin = next(other for other in reversed(cells[:place]) if other.get("hMerge") is None)
            _set_span(origin, "gridSpan", int(origin.get("gridSpan", "2")) - 1)
        elif span > 1:
            _take_over(cell, cells[place + 1], "gridSpan", "hMerge", span - 1)
        row.remove(cell)


def _edit_rows(shape: Any, old: list[list[str]], new: list[list[str]]) -> None:
    table = shape.table._tbl
    matcher = SequenceMatcher(None, [tuple(row) for row in old], [tuple(row) for row in new], autojunk=False)
    for kind, start, end, first, last in reversed(matcher.get_opcodes()):
        if kind == "equal":
            continue
        shared = min(end - start, last - first)
        for place in reversed(range(start + shared, end)):
            _remove_row(table, place)
        for place in range(start + shared, start + last - first):
            _add_row(table, place)
            _edit_row(shape, table.tr_lst[place], [""] * len(new[0]), new[first + place - start])
        for offset in range(shared):
            _edit_row(shape, table.tr_lst[start + offset], old[start + offset], new[first + offset])


def _add_row(table: Any, place: int) -> None:
    """Add an empty row that looks like the one before it; in a table whose rows alternate, like the one before that."""
    rows = list(table.tr_lst)
    model = place - 1
    if place >= 4 and _fills(rows[place - 1]) == _fills(rows[place - 3]) != _fills(rows[place - 2]):
        model = place - 2
    elif model <= 0:
        model = min(1, len(rows) - 1)  # not like the headings
    row = copy.deepcopy(rows[model])
    _renew_ids(table, row)
    below = rows[place].tc_lst if place < len(rows) else []
    for number, cell in enumerate(row.tc_lst):
        _clear(cell)
        if number < len(below) and below[number].get("vMerge") in ("1", "true"):
            origin = next(
                other.tc_lst[number] for other in reversed(rows[:place]) if other.tc_lst[number].get("vMerge") is None
            )
            origin.set("rowSpan", str(int(origin.get("rowSpan", "1")) + 1))
            cell.set("vMerge", "1")
    rows[place - 1].addnext(row) if place else rows[0].addprevious(row)


def _remove_row(table: Any, place: int) -> None:
    rows = list(table.tr_lst)
    for number, cell in enumerate(rows[place].tc_lst):
        span = int(cell.get("rowSpan", "1"))
        if cell.get("vMerge") is not None:
            above = (other.tc_lst[number] for other in reversed(rows[:place]))
            origin = next(other for other in above if other.get("vMerge") is None)
            _set_span(origin, "rowSpan", int(origin.get("rowSpan", "2")) - 1)
        elif span > 1:
            _take_over(cell, rows[place + 1].tc_lst[number], "rowSpan", "vMerge", span - 1)
    table.remove(rows[place])


def _edit_row(shape: Any, row: Any, before: Sequence[str], after: Sequence[str]) -> None:
    for element, old, new in zip(row.tc_lst, before, after, strict=True):
        if old != new:
            rewrite_all(_Cell(element, shape).text_frame.paragraphs, clean(new))


def _take_over(cell: Any, other: Any, span: str, merge: str, cells: int) -> None:
    """Let the next cell of a merged one take its place, with its text."""
    other.replace(other.txBody, copy.deepcopy(cell.txBody))
    other.attrib.pop(merge, None)
    _set_span(other, span, cells)


def _set_span(cell: Any, span: str, cells: int) -> None:
    if cells > 1:
        cell.set(span, str(cells))
    else:
        cell.attrib.pop(span, None)


def _clear(cell: Any) -> None:
    """Empty a copied cell, which belongs to no merged one; the text to come looks like the copied one."""
    for name in _MERGES:
        cell.attrib.pop(name, None)
    first, *more = cell.txBody.findall(qn("a:p"))
    for paragraph in more:
        cell.txBody.remove(paragraph)
    empty(first)


def _renew_ids(table: Any, element: Any) -> None:
    """Give a copied row or column an id of its own."""
    own = [child for child in element.iter() if _is_id(child)]
    taken = {int(child.get("val")) for child in table.iter() if _is_id(child)}
    for child in own:
        child.set("val", str(next(number for number in count(1) if number not in taken)))


def _is_id(element: Any) -> bool:
    return isinstance(element.tag, str) and element.tag.rpartition("}")[2] in _IDS


def _fills(row: Any) -> list[bytes]:
    found = (cell.find(f"{qn('a:tcPr')}/{qn('a:solidFill')}") for cell in row.tc_lst)
    return [b"" if fill is None else bytes(etree.tostring(fill)) for fill in found]

"""Share a table out over slides: by rows under a repeated header, by columns beside a repeated first one, or turned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seedx_tools.decks.data.numbers import is_gap, is_number, read_numbers
from seedx_tools.decks.ooxml.styles import TextStyle
from seedx_tools.decks.outline import ColumnAlignment, TableData
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.layout import height_of, lay_out
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.text.strings import clean
from seedx_tools.decks.text.tables import CELL_INSETS

TABLE_POINTS = (18.0, 16.0, 14.0, 12.0)
"""The font sizes of tables, the largest that fits first."""
_LONG_POINTS = 14.0
"""The size of a table that takes several slides."""
_LINE = 1.9
"""The least height of a row as a multiple of the font size."""
_WIDEST = 22.0
"""The widest column that a table gives to a long text while others need room, as a multiple of the font size."""
_SLACK = 1.06
"""What a word may be wider where its font is not installed, as a multiple."""
MAX_PAGES = 40
"""Slides that one table may take."""


@dataclass(frozen=True, slots=True)
class TablePage:
    """The part of a table that one slide shows."""

    table: TableData
    size: float
    """Of its text, in points."""
    widths: tuple[float, ...]
    """Of its columns, in points."""


def table_pages(
    table: TableData, room: tuple[float, float], style: TextStyle, warn: Callable[[str], None]
) -> list[TablePage]:
    """Return the parts of a table, each of which fits on a slide.

    Args:
        table: The table.
        room: The width and height in points that a slide has for it.
        style: The style of its text.
        warn: Called with one sentence if it was turned, split or cut.
    """
    table = table.model_copy(update={"align": _alignment(table)})
    for size in TABLE_POINTS:
        widths = _widths(table, size, room[0], style)
        if widths is not None and sum(_heights(table, size, widths, style)) <= room[1]:
            return [TablePage(table, size, widths)]
    sizes = [size for size in (_LONG_POINTS, TABLE_POINTS[-1]) if _fits(table, size, room, style)]
    pages = _by_rows(table, sizes[0], room, style) if sizes else _narrowed(table, room, style, warn)
    if len(pages) > MAX_PAGES:
        lost = sum(len(page.table.rows) for page in pages[MAX_PAGES:])
        warn(f"its table would take {len(pages)} slides; {lost} rows after the first {MAX_PAGES} slides were left out")
    return pages[:MAX_PAGES]


def _fits(table: TableData, size: float, room: tuple[float, float], style: TextStyle) -> bool:
    """Return whether a table fits in width, and each of its rows in height."""
    widths = _widths(table, size, room[0], style)
    if widths is None:
        return False
    head, *heights = _heights(table, size, widths, style)
    return size == TABLE_POINTS[-1] or head + max(heights, default=0.0) <= room[1]


def _narrowed(
    table: TableData, room: tuple[float, float], style: TextStyle, warn: Callable[[str], None]
) -> list[TablePage]:
    """Return the pages of a table that is too wide: turned if that takes fewer slides, else split by columns."""
    size = TABLE_POINTS[-1]
    split = [page for part in _by_columns(table, size, room[0], style) for page in _by_rows(part, size, room, style)]
    turned = _turned(table)
    if turned is not None and _widths(turned, size, room[0], style) is not None:
        pages = table_pages(turned, room, style, warn)
        if len(pages) <= len(split) + 1:  # rows are easier to read than parts of columns
            warn(f"its table of {len(table.header)} columns is too wide; it was turned, so that they are rows")
            return pages
    warn(f"its table of {len(table.header)} columns is too wide; it is split by columns, each time with the first one")
    return split


def _turned(table: TableData) -> TableData | None:
    """Return a table with its columns as rows; None if that makes it no narrower."""
    if len(table.rows) + 1 >= len(table.header):
        return None
    lines = list(zip(table.header, *table.rows, strict=True))
    turned = TableData(header=lines[0], rows=tuple(lines[1:]))
    return turned.model_copy(update={"align": _alignment(turned)})


def _by_columns(table: TableData, size: float, room: float, style: TextStyle) -> list[TableData]:
    """Return tables that fit in width, with about as many columns each and the first one repeated."""
    count = len(table.header)
    for parts in range(2, count):
        ends = [1 + round(number * (count - 1) / parts) for number in range(parts + 1)]
        tables = [_columns(table, (0, *range(*pair))) for pair in zip(ends, ends[1:], strict=False)]
        if all(_widths(part, size, room, style) is not None for part in tables):
            return tables
    return [_columns(table, (0, place)) for place in range(1, count)] if count > 2 else [table]


def _columns(table: TableData, places: Sequence[int]) -> TableData:
    return TableData(
        header=tuple(table.header[place] for place in places),
        rows=tuple(tuple(row[place] for place in places) for row in table.rows),
        align=tuple(table.align[place] for place in places),
    )


def _by_rows(table: TableData, size: float, room: tuple[float, float], style: TextStyle) -> list[TablePage]:
    """Return pages of about the same height, each with the header."""
    widths = _widths(table, size, room[0], style) or (room[0] / len(table.header),) * len(table.header)
    head, *heights = _heights(table, size, widths, style)
    count = len(_filled(heights, room[1] - head))
    low, high = 0.0, room[1] - head
    for _ in range(12):  # the lowest pages that are no more
        middle = (low + high) / 2
        low, high = (low, middle) if len(_filled(heights, middle)) <= count else (middle, high)
    pages, start = list[TablePage](), 0
    for length in _filled(heights, high):
        part = table.model_copy(update={"rows": table.rows[start : start + length]})
        pages.append(TablePage(part, size, widths))
        start += length
    return pages


def _filled(heights: Sequence[float], room: float) -> list[int]:
    """Return how many rows each page takes if each is filled; a row higher than the room has a page of its own."""
    pages, used = [0], 0.0
    for height in heights:
        if pages[-1] and used + height > room + 0.01:
            pages.append(0)
            used = 0.0
        pages[-1] += 1
        used += height
    return pages


def _heights(table: TableData, size: float, widths: Sequence[float], style: TextStyle) -> list[float]:
    """Return the height of the header and of each row."""
    styles = replace(style, size=size, bold=True), replace(style, size=size)
    return [
        max(
            size * _LINE,
            *(
                height_of(lay_out([(plain_text(clean(cell)), styles[min(line, 1)])], width - _side_insets()))
                + CELL_INSETS[1]
                + CELL_INSETS[3]
                for cell, width in zip(cells, widths, strict=True)
            ),
        )
        for line, cells in enumerate((table.header, *table.rows))
    ]


def _widths(table: TableData, size: float, room: float, style: TextStyle) -> tuple[float, ...] | None:
    """Return the widths of the columns by their longest text; None if a word or number would be broken."""
    least: list[float] = []
    wanted: list[float] = []
    for place, align in enumerate(table.align):
        texts = [plain_text(clean(cells[place])) for cells in (table.header, *table.rows)]
        longest = max(text_width(text, size, family=style.family, bold=line == 0) for line, text in enumerate(texts))
        words = [
            text_width(word, size, family=style.family, bold=line == 0)
            for line, text in enumerate(texts)
            for word in ([text] if line and align == "right" else text.split())
        ]
        least.append(min(max(words, default=0.0) * _SLACK, 12 * size) + _side_insets())
        wanted.append(max(least[-1], min(max(longest + 2 * size, 5 * size), _WIDEST * size)))
    free = room - sum(least)
    if free < 0:
        return None
    if sum(wanted) <= room:
        return tuple(width * room / sum(wanted) for width in wanted)
    more = [width - low for width, low in zip(wanted, least, strict=True)]
    return tuple(low + free * share / sum(more) for low, share in zip(least, more, strict=True))


def _alignment(table: TableData) -> tuple[ColumnAlignment, ...]:
    """Return the alignment of each column: as asked for, else numbers right."""
    usual: tuple[ColumnAlignment, ...] = tuple(
        "right" if place and _holds_numbers(table, place) else "left" for place in range(len(table.header))
    )
    return tuple(align or other for align, other in zip(table.align or usual, usual, strict=True))


def _holds_numbers(table: TableData, place: int) -> bool:
    cells = [plain_text(row[place]) for row in table.rows]
    numbers = [cell for cell in cells if not is_gap(cell)]
    return bool(numbers) and (all(map(is_number, numbers)) or read_numbers(cells) is not None)


def _side_insets() -> float:
    return CELL_INSETS[0] + CELL_INSETS[2]

"""A table as a file holds it: with the heading above it, and the source and notes around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from seedx_sdk.errors import InputError
from seedx_tools.decks.data.numbers import is_gap, is_number
from seedx_tools.decks.data.rows import Rows, tidied, within
from seedx_tools.decks.outline import MAX_COLUMNS, MAX_ROWS, TableData
from seedx_tools.decks.tables import SOURCE_LINE, raw_table_of


class FoundTable(NamedTuple):
    """A table of a file."""

    heading: str
    """Plain text; empty if nothing names it."""
    table: TableData
    source: str = ""
    """A line that names the source of its figures, or empty."""
    notes: str = ""
    """What else is said above and below it."""


def found_table(rows: Rows, name: str, warn: Callable[[str], None], *, heading: str = "") -> FoundTable:
    """Return a table with what the lines around it say.

    Args:
        rows: Its rows, and the lines around them.
        name: The name of the table in messages.
        warn: Called with one sentence if it has more rows or columns than a table may have, and is cut.
        heading: What names it if no line above it does.

    Raises:
        InputError: If it has no rows below the headings.
    """
    if len(rows.lines) == 1:
        raise InputError(f"{name} has headings and no rows below them; add some")
    around = [*rows.above, *rows.below]
    source = next((line for line in around if SOURCE_LINE.match(line)), "")
    above = [line for line in rows.above if line != source]
    below = [line for line in rows.below if line != source]
    table = raw_table_of(within(rows.lines, MAX_COLUMNS, MAX_ROWS, name, warn), name)
    return FoundTable(above[0] if above else heading, table, source, "\n".join([*above[1:], *below]))


def blocks_of(lines: Sequence[Sequence[str]]) -> Iterator[Rows]:
    """Yield the tables among the lines of a sheet, one above the other or side by side, with the lines around them."""
    above: list[str] = []
    below: list[str] = []
    block: list[list[str]] = []
    after_gap = True

    def done() -> Iterator[Rows]:
        if block:
            first, *others = _side_by_side(block)
            table = tidied(first)
            yield Rows(table.lines, (*above, *table.above), (*table.below, *below))
            yield from (tidied(other) for other in others)

    for line in lines:
        said = list(dict.fromkeys(filter(None, line)))
        if not said:
            after_gap = True
        elif len(said) == 1 and (after_gap or not block or SOURCE_LINE.match(said[0])) and not is_number(said[0]):
            (below if block else above).append(said[0])
        elif block and after_gap and (any(not SOURCE_LINE.match(text) for text in below) or _is_header(line)):
            heading = [below.pop()] if below and not SOURCE_LINE.match(below[-1]) else []
            yield from done()
            above, below, block, after_gap = heading, [], [list(line)], False
        else:
            block.append(list(line))
            after_gap = False
    yield from done()


def _is_header(line: Sequence[str]) -> bool:
    """Return whether a line begins a new table: it holds several words, and no number."""
    said = [cell for cell in line if not is_gap(cell)]
    return len(said) > 1 and not any(is_number(cell) for cell in said)


def _side_by_side(block: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    """Return the tables that stand beside each other in a block, parted by empty columns.

    A part is a table of its own if it has two columns or more and begins with names, not with numbers.
    """
    empty = [place for place in range(len(block[0])) if not any(line[place] for line in block)]
    starts = [0, *(place + 1 for place in empty), len(block[0]) + 1]
    spans = [(start, end - 1) for start, end in zip(starts, starts[1:], strict=False) if end - 1 > start]
    parts = [[list(line[start:end]) for line in block] for start, end in spans]
    if len(parts) < 2 or not all(_is_table(part) for part in parts):
        return [[list(line) for line in block]]
    return parts


def _is_table(part: Sequence[Sequence[str]]) -> bool:
    names = [line[0] for line in part[1:] if line[0]]
    numbers = sum(is_number(name) for name in names)
    return len(part[0]) > 1 and all(part[0]) and len(names) > 0 and numbers < len(names)

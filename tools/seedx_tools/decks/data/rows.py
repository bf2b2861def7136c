"""The rows of a table as programs export them: with lines of text around it, headings in two rows, empty columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seedx_tools.decks.data.numbers import is_number

_DELIMITERS = "\t;|,"
_LOOKED_AT = 10
"""The lines at the start of a file that tell what parts its cells."""
_SEPARATOR = re.compile(r"\A\ufeff?\"?sep=(.)\"?[ \t]*\r?\n", re.IGNORECASE)
"""The first line by which Excel is told what parts the cells."""
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table."""

    lines: list[list[str]]
    """The headings first; all of the same length."""
    above: tuple[str, ...] = ()
    """Lines of text above the table, such as its title."""
    below: tuple[str, ...] = ()
    """Lines of text below it, such as its source."""


def split_lines(text: str) -> list[list[str]]:
    """Return the cells of a CSV text, parted by commas, semicolons, tabs or bars.

    Raises:
        csv.Error: If it is not CSV.
    """
    named = _SEPARATOR.match(text)
    body = text[named.end() :] if named else text.removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(body, newline=""), delimiter=named[1] if named else _delimiter(body)))


def tidied(cells: Sequence[Sequence[str]]) -> Rows:
    """Return a table without what is not of it: empty lines and columns, and lines of text above and below.

    Headings in two rows, as over merged cells, are joined: "2024" over "H1" is "2024 H1".
    """
    lines = [[cell.strip() for cell in line] for line in cells]
    lines = [line for line in lines if any(line)]
    filled = [sum(map(bool, line)) for line in lines]
    is_wide = [count > 1 for count in filled]
    if sum(is_wide) < 2:
        return Rows(_square(lines))
    start = is_wide.index(True)
    end = len(lines) - is_wide[::-1].index(True)
    while end < len(lines) and not _is_sentence(lines[end]):
        end += 1  # a row whose other cells are empty
    return Rows(
        _with_one_header(_square(lines[start:end])),
        tuple("".join(line) for line in lines[:start]),
        tuple("".join(line) for line in lines[end:]),
    )


def within(lines: list[list[str]], columns: int, rows: int, name: str, warn: Callable[[str], None]) -> list[list[str]]:
    """Return at most so many columns, and rows below the headings; a sentence names what is left out.

    Args:
        lines: The headings first.
        columns: Maximum number of columns.
        rows: Maximum number of rows.
        name: The name of the table in messages.
        warn: Called with one sentence for each limit that cuts something.
    """
    if lines and len(lines[0]) > columns:
        warn(f"{name} has {len(lines[0])} columns; the first {columns} were read")
        lines = [line[:columns] for line in lines]
    if len(lines) - 1 > rows:
        warn(f"{name} has {len(lines) - 1} rows; the first {rows} were read")
        lines = lines[: rows + 1]
    return lines


def _is_sentence(line: Sequence[str]) -> bool:
    """Return whether a line with one cell, at its start, says something about the table and is no row of it."""
    return bool(line[0]) and (":" in line[0] or len(line[0].split()) > 4)


def _square(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return lines of the same length, without the columns that are empty throughout."""
    width = max(map(len, lines), default=0)
    padded = [[*line, *[""] * (width - len(line))] for line in lines]
    used = [place for place in range(width) if any(line[place] for line in padded)]
    return [[line[place] for place in used] for line in padded]


def _with_one_header(lines: list[list[str]]) -> list[list[str]]:
    if len(lines) < 3:
        return lines
    upper, lower = lines[0], lines[1]
    spans = [
        place
        for place in range(1, len(upper))
        if lower[place] and (not upper[place] or upper[place] == upper[place - 1]) and any(upper[1 : place + 1])
    ]
    said = [cell for cell in lower if cell]
    are_headings = len(said) > 1 and not any(is_number(cell) and not _YEAR.fullmatch(cell) for cell in said)
    if not (spans and are_headings and any(is_number(cell) for cell in lines[2])):
        return lines
    joined: list[str] = []
    over = ""
    for above, below in zip(upper, lower, strict=True):
        over = above or (over if below else "")
        joined.append(over if over == below or not below else f"{over} {below}".strip())
    return [joined, *lines[2:]]


def _delimiter(text: str) -> str:
    """Return what parts the cells: of the first lines, the character that most of them have, then have most of."""
    lines = [line for line in text.splitlines() if line.strip()][:_LOOKED_AT]
    return max(
        _DELIMITERS, key=lambda char: (sum(char in line for line in lines), sum(line.count(char) for line in lines))
    )

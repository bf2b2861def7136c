"""Edit commands about the table or the chart of a slide: its cells, rows and columns, or categories and series."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from seedx_sdk.errors import InputError
from seedx_tools.decks.data.numbers import is_gap, read_numbers
from seedx_tools.decks.outline import ChartData, ChartSeries, SlidePlan, TableData
from seedx_tools.decks.text.inline import plain_text

GRID_COMMANDS = (
    "'set Sales in 2025 to 14', 'add row: Q4 | 12 | 14', 'add column: 2026 | 12 | 14', 'remove row 2', "
    "'remove column Sales', 'rename Sales to Revenue' (in a chart, rows are categories and columns are series)"
)
"""The commands that follow_grid_command understands."""

_ROWS, _COLUMNS = r"(?:row|line|category)", r"(?:column|series)"
_SET = re.compile(r"(?:set|change|update) (?:the )?(.+?) (?:in|for|of|at) (?:the )?(.+?) (?:to|=) *(.+)", re.I | re.S)
_ADD = re.compile(rf"(?:add|append|insert) (?:a |the )?(?:new )?({_ROWS}|{_COLUMNS})\s*:\s*(.+)", re.I | re.S)
_REMOVE = re.compile(rf"(?:remove|delete|drop) (?:the )?({_ROWS}|{_COLUMNS})\s+(.+)", re.I)
_RENAME = re.compile(rf"rename (?:the )?(?:{_ROWS} |{_COLUMNS} )?(.+?) (?:to|as|into) (.+)", re.I)

Grid: TypeAlias = list[list[str]]
"""Lines of cells, headings first; the texts of a table in inline Markdown, those of a chart plain."""


def follow_grid_command(plan: SlidePlan, command: str) -> SlidePlan | None:
    """Return a slide whose table or chart follows a command; None if it has neither, or it is no such command.

    Raises:
        InputError: If there is no such row or column, or nothing that has any, or a cell of a chart is no number.
    """
    grid = _grid(plan)
    if grid is None:
        if _ADD.fullmatch(command) or _REMOVE.fullmatch(command):
            raise InputError("the slide has no table, and no chart whose numbers can be changed")
        return None
    if found := _ADD.fullmatch(command):
        cells = [cell.strip() for cell in found[2].split("|")]
        changed = _with_row(grid, cells) if re.fullmatch(_ROWS, found[1], re.I) else _with_column(grid, cells)
    elif found := _REMOVE.fullmatch(command):
        changed = _without(grid, found[2], is_row=bool(re.fullmatch(_ROWS, found[1], re.I)))
    elif found := _RENAME.fullmatch(command):
        changed = _renamed(grid, found[1], found[2])
    elif found := _SET.fullmatch(command):
        row, column = _place(grid, found[1], found[2])
        changed = _put(grid, row, column, found[3])
    else:
        return None
    if plan.table is not None:
        return plan.model_copy(update={"table": _table(plan.table, changed)})
    chart = plan.chart
    return None if chart is None else plan.model_copy(update={"chart": _chart(chart, grid, changed)})


def _grid(plan: SlidePlan) -> Grid | None:
    if plan.table is not None:
        return [list(row) for row in (plan.table.header, *plan.table.rows)]
    if plan.chart is None or not plan.chart.series:
        return None
    values = [[_written(value) for value in series.values] for series in plan.chart.series]
    rows = [[name, *cells] for name, *cells in zip(plan.chart.categories, *values, strict=True)]
    return [["", *(series.name for series in plan.chart.series)], *rows]


def _written(value: float | None) -> str:
    return "" if value is None else repr(value)


def _with_row(grid: Grid, cells: list[str]) -> Grid:
    width = len(grid[0])
    if len(cells) > width:
        raise InputError(f"the new row has {len(cells)} cells for {width} columns")
    return [*grid, cells + [""] * (width - len(cells))]


def _with_column(grid: Grid, cells: list[str]) -> Grid:
    if len(cells) > len(grid):
        raise InputError(f"the new column has a heading and {len(cells) - 1} cells for {len(grid) - 1} rows")
    return [[*row, cell] for row, cell in zip(grid, cells + [""] * (len(grid) - len(cells)), strict=True)]


def _without(grid: Grid, name: str, *, is_row: bool) -> Grid:
    names = [row[0] for row in grid] if is_row else grid[0]
    found = _find(names[1:] if is_row else names, name)
    if found is None and name.isdecimal() and 1 <= int(name) <= len(names) - int(is_row):
        found = int(name) - 1
    if found is None:
        raise _missing("row" if is_row else "column", name, names[1:] if is_row else names)
    if len(names) == 2:
        raise InputError(f"'{name}' is the only {'row' if is_row else 'column'} beside the headings")
    if is_row:
        return [row for place, row in enumerate(grid) if place != found + 1]
    return [[cell for place, cell in enumerate(row) if place != found] for row in grid]


def _renamed(grid: Grid, old: str, new: str) -> Grid:
    column = _find(grid[0], old)
    if column is not None:
        return _put(grid, 0, column, new)
    row = _find([cells[0] for cells in grid], old)
    if row is None:
        raise _missing("row or column", old, [*grid[0], *(cells[0] for cells in grid[1:])])
    return _put(grid, row, 0, new)


def _place(grid: Grid, one: str, other: str) -> tuple[int, int]:
    """Return the row and column of the cell that a row and a column, in any order, have in common."""
    rows = [cells[0] for cells in grid]
    for row_name, column_name in ((one, other), (other, one)):
        row, column = _find(rows, row_name), _find(grid[0], column_name)
        if row and column is not None:
            return row, column
    raise InputError(
        f"no cell is in '{one}' and '{other}'; the columns are {_listed(grid[0])}, the rows {_listed(rows[1:])}"
    )


def _put(grid: Grid, row: int, column: int, text: str) -> Grid:
    changed = [list(cells) for cells in grid]
    changed[row][column] = text.strip("'\" ")
    return changed


def _find(names: Sequence[str], name: str) -> int | None:
    wanted = name.strip("'\" ").casefold()
    return next((place for place, one in enumerate(names) if plain_text(one).strip().casefold() == wanted), None)


def _missing(what: str, name: str, names: Sequence[str]) -> InputError:
    return InputError(f"there is no {what} '{name}'; there are {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{plain_text(name)}'" for name in names if name)


def _table(table: TableData, grid: Grid) -> TableData:
    align = table.align if len(table.align) == len(grid[0]) else ()
    return TableData(header=tuple(grid[0]), rows=tuple(tuple(row) for row in grid[1:]), align=align)


def _chart(chart: ChartData, before: Grid, grid: Grid) -> ChartData:
    """Return a chart with other numbers; a series keeps its unit and its axis by its name, else by its place."""
    known = {series.name: series for series in chart.series}
    same = len(before[0]) == len(grid[0])
    series = []
    for place, name in enumerate(grid[0][1:]):
        like = known.get(name) or (chart.series[place] if same else None)
        values = tuple(_number(row[place + 1]) for row in grid[1:])
        unit = like.unit if like is not None else chart.series[0].unit
        series.append(
            ChartSeries(name=name, values=values, unit=unit, second_axis=like is not None and like.second_axis)
        )
    return chart.model_copy(update={"categories": tuple(row[0] for row in grid[1:]), "series": tuple(series)})


def _number(text: str) -> float | None:
    if is_gap(text):
        return None
    numbers = read_numbers([text])
    if numbers is None:
        raise InputError(f"'{text}' is not a number; write it like 1234.5")
    return numbers.values[0]

"""Tables and charts as chat models write them: ragged rows, rows as objects, numbers as text, gaps."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from seedx_tools.decks.data.kinds import chart_kind
from seedx_tools.decks.data.numbers import is_gap, read_numbers
from seedx_tools.decks.planners.answers.names import renamed
from seedx_tools.model_answers import written

Warn: TypeAlias = Callable[[str], None]

_TABLE_NAMES = {"header": ("headers", "head", "columns", "column_names"), "rows": ("row", "data", "body", "cells")}
_CHART_NAMES = {
    "kind": ("type", "chart_type", "chart_kind"),
    "categories": ("labels", "category", "x", "x_axis", "x_values"),
    "series": ("datasets", "data", "dataset", "values", "y"),
}
_SERIES_NAMES = {"name": ("label", "title", "legend"), "values": ("data", "y", "points", "numbers", "value")}
_RULE = re.compile(r":?-{2,}:?")


def table_as_meant(value: Any, warn: Warn) -> dict[str, Any] | None:
    """Return the fields of a table with as many cells in each row; None if it has neither cells nor a file."""
    if isinstance(value, str):
        value = {"rows": _markdown_rows(value)}
    elif isinstance(value, list | tuple):
        value = {"rows": value}
    if not isinstance(value, Mapping):
        return None
    table = renamed(value, _TABLE_NAMES)
    header = [written(cell) for cell in _as_list(table.pop("header", None))]
    rows = table.pop("rows", None)
    rows = rows.splitlines() if isinstance(rows, str) else _as_list(rows)
    objects = [row for row in rows if isinstance(row, Mapping)]
    if objects and len(objects) == len(rows):
        names = list(dict.fromkeys(name for row in objects for name in row))
        header = header if len(header) == len(names) else list(map(str, names))
        rows = [[row.get(name) for name in names] for row in objects]
    cells = [_cells(row) for row in rows]
    if _has_file(table):
        return table
    table.pop("csv", None)
    if not header and cells:
        header, *cells = cells
    if not any(header):
        return None
    width = max(len(header), *(len(row) for row in cells), 0) if cells else len(header)
    if any(len(row) != width for row in (header, *cells)):
        warn("rows of a table had different numbers of cells; the missing ones are empty")
    if len(_as_list(table.get("align"))) != width:
        table.pop("align", None)
    return table | {"header": _padded(header, width), "rows": [_padded(row, width) for row in cells]}


def chart_as_meant(value: Any, warn: Warn) -> dict[str, Any] | None:
    """Return the fields of a chart with a number or a gap for each category; None if it has no numbers and no file."""
    if not isinstance(value, Mapping):
        return None
    chart = renamed(value, _CHART_NAMES)
    kind = chart.get("kind")
    known = chart_kind(kind.replace("_", " ")) if isinstance(kind, str) else None
    if known is None:
        warn(f"the chat model gave no kind of chart that exists ({kind!r}); it is a bar chart")
    chart["kind"] = known or "bar"
    if _has_file(chart):
        return {name: part for name, part in chart.items() if name not in ("series", "categories")}
    chart.pop("csv", None)
    labels = [written(label) for label in _as_list(chart.get("categories"))]
    series = [_series(one, number, chart, warn) for number, one in enumerate(_all_series(chart.get("series")), 1)]
    series = [one for one in series if one["values"]]
    if not series:
        warn("the chat model gave a chart without numbers; it was left out")
        return None
    count = max(len(labels), *(len(one["values"]) for one in series))
    if any(len(one["values"]) != count for one in series) or (labels and len(labels) != count):
        warn("a chart had more categories or more numbers than the other; the missing ones are empty")
    labels += [str(number) for number in range(len(labels) + 1, count + 1)]
    for one in series:
        one["values"] += [None] * (count - len(one["values"]))
    return chart | {"categories": labels, "series": series}


def _all_series(value: Any) -> list[Any]:
    """Return the series in a list of them, one of them, values by name, or bare values."""
    if isinstance(value, Mapping):
        named = renamed(value, _SERIES_NAMES)
        if "values" in named:
            return [named]
        return [{"name": name, "values": part} for name, part in value.items()]
    values = _as_list(value)
    return [{"values": values}] if values and not any(isinstance(one, Mapping | list) for one in values) else values


def _series(value: Any, number: int, chart: Mapping[str, Any], warn: Warn) -> dict[str, Any]:
    series = renamed(value, _SERIES_NAMES) if isinstance(value, Mapping) else {"values": value}
    numbers, unit = _numbers(_as_list(series.get("values")), warn)
    name = written(series.get("name")) or written(chart.get("title")) or f"Series {number}"
    series |= {"name": name, "values": numbers}
    if unit and not series.get("unit"):
        series["unit"] = unit
    return series


def _numbers(values: Sequence[Any], warn: Warn) -> tuple[list[float | None], str]:
    """Return the numbers of a series, None for gaps, and the unit that all of them name."""
    values = [_only_number(value) for value in values]
    texts = ["" if value is None else value if isinstance(value, str) else repr(value) for value in values]
    found = read_numbers(texts) if any(isinstance(value, str) for value in values) else None
    if found is not None:
        return list(found.values), found.unit
    numbers: list[float | None] = []
    for value, text in zip(values, texts, strict=True):
        if isinstance(value, int | float):
            numbers.append(_finite(value))
            continue
        one = None if is_gap(text) else read_numbers([text])
        if one is None and not is_gap(text):
            warn(f"'{text}' is no number; it is a gap in the chart")
        numbers.append(None if one is None else one.values[0])
    return numbers, ""


def _only_number(value: Any) -> Any:
    """Return the number of a point such as {"x": "Jul", "y": 3}, or of a pair; anything else as it is."""
    if isinstance(value, Mapping):
        value = value.get("y", value.get("value"))
    return value if value is None or isinstance(value, str | int | float) else None


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _has_file(data: Mapping[str, Any]) -> bool:
    name = data.get("csv")
    return isinstance(name, str) and name.strip().lower() not in ("", "none", "null", "n/a")


def _cells(row: Any) -> list[str]:
    if isinstance(row, str):
        parts = row.strip().strip("|").split("|") if "|" in row else [row]
        return [part.strip() for part in parts]
    return [", ".join(map(written, cell)) if isinstance(cell, list) else written(cell) for cell in _as_list(row)]


def _markdown_rows(text: str) -> list[list[str]]:
    rows = [_cells(line) for line in text.splitlines() if "|" in line]
    return [row for row in rows if not all(_RULE.fullmatch(cell) for cell in row)]


def _padded(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [] if value is None or value == "" else [value]

"""The kinds of charts, and the words by which people ask for them."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias, get_args

ChartKind: TypeAlias = Literal[
    "bar",
    "horizontal_bar",
    "stacked_bar",
    "stacked_horizontal_bar",
    "percent_stacked_bar",
    "percent_stacked_horizontal_bar",
    "line",
    "area",
    "stacked_area",
    "pie",
    "doughnut",
    "scatter",
    "combo",
]
CHART_KINDS: tuple[ChartKind, ...] = get_args(ChartKind)
KIND_NAMES = ", ".join(kind.replace("_", " ") for kind in CHART_KINDS)
"""The kinds as a message names them."""

_SHAPES = {
    "bar": ("bar", "bars", "column", "columns", "histogram"),
    "line": ("line", "lines", "curve", "trend", "timeseries"),
    "area": ("area", "areas"),
    "pie": ("pie", "pies"),
    "doughnut": ("doughnut", "donut", "ring"),
    "scatter": ("scatter", "xy", "scatterplot"),
    "combo": ("combo", "combination", "combined", "mixed"),
}
_SHAPE_OF = {word: shape for shape, words in _SHAPES.items() for word in words}
_STACKED = ("stacked", "stack")
_PERCENT = ("percent", "percentage", "100", "100%", "normalized", "full")
_HORIZONTAL = ("horizontal", "sideways")
_IDLE = ("chart", "graph", "plot", "diagram", "clustered", "grouped", "vertical", "simple", "and")
_WORD = re.compile(r"[^\W_]+%?")


def chart_kind(words: str) -> ChartKind | None:
    """Return the kind that words such as "stacked column chart" or "donut" ask for; None if they name none."""
    spoken = _WORD.findall(words.lower())
    shapes = {_SHAPE_OF[word] for word in spoken if word in _SHAPE_OF}
    is_stacked = any(word in _STACKED for word in spoken)
    is_percent = any(word in _PERCENT for word in spoken)
    if shapes == {"bar", "line"}:
        shapes = {"combo"}
    known = (*_SHAPE_OF, *_STACKED, *_PERCENT, *_HORIZONTAL, *_IDLE)
    if any(word not in known for word in spoken) or len(shapes) > 1 or not (shapes or is_stacked):
        return None
    shape = next(iter(shapes), "bar")
    if shape == "bar":
        turned = "horizontal_" if any(word in _HORIZONTAL for word in spoken) else ""
        shape = f"{'percent_stacked_' if is_percent else 'stacked_' if is_stacked else ''}{turned}bar"
    elif shape == "area" and (is_stacked or is_percent):
        shape = "stacked_area"
    return next((kind for kind in CHART_KINDS if kind == shape), None)


def split_kind(text: str) -> tuple[ChartKind | None, str]:
    """Return the kind at the start of a text such as "stacked bar: Costs", and the title that follows it.

    The kind is None, and the title the whole text, if the text starts with no kind.
    """
    before, colon, after = text.partition(":")
    if colon and (kind := chart_kind(before)):
        return kind, after.strip()
    words = text.split()
    for count in range(len(words), 0, -1):
        if kind := chart_kind(" ".join(words[:count])):
            return kind, " ".join(words[count:])
    return None, text.strip()

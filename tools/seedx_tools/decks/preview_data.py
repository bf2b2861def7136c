"""Draw native tables and charts in previews, from their cells and numbers, in the slide's colors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from PIL import ImageDraw
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, scheme_color
from seedx_tools.decks.text.fonts import drawable, font_for
from seedx_tools.decks.text.layout import Line, height_of
from seedx_tools.decks.text.shapes import PointRect
from seedx_tools.decks.text.tables import CELL_INSETS, cell_fill, cell_lines, row_heights

DrawLine: TypeAlias = Callable[[Line, float, float], None]
"""Draws a line of text in a box with this left and top, in points."""

_LABEL_POINTS = 13
_MAX_VALUE = 1e300
_LEAST_SPAN = 1e-300
"""Powers of ten below this lose digits; a smaller span is drawn flat."""


def draw_table(
    slide: Slide, shape: Any, area: PointRect, pen: ImageDraw.ImageDraw, pixels: float, line: DrawLine
) -> None:
    """Draw the cells of a table; `pixels` is pixels per point."""
    widths = [int(column.width) / EMU_PER_POINT for column in shape.table.columns]
    lefts = [area[0] + sum(widths[:number]) for number in range(len(widths))]
    if shape.table._tbl.tblPr.get("rtl") in ("1", "true"):
        lefts = [area[0] + area[2] - left - width for left, width in zip(lefts, widths, strict=True)]
    ink = scheme_color(slide, "tx1")
    top = area[1]
    edges: list[float] = []
    for row, height in zip(shape.table.rows, row_heights(slide, shape), strict=True):
        for cell, left, width in zip(row.cells, lefts, widths, strict=True):
            box = [value * pixels for value in (left, top, left + width, top + height)]
            fill = cell_fill(slide, cell)
            if fill is not None:
                pen.rectangle(box, fill=f"#{fill}")
            lines = cell_lines(slide, shape, cell, width)
            free = (height - CELL_INSETS[1] - CELL_INSETS[3] - height_of(lines)) / 2
            for text in lines:
                line(text, left + CELL_INSETS[0], top + CELL_INSETS[1] + max(0.0, free))
        top += height
        edges.append(top)
    for edge in edges:
        pen.line([area[0] * pixels, edge * pixels, area[2] * pixels, edge * pixels], fill=f"#{ink}")


def draw_chart(slide: Slide, shape: Any, area: PointRect, pen: ImageDraw.ImageDraw, pixels: float) -> None:
    """Draw a bar, line or pie chart from its numbers, or a frame for any other chart; `pixels` is pixels per point."""
    chart = shape.chart
    try:
        plot = chart.plots[0]
    except (IndexError, ValueError):  # python-pptx does not support 3-D, stock or surface charts
        pen.rectangle([value * pixels for value in area], outline=f"#{scheme_color(slide, 'tx1')}")
        return
    names = [str(category) for category in plot.categories]
    series = [(str(one.name), [_drawn(value) for value in one.values]) for one in plot.series]
    if not series or not names:
        return
    canvas = _Canvas(slide, pen, pixels)
    left, top, right, bottom = area
    if chart.has_title and chart.chart_title.has_text_frame:
        canvas.text(chart.chart_title.text_frame.text, (left + right) / 2, top + 16, "mm", _LABEL_POINTS + 3)
        top += 34
    kind = plot._element.tag.split("}")[1]
    if kind == "pieChart":
        canvas.pie(names, series[0][1], (left, top, right, bottom))
        return
    if len(series) > 1:
        canvas.legend([name for name, _ in series], (left + right) / 2, bottom - 12)
        bottom -= 28
    canvas.axes(names, series, (left + 44, top + 12, right - 8, bottom - 24), is_bar=kind == "barChart")


class _Canvas:
    """Draws in points instead of pixels."""

    def __init__(self, slide: Slide, pen: ImageDraw.ImageDraw, pixels: float) -> None:
        self._pen = pen
        self._pixels = pixels
        self._ink = f"#{scheme_color(slide, 'tx1')}"
        self._accents = [f"#{scheme_color(slide, f'accent{number}')}" for number in range(1, 7)]

    def color(self, number: int) -> str:
        return self._accents[number % len(self._accents)]

    def text(self, text: str, x: float, y: float, anchor: str, size: float = _LABEL_POINTS) -> None:
        text = drawable(text)
        font, _ = font_for(text, size * self._pixels)
        self._pen.text((x * self._pixels, y * self._pixels), text, font=font, fill=self._ink, anchor=anchor)

    def box(self, area: Sequence[float], color: str) -> None:
        self._pen.rectangle([value * self._pixels for value in area], fill=color)

    def line(self, points: Sequence[tuple[float, float]], color: str, width: int) -> None:
        self._pen.line([(x * self._pixels, y * self._pixels) for x, y in points], fill=color, width=width)

    def legend(self, names: Sequence[str], middle: float, y: float) -> None:
        step = max(font_for(name, _LABEL_POINTS)[0].getlength(name) for name in names) + 30
        x = middle - step * len(names) / 2
        for number, name in enumerate(names):
            self.box((x, y - 4, x + 8, y + 4), self.color(number))
            self.text(name, x + 13, y, "lm")
            x += step

    def pie(self, names: Sequence[str], values: Sequence[float], area: PointRect) -> None:
        left, top, right, bottom = area
        radius = min(right - left, bottom - top) / 2 - 24
        x, y = left + (right - left) * 0.42, (top + bottom) / 2
        box = [value * self._pixels for value in (x - radius, y - radius, x + radius, y + radius)]
        total = sum(values) or 1.0
        start = -90.0
        for number, (name, value) in enumerate(zip(names, values, strict=True)):
            end = start + 360 * value / total
            self._pen.pieslice(box, start, end, fill=self.color(number))
            angle = math.radians((start + end) / 2)
            reach = radius + 18
            self.text(f"{value / total:.0%}", x + reach * math.cos(angle), y + reach * math.sin(angle), "mm")
            row = y + (number - (len(names) - 1) / 2) * 20
            self.box((right - 110, row - 4, right - 102, row + 4), self.color(number))
            self.text(name, right - 96, row, "lm")
            start = end

    def axes(
        self, names: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], area: PointRect, *, is_bar: bool
    ) -> None:
        left, top, right, bottom = area
        values = [value for _, row in series for value in row]
        step = _nice_step(max(0.0, *values) - min(0.0, *values))
        low, high = math.floor(min(0.0, *values) / step) * step, math.ceil(max(0.0, *values) / step + 1e-9) * step

        def y(value: float) -> float:
            return bottom - (value - low) / (high - low or 1.0) * (bottom - top)

        for tick in range(round((high - low) / step) + 1):
            at = y(low + tick * step)
            self._pen.line(
                [left * self._pixels, at * self._pixels, right * self._pixels, at * self._pixels], fill="#9A9A9A"
            )
            self.text(f"{low + tick * step:g}", left - 6, at, "rm")
        slot = (right - left) / len(names)
        every = -(-len(names) // max(1, int((right - left) / 60)))
        for number, name in enumerate(names):
            if number % every == 0:
                self.text(name, left + slot * (number + 0.5), bottom + 14, "mm")
        for index, (_, row) in enumerate(series):
            points = [(left + slot * (number + 0.5), y(value)) for number, value in enumerate(row)]
            if is_bar:
                wide = slot * 0.62 / len(series)
                for (x, at), value in zip(points, row, strict=True):
                    start = x - wide * len(series) / 2 + wide * index
                    self.box((start, min(at, y(0.0)), start + wide, max(at, y(0.0))), self.color(index))
                    if len(series) == 1:
                        self.text(f"{value:g}", x, at - 9, "mm")
            else:
                self._pen.line(
                    [(x * self._pixels, at * self._pixels) for x, at in points], fill=self.color(index), width=3
                )
                for x, at in points:
                    self._pen.circle((x * self._pixels, at * self._pixels), 4, fill=self.color(index))


def _drawn(value: float | None) -> float:
    """Return the number to draw: 0 for a gap, and clamped so that no sum or span is infinite."""
    if value is None or math.isnan(value):
        return 0.0
    return max(-_MAX_VALUE, min(_MAX_VALUE, float(value)))


def _nice_step(span: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that gives about five grid lines."""
    if span < _LEAST_SPAN:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    return next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 6)

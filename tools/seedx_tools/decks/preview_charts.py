"""Draw native charts in previews, from their numbers, in the slide's colors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import ImageDraw
from pptx.slide import Slide

from seedx_tools.decks.data.numbers import shown
from seedx_tools.decks.ooxml.chart_data import chart_data_of
from seedx_tools.decks.ooxml.styles import scheme_color
from seedx_tools.decks.outline import ChartData, ChartSeries
from seedx_tools.decks.text.fonts import drawable, font_for
from seedx_tools.decks.text.shapes import PointRect

_LABEL_POINTS = 13
_MAX_VALUE = 1e300
_LEAST_SPAN = 1e-300
"""Powers of ten below this lose digits; a smaller span is drawn flat."""
_GRID = "#9A9A9A"
_MOST_LABELS = 12


def draw_chart(slide: Slide, shape: Any, area: PointRect, pen: ImageDraw.ImageDraw, pixels: float) -> None:
    """Draw a chart from its numbers, or a frame for one of an unknown kind; `pixels` is pixels per point."""
    chart = chart_data_of(shape.chart)
    if chart is None:
        pen.rectangle([value * pixels for value in area], outline=f"#{scheme_color(slide, 'tx1')}")
        return
    canvas = _Canvas(slide, pen, pixels)
    left, top, right, bottom = area
    if chart.title:
        canvas.text(chart.title, (left + right) / 2, top + 16, "mm", _LABEL_POINTS + 3)
        top += 34
    if chart.kind in ("pie", "doughnut"):
        _draw_slices(canvas, chart, (left, top, right, bottom))
        return
    if len(chart.series) > 1:
        canvas.legend([series.name for series in chart.series], (left + right) / 2, bottom - 12)
        bottom -= 28
    is_lying = "horizontal" in chart.kind
    names = max(canvas.width(name) for name in chart.categories) if is_lying else 0.0
    edge = min(names + 12, (right - left) * 0.4) if is_lying else 44.0
    second = 44 if any(series.second_axis for series in chart.series) else 8
    plot = (left + edge, top + 12, right - second, bottom - 24)
    if chart.kind == "scatter":
        _draw_points(canvas, chart, plot)
    else:
        axis = shape.chart.value_axis if "horizontal" in chart.kind else shape.chart.category_axis
        _Plot(canvas, chart, plot, is_mirrored=bool(axis.reverse_order)).draw()


class _Canvas:
    """Draws in points instead of pixels."""

    def __init__(self, slide: Slide, pen: ImageDraw.ImageDraw, pixels: float) -> None:
        self.pen = pen
        self._pixels = pixels
        self._ink = f"#{scheme_color(slide, 'tx1')}"
        self._accents = [f"#{scheme_color(slide, f'accent{number}')}" for number in range(1, 7)]

    def color(self, number: int) -> str:
        return self._accents[number % len(self._accents)]

    def at(self, *points: float) -> list[float]:
        return [value * self._pixels for value in points]

    def width(self, text: str) -> float:
        return float(font_for(text, _LABEL_POINTS)[0].getlength(drawable(text)))

    def text(self, text: str, x: float, y: float, anchor: str, size: float = _LABEL_POINTS) -> None:
        text = drawable(text)
        font, _ = font_for(text, size * self._pixels)
        self.pen.text((x * self._pixels, y * self._pixels), text, font=font, fill=self._ink, anchor=anchor)

    def box(self, area: Sequence[float], color: str) -> None:
        left, top, right, bottom = area
        self.pen.rectangle(self.at(min(left, right), min(top, bottom), max(left, right), max(top, bottom)), fill=color)

    def line(self, points: Sequence[tuple[float, float]], color: str, width: int) -> None:
        self.pen.line([(x * self._pixels, y * self._pixels) for x, y in points], fill=color, width=width)

    def dot(self, x: float, y: float, color: str) -> None:
        self.pen.circle((x * self._pixels, y * self._pixels), 4, fill=color)

    def legend(self, names: Sequence[str], middle: float, y: float) -> None:
        step = max(map(self.width, names)) + 30
        x = middle - step * len(names) / 2
        for number, name in enumerate(names):
            self.box((x, y - 4, x + 8, y + 4), self.color(number))
            self.text(name, x + 13, y, "lm")
            x += step


@dataclass(frozen=True, slots=True)
class _Scale:
    """The numbers along an axis."""

    low: float
    high: float
    step: float

    def share(self, value: float) -> float:
        """Return where a number lies, from 0 at the low end to 1 at the high end."""
        return (value - self.low) / (self.high - self.low or 1.0)

    def ticks(self) -> Iterator[float]:
        for number in range(round((self.high - self.low) / self.step) + 1):
            yield self.low + number * self.step


def _scale(values: Sequence[float], *, from_zero: bool = True) -> _Scale:
    bounds = [*values, 0.0] if from_zero or not values else values
    step = _nice_step(max(bounds) - min(bounds))
    return _Scale(math.floor(min(bounds) / step) * step, math.ceil(max(bounds) / step + 1e-9) * step, step)


class _Plot:
    """A chart with categories along one side: upright or lying, running to the right or to the left."""

    def __init__(self, canvas: _Canvas, chart: ChartData, area: PointRect, *, is_mirrored: bool) -> None:
        self._canvas, self._chart, self._area = canvas, chart, area
        self._is_lying = "horizontal" in chart.kind
        self._is_mirrored = is_mirrored
        self._is_stacked = "stacked" in chart.kind
        self._rows = [[_drawn(value) for value in series.values] for series in chart.series]
        if chart.kind.startswith("percent"):
            sums = [sum(abs(value or 0.0) for value in column) or 1.0 for column in zip(*self._rows, strict=True)]
            self._rows = [
                [None if value is None else value / total for value, total in zip(row, sums, strict=True)]
                for row in self._rows
            ]
        self._scales = [self._scale_of(second=second) for second in (False, True)]

    def draw(self) -> None:
        self._draw_axes()
        chart = self._chart
        is_line = [chart.kind == "line" or series.second_axis for series in chart.series]
        if chart.kind == "combo" and not any(is_line):
            is_line[-1] = len(is_line) > 1
        bars = [place for place, line in enumerate(is_line) if not line]
        ends = [[0.0, 0.0] for _ in chart.categories]
        places = list(range(len(chart.series)))
        if chart.kind == "area":  # the highest one lies behind
            places.sort(key=lambda place: -sum(value or 0.0 for value in self._rows[place]))
        for place in places:
            if "area" in chart.kind:
                self._draw_area(place, ends)
            elif is_line[place]:
                self._draw_line(place)
            else:
                self._draw_bars(place, bars, ends)

    def _scale_of(self, *, second: bool) -> _Scale:
        if self._chart.kind.startswith("percent"):
            return _Scale(0.0, 1.0, 0.2)
        rows = [row for row, series in zip(self._rows, self._chart.series, strict=True) if series.second_axis == second]
        if self._is_stacked:
            columns = list(zip(*rows, strict=True))
            sums = [sum(value for value in column if value and value > 0) for column in columns]
            return _scale(sums + [sum(value for value in column if value and value < 0) for column in columns])
        return _scale([value for row in rows for value in row if value is not None])

    def _place(self, along: float, value: float, *, second: bool = False) -> tuple[float, float]:
        """Return x and y of a number at a position along the categories, counted in categories."""
        left, top, right, bottom = self._area
        share = along / len(self._chart.categories)
        height = self._scales[second].share(value)
        if self._is_mirrored and not self._is_lying:
            share = 1 - share
        if self._is_lying:
            height = 1 - height if self._is_mirrored else height
            return left + (right - left) * height, top + (bottom - top) * share
        return left + (right - left) * share, bottom - (bottom - top) * height

    def _draw_axes(self) -> None:
        canvas, count = self._canvas, len(self._chart.categories)
        unit = "%" if self._chart.kind.startswith("percent") else self._unit(second=False)
        for tick in self._scales[0].ticks():
            ends = self._place(0, tick), self._place(count, tick)
            canvas.line(ends, _GRID, 1)
            label = shown(tick * 100 if self._chart.kind.startswith("percent") else tick, unit)
            if self._is_lying:
                canvas.text(label, ends[1][0], ends[1][1] + 12, "mm")
            else:
                canvas.text(
                    label,
                    ends[0][0] + (6 if self._is_mirrored else -6),
                    ends[0][1],
                    "lm" if self._is_mirrored else "rm",
                )
        if any(series.second_axis for series in self._chart.series):
            for tick in self._scales[1].ticks():
                x, y = self._place(count, tick, second=True)
                canvas.text(shown(tick, self._unit(second=True)), x + 6, y, "lm")
        left, top, right, bottom = self._area
        widest = max(map(canvas.width, self._chart.categories)) + 10
        most = int((bottom - top) / 16) if self._is_lying else min(_MOST_LABELS, int((right - left) / widest))
        every = -(-count // max(1, most))
        for number in range(0, count, every):
            x, y = self._place(number + 0.5, self._scales[0].low)
            name = self._chart.categories[number]
            if self._is_lying:
                canvas.text(name, x - 6, y, "rm")
            else:
                canvas.text(name, x, bottom + 14, "mm")

    def _unit(self, *, second: bool) -> str:
        units = {series.unit for series in self._chart.series if series.second_axis == second}
        return next(iter(units)) if len(units) == 1 else ""

    def _draw_bars(self, place: int, bars: Sequence[int], ends: list[list[float]]) -> None:
        wide = 0.62 if self._is_stacked else 0.62 / len(bars)
        shift = 0.19 + (0 if self._is_stacked else wide * bars.index(place))
        for number, value in enumerate(self._rows[place]):
            if value is None:
                continue
            start = ends[number][value < 0] if self._is_stacked else 0.0
            end = start + value
            ends[number][value < 0] = end
            first, last = self._place(number + shift, start), self._place(number + shift + wide, end)
            self._canvas.box((*first, *last), self._canvas.color(place))
            if len(self._chart.series) == 1 and len(self._rows[place]) <= _MOST_LABELS:
                label = shown(value, self._chart.series[place].unit)
                if self._is_lying:
                    self._canvas.text(label, last[0] + 5, (first[1] + last[1]) / 2, "lm")
                else:
                    self._canvas.text(label, (first[0] + last[0]) / 2, last[1] - 9 if value >= 0 else last[1] + 9, "mm")

    def _draw_line(self, place: int) -> None:
        series = self._chart.series[place]
        row = self._rows[place]
        color = self._canvas.color(place)
        points = [
            None if value is None else self._place(number + 0.5, value, second=series.second_axis)
            for number, value in enumerate(row)
        ]
        for first, last in zip(points, points[1:], strict=False):
            if first is not None and last is not None:
                self._canvas.line((first, last), color, 3)
        for point in points if len(points) <= 2 * _MOST_LABELS else ():
            if point is not None:
                self._canvas.dot(*point, color)

    def _draw_area(self, place: int, ends: list[list[float]]) -> None:
        tops: list[tuple[float, float]] = []
        bottoms: list[tuple[float, float]] = []
        for number, value in enumerate(self._rows[place]):
            start = ends[number][0] if self._is_stacked else 0.0
            ends[number][0] = start + (value or 0.0)
            bottoms.append(self._place(number + 0.5, start))
            tops.append(self._place(number + 0.5, start + (value or 0.0)))
        outline = [value for x, y in (*tops, *reversed(bottoms)) for value in self._canvas.at(x, y)]
        if len(tops) > 1:
            self._canvas.pen.polygon(outline, fill=self._canvas.color(place))


def _draw_points(canvas: _Canvas, chart: ChartData, area: PointRect) -> None:
    """Draw a scatter chart."""
    left, top, right, bottom = area
    along = [float(category) for category in chart.categories]
    across = [_drawn(value) for series in chart.series for value in series.values]
    x_scale = _scale(along, from_zero=False)
    y_scale = _scale([value for value in across if value is not None])
    for tick in y_scale.ticks():
        y = bottom - (bottom - top) * y_scale.share(tick)
        canvas.line(((left, y), (right, y)), _GRID, 1)
        canvas.text(shown(tick), left - 6, y, "rm")
    for tick in x_scale.ticks():
        canvas.text(shown(tick), left + (right - left) * x_scale.share(tick), bottom + 14, "mm")
    for place, series in enumerate(chart.series):
        for x, value in zip(along, map(_drawn, series.values), strict=True):
            if value is not None:
                at = left + (right - left) * x_scale.share(x), bottom - (bottom - top) * y_scale.share(value)
                canvas.dot(*at, canvas.color(place))


def _draw_slices(canvas: _Canvas, chart: ChartData, area: PointRect) -> None:
    """Draw a pie or doughnut."""
    left, top, right, bottom = area
    radius = min(right - left, bottom - top) / 2 - 24
    x, y = left + (right - left) * 0.42, (top + bottom) / 2
    box = canvas.at(x - radius, y - radius, x + radius, y + radius)
    first: ChartSeries = chart.series[0]
    values = [abs(_drawn(value) or 0.0) for value in first.values]
    total = sum(values) or 1.0
    start = -90.0
    for number, (name, value) in enumerate(zip(chart.categories, values, strict=True)):
        end = start + 360 * value / total
        if chart.kind == "doughnut":
            ring = max(1, round(canvas.at(radius * 0.5)[0]))
            canvas.pen.arc(box, start, end, fill=canvas.color(number), width=ring)
        else:
            canvas.pen.pieslice(box, start, end, fill=canvas.color(number))
        angle = math.radians((start + end) / 2)
        reach = radius * 0.75 if chart.kind == "doughnut" else radius + 18
        canvas.text(f"{value / total:.0%}", x + reach * math.cos(angle), y + reach * math.sin(angle), "mm")
        row = y + (number - (len(values) - 1) / 2) * 20
        canvas.box((right - 110, row - 4, right - 102, row + 4), canvas.color(number))
        canvas.text(name, right - 96, row, "lm")
        start = end


def _drawn(value: float | None) -> float | None:
    """Return the number to draw: None for a gap, and clamped so that no sum or span is infinite."""
    if value is None or math.isnan(value):
        return None
    return max(-_MAX_VALUE, min(_MAX_VALUE, float(value)))


def _nice_step(span: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that gives about five grid lines."""
    if span < _LEAST_SPAN:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    return next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 6)

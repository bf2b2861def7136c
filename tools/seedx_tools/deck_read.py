"""What a slide that is already in a file holds, as a plan that can be changed and written again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pydantic import ValidationError

from seedx_tools.deck_layouts import slots_of
from seedx_tools.deck_text import runs_right_to_left
from seedx_tools.outline import SlideKind, SlidePlan
from seedx_tools.pptx_style import auto_number, placeholder_type
from seedx_tools.slide_content import MAX_COLUMNS, MAX_ROWS, ChartData, ChartKind, ChartSeries, Column, TableData
from seedx_tools.slide_shapes import Holds, Placed, placed_shapes

_NOT_WORDS = ("title", "ctrTitle", "dt", "ftr", "sldNum")
_CHART_KINDS: dict[XL_CHART_TYPE, ChartKind] = {
    XL_CHART_TYPE.COLUMN_CLUSTERED: "bar",
    XL_CHART_TYPE.LINE: "line",
    XL_CHART_TYPE.LINE_MARKERS: "line",
    XL_CHART_TYPE.PIE: "pie",
}


def read_slide(slide: Slide) -> SlidePlan:
    """Return what a slide holds; what a plan cannot hold is missing, and `left_out` says so."""
    title = slide.shapes.title
    tables, charts, pictures = (_all(slide, holds) for holds in ("table", "chart", "picture"))
    texts = [
        placed
        for placed in _all(slide, "text")
        if placeholder_type(placed.shape.element) not in _NOT_WORDS and _points(placed.shape)
    ]
    columns = _columns(slide, texts)
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    kind: SlideKind = "section" if slide.slide_layout.element.get("type") == "secHead" else "content"
    return SlidePlan(
        title="" if title is None else title.text_frame.text,
        kind=kind,
        bullets=() if columns else tuple(point for placed in texts for point in _points(placed.shape)),
        columns=columns,
        table=_table(tables[0].shape) if tables else None,
        chart=_chart(charts[0].shape) if charts else None,
        picture=pictures[0].alt_text.removeprefix("Drawn picture: ") if pictures else "",
        notes="" if notes is None else notes.text,
    )


def left_out(slide: Slide) -> str | None:
    """Return something on a slide that a plan cannot hold, such as "a second picture", or None."""
    tables, charts, pictures, others = (_all(slide, holds) for holds in ("table", "chart", "picture", "other"))
    if any(_chart(placed.shape) is None for placed in charts):
        return "a chart of a kind that is not written here"
    if any(_table(placed.shape) is None for placed in tables):
        return f"a table without headings, or of more than {MAX_COLUMNS} columns or {MAX_ROWS} rows"
    for name, found in (("table", tables), ("chart", charts), ("picture", pictures)):
        if len(found) > 1:
            return f"a second {name}"
    is_object = any(placed.shape.element.tag == qn("p:graphicFrame") for placed in others)
    return "a diagram or an embedded object" if is_object else None


def first_picture(slide: Slide) -> tuple[bytes, str] | None:
    """Return the bytes and the alt text of the first picture on a slide that is in the file, or None."""
    for placed in _all(slide, "picture"):
        if placed.shape.element.tag == qn("p:pic"):
            try:
                return bytes(placed.shape.image.blob), placed.alt_text
            except (AttributeError, ValueError):  # a linked picture has no bytes in the file
                continue
    return None


def _all(slide: Slide, holds: Holds) -> list[Placed]:
    return [placed for placed in placed_shapes(slide) if placed.holds == holds]


def _points(shape: Any) -> list[str]:
    return ["\t" * p.level + _number(p) + p.text for p in shape.text_frame.paragraphs if p.text.strip()]


def _number(paragraph: Any) -> str:
    number = auto_number(paragraph._p)
    return "" if number is None else f"{number}. "


def _columns(slide: Slide, texts: Sequence[Placed]) -> tuple[Column, ...]:
    """The columns of a slide whose text is nowhere else; empty for any other slide."""
    points = {p.shape.placeholder_format.idx: _points(p.shape) for p in texts if p.shape.is_placeholder}
    is_mirrored = runs_right_to_left(" ".join(point for lines in points.values() for point in lines))
    columns = slots_of(slide.slide_layout).columns(right_to_left=is_mirrored)
    places = {index for column in columns for index in column}
    if len(points) < len(texts) or not points.keys() <= places or any(body not in points for body, _ in columns):
        return ()
    return tuple(
        Column(heading=" ".join(points.get(caption, ())), bullets=tuple(points[body])) for body, caption in columns
    )


def _table(shape: Any) -> TableData | None:
    rows = [tuple(cell.text for cell in row.cells) for row in shape.table.rows]
    try:
        return TableData(header=rows[0], rows=tuple(rows[1:])) if rows and any(rows[0]) else None
    except ValidationError:
        return None


def _chart(shape: Any) -> ChartData | None:
    chart = shape.chart
    try:
        (plot,) = chart.plots
        if plot.categories.depth > 1:
            return None
        has_title = chart.has_title and chart.chart_title.has_text_frame
        return ChartData(
            kind=_CHART_KINDS[chart.chart_type],
            title=chart.chart_title.text_frame.text if has_title else "",
            categories=tuple(str(category) for category in plot.categories),
            series=tuple(ChartSeries(name=one.name, values=tuple(one.values)) for one in plot.series),
        )
    except (KeyError, NotImplementedError, ValueError):  # python-pptx knows no 3-D, stock or surface charts
        return None

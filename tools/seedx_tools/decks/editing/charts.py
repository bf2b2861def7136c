"""Change the numbers of a native chart: its series keep their colors and number formats, its points their own look."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from pptx.chart.xmlwriter import SeriesXmlRewriterFactory
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide

from seedx_tools.decks.data.numbers import number_format
from seedx_tools.decks.editing.texts import remove_shape
from seedx_tools.decks.editing.words import rewrite
from seedx_tools.decks.ooxml.chart_data import is_share
from seedx_tools.decks.outline import ChartData, ChartSeries
from seedx_tools.decks.reader import shapes_of
from seedx_tools.decks.text.inline import escape_inline
from seedx_tools.decks.writing.charts import chart_alt, chart_numbers

_ACCENTS = 6
_POINTS = (qn("c:dPt"), qn("c:dLbl"))
_AXES = tuple(qn(f"c:{name}") for name in ("catAx", "valAx", "dateAx", "serAx"))
_NOT_FILLED = tuple(qn(f"c:{name}") for name in ("txPr", "tx", "errBars", "trendline"))
_FILLS = (qn("a:solidFill"), qn("a:gradFill"), qn("a:pattFill"))


def can_edit_chart(before: ChartData | None, after: ChartData | None) -> bool:
    """Return whether a chart can show other numbers as it is: of the same kind, each series on the axis that it had."""
    if before is None or after is None:
        return False
    others = set(ChartData.model_fields) - {"categories", "series", "title"}
    if any(getattr(before, name) != getattr(after, name) for name in others):
        return False
    kept = _kept_series(before.series, after.series)
    return bool(before.title) == bool(after.title) and all(
        before.series[old].second_axis == after.series[new].second_axis for new, old in kept.items()
    )


def remove_chart(slide: Slide) -> bool:
    """Take the chart off a slide; return whether it is gone."""
    return remove_shape(slide, shapes_of(slide, "chart")[0].shape)


def edit_chart(slide: Slide, before: ChartData, after: ChartData, warn: Callable[[str], None]) -> None:
    """Give the chart of a slide other numbers, in its own XML and in the workbook inside.

    Args:
        slide: The slide.
        before: The chart as it is.
        after: What it is to show, if can_edit_chart allows that.
        warn: Called with one sentence if its workbook loses something, or is outside the deck.
    """
    placed = shapes_of(slide, "chart")[0]
    chart = placed.shape.chart
    space = chart._chartSpace
    found = list(space.plotArea.sers)
    kept = _kept_series(before.series, after.series)
    elements = [found[kept[new]] if new in kept else None for new in range(len(after.series))]
    formats = [
        None if element is None else _kept_format(element, before.series[kept[new]])
        for new, element in enumerate(elements)
    ]
    for old, element in enumerate(found):
        if old not in kept.values():
            _remove_series(element)
    for new, series in enumerate(after.series):
        if elements[new] is None:
            elements[new] = _add_series(space.plotArea, found, before.series, series)
            formats[new] = _format(elements[new])
    data = chart_numbers(_as_stored(after, formats), formats)
    moved = _moved(before.categories, after.categories)
    factory: Any = SeriesXmlRewriterFactory
    rewriter = factory(chart.chart_type, data)
    for number, (element, series_data) in enumerate(zip(elements, data, strict=True)):
        if moved:
            _move_points(element, moved)
        rewriter._rewrite_ser_data(element, series_data, space.date_1904)
        _find(element, "c:order").set("val", str(number))
    _write_workbook(chart, data, warn)
    if after.title != before.title and chart.has_title and chart.chart_title.has_text_frame:
        rewrite(chart.chart_title.text_frame.paragraphs[0], escape_inline(after.title))
    properties = placed.shape._element.nvGraphicFramePr.cNvPr
    if properties.get("descr", "") in ("", chart_alt(before)):
        properties.set("descr", chart_alt(after))


def _kept_series(before: Sequence[ChartSeries], after: Sequence[ChartSeries]) -> dict[int, int]:
    """Return which series was which before: by name, those with another name by their place between them."""
    matcher = SequenceMatcher(None, [one.name for one in before], [one.name for one in after], autojunk=False)
    kept: dict[int, int] = {}
    for _, start, end, first, last in matcher.get_opcodes():
        kept |= {first + offset: start + offset for offset in range(min(end - start, last - first))}
    return kept


def _add_series(area: Any, found: Sequence[Any], before: Sequence[ChartSeries], series: ChartSeries) -> Any:
    """Add a series like the last one on its axis, in a color that no other has."""
    alike = [place for place, one in enumerate(before) if one.second_axis == series.second_axis]
    present = [element for element in area.sers if element in [found[place] for place in alike]]
    model = (present or list(area.sers))[-1]
    added = copy.deepcopy(model)
    for child in [child for child in added.iter() if child.tag in _POINTS or child.tag.endswith("}extLst")]:
        child.getparent().remove(child)
    numbers = [int(_find(element, "c:idx").get("val")) for element in area.sers]
    _find(added, "c:idx").set("val", str(max(numbers) + 1))
    _find(added, "c:order").set("val", str(len(area.sers)))
    _recolor(added, _free_accent(area))
    model.addnext(added)
    return added


def _recolor(series: Any, accent: str) -> None:
    """Give the fill and the line of a series, where it sets them, another color."""
    for fill in [child for child in series.iter(*_FILLS) if not _is_beside(child)]:
        new = parse_xml(f"<a:solidFill {nsdecls('a')}><a:schemeClr val='{accent}'/></a:solidFill>")
        fill.getparent().replace(fill, new)


def _is_beside(element: Any) -> bool:
    """Return whether a fill is that of texts, error bars or trend lines of a series."""
    return any(parent.tag in _NOT_FILLED for parent in element.iterancestors())


def _free_accent(area: Any) -> str:
    used = {str(color.get("val")) for element in area.sers for color in element.iter(qn("a:schemeClr"))}
    names = [f"accent{number}" for number in range(1, _ACCENTS + 1)]
    return next((name for name in names if name not in used), names[len(area.sers) % _ACCENTS])


def _remove_series(element: Any) -> None:
    """Remove a series; with the last one of several plots also the plot and its axes."""
    plot = element.getparent()
    plot.remove(element)
    area = plot.getparent()
    if plot.find(qn("c:ser")) is not None or len(list(area.iter_xCharts())) == 1:
        return
    area.remove(plot)
    used = {axis.get("val") for other in area.iter_xCharts() for axis in other.findall(qn("c:axId"))}
    for axis in [child for child in area if child.tag in _AXES and _find(child, "c:axId").get("val") not in used]:
        area.remove(axis)


def _moved(before: Sequence[str], after: Sequence[str]) -> dict[int, int | None]:
    """Return where categories went, by place, None for those that are gone; empty if all stayed in place."""
    moved: dict[int, int | None] = dict.fromkeys(range(len(before)))
    for _, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        moved |= {start + offset: first + offset for offset in range(min(end - start, last - first))}
    return moved if any(old != new for old, new in moved.items()) else {}


def _move_points(series: Any, moved: Mapping[int, int | None]) -> None:
    """Let what is set for single points of a series follow their categories."""
    for point in [child for child in series.iter() if child.tag in _POINTS]:
        index = _find(point, "c:idx")
        place = moved.get(int(index.get("val")))
        if place is None:
            point.getparent().remove(point)
        else:
            index.set("val", str(place))


def _kept_format(element: Any, series: ChartSeries) -> str | None:
    """Return the number format that a series keeps; None if it is the one that suited its numbers."""
    code = _format(element)
    return None if code == number_format(series.values, series.unit) else code


def _as_stored(chart: ChartData, formats: Sequence[str | None]) -> ChartData:
    """Return a chart whose percentages are shares where the number format makes them percentages."""
    return chart.model_copy(
        update={
            "series": tuple(
                one.model_copy(update={"values": tuple(None if value is None else value / 100 for value in one.values)})
                if code is not None and is_share(code)
                else one
                for one, code in zip(chart.series, formats, strict=True)
            )
        }
    )


def _write_workbook(chart: Any, data: Any, warn: Callable[[str], None]) -> None:
    """Write the numbers into the workbook of a chart, which is replaced."""
    link = chart._chartSpace.find(qn("c:externalData"))
    if link is not None and chart.part.rels[link.get(qn("r:id"))].is_external:
        warn("the chart's numbers were changed on the slide only: its workbook is outside the deck, linked to it")
        return
    part = chart._workbook.xlsx_part
    if part is not None and _has_more(part.blob):
        warn("the workbook of the chart was written again: its formulas and its other sheets are gone")
    chart._workbook.update_from_xlsx_blob(data._workbook_writer.xlsx_blob)


def _has_more(workbook: bytes) -> bool:
    """Return whether a workbook has formulas or several sheets; False if it cannot be opened."""
    try:
        with zipfile.ZipFile(io.BytesIO(workbook)) as package:
            sheets = [name for name in package.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
            return len(sheets) > 1 or any(re.search(rb"<(\w+:)?f[ />]", package.read(name)) for name in sheets)
    except zipfile.BadZipFile:
        return False


def _format(series: Any) -> str | None:
    """Return the number format of a series; None if it has none."""
    values: Iterable[Any] = series.iter(qn("c:val"), qn("c:yVal"))
    codes = (code.text for value in values for code in value.iter(qn("c:formatCode")))
    return next((code for code in codes if code), None)


def _find(element: Any, tag: str) -> Any:
    return element.find(qn(tag))

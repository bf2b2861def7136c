"""The charts of an Excel sheet, where they show cells of the workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from openpyxl.utils.cell import range_boundaries

from seedx_sdk.errors import InputError
from seedx_tools.decks.data.kinds import ChartKind
from seedx_tools.decks.outline import ChartData
from seedx_tools.decks.tables import chart_of, raw_table_of
from seedx_tools.documents.excel.number_formats import shown_text

if TYPE_CHECKING:
    from openpyxl.chartsheet import Chartsheet
    from openpyxl.workbook.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_MAX_POINTS = 5000


def charts_of(
    sheet: Worksheet | Chartsheet, workbook: Workbook, where: str, warn: Callable[[str], None]
) -> Iterator[tuple[str, ChartData]]:
    """Yield the charts of a sheet with their titles; one that cannot be one on a slide is named in a warning."""
    for chart in getattr(sheet, "_charts", ()):
        title = _title(chart)
        try:
            yield title, _chart(chart, workbook, title, warn)
        except (InputError, ValueError, KeyError, AttributeError, TypeError) as error:
            warn(f"{where}: the chart '{title or 'without a title'}' was left out: {error}")


def _chart(chart: Any, workbook: Workbook, title: str, warn: Callable[[str], None]) -> ChartData:
    kind = _kind(chart)
    columns: list[list[str]] = []
    header: list[str] = [""]
    labels: list[str] = []
    parts = getattr(chart, "_charts", [chart])
    first = parts[0].y_axis.axId if hasattr(parts[0], "y_axis") else None
    second: set[str] = set()
    for number, (part, series) in enumerate(((one, each) for one in parts for each in one.series), start=1):
        values = _cells((series.yVal if kind == "scatter" else series.val).numRef.f, workbook)
        columns.append(values)
        along = series.xVal if kind == "scatter" else series.cat
        if not labels and along is not None:
            labels = _cells((along.numRef or along.strRef).f, workbook)
        name = series.tx.strRef.f if series.tx is not None and series.tx.strRef is not None else None
        said = _cells(name, workbook)[0] if name else (series.tx.v if series.tx is not None else None)
        header.append(said or f"Series {number}")
        if first is not None and part.y_axis.axId != first:
            second.add(header[-1])
    length = max(map(len, columns), default=0)
    labels = [*labels, *(str(number) for number in range(len(labels) + 1, length + 1))]
    rows = [[labels[n], *(column[n] if n < len(column) else "" for column in columns)] for n in range(length)]
    found = chart_of(raw_table_of([header, *rows], "the chart"), kind, title, "the chart", warn)
    marked = tuple(one.model_copy(update={"second_axis": one.name in second}) for one in found.series)
    return found.model_copy(update={"series": marked})


def _kind(chart: Any) -> ChartKind:
    """Return the kind of chart.

    Raises:
        InputError: If slides have none of its kind.
    """
    kinds = {type(part).__name__ for part in getattr(chart, "_charts", ())}
    if kinds == {"BarChart", "LineChart"}:
        return "combo"
    name, grouping = type(chart).__name__.removesuffix("3D"), getattr(chart, "grouping", None)
    stacked = {"stacked": "stacked_", "percentStacked": "percent_stacked_"}.get(str(grouping), "")
    if name == "BarChart":
        bars: dict[str, ChartKind] = {
            "bar": "bar",
            "horizontal_bar": "horizontal_bar",
            "stacked_bar": "stacked_bar",
            "stacked_horizontal_bar": "stacked_horizontal_bar",
            "percent_stacked_bar": "percent_stacked_bar",
            "percent_stacked_horizontal_bar": "percent_stacked_horizontal_bar",
        }
        return bars[f"{stacked}{'horizontal_' if chart.type == 'bar' else ''}bar"]
    others: dict[str, ChartKind] = {
        "LineChart": "line",
        "AreaChart": "stacked_area" if stacked else "area",
        "PieChart": "pie",
        "DoughnutChart": "doughnut",
        "ScatterChart": "scatter",
    }
    if name not in others:
        raise InputError(f"slides have no {name.removesuffix('Chart').lower()} charts")
    return others[name]


def _cells(reference: str, workbook: Workbook) -> list[str]:
    """Return what the cells of a reference such as "'Sales'!$B$2:$B$5" show."""
    name, place = reference.rsplit("!", 1)
    left, top, right, bottom = (number or 1 for number in range_boundaries(place))
    if (right - left + 1) * (bottom - top + 1) > _MAX_POINTS:
        raise InputError(f"it has over {_MAX_POINTS} points")
    sheet = workbook[name.strip("'").replace("''", "'")]
    return [
        " ".join(shown_text(cell.value, cell.number_format).split())
        for row in sheet.iter_rows(min_row=top, max_row=bottom, min_col=left, max_col=right)
        for cell in row
    ]


def _title(chart: Any) -> str:
    """Return the title of a chart, or an empty string."""
    try:
        runs = [run.t for line in chart.title.tx.rich.p for run in line.r or ()]
    except AttributeError:
        return ""
    return " ".join("".join(runs).split())

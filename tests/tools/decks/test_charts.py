"""How numbers are drawn: kinds that can show them, one unit on an axis, titles that they support."""

from __future__ import annotations

import pytest

from seedx_sdk.errors import InputError
from seedx_tools.decks.charts import headline, readable_charts
from seedx_tools.decks.data.kinds import ChartKind
from seedx_tools.decks.outline import ChartData, ChartSeries
from seedx_tools.decks.tables import chart_of, read_table

REGIONS = "Region,Revenue (EUR m),vs. plan,vs. 2024,Orders\nNorth,6.2,+4%,11%,310\nSouth,5.1,-2%,n/a,254\n"


def chart(csv: str, kind: ChartKind | None = "bar") -> ChartData:
    return chart_of(read_table(csv, "t"), kind, "", "t")


def readable(csv: str, kind: ChartKind | None = "bar") -> tuple[list[ChartData], list[str]]:
    warnings: list[str] = []
    return readable_charts(chart(csv, kind), warnings.append), warnings


def test_a_chart_keeps_gaps_and_units_and_says_what_it_leaves_out() -> None:
    warnings: list[str] = []
    table = read_table("Team,Lead,Score (kg),Share\nA,Ann,5,10%\nB,Bo,about 7,n/a\nC,Cy,,30%\n", "t")
    found = chart_of(table, None, "", "t", warnings.append)
    assert found.series == (
        ChartSeries(name="Score (kg)", values=(5, None, None), unit="kg"),
        ChartSeries(name="Share", values=(10, None, 30), unit="%"),
    )
    assert warnings == [
        "t: 'about 7' in the column 'Score (kg)' is not a number and became a gap",
        "t: not shown in the chart, as they hold no numbers: Lead",
    ]
    with pytest.raises(InputError, match="t, line 2, column 2: 'x' is not a number"):
        chart("a,b\n1,x\n")


def test_the_labels_choose_the_kind() -> None:
    assert chart("Month,n\nJan,1\nFeb,2\nMar,3\n", None).kind == "line"
    assert chart("Answer,n\nWe are satisfied overall,1\nOther,2\n", None).kind == "horizontal_bar"
    assert chart("Region,n\nNorth,1\nSouth,2\n", None).kind == "bar"


def test_each_unit_has_an_axis_or_a_chart_of_its_own() -> None:
    charts, warnings = readable(REGIONS)
    assert [[series.name for series in one.series] for one in charts] == [
        ["Revenue (EUR m)"],
        ["vs. plan", "vs. 2024"],
        ["Orders"],
    ]
    assert warnings == [
        "its numbers differ in unit or size, so there are 3 charts: Revenue (EUR m); vs. plan, vs. 2024; Orders"
    ]
    (combo,), warnings = readable("Region,Revenue,Growth\nNorth,6,4%\nSouth,5,-2%\n")
    assert (combo.kind, [series.second_axis for series in combo.series]) == ("combo", [False, True])
    assert "two axes: Revenue; Growth" in warnings[0]
    (lines,), _ = readable("Year,Sales,Staff\n2024,9000,12\n2025,9500,14\n", "line")
    assert (lines.kind, [series.second_axis for series in lines.series]) == ("line", [False, True])
    charts, _ = readable("a,x,y\nb,9000,12\nc,9500,14\n", "horizontal_bar")
    assert len(charts) == 2
    charts, warnings = readable("a,x,y\nb,9000,12\nc,9500,14\n", "stacked_bar")
    assert (len(charts), warnings) == (1, [])  # a thin part of a stack is no mistake


@pytest.mark.parametrize(
    ("csv", "kind", "shown", "why"),
    [
        ("a,n\nx,5\ny,-2\n", "pie", "bar", "can't show negative numbers"),
        ("a,n,m\nx,5,3\ny,2,4\n", "doughnut", "bar", "shows one series, and there are 2"),
        ("a,n\n" + "".join(f"p{n},{n}\n" for n in range(1, 8)), "pie", "horizontal_bar", "7 slices can't be read"),
        ("a,n,m\nx,5,-3\ny,2,4\n", "percent_stacked_bar", "stacked_bar", "are no shares"),
        ("a,n\nx,5\ny,2\n", "scatter", "bar", "needs numbers along its axis"),
        ("a,n\n" + "".join(f"p{n},{n}\n" for n in range(1, 31)), "horizontal_bar", "bar", "no room for their names"),
    ],
)
def test_a_kind_that_cannot_show_the_numbers_becomes_one_that_can(
    csv: str, kind: ChartKind, shown: ChartKind, why: str
) -> None:
    (found,), warnings = readable(csv, kind)
    assert found.kind == shown
    assert why in warnings[0] and f"it became a {shown.replace('_', ' ')} chart" in warnings[0]


def test_the_total_is_no_slice() -> None:
    (found,), warnings = readable("Part,EUR\nFood,40\nRent,60\nTotal,100\n", "pie")
    assert found.categories == ("Food", "Rent")
    assert warnings == ["'Total' is the sum of the others and was left out of the pie"]


def test_a_scatter_chart_has_numbers_along_both_axes() -> None:
    found = chart("City,People,Income\nA,5,30\nB,n/a,20\nC,7,\n", "scatter")
    assert (found.categories, found.axis_title) == (("5", "7"), "People")
    assert found.series == (ChartSeries(name="Income", values=(30, None)),)


@pytest.mark.parametrize(
    ("csv", "title"),
    [
        ("Region,Revenue\nNorth,6\nSouth,5\nWest,4\n", "North leads in Revenue"),
        ("Region,Revenue\nNorth,6\nSouth,6\nWest,4\n", "North and South lead in Revenue"),
        ("Region,Revenue\nNorth,6\nSouth,6\nWest,6\n", "Revenue by Region"),
        ("Region,A,B\nNorth,6,1\nSouth,5,2\n", "A and B by Region"),
        ("Region,A,B\nNorth,6,3\nSouth,5,2\n", "North leads in A and B"),
        ("Month,Users\nJan,10\nFeb,\nMar,30%\n", "Users rose from 10% to 30%"),
        ("Month,Users\nJan,30\nFeb,20\nMar,10\n", "Users fell from 30 to 10"),
        ("Year,Users\n2023,10\n2024,40\n2025,12\n", "Users peaked at 40 in 2024"),
        ("Year,Users\n2023,10\n2024,10\n2025,10\n", "Users from 2023 to 2025"),
    ],
)
def test_a_title_says_what_the_numbers_support(csv: str, title: str) -> None:
    found = chart(csv, None)
    assert headline(found, csv.partition(",")[0]) == title


def test_no_area_hides_another() -> None:
    (nested,), warnings = readable("Year,Profit,Revenue\n2024,1,5\n2025,2,7\n", "area")
    assert [series.name for series in nested.series] == ["Revenue", "Profit"] and nested.kind == "area"
    assert warnings == ["its areas are drawn from the highest to the lowest, so that none hides another"]
    (crossing,), warnings = readable("Year,A,B\n2024,1,5\n2025,6,2\n", "area")
    assert [series.name for series in crossing.series] == ["A", "B"] and crossing.kind == "line"
    assert warnings == ["areas that cross hide each other; it became a line chart"]


def test_rows_of_different_units_are_series_and_a_column_of_them_is_no_chart() -> None:
    warnings: list[str] = []
    table = read_table("Metric,2023,2024\nChurn,4%,3%\nRevenue,$12M,$14M\n", "t")
    found = chart_of(table, "bar", "", "t", warnings.append)
    assert [(one.name, one.unit, one.values) for one in found.series] == [
        ("Churn", "%", (4, 3)),
        ("Revenue", "$M", (12, 14)),
    ]
    assert warnings == ["t: its rows are of different units, so each row is a series"]
    with pytest.raises(InputError, match=r"different units in one column \(%\); draw them as kpis"):
        chart_of(read_table("KPI,Value\nMargin,12 %\nNPS,41\n", "t"), "bar", "", "t")


@pytest.mark.parametrize("labels", [("2021", "2023", "2022"), ("3/1/2024", "5/1/2024", "4/1/2024")])
def test_lines_run_in_the_order_of_time_and_bars_as_they_are_written(labels: tuple[str, ...]) -> None:
    series = (ChartSeries(name="a", values=(1, 3, 2)),)
    warnings: list[str] = []
    (line,) = readable_charts(ChartData(kind="line", categories=labels, series=series), warnings.append)
    assert (line.categories, line.series[0].values) == ((labels[0], labels[2], labels[1]), (1, 2, 3))
    assert warnings == ["its dates were not in order; the chart shows them from the first to the last"]
    bars = ChartData(kind="bar", categories=labels, series=series)
    assert readable_charts(bars, warnings.append) == [bars]


def test_values_of_the_same_date_are_told() -> None:
    warnings: list[str] = []
    line = ChartData(
        kind="line",
        categories=("2024-01-01", "2024-01-01", "2024-01-02"),
        series=(ChartSeries(name="a", values=(1, 2, 3)),),
    )
    assert readable_charts(line, warnings.append) == [line]
    assert warnings == [
        "several of its values have the same date; add them up, or give each kind of value a column of its own"
    ]

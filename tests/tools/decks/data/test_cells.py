"""What the cells of a table mean: kinds of charts, numbers with units, dates."""

from __future__ import annotations

from datetime import date

import pytest

from seedx_tools.decks.data.dates import are_times, read_dates
from seedx_tools.decks.data.kinds import CHART_KINDS, chart_kind, split_kind
from seedx_tools.decks.data.numbers import (
    Numbers,
    axis_format,
    is_number,
    label_format,
    number_format,
    read_numbers,
    shown,
    unit_in_header,
)
from seedx_tools.decks.data.totals import is_total


@pytest.mark.parametrize(
    ("cells", "values", "unit"),
    [
        (("12", "", "n/a", "\u2013", "14"), (12, None, None, None, 14), ""),
        (("1,234", "2,500.5"), (1234, 2500.5), ""),
        (("1.234,5", "12"), (1234.5, 12), ""),
        (("1.234", "12,5"), (1234, 12.5), ""),
        (("12 \u20ac", "1.000 \u20ac"), (12, 1000), "\u20ac"),
        (("1 234,5", "1\u202f000"), (1234.5, 1000), ""),
        (("1'234.50", "2"), (1234.5, 2), ""),
        (("(1,200)", "+300", "\u22125"), (-1200, 300, -5), ""),
        (("+4%", "-2 %"), (4, -2), "%"),
        (("$1,200", "($200)"), (1200, -200), "$"),
        (("$1.2M", "$3M"), (1.2, 3), "$M"),
        (("$1.2M", "$300k"), (1_200_000, 300_000), "$"),
        (("EUR 5", "EUR 6"), (5, 6), "EUR"),
        (("12 kg", "13 kg"), (12, 13), "kg"),
        (("1.5e3", "0,5"), (1500, 0.5), ""),
    ],
)
def test_numbers_are_read_as_people_write_them(cells: tuple[str, ...], values: tuple[float, ...], unit: str) -> None:
    assert read_numbers(cells) == Numbers(values, unit)


@pytest.mark.parametrize(
    "cells", [("Q1", "Q2"), ("", "n/a"), ("1st", "2nd"), ("$5", "\u20ac5"), ("1.2.3",), ("2026-01-02",), ("3-5",)]
)
def test_what_is_no_column_of_numbers_is_not_read_as_one(cells: tuple[str, ...]) -> None:
    assert read_numbers(cells) is None


def test_a_table_settles_what_a_column_leaves_open() -> None:
    assert read_numbers(("1.234", "2.500"), ",") == Numbers((1234, 2500))
    assert read_numbers(("1.234", "2.500")) == Numbers((1.234, 2.5))
    assert [is_number(cell) for cell in ("1,5 %", "$3", "Team 1", "12 kg", "1.2.3")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_units_of_headings_and_formats() -> None:
    headings = {"Revenue Q3 (EUR m)": "EUR m", "Umsatz (Mio. \u20ac)": "Mio. \u20ac", "Growth %": "%", "Cost in $": "$"}
    assert {heading: unit_in_header(heading) for heading in headings} == headings
    assert [unit_in_header(heading) for heading in ("Revenue (plan)", "Items (2024)", "Made in Italy")] == ["", "", ""]
    assert number_format((6.2, 5)) == "#,##0.0"
    assert number_format((4, None), "%") == '#,##0"%"'
    assert number_format((1.25,), "$M") == '"$"#,##0.00"M"'
    assert (axis_format((12, 5), "%"), axis_format((1200,))) == ('General"%"', "#,##0")
    assert label_format((1_234_567_890, 346e7)) == '#,##0.00,,,"bn"'
    assert label_format((12.5e6, 40e6), "$") == '"$"#,##0.0,,"m"'
    assert label_format((12.5e6, 40e6), "EUR m") == label_format((12e6, 4000)) == "#,##0"  # in millions; one is small
    assert (axis_format((3.4e9,)), axis_format((25e6,), "$")) == ('#,##0.0,,,"bn"', '"$"#,##0,,"m"')
    assert [shown(-1234.5, "$M"), shown(12, "%"), shown(6.2, "EUR m")] == ["-$1,234.5M", "12%", "6.2 EUR m"]
    assert [is_total(label) for label in ("Total", "Summe:", "Totals by year")] == [True, True, False]


def test_dates_are_read_a_column_at_a_time() -> None:
    found = read_dates(("03/04/2026", "13/04/2026"))
    assert found is not None and found.days == (date(2026, 4, 3), date(2026, 4, 13)) and not found.are_even
    found = read_dates(("Jan 2026", "Feb 2026"))
    assert found is not None and found.precision == "months" and found.are_even and found.are_rising
    assert read_dates(("1.2.2026", "2.2.2026")) is not None
    assert read_dates(("Jan", "Feb")) is None and read_dates(()) is None
    assert are_times(("Q1 2025", "Q2 2025")) and are_times(("2024", "2025E")) and not are_times(("North", "May Ltd"))


def test_people_ask_for_kinds_of_charts_in_their_own_words() -> None:
    words = {
        "stacked column chart": "stacked_bar",
        "100% stacked": "percent_stacked_bar",
        "Stacked-Horizontal": "stacked_horizontal_bar",
        "column": "bar",
        "donut": "doughnut",
        "bar and line": "combo",
        "xy scatter": "scatter",
    }
    assert {text: chart_kind(text) for text in words} == words
    assert [chart_kind(kind.replace("_", " ")) for kind in CHART_KINDS] == list(CHART_KINDS)
    assert [chart_kind(text) for text in ("radar", "", "sales bar", "pie line")] == [None] * 4
    assert split_kind("stacked bar: Costs: all") == ("stacked_bar", "Costs: all")
    assert split_kind("column chart Revenue by year") == ("bar", "Revenue by year")
    assert split_kind("radar: x") == (None, "radar: x")

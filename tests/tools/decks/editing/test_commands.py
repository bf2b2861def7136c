"""Edit commands in plain words: what each of them makes of a plan."""

from __future__ import annotations

import pytest

from seedx_sdk import InputError
from seedx_tools import SlidePlan
from seedx_tools.decks.editing.edit_commands import RuleReviser
from seedx_tools.decks.outline import ChartData, ChartSeries, TableData

TABLE = TableData(header=("Item", "2024", "2025"), rows=(("Rent", "10", "12"), ("Staff", "20", "22")))
CHART = ChartData(
    kind="combo",
    categories=("Q1", "Q2"),
    series=(
        ChartSeries(name="Sales", values=(10.0, 20.0), unit="$"),
        ChartSeries(name="Margin", values=(50.0, 60.0), unit="%", second_axis=True),
    ),
)
TEXTS = SlidePlan(
    title="Plan Q3", bullets=("1. **Ask** now", "2. Decide", "\tSub"), labels=("Q3 only",), notes="In Q3."
)


def _table(command: str) -> tuple[tuple[str, ...], ...]:
    table = RuleReviser().revise(SlidePlan(title="T", table=TABLE), command).table
    assert table is not None
    return (table.header, *table.rows)


def _chart(command: str) -> ChartData:
    chart = RuleReviser().revise(SlidePlan(title="T", chart=CHART), command).chart
    assert chart is not None
    return chart


@pytest.mark.parametrize(
    ("command", "cells"),
    [
        ("set Rent in 2025 to 14", (("Item", "2024", "2025"), ("Rent", "10", "14"), ("Staff", "20", "22"))),
        ("change 2024 of staff to 21", (("Item", "2024", "2025"), ("Rent", "10", "12"), ("Staff", "21", "22"))),
        ("add row: Power | 5", (*(TABLE.header, *TABLE.rows), ("Power", "5", ""))),
        ("remove row 1", (("Item", "2024", "2025"), ("Staff", "20", "22"))),
        ("remove row Staff", (("Item", "2024", "2025"), ("Rent", "10", "12"))),
        (
            "add column: 2026 | 14 | 24",
            (("Item", "2024", "2025", "2026"), ("Rent", "10", "12", "14"), ("Staff", "20", "22", "24")),
        ),
        ("remove column 2024", (("Item", "2025"), ("Rent", "12"), ("Staff", "22"))),
        ("rename Staff to People", (("Item", "2024", "2025"), ("Rent", "10", "12"), ("People", "20", "22"))),
    ],
)
def test_a_table_follows_commands(command: str, cells: tuple[tuple[str, ...], ...]) -> None:
    assert _table(command) == cells


def test_a_chart_follows_commands() -> None:
    assert _chart("set Margin in Q2 to 65 %").series[1].values == (50.0, 65.0)
    added = _chart("add category: Q3 | 30 | n/a")
    assert added.categories == ("Q1", "Q2", "Q3")
    assert [one.values for one in added.series] == [(10.0, 20.0, 30.0), (50.0, 60.0, None)]
    renamed = _chart("rename series Margin to Net margin").series[1]
    assert (renamed.name, renamed.unit, renamed.second_axis) == ("Net margin", "%", True)
    tax = _chart("add series: Tax | 1 | 2").series[2]
    assert (tax.name, tax.values, tax.unit, tax.second_axis) == ("Tax", (1.0, 2.0), "$", False)
    assert [one.name for one in _chart("remove series Sales").series] == ["Margin"]


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("bullet 2: Decide soon", {"bullets": ("1. **Ask** now", "2. Decide soon", "\tSub")}),
        ("change the last bullet to Other", {"bullets": ("1. **Ask** now", "2. Decide", "\tOther")}),
        ("replace 'Ask now' with 'Wait'", {"bullets": ("1. Wait", "2. Decide", "\tSub")}),
        ("replace 'Q3' with 'Q4'", {"title": "Plan Q4", "labels": ("Q4 only",), "notes": "In Q4."}),
        ("alt text: A red boat", {"picture_alt": "A red boat"}),
        ("replace the picture with team.png", {"picture_file": "team.png", "picture": None}),
        ("picture: a green tree", {"picture": "a green tree"}),
    ],
)
def test_texts_and_pictures_follow_commands(command: str, fields: dict[str, object]) -> None:
    assert RuleReviser().revise(TEXTS, command) == TEXTS.model_copy(update=fields)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("set Rent in 2030 to 1", "the columns are 'Item', '2024', '2025', the rows 'Rent', 'Staff'"),
        ("remove row Power", "there is no row 'Power'"),
        ("rename Power to Gas", "there is no row or column 'Power'"),
        ("add row: a | b | c | d", "4 cells for 3 columns"),
        ("replace 'x y' with 'z'", "nothing on the slide says 'x y'"),
        ("bullet 3: x", "there is no bullet 3"),
        ("set it on fire", "cannot be followed"),
    ],
)
def test_commands_that_cannot_be_followed_say_why(command: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        RuleReviser().revise(SlidePlan(title="T", table=TABLE), command)


def test_a_chart_takes_numbers_only() -> None:
    with pytest.raises(InputError, match="'lots' is not a number"):
        _chart("set Sales in Q1 to lots")
    with pytest.raises(InputError, match="no picture"):
        RuleReviser().revise(SlidePlan(title="T", picture=""), "alt text: x")

"""Rows of tables as programs export them."""

import pytest

from seedx_tools.decks.data.rows import split_lines, tidied, within


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sep=;\nRegion;Sales\nNorth;1,5\n", ["Region", "Sales"]),
        ("\ufeffRegion\tSales\nNorth\t12\n", ["Region", "Sales"]),
        ("Report, draft\n\nRegion;Sales\nNorth;1,5\nSouth;2,5\n", ["Report, draft"]),
        ("a|b\n1|2\n", ["a", "b"]),
        ('Risk,Cost\n"Late\ndelivery",2\n', ["Risk", "Cost"]),
    ],
)
def test_the_separator_is_that_of_most_lines(text: str, first: list[str]) -> None:
    assert split_lines(text)[0] == first


def test_lines_around_a_table_and_empty_columns_are_not_of_it() -> None:
    lines = [
        ["Sales report"],
        [],
        ["Region", "", "Q1", ""],
        ["North", "", "1", ""],
        ["South", "", "", ""],
        ["Source: ERP"],
        ["Figures are preliminary and may change"],
    ]
    rows = tidied(lines)
    assert rows.lines == [["Region", "Q1"], ["North", "1"], ["South", ""]]
    assert (rows.above, rows.below) == (
        ("Sales report",),
        ("Source: ERP", "Figures are preliminary and may change"),
    )


@pytest.mark.parametrize(
    ("upper", "lower", "header"),
    [
        (["Region", "2023", "", "2024"], ["", "H1", "H2", "H1"], ["Region", "2023 H1", "2023 H2", "2024 H1"]),
        (
            ["Region", "Cost", "Cost", "FTE"],
            ["Region", "Plan", "Actual", ""],
            ["Region", "Cost Plan", "Cost Actual", "FTE"],
        ),
    ],
)
def test_headings_in_two_rows_are_joined(upper: list[str], lower: list[str], header: list[str]) -> None:
    assert tidied([upper, lower, ["North", "1", "2", "3"]]).lines == [header, ["North", "1", "2", "3"]]


def test_repeated_headings_over_words_or_numbers_stay_one_row() -> None:
    numbers = [["Region", "Sales", "Sales"], ["North", "1", "2"], ["South", "3", "4"]]
    assert tidied(numbers).lines == numbers
    words = [["Task", "Owner", "Owner"], ["Pilot", "Ann", "Bo"], ["Roll-out", "Bo", "Cy"]]
    assert tidied(words).lines == words
    assert tidied([["Names"], ["Ann"]]).lines == [["Names"], ["Ann"]]


def test_what_is_beyond_the_limits_is_named() -> None:
    warnings: list[str] = []
    assert within([["a", "b", "c"], ["1", "2", "3"], ["4", "5", "6"]], 2, 1, "'x.csv'", warnings.append) == [
        ["a", "b"],
        ["1", "2"],
    ]
    assert warnings == ["'x.csv' has 3 columns; the first 2 were read", "'x.csv' has 2 rows; the first 1 were read"]

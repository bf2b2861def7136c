"""Points of a plan as the paragraphs of a text box."""

from __future__ import annotations

from dataclasses import replace

from seedx_tools.decks.drawing.paint import Paint
from seedx_tools.decks.drawing.paragraphs import Paragraph
from seedx_tools.decks.text.points import (
    PointParagraph,
    hanging_growth,
    join_points,
    shift_of,
    split_points,
)
from seedx_tools.decks.text.strings import clean_point

POINTS = ["9. Pack\nWarm clothes", "\t[ ] Socks", "\nAnd a hat", "10. Leave", "[x] Lock"]


def test_points_are_split_into_paragraphs_and_joined_again() -> None:
    paragraphs = split_points(POINTS)
    assert [(one.text, one.level, one.depth) for one in paragraphs] == [
        ("Pack", 0, 0),
        ("Warm clothes", 0, 1),
        ("Socks", 1, 1),
        ("And a hat", 0, 1),
        ("Leave", 0, 0),
        ("Lock", 0, 0),
    ]
    assert [one.number for one in paragraphs] == [9, None, None, None, 10, None]
    assert [one.done for one in paragraphs] == [None, None, False, None, None, True]
    assert join_points(paragraphs) == POINTS
    assert split_points(["7) [x] Both"]) == [PointParagraph("\u2611 Both", 0, "7) ")]
    assert split_points(["0. Zero"])[0].number is None and split_points(["[x]y", "2024. A year"])[0].mark == ""


def test_a_point_is_cleaned_without_losing_its_paragraphs() -> None:
    assert clean_point("\t a  b \\\nc  \nd\v e\n\n f \x07g\r\n") == "\ta b\vc\vd\ve\nf g"
    assert clean_point("\n  more") == "\nmore"


def test_hanging_indents_grow_for_long_numbers_and_move_what_is_under_them() -> None:
    style = replace(Paragraph("", 20.0, Paint("tx1")).style("Arial"), margin=20.0, indent=-20.0)
    growth = hanging_growth([(0, "128."), (0, ""), (1, "")], {0: style, 1: style}.__getitem__)
    assert growth == {0: 20 * (3 * 0.556 + 0.278) + 6 - 20}
    assert shift_of(growth, 2) == growth[0]
    assert hanging_growth([(0, "9."), (1, "[ ]")], {0: style, 1: style}.__getitem__) == {
        0: 20 * 0.834 + 6 - 20,
        1: 18 + 6 - 20,
    }

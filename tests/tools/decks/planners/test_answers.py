"""Sloppy answers of a chat model become the slides that it meant; what is left out is named."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedx_tools.decks.outline import Outline, SlidePlan
from seedx_tools.decks.planners.answers.slides import outline_as_meant, slide_as_meant
from seedx_tools.model_answers import InvalidAnswer, lenient, slips_of

OUTLINE, SLIDE = lenient(Outline, outline_as_meant), lenient(SlidePlan, slide_as_meant)


def slide(**fields: Any) -> tuple[SlidePlan, str]:
    answer = SLIDE.model_validate({"title": "Q3", **fields})
    return answer, "\n".join(slips_of(answer))


BULLETS: list[tuple[Any, tuple[str, ...]]] = [
    ("- Up 12 %\n- Two doctors", ("Up 12 %", "Two doctors")),
    ("Only one", ("Only one",)),
    (["- a", "* b", "\u2022 c", "1) d", "2. e"], ("a", "b", "c", "1. d", "2. e")),
    (["- a\n  - b\n    - c", "d"], ("a", "\tb", "\t\tc", "d")),
    (["a", ["b", ["c"]], "d"], ("a", "\tb", "\t\tc", "d")),
    ([{"text": "a", "points": ["b", "c"]}, {"Growth": "up"}], ("a", "\tb", "\tc", "Growth: up")),
    (["- [ ] do", "- [x] done"], ("[ ] do", "[x] done")),
    (["**Growth**: up", 12, None, 2.0, True], ("**Growth**: up", "12", "2", "yes")),
    (["- 5 degrees at night", "warmer by day"], ("- 5 degrees at night", "warmer by day")),
    (["first paragraph\nsecond of the same"], ("first paragraph\nsecond of the same",)),
    (["$$\na = b\n$$"], ("$$\na = b\n$$",)),
    (None, ()),
]


@pytest.mark.parametrize(("written", "points"), BULLETS)
def test_points_are_read_however_they_are_written(written: Any, points: tuple[str, ...]) -> None:
    assert slide(bullets=written)[0].bullets == points


@pytest.mark.parametrize("name", ["points", "content", "bulletPoints", "Bullets", "bullet"])
def test_fields_are_known_by_their_other_names(name: str) -> None:
    answer = SLIDE.model_validate({"headline": "## **Growth**", name: ["a"], "speakerNotes": ["**Say** it.", "Go on."]})
    assert (answer.title, answer.bullets, answer.notes) == ("Growth", ("a",), "Say it.\nGo on.")
    assert slips_of(answer) == ()


def test_fields_that_do_not_exist_are_left_out_with_a_warning() -> None:
    answer, slips = slide(layout="two_column", icon="heart", picture_side="somewhere", kind="funky", table=None)
    assert (answer.kind, answer.picture_side) == ("content", "auto")
    assert all(word in slips for word in ("layout", "icon", "somewhere", "funky"))
    with pytest.raises(ValueError, match="Extra inputs"):
        SlidePlan.model_validate({"title": "Q3", "layout": "two_column"})


@pytest.mark.parametrize(
    ("table", "header", "rows", "warned"),
    [
        (
            {"header": ["M", "V"], "rows": [["Jul", 120], ["Aug", None]]},
            ("M", "V"),
            (("Jul", "120"), ("Aug", "")),
            False,
        ),
        ({"headers": ["M"], "data": [["a", 1.5], []]}, ("M", ""), (("a", "1.5"), ("", "")), True),
        ([["M", "V"], ["a", "b"]], ("M", "V"), (("a", "b"),), False),
        ({"rows": [{"M": "a", "V": 1}, {"V": 2}]}, ("M", "V"), (("a", "1"), ("", "2")), False),
        ("| M | V |\n|---|---|\n| a | 1 |", ("M", "V"), (("a", "1"),), False),
    ],
)
def test_tables_are_squared(table: Any, header: Any, rows: Any, warned: bool) -> None:
    answer, slips = slide(table=table)
    assert answer.table is not None
    assert (answer.table.header, answer.table.rows) == (header, rows)
    assert ("different numbers of cells" in slips) == warned


@pytest.mark.parametrize(
    ("chart", "kind", "values", "slip"),
    [
        (
            {"kind": "line", "categories": ["a", "b"], "series": [{"name": "x", "values": [1, None]}]},
            "line",
            (1, None),
            "",
        ),
        (
            {"type": "column", "labels": ["a", "b"], "datasets": [{"label": "x", "data": ["1,200", "n/a"]}]},
            "bar",
            (1200, None),
            "",
        ),
        ({"kind": "sunburst", "categories": ["a", "b"], "series": {"x": [1, "2"]}}, "bar", (1, 2), "sunburst"),
        ({"kind": "pie", "categories": ["a", "b"], "values": [1]}, "pie", (1, None), "missing ones"),
        (
            {"kind": "bar", "categories": ["a"], "series": [{"values": [1, float("nan")]}]},
            "bar",
            (1, None),
            "missing ones",
        ),
        (
            {"kind": "bar", "categories": ["a", "b"], "series": [{"name": "x", "values": ["one", 2]}]},
            "bar",
            (None, 2),
            "'one' is no number",
        ),
    ],
)
def test_charts_keep_their_gaps(chart: Any, kind: str, values: Any, slip: str) -> None:
    answer, slips = slide(chart=chart)
    assert answer.chart is not None and answer.chart.kind == kind
    assert answer.chart.series[0].values == values
    assert len(answer.chart.categories) == len(values)
    assert slip in slips and bool(slip) == bool(slips)


def test_the_unit_of_numbers_is_kept() -> None:
    chart = slide(chart={"kind": "bar", "categories": ["a", "b"], "series": [{"name": "x", "values": ["12%", "8 %"]}]})
    assert chart[0].chart is not None
    assert (chart[0].chart.series[0].values, chart[0].chart.series[0].unit) == ((12, 8), "%")


def test_a_chart_without_numbers_is_left_out_with_a_warning() -> None:
    answer, slips = slide(chart={"kind": "bar", "series": []}, bullets=["a"])
    assert answer.chart is None and "without numbers" in slips


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_any_number_of_columns_keeps_all_texts(count: int) -> None:
    answer, slips = slide(columns=[{"title": f"H{n}", "points": f"- a{n}\n- b{n}"} for n in range(count)])
    if count == 1:
        assert answer.bullets == ("H0", "\ta0", "\tb0")
    elif count == 5:
        assert answer.table is not None and answer.table.rows[0] == ("a0", "a1", "a2", "a3", "a4")
        assert "became a table" in slips
    else:
        assert [column.heading for column in answer.columns] == [f"H{n}" for n in range(count)]
        assert answer.columns[-1].bullets == (f"a{count - 1}", f"b{count - 1}")


def test_visuals_are_known_by_other_names_and_become_points_if_there_is_no_such_drawing() -> None:
    answer, slips = slide(visual={"type": "Roadmap", "steps": ["Plan", {"title": "Do", "date": 2026}]})
    assert answer.visual is not None and answer.visual.kind == "timeline" and slips == ""
    assert [(item.label, item.value) for item in answer.visual.items] == [("Plan", ""), ("Do", "2026")]
    answer, slips = slide(bullets=["a"], visual={"kind": "hologram", "items": [{"label": "b", "text": "c"}]})
    assert (answer.visual, answer.bullets) == (None, ("a", "b: c"))
    assert "hologram" in slips


def test_code_and_quotes_lose_their_marks() -> None:
    answer, _ = slide(bullets="See:\n```python\nif x:\n    go()\n```\n- after", quote="\u201cBe bold.\u201d")
    assert answer.code is not None and (answer.code.text, answer.code.language) == ("if x:\n    go()", "python")
    assert answer.bullets == ("See:", "after")
    assert answer.quote is not None and answer.quote.text == "Be bold."


def test_an_outline_may_be_wrapped_and_list_its_title_slide() -> None:
    pages = [{"title": "Clinic", "layout": "title", "bullets": ["Review"]}, {"title": "More", "points": ["a"]}, "Bye"]
    outline = OUTLINE.model_validate({"deck": {"title": "# Clinic", "pages": pages, "theme": "blue", "agenda": True}})
    assert (outline.title, outline.subtitle, outline.agenda) == ("Clinic", "Review", "Agenda")
    assert [one.title for one in outline.slides] == ["More", "Bye"]
    assert any("theme" in slip for slip in slips_of(outline))


def test_what_no_reading_fits_stays_invalid() -> None:
    with pytest.raises(InvalidAnswer, match="title: Field required") as raised:
        OUTLINE.model_validate({"slides": [{"bullets": ["a"]}]})
    assert raised.value.answer == {"slides": [{"bullets": ["a"]}]}


GOOD: dict[str, Any] = {
    "title": "Clinic",
    "slides": [
        {
            "title": "Q3",
            "bullets": ["a", "b"],
            "columns": [{"heading": "H", "bullets": ["c"]}, {"heading": "I", "bullets": ["d"]}],
            "table": {"header": ["M", "V"], "rows": [["Jul", "1"], ["Aug", "2"]], "align": ["left", "right"]},
            "chart": {"kind": "bar", "categories": ["a", "b"], "series": [{"name": "x", "values": [1, 2]}]},
            "visual": {
                "kind": "flow",
                "items": [{"label": "p"}],
                "links": [{"source": "p", "target": "p"}],
                "axes": ["x"],
            },
            "quote": {"text": "q", "by": "r"},
            "code": {"text": "go()"},
            "gallery": [{"file": "a.png"}],
            "notes": "n",
        }
    ],
    "sources": ["s"],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values inside an answer."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in inner for found in ((*path, key), *places(part, (*path, key)))]


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 10**20),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["- a\n- b", "{", "[]", "null", "| a | b |", "**", "```", [], {}, [[]], [{}], {"a": 1}, [None], [[1, [2]]]]
    ),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(path=st.sampled_from(places(GOOD)), junk=JUNK)
def test_any_junk_in_any_place_is_read_or_refused(path: tuple[Any, ...], junk: Any) -> None:
    answer = copy.deepcopy(GOOD)
    place = answer
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = junk
    try:
        outline = OUTLINE.model_validate(answer)
    except InvalidAnswer as error:
        assert str(error)
    else:
        assert Outline.model_validate(dict(outline)).title


def test_a_good_answer_is_not_changed() -> None:
    read = OUTLINE.model_validate(GOOD)
    assert Outline.model_validate(dict(read)) == Outline.model_validate(GOOD)
    assert slips_of(read) == ()
    assert OUTLINE.model_json_schema() == Outline.model_json_schema()


def test_a_comparison_is_read_with_its_cells_in_any_form() -> None:
    rows = [
        {"criterion": "Price", "cells": {"Buy": "3/4", "Build": True}},
        {"name": "Team", "values": ["yes"]},
        {"label": "Risk", "cells": "low | high"},
    ]
    answer, slips = slide(visual={"kind": "comparison", "options": ["Build", "Buy"], "rows": rows})
    assert answer.visual is not None and answer.visual.kind == "comparison" and slips == ""
    assert [item.cells for item in answer.visual.items] == [("yes", "3/4"), ("yes", ""), ("low", "high")]
    answer, _ = slide(visual={"kind": "comparison", "items": [{"label": "A", "text": "b"}, {"label": "C"}]})
    assert answer.visual is not None and answer.visual.kind == "cards"

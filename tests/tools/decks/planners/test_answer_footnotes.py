"""Footnotes in the answers of chat models."""

from __future__ import annotations

from typing import Any

import pytest

from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.planners.answers.slides import slide_as_meant


@pytest.mark.parametrize(
    ("slide", "bullets", "footnotes"),
    [
        ({"bullets": ["a[^1]", "b"], "footnotes": ["One."]}, ("a[^1]", "b"), ("One.",)),
        (
            {"bullets": ["a[^x]", "b[^y]"], "footnotes": ["[^x]: One.", "[^y]: Two."]},
            ("a[^1]", "b[^2]"),
            ("One.", "Two."),
        ),
        ({"bullets": ["a[^x]", "b", "[^x]: One."]}, ("a[^1]", "b"), ("One.",)),
        ({"bullets": ["a [1]", "b"], "footnotes": ["[1] One."]}, ("a [^1]", "b"), ("One.",)),
        (
            {"bullets": ["a\u00b9", "b\u00b2"], "footnotes": ["\u00b9 One.", "\u00b2 Two."]},
            ("a[^1]", "b[^2]"),
            ("One.", "Two."),
        ),
        ({"bullets": ["m\u00b2", "b"], "footnotes": ["One."]}, ("m\u00b2", "b"), ("One.",)),
        ({"bullets": ["a[^1]", "b"], "footnotes": {"1": "One."}}, ("a[^1]", "b"), ("One.",)),
        ({"bullets": ["a[^1]", "b"], "footnote": "1. One."}, ("a[^1]", "b"), ("One.",)),
        ({"bullets": ["a", "b"], "footnotes": None}, ("a", "b"), ()),
        ({"bullets": ["see [1]", "b"]}, ("see [1]", "b"), ()),
    ],
)
def test_footnotes_are_read_as_they_are_meant(
    slide: dict[str, Any], bullets: tuple[str, ...], footnotes: tuple[str, ...]
) -> None:
    plan = SlidePlan.model_validate(slide_as_meant({"title": "T", "notes": ""} | slide, lambda _: None))
    assert (plan.bullets, plan.footnotes) == (bullets, footnotes)


def test_marks_in_columns_and_tables() -> None:
    slide = {
        "title": "T[1]",
        "notes": "",
        "columns": [{"heading": "A[2]", "bullets": ["x"]}, {"heading": "B", "bullets": ["y"]}],
        "table": {"header": ["a", "b [1]"], "rows": [["1", "2"]]},
        "footnotes": ["One.", "Two."],
    }
    plan = SlidePlan.model_validate(slide_as_meant(slide, lambda _: None))
    assert (plan.title, plan.columns[0].heading) == ("T[^1]", "A[^2]")
    assert plan.table is not None and plan.table.header == ("a", "b [^1]")

"""JSON as chat models write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedx_tools.loose_json import find_json

GOOD = {"title": "Clinic", "points": ["Up 12 %", "Two doctors"]}
TEXT = json.dumps(GOOD)

WHOLE: list[tuple[str, Any]] = [
    (TEXT, GOOD),
    (f"Sure:\n```json\n{TEXT}\n```\nShall I go on?", GOOD),
    (f"<think>A {{deck}} of [it]: {{}}</think>{TEXT}", GOOD),
    ('{"title": "Clinic", "points": ["Up 12 %", "Two doctors",],}', GOOD),
    ("{'title': 'Clinic', 'points': ['Up 12 %', 'Two doctors']}", GOOD),
    ('{title: "Clinic", points: ["Up 12 %"\n "Two doctors"]}', GOOD),
    ('{"title": "Clinic" // the deck\n, /* all */ "points": ["Up 12 %", "Two doctors", ...]}', GOOD),
    (
        "{\u201ctitle\u201d: \u201cClinic\u201d, \u201cpoints\u201d: [\u201cUp 12 %\u201d, \u201cTwo doctors\u201d]}",
        GOOD,
    ),
    (json.dumps(TEXT), GOOD),
    ('{"a": "Two "new" doctors", "b": "it\\\'s 5\\% \\u00fc"}', {"a": 'Two "new" doctors', "b": "it's 5% \u00fc"}),
    ('{"a": "one\ntwo", "b": \'it\'s\'}', {"a": "one\ntwo", "b": "it's"}),
    ("{'a': True, 'b': None, 'c': [+1, 1_000, -2.5, 12%]}", {"a": True, "b": None, "c": [1, 1000, -2.5, "12%"]}),
    ("{'a': '\\ud83d\\ude00'}", {"a": "\U0001f600"}),
]


@pytest.mark.parametrize(("text", "value"), WHOLE)
def test_slips_are_read_as_meant(text: str, value: Any) -> None:
    found = find_json(text)
    assert found is not None and (found.value, found.is_cut) == (value, False)


@pytest.mark.parametrize("text", ["", "No.", "a {b} c", "Use {name: }", "[see below]", '"just a text"', "{'a' 1}", "{"])
def test_prose_is_no_json(text: str) -> None:
    assert find_json(text) is None


@pytest.mark.parametrize(
    ("end", "value"),
    [
        (len('{"title": "Clinic", "points": ["Up 12 %", "Two do'), {"title": "Clinic", "points": ["Up 12 %"]}),
        (len('{"title": "Clinic", "points": ["Up 12 %",'), {"title": "Clinic", "points": ["Up 12 %"]}),
        (len('{"title": "Clinic", "poi'), {"title": "Clinic"}),
        (len('{"title": "Clinic", "points":'), {"title": "Clinic"}),
    ],
)
def test_what_comes_before_a_cut_is_kept(end: int, value: Any) -> None:
    found = find_json(TEXT[:end])
    assert found is not None and (found.value, found.is_cut) == (value, True)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(value=st.lists(VALUES, max_size=3), keeps=st.booleans())
def test_sound_json_is_read_as_it_is(value: Any, keeps: bool) -> None:
    found = find_json(json.dumps(value, ensure_ascii=keeps))
    assert found is not None and found.value == value and not found.is_cut


@settings(max_examples=200, deadline=None, derandomize=True)
@given(text=st.text(st.sampled_from("{}[]\"':,\\/ab1.\n#*u"), max_size=30))
def test_any_text_is_read_or_is_no_json(text: str) -> None:
    found = find_json(text)
    assert found is None or isinstance(found.value, dict | list)

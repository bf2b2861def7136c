"""Answers are checked against their JSON schema before they are given out."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

pytest.importorskip("jsonschema", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

from seedx_sdk.engine.answer_schema import AnswerSchema
from seedx_sdk.errors import AnswerFormatError, InputError

LOCAL = {"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}
DRAFT_7 = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "items": [{"type": "integer"}],
    "additionalItems": False,
}


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({}, "[1, null]"),
        ({"type": "integer", "minimum": 2}, " 3\n"),
        ({"type": "object", "required": ["ü"], "properties": {"ü": {"const": 1}}}, '{"ü": 1}'),
        (LOCAL, '"b"'),
        ({"type": "array", "items": {"$ref": "#"}}, "[[], [[]]]"),
        (DRAFT_7, "[1]"),
        ({"pattern": r"\p{L}+$"}, '"?"'),  # what Python reads differently is left to the backbone
        ({"pattern": "^(a+)+$"}, json.dumps("a" * 40 + "b")),
        ({"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, json.dumps({"a" * 40 + "b": 1})),
        ({"type": "string", "format": "date"}, '"tomorrow"'),
        ({"type": "integer", "x-mine": 1}, "1"),
    ],
)
def test_an_answer_that_fits_passes(schema: dict[str, Any], answer: str) -> None:
    AnswerSchema(schema).check(answer)


@pytest.mark.parametrize(
    ("schema", "answer", "named"),
    [
        ({"type": "object"}, '{"a": ', "is no whole JSON"),
        ({"not": {}}, "true", r"at \$, keyword 'not'"),
        ({"items": {"enum": ["red", "blue"]}}, '["red", "green"]', r"at \$\[1\], keyword 'enum'"),
        ({"type": "array", "contains": {"const": 7}}, "[1]", "contains"),
        ({"dependentRequired": {"a": ["b"]}}, '{"a": 1}', "dependentRequired"),
        ({"if": {"type": "integer"}, "then": {"minimum": 5}}, "1", "minimum"),
        ({"properties": {}, "additionalProperties": False}, '{"a": 1}', "additionalProperties"),
        ({**LOCAL, "minLength": 3}, '"b"', "minLength"),
        (DRAFT_7, "[1, 2]", "additionalItems"),
        ({"$ref": "#"}, "1", "refers to itself without end"),
        ({"$ref": "#/$defs/none"}, "1", "refers to"),
    ],
)
def test_an_answer_that_does_not_fit_is_an_error_that_names_the_keyword(
    schema: dict[str, Any], answer: str, named: str
) -> None:
    with pytest.raises(AnswerFormatError, match=named):
        AnswerSchema(schema).check(answer)


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "no such type"}, r"at \$.type"),
        ({"minLength": -1}, r"at \$.minLength"),
        ({"properties": {"a": {"items": 3}}}, r"at \$.properties.a.items"),
        ({"$defs": {"a": []}}, r"at \$.*defs.*a"),
    ],
)
def test_what_is_no_schema_is_refused_before_anything_is_written(schema: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        AnswerSchema(schema)


def test_a_schema_never_makes_the_server_fetch_or_work_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any) -> None:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(socket.socket, "connect", connect)
    for url in ("http://127.0.0.1:1/x", "file:///etc/passwd", "other.json"):
        with pytest.raises(AnswerFormatError):
            AnswerSchema({"$ref": url}).check("1")
    steps: dict[str, Any] = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(40)}
    with pytest.raises(AnswerFormatError, match="too often"):
        AnswerSchema({"$defs": {**steps, "a40": {"type": "integer"}}, "$ref": "#/$defs/a0"}).check("1")

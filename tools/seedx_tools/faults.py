"""What a model is told about invalid arguments: which one, and what is allowed, with an example."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from seedx_tools.lenient import Schema, allowed_kinds

Place: TypeAlias = tuple[int | str, ...]
"""The steps to a value: names of arguments, positions in lists."""

_NUMBERS = {"integer": "a whole number", "number": "a number"}


def explain(error: ValidationError, schema: Schema | None = None) -> str:
    """Return one line that a model can act on: each invalid argument with the reason.

    Args:
        error: What is wrong.
        schema: The JSON schema of the arguments, of which the reasons tell what is allowed; None: pydantic's words.
    """
    faults = error.errors(include_url=False, include_context=False)
    places = [_steps(fault["loc"], schema) for fault in faults]
    outer = {place[:depth] for place in places for depth in range(len(place))}
    told = [_fault(fault, place, schema) for fault, place in zip(faults, places, strict=True) if place not in outer]
    return "; ".join(dict.fromkeys(told)).encode(errors="replace").decode()


def _fault(fault: ErrorDetails, place: Place, schema: Schema | None) -> str:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
    if fault["type"] == "value_error":
        return f"{where}: {fault['msg']}".removeprefix(": ").replace("Value error, ", "", 1)
    if schema is None:
        return f"{where or 'arguments'}: {fault['msg']}"
    if fault["type"] == "extra_forbidden":
        names = _part(place[:-1], schema).get("properties", {})
        return f"{where}: there is no such argument; use {', '.join(names)}"
    allowed = _allowed(_part(place, schema), schema)
    if fault["type"] == "missing":
        return f"{where}: it is required; give {allowed}"
    return f"{where}: {_short(fault['input'])} is not allowed; give {allowed}"


def _steps(loc: Place, schema: Schema | None) -> Place:
    """Return the steps to a value as in JSON, without those that only name a choice of a union."""
    if schema is None:
        return loc
    return tuple(
        step for number, step in enumerate(loc) if isinstance(step, int) or "properties" in _part(loc[:number], schema)
    )


def _part(loc: Place, schema: Schema) -> Schema:
    """Return the schema of the value at a place."""
    part = schema
    for step in loc:
        kinds = allowed_kinds(part, schema)
        if isinstance(step, int):
            part = kinds.get("array", {}).get("items", {})
        elif step in (fields := kinds.get("object", {}).get("properties", {})):
            part = fields[step]
        part = next(iter(found.values())) if len(found := allowed_kinds(part, schema)) == 1 else part
    return part


def _allowed(part: Schema, schema: Schema) -> str:
    """Return what a schema allows, in words, with an example."""
    kinds = allowed_kinds(part, schema)
    kinds.pop("null", None)
    words = " or ".join(_words(kind, one, schema) for kind, one in kinds.items())
    if any("enum" in one or kind == "boolean" for kind, one in kinds.items()):
        return words
    examples = [*part.get("examples", ()), *(_example(kind, one, schema) for kind, one in kinds.items())]
    return f"{words}, such as {json.dumps(examples[0])}" if examples and examples[0] is not None else words


def _words(kind: str, part: Schema, schema: Schema) -> str:
    if "enum" in part:
        return f"one of {', '.join(json.dumps(choice) for choice in part['enum'])}"
    if kind in _NUMBERS:
        low, high = part.get("minimum"), part.get("maximum")
        if high is None or high >= 2**31:
            return _NUMBERS[kind] + ("" if low is None else f" of at least {low}")
        return f"{_NUMBERS[kind]} from {low} to {high}"
    if kind == "array":
        return f"a list of {_plural(part.get('items', {}), schema)}{_amount(part)}"
    words = {"boolean": "true or false", "object": "an object"}
    text = "a text that is not empty" if part.get("minLength") else "a text"
    return words.get(kind, text)


def _amount(part: Schema) -> str:
    low, high = part.get("minItems"), part.get("maxItems")
    if low is not None and low == high:
        return f" (exactly {low})"
    return f" (at least {low})" if low else ""


def _plural(items: Schema, schema: Schema) -> str:
    kinds = allowed_kinds(items, schema)
    names = {"integer": "whole numbers", "number": "numbers", "string": "texts", "object": "objects"}
    return " or ".join(names.get(kind, "values") for kind in kinds)


def _example(kind: str, part: Schema, schema: Schema) -> Any:
    if part.get("examples"):
        return part["examples"][0]
    if kind in _NUMBERS:
        return part.get("minimum")
    if kind == "array":
        items = allowed_kinds(part.get("items", {}), schema)
        one = next((_example(name, item, schema) for name, item in items.items()), None)
        return None if one is None else [one] * (part.get("minItems") or 1)
    return None


def _short(value: Any) -> str:
    """Return a value as JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False, skipkeys=True, default=lambda other: f"a {type(other).__name__}")
    return text if len(text) <= 60 else f"{text[:60]}..."

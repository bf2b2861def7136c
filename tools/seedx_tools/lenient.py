"""Arguments as a model meant them, where that is sure: one reading for all tools, guided by their JSON schemas.

What stays invalid is left as it is, so that the error names what the model wrote.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from PIL import Image

Schema: TypeAlias = Mapping[str, Any]
"""A JSON schema, or a part of one."""

_NOTHING = ("", "null", "none")
"""What models write for an argument that they leave out, besides null."""
_IMAGE_NAMES = re.compile(r"\s*image[\s:_-]?\w+\s*(,\s*image[\s:_-]?\w+\s*)+", re.IGNORECASE)
_SIZE = re.compile(r"\s*(\d+)\s*(?:px)?\s*[x×*]\s*(\d+)\s*(?:px)?\s*", re.IGNORECASE)
"""A width and a height in one argument, as other image APIs take them."""


def as_meant(given: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return the arguments of a call with harmless slips mended.

    Names may differ in case, and in the "s" of a plural. An empty text, null and "none" leave an optional argument
    out. Numbers, booleans, lists and objects may be written as text, one item stands for a list of one and a list of
    one for its item.

    Args:
        given: The arguments by name, as the model wrote them.
        schema: The JSON schema of all arguments.
    """
    fields: Mapping[str, Schema] = schema["properties"]
    required = schema.get("required", ())
    meant: dict[str, Any] = {}
    for name, value in given.items():
        known = known_name(name, fields, [*given, *meant])
        if known is None:
            meant |= _size(name, value, fields) or ({} if _is_nothing(value, _NOTHING) else {name: value})
            continue
        kinds = allowed_kinds(fields[known], schema)
        value = _value(value, kinds)
        is_text = set(kinds) == {"string"}
        words = ("",) if is_text else _NOTHING  # "none" may be what a text says
        if not (_is_nothing(value, words) and (known not in required or value is None or not is_text)):
            meant[known] = value
    return meant


def allowed_kinds(field: Schema, schema: Schema) -> dict[str, Schema]:
    """Return the schemas that a value may fit, by JSON type: all choices of a union, with `$ref` resolved."""
    if "$ref" in field:
        return allowed_kinds(schema["$defs"][field["$ref"].rsplit("/", 1)[-1]], schema)
    if choices := field.get("anyOf") or field.get("oneOf"):
        return {kind: part for choice in choices for kind, part in allowed_kinds(choice, schema).items()}
    return {str(field.get("type", "any")): field}


def known_name(name: str, fields: Mapping[str, Schema], given: Collection[str]) -> str | None:
    """Return the argument that a name means; None if there is none, or it is also given under its right name."""
    if name in fields:
        return name
    plain = _plain(name)
    close = [field for field in fields if plain in (_plain(field), f"{_plain(field)}s") or f"{plain}s" == _plain(field)]
    return close[0] if len(close) == 1 and close[0] not in given else None


def same_word(one: str, other: str) -> bool:
    """Return whether two words are the same but for case, spaces and signs."""
    return _plain(one) == _plain(other)


def _plain(word: str) -> str:
    return re.sub(r"[\W_]", "", word.casefold())


def _is_nothing(value: Any, words: tuple[str, ...] = ("",)) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in words)


def _size(name: str, value: Any, fields: Mapping[str, Schema]) -> dict[str, Any] | None:
    """Return the width and the height of "512x288"; None if it is another argument.

    Raises:
        ValueError: If the size is not given in pixels.
    """
    if _plain(name) not in ("size", "imagesize", "resolution") or "width" not in fields or _is_nothing(value):
        return None
    if isinstance(value, Mapping) and set(value) == {"width", "height"}:
        return dict(value)
    found = _SIZE.fullmatch("x".join(map(str, value)) if isinstance(value, list) else str(value))
    if found is None:
        raise ValueError(
            f"{name} {json.dumps(value, default=str)[:40]} is not a size in pixels; give width and height, multiples "
            'of 8, such as "width": 512, "height": 288'
        )
    return {"width": int(found[1]), "height": int(found[2])}


def _value(value: Any, kinds: Mapping[str, Schema]) -> Any:
    """Return a value as one of the JSON types that are allowed, if it surely is one."""
    if isinstance(value, str):
        value = _written(value, kinds)
    if "array" in kinds and "string" not in kinds:
        return _as_list(value, kinds)
    if isinstance(value, list | tuple) and len(value) == 1 and "array" not in kinds:
        return _value(value[0], kinds)
    return value


def _written(text: str, kinds: Mapping[str, Schema]) -> Any:
    """Return what a text writes: a list, an object, one of the choices, or the text without the spaces around it."""
    plain = text.strip()
    if plain[:1] in ("[", "{") and ("array" in kinds or "object" in kinds):
        for read in (json.loads, ast.literal_eval):
            try:
                return read(plain)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
    choices = kinds.get("string", {}).get("enum", ())
    close = [choice for choice in choices if _plain(choice) == _plain(plain)]
    if len(close) == 1:
        return close[0]
    return text if "string" in kinds else plain


def _as_list(value: Any, kinds: Mapping[str, Schema]) -> Any:
    items = kinds["array"].get("items", {}).get("type")
    if isinstance(value, list | tuple):
        return [item for item in value if not _is_nothing(item)]
    if isinstance(value, str):
        if items in ("integer", "number"):
            return value.replace(",", " ").split()
        if set(kinds) - {"array", "null"} or value.lower() in _NOTHING:
            return value
        names = value.strip("[] ")
        return names.split(",") if _IMAGE_NAMES.fullmatch(names) else [value]
    return [value] if isinstance(value, Mapping | Image.Image) else value

"""Answers of a chat model as it meant them: a schema that mends harmless slips before it validates.

Python callers use the strict schema; only what a chat model writes goes through the lenient one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, PrivateAttr, ValidationError, model_validator

from seedx_tools.lenient import Schema, allowed_kinds, known_name, same_word
from seedx_tools.loose_json import find_json

T = TypeVar("T", bound=BaseModel)
Mend: TypeAlias = Callable[[Any, Callable[[str], None]], Any]
"""Changes an answer to what its schema calls it; the callback takes a sentence on what was changed or left out."""

_NOTHING = ("", "null", "none", "n/a")
_WRAPPINGS = ("arguments", "parameters", "args", "tool_input", "properties")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")


class InvalidAnswer(Exception):
    """An answer that fits its schema in no reading.

    Args:
        answer: What the chat model wrote.
        error: Why it does not fit.
    """

    def __init__(self, answer: Any, error: ValidationError) -> None:
        super().__init__("; ".join(_faults(error)))
        self.answer = answer


def lenient(schema: type[T], mend: Mend | None = None) -> type[T]:
    """Return a schema of the same name and form whose instances may be given with slips.

    Numbers may be text and text numbers, null and unknown fields are left out, one item stands for a list, lines of
    text for a list of texts, and a text for an object that needs only one. Validation raises InvalidAnswer for what
    stays invalid.

    Args:
        schema: The strict schema.
        mend: Changes the whole answer first.
    """
    form = schema.model_json_schema()

    def as_meant(_cls: type[T], data: Any, handler: Callable[[Any], T]) -> T:
        slips: list[str] = []
        given = data
        if isinstance(data, BaseModel):
            data = data.model_dump(exclude_defaults=True)
        if mend is not None:
            data = mend(data, slips.append)
        try:
            answer = handler(_mended(data, form, form, slips.append))
        except ValidationError as error:
            raise InvalidAnswer(given, error) from error
        answer._slips = tuple(dict.fromkeys(slips))  # type: ignore[attr-defined]
        return answer

    wrapped: Any = model_validator(mode="wrap")
    namespace = {
        "__module__": schema.__module__,
        "__doc__": schema.__doc__,
        "__annotations__": {"_slips": tuple[str, ...]},
        "_slips": PrivateAttr(default=()),
        "as_meant": wrapped(classmethod(as_meant)),
    }
    metaclass: Any = type(schema)
    subclass: type[T] = metaclass(schema.__name__, (schema,), namespace)
    return subclass


def slips_of(answer: BaseModel) -> tuple[str, ...]:
    """Return what was changed in an answer, or left out, one sentence each."""
    found: tuple[str, ...] = getattr(answer, "_slips", ())
    return found


def json_in(text: str) -> Any:
    """Return the largest JSON object or list in a text such as prose with a fenced block; None if it has none."""
    found = find_json(text)
    return None if found is None else found.value


def unwrapped(answer: Any, schema: type[BaseModel]) -> Any:
    """Return the arguments of a tool call, or the fields of a JSON schema, that were written out as the answer."""
    if not isinstance(answer, Mapping) or answer.keys() & schema.model_fields.keys() - {"name"}:
        return answer
    inner = next((answer[name] for name in _WRAPPINGS if name in answer), answer)
    return (json_in(inner) or answer) if isinstance(inner, str) else inner


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, fault["loc"]))
        yield f"{place}: {fault['msg']}" if place else fault["msg"]


def _mended(value: Any, field: Schema, schema: Schema, warn: Callable[[str], None]) -> Any:
    """Return a value in a JSON type that its field allows, if it surely is one; otherwise as it is."""
    kinds = allowed_kinds(field, schema)
    if isinstance(value, str) and ("object" in kinds or "array" in kinds) and value.strip()[:1] in ("{", "["):
        value = json_in(value) or value
    if isinstance(value, list | tuple) and "array" not in kinds and len(value) == 1:
        value = value[0]
    if "object" in kinds and not isinstance(value, list | tuple):
        return _object(value, kinds["object"], schema, warn)
    if "array" in kinds:
        return _array(value, kinds["array"]["items"], schema, warn)
    if "string" in kinds:
        return _string(value, kinds["string"])
    if "boolean" in kinds and isinstance(value, str):
        word = value.strip().lower()
        return word in _YES if word in (*_YES, *_NO) else value
    if isinstance(value, float) and not math.isfinite(value) and "null" in kinds:
        return None
    if isinstance(value, str) and ("number" in kinds or "integer" in kinds):
        return None if "null" in kinds and value.strip().lower() in _NOTHING else value.strip().replace(",", "")
    return value


def _object(value: Any, kind: Schema, schema: Schema, warn: Callable[[str], None]) -> Any:
    fields: Mapping[str, Schema] = kind.get("properties", {})
    required = kind.get("required", ())
    if isinstance(value, str | int | float) and len(required) == 1:
        value = {required[0]: value}
    if not isinstance(value, Mapping):
        return value
    meant: dict[str, Any] = {}
    for name, given in value.items():
        known = known_name(str(name), fields, [*value, *meant])
        if known is None:
            if not _is_nothing(given):
                warn(f"the chat model gave '{name}', which a {kind.get('title', 'answer')} does not have; left out")
            continue
        form = fields[known]
        given = _mended(given, form, schema, warn)
        if known in required:
            meant[known] = given
        elif not _may_stay(given, form, schema):
            if not _is_nothing(given):
                warn(f"the chat model gave '{given}' as {known}, which is none of its choices; left out")
        else:
            meant[known] = given
    return meant


def _may_stay(value: Any, form: Schema, schema: Schema) -> bool:
    """Return whether a value of an optional field says anything, and is one of the field's choices."""
    kinds = allowed_kinds(form, schema)
    if value is None or ("string" not in kinds and _is_nothing(value)):
        return False
    choices = kinds.get("string", {}).get("enum")
    return not (choices and isinstance(value, str) and value not in choices)


def _is_nothing(value: Any) -> bool:
    return value in (None, [], {}) or (isinstance(value, str) and value.strip().lower() in _NOTHING)


def _array(value: Any, items: Schema, schema: Schema, warn: Callable[[str], None]) -> Any:
    kinds = allowed_kinds(items, schema)
    if isinstance(value, str):
        value = [line for line in value.splitlines() if line.strip()] if "string" in kinds else [value]
    elif isinstance(value, Mapping | int | float):
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    mended = [_mended(item, items, schema, warn) for item in value]
    return mended if "null" in kinds else [item for item in mended if item is not None]


def _string(value: Any, kind: Schema) -> Any:
    if isinstance(value, Mapping) and len(value) == 1:
        value = next(iter(value.values()))
    if isinstance(value, list | tuple) and all(isinstance(part, str | int | float) for part in value):
        value = "\n".join(written(part) for part in value)
    if isinstance(value, bool | int | float):
        value = written(value)
    if isinstance(value, str) and value not in kind.get("enum", (value,)):
        return next((choice for choice in kind["enum"] if same_word(choice, value)), value)
    return value


def written(value: Any) -> str:
    """Return a value of a JSON answer as a text shows it: 120, 2.5, yes, or nothing for null."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)

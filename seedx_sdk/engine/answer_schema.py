"""The JSON schema that an answer is held to: checked before the model writes, and the answer checked at its end.

The backbone guides every token, and refuses the keywords that it cannot guide. The check at the end makes the promise
independent of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from seedx_sdk.errors import AnswerFormatError, InputError

__all__ = ["AnswerSchema"]

_MAX_REFERENCES = 10_000
"""References followed for one answer; a few that refer to each other can double with each level."""
_SHOWN = 200
"""Characters of a value or message that an error shows."""


class AnswerSchema:
    """A JSON schema for answers, of the draft that its `$schema` names, or else 2020-12. Nothing is fetched.

    Formats and regular expressions are left to the backbone: Python reads regular expressions differently, and takes
    exponential time for some.

    Args:
        schema: The schema.

    Raises:
        InputError: If it is no valid schema.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        kind: Any = validator_for(schema, default=Draft202012Validator)  # its stubs lack an argument
        try:
            kind.check_schema(schema, format_checker=FormatChecker(formats=()))
        except SchemaError as error:
            raise InputError(
                f"json_schema is not valid at {error.json_path}: {error.message[:_SHOWN]}", param="json_schema"
            ) from error
        except RecursionError as error:
            raise InputError("json_schema is nested too deeply", param="json_schema") from error
        self._kind = kind

    def check(self, text: str) -> None:
        """Return if a whole answer conforms to the schema.

        Raises:
            AnswerFormatError: If it does not.
        """
        cure = "retry with another seed, or change json_schema or the prompt"
        try:
            value = json.loads(text)
        except ValueError as error:
            raise AnswerFormatError(f"the answer is no whole JSON: {text[:_SHOWN]!r}; {cure}") from error
        try:
            fault = best_match(self._validator().iter_errors(value))
        except (RecursionError, Unresolvable) as unclear:
            raise AnswerFormatError(
                "json_schema refers to itself without end, or too often, so no answer can be checked; simplify it"
            ) from unclear
        if fault is not None:
            raise AnswerFormatError(
                f"the answer does not fit json_schema at {fault.json_path}, keyword {fault.validator!r}: "
                f"{fault.message[:_SHOWN]}; {cure}"
            )

    def _validator(self) -> Validator:
        """Return a validator for one answer."""
        left = _MAX_REFERENCES
        follow, check_others = self._kind.VALIDATORS["$ref"], self._kind.VALIDATORS["additionalProperties"]

        def followed(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            nonlocal left
            left -= 1
            if left < 0:
                raise RecursionError
            yield from follow(validator, value, instance, schema) or ()

        def others(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            if "patternProperties" not in schema:
                yield from check_others(validator, value, instance, schema) or ()

        kind: Any = extend(  # type: ignore[no-untyped-call]
            self._kind,
            {"$ref": followed, "additionalProperties": others, "pattern": _guided, "patternProperties": _guided},
        )
        checking: Validator = kind(self._schema, registry=Registry())
        return checking


def _guided(*_: Any) -> Iterator[ValidationError]:
    """Accept what the backbone has guided."""
    return iter(())

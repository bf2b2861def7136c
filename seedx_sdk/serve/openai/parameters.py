"""Parameters of OpenAI's API that have no counterpart here.

A null counts as missing. A value that asks for what the server does anyway is accepted. A parameter that would
change the answer is an error; one that cannot is ignored, with a warning where somebody may rely on it.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

__all__ = ["OpenAIBody", "WithoutNulls", "only"]

T = TypeVar("T")
_SIMILAR = 0.8
"""An unknown name at least this similar to a known one, by `difflib`, is taken for a misspelling."""


def only(*values: T, hint: str = "") -> AfterValidator:
    """Return a validator that accepts these values, which ask for nothing special, and no others.

    Args:
        values: What is accepted.
        hint: What to do instead.
    """

    def check(value: T) -> T:
        if value not in values:
            allowed = " or ".join(str(value).lower() if isinstance(value, bool) else repr(value) for value in values)
            text = f"{reprlib.repr(value)} is not supported here; leave it out, or use {allowed}{hint and f'; {hint}'}"
            raise PydanticCustomError("unsupported_value", "{text}", {"text": text})
        return value

    return AfterValidator(check)


class WithoutNulls(BaseModel):
    """A JSON object in which a null counts as missing."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, given: Any) -> Any:
        return {name: v for name, v in given.items() if v is not None} if isinstance(given, Mapping) else given


class OpenAIBody(WithoutNulls):
    """A request body of OpenAI's API. What it has beside its fields is ignored, and `ignored` names it."""

    model_config = ConfigDict(extra="allow")
    CHANGES_THE_ANSWER: ClassVar[Mapping[str, str]] = {}
    """Parameters of other servers that are errors, and what to do instead."""
    NEUTRAL: ClassVar[Mapping[str, object]] = {}
    """Values of such parameters that change nothing, which clients send as their own defaults."""
    CHANGES_NOTHING: ClassVar[frozenset[str]] = frozenset(
        ("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
    )
    """Bookkeeping parameters of a provider, which are ignored silently."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_would_change_the_answer(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for name, value in given.items():
            if name in known or name in cls.CHANGES_NOTHING or cls._is_neutral(name, value):
                continue
            if (cure := cls.CHANGES_THE_ANSWER.get(name)) is not None:
                raise _refusal(name, f"is not supported here; {cure}")
            if similar := difflib.get_close_matches(name, known, n=1, cutoff=_SIMILAR):
                raise _refusal(name, f"is unknown; did you mean {similar[0]!r}?")
        return given

    @classmethod
    def _is_neutral(cls, name: str, value: Any) -> bool:
        """Whether a value asks for nothing: a null, something empty, or a parameter's own default."""
        empty = value is None or (name in cls.CHANGES_THE_ANSWER and value in ("", [], {}))
        return empty or (name in cls.NEUTRAL and value == cls.NEUTRAL[name])

    @property
    def ignored(self) -> tuple[str, ...]:
        """A warning for each parameter that was ignored."""
        extra = self.model_extra or {}
        names = sorted(
            name for name, value in extra.items() if not (name in self.CHANGES_NOTHING or self._is_neutral(name, value))
        )
        return tuple(f"the parameter {name!r} is unknown here and was ignored" for name in names)


def _refusal(name: str, text: str) -> PydanticCustomError:
    return PydanticCustomError(
        "unsupported_parameter", "{name} {text}", {"name": repr(name), "text": text, "param": name}
    )

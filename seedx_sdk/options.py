"""The options of a request, written once: names, types, bounds and what each one does.

`GenerationOptions` is what an engine gets. The bodies of the HTTP routes and the arguments of the tools inherit the
same fields, and the typed dictionaries repeat names and types for editors and type checkers (a test compares them).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, TypedDict, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from seedx_sdk.errors import InputError, SizeError

__all__ = [
    "MAX_SCHEMA_CHARS",
    "MAX_STOP_CHARS",
    "MAX_STOP_TEXTS",
    "CallOptions",
    "ChatOptions",
    "EditFields",
    "EditOptions",
    "GenerationOptions",
    "ImageFields",
    "ImageOptions",
    "Sampler",
    "SeedField",
    "TextFields",
    "TextOptions",
    "check_options",
    "check_seed",
]

Sampler: TypeAlias = Literal["reference", "fast"]
"""How an image is denoised: as the model was released, or in its fast mode, which takes fewer steps."""
MAX_SCHEMA_CHARS = 20_000
"""Of a JSON schema, which is compiled before a reply begins."""
MAX_STOP_TEXTS = 16
MAX_STOP_CHARS = 200
"""Of one stop text."""


@dataclass(frozen=True)
class _Range:
    """The values that a number may have; documented in JSON schemas, enforced by `check_options`."""

    low: int
    high: int | None
    """None: no limit."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the range to the schema of a field."""
        described = handler(schema)
        number = next((kind for kind in described.get("anyOf", ()) if kind.get("type") != "null"), described)
        number |= {"minimum": self.low} | ({} if self.high is None else {"maximum": self.high})
        return described

    def checked(self, name: str, value: object, kind: type) -> float:
        """Return the value as a number of this kind.

        Raises:
            InputError: If it is none, or out of range.
        """
        is_number = isinstance(value, int | float if kind is float else int) and not isinstance(value, bool)
        high = sys.float_info.max if self.high is None else self.high
        if not is_number or not self.low <= (number := cast(float, value)) <= high:
            raise InputError(f"{name} {str(value)[:40]} is not allowed; use {self._allowed(kind)}", param=name)
        return float(number) if kind is float else number

    def _allowed(self, kind: type) -> str:
        if self.high is None:
            return f"a finite number of at least {self.low}"
        high = "2**63-1" if self.high == _MAX_SEED else str(self.high)
        return f"a {'whole ' if kind is int else ''}number in {self.low}..{high}"


_MAX_SEED = 2**63 - 1


class SeedField(BaseModel):
    """The option that all calls have."""

    seed: Annotated[int, _Range(0, _MAX_SEED)] = Field(
        default=0, description="The same seed, request and model give the same answer; another one gives a variant."
    )


class ImageFields(SeedField):
    """How an image is drawn; None is the model's own default."""

    width: int | None = Field(
        default=None, description="Image width in pixels, a multiple of 8; give the height too. Default: the model's."
    )
    height: int | None = Field(default=None, description="Image height in pixels, a multiple of 8; give the width too.")
    num_inference_steps: Annotated[int | None, _Range(1, 1000)] = Field(
        default=None, description="Denoising steps: more is slower and finer. Default: the model's."
    )
    guidance_scale: Annotated[float | None, _Range(0, None)] = Field(
        default=None, description="How strongly the image follows the prompt. Default: the model's."
    )


class EditFields(ImageFields):
    """How an image is edited."""

    image_guidance_scale: Annotated[float | None, _Range(0, None)] = Field(
        default=None, description="How closely the result keeps to the given image. Default: the model's."
    )
    force: bool = Field(
        default=False, description="Edit also an image unlike all that the model was trained on, such as a photograph."
    )


class TextFields(SeedField):
    """How text is generated."""

    max_new_tokens: Annotated[int | None, _Range(1, 1_000_000)] = Field(
        default=None, description="Tokens after which the text is cut off. Default: the model's."
    )
    json_schema: dict[str, Any] | None = Field(
        default=None,
        description="The text is JSON that fits this schema, where the model info has supports_structured_output.",
    )


class GenerationOptions(EditFields, TextFields):
    """How to answer a request; None is the model's own default from its config.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Annotated[float | None, _Range(0, 2)] = Field(
        default=None, description="Of the text's sampling; 0 takes the most likely token."
    )
    sampler: Sampler | None = Field(
        default=None, description="'fast' where the model info has fast_steps. Default: 'reference'."
    )
    preview_every: Annotated[int | None, _Range(0, 1000)] = Field(
        default=None, description="Denoising steps between two previews, each of which costs one decoding; 0: none."
    )
    specialist: str | None = Field(
        default=None,
        description="Which of the model info's specialists answers. Default: the one named like the call, if there is "
        "one, else the general model.",
    )
    max_images: Annotated[int | None, _Range(1, 64)] = Field(
        default=None,
        description="Images after which a reply ends; of a story, its further pages. Default: the model's.",
    )
    stop: tuple[str, ...] = Field(
        default=(), description=f"Up to {MAX_STOP_TEXTS} texts; the reply ends before the first of them."
    )
    force_image: bool = Field(default=False, description="Do not end before an image was drawn.")


class CallOptions(TypedDict, total=False):
    """See `GenerationOptions`."""

    seed: int
    specialist: str | None


class TextOptions(CallOptions, total=False):
    """See `GenerationOptions`."""

    max_new_tokens: int | None
    json_schema: dict[str, Any] | None


class ImageOptions(CallOptions, total=False):
    """See `GenerationOptions`."""

    width: int | None
    height: int | None
    num_inference_steps: int | None
    guidance_scale: float | None
    sampler: Sampler | None
    preview_every: int | None


class EditOptions(ImageOptions, total=False):
    """See `GenerationOptions`."""

    image_guidance_scale: float | None
    force: bool


class ChatOptions(ImageOptions, TextOptions, total=False):
    """See `GenerationOptions`."""

    temperature: float | None
    max_images: int | None
    stop: str | Sequence[str] | None


def check_options(given: Mapping[str, object], *, force_image: bool = False) -> GenerationOptions:
    """Return the options of a request.

    Raises:
        TypeError: If there is no option of a name.
        SizeError: If only one of width and height is given, or one is not a positive multiple of 8.
        InputError: If a value is out of its range, the JSON schema is none or longer than MAX_SCHEMA_CHARS, or `stop`
            has an empty or overlong text, or too many.
    """
    fields = GenerationOptions.model_fields
    checked: dict[str, object] = {"force_image": force_image}
    for name, value in given.items():
        if name not in fields:
            raise TypeError(f"there is no option {name!r}; the options are {', '.join(fields)}")
        if value is None:
            continue
        limits = next((part for part in fields[name].metadata if isinstance(part, _Range)), None)
        if limits is not None:
            value = limits.checked(name, value, float if float in get_args(fields[name].annotation) else int)
        checked[name] = value
    _check_size(checked.get("width"), checked.get("height"))
    _check_sampler(checked.get("sampler"))
    _check_specialist(checked.get("specialist"))
    _check_schema(checked.get("json_schema"))
    checked["stop"] = _stop_texts(checked.get("stop", ()))
    return GenerationOptions.model_validate(checked)


def check_seed(seed: object) -> int:
    """Return the seed.

    Raises:
        InputError: If it is not a whole number in 0..2**63-1.
    """
    return check_options({"seed": seed}).seed


def _check_size(width: object, height: object) -> None:
    if width is None and height is None:
        return
    if width is None or height is None:
        given, other = ("width", "height") if height is None else ("height", "width")
        raise SizeError(
            f"{given} is given without {other}; give both, or neither for the model's own size", param=given
        )
    if not all(isinstance(side, int) and not isinstance(side, bool) for side in (width, height)):
        raise SizeError(f"width {width!r} and height {height!r} are not two whole numbers; give pixels", param="width")
    assert isinstance(width, int) and isinstance(height, int)
    if width < 1 or height < 1:
        raise SizeError(f"size {width}x{height} is not positive; use multiples of 8", param="width")
    if width % 8 or height % 8:
        nearest = "x".join(str(max(8, math.floor(side / 8 + 0.5) * 8)) for side in (width, height))
        raise SizeError(f"size {width}x{height} is not a multiple of 8; use {nearest}", param="width")


def _check_sampler(sampler: object) -> None:
    if sampler is not None and sampler not in get_args(Sampler):
        raise InputError(f"sampler {sampler!r} is not allowed; use one of {list(get_args(Sampler))}")


def _check_specialist(specialist: object) -> None:
    if specialist is not None and not isinstance(specialist, str):
        raise InputError(
            f"specialist {str(specialist)[:40]!r} is no text; use a name of the model info's specialists",
            param="specialist",
        )


def _stop_texts(stop: object) -> tuple[str, ...]:
    texts = (stop,) if isinstance(stop, str) else stop
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"stop {str(stop)[:40]!r} is not allowed; use a text or a list of texts", param="stop")
    if len(texts) > MAX_STOP_TEXTS or not all(0 < len(text) <= MAX_STOP_CHARS for text in texts):
        raise InputError(f"stop takes up to {MAX_STOP_TEXTS} texts of 1 to {MAX_STOP_CHARS} characters", param="stop")
    return tuple(dict.fromkeys(texts))


def _check_schema(schema: object) -> None:
    if schema is None:
        return
    if not isinstance(schema, dict):
        raise InputError(
            f"json_schema is {type(schema).__name__}, not a dict; of a pydantic model, pass model_json_schema()"
        )
    try:
        written = json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"json_schema cannot be written as JSON: {error}") from error
    if len(written) > MAX_SCHEMA_CHARS:
        raise InputError(f"json_schema has {len(written)} characters; at most {MAX_SCHEMA_CHARS} are allowed")

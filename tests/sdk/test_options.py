"""The list of options: one on every surface."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import get_type_hints

import pytest

from seedx_sdk import AsyncSeedX, InputError, SizeError
from seedx_sdk.options import (
    CallOptions,
    ChatOptions,
    EditFields,
    EditOptions,
    GenerationOptions,
    ImageFields,
    ImageOptions,
    SeedField,
    TextFields,
    TextOptions,
    check_options,
)

CALLS = {
    "describe": TextOptions,
    "detect": CallOptions,
    "generate": ImageOptions,
    "edit": EditOptions,
    "try_on": EditOptions,
}


def test_the_typed_dictionaries_repeat_names_and_types() -> None:
    hints = get_type_hints(GenerationOptions)
    assert hints["stop"] == tuple[str, ...]
    hints["stop"] = str | Sequence[str] | None  # a caller may give one text, or a list
    for options in (CallOptions, TextOptions, ImageOptions, EditOptions, ChatOptions):
        for name, hint in get_type_hints(options).items():
            assert hint == hints[name], (options, name)
    listed = {name for options in (EditOptions, ChatOptions) for name in get_type_hints(options)}
    assert listed == GenerationOptions.model_fields.keys() - {"force_image"}


@pytest.mark.parametrize(("name", "options"), [*CALLS.items(), ("chat", ChatOptions), ("chat_stream", ChatOptions)])
def test_every_call_takes_the_options_of_its_kind(name: str, options: type) -> None:
    parameter = inspect.signature(getattr(AsyncSeedX, name)).parameters["options"]
    assert parameter.annotation == f"Unpack[{options.__name__}]"


def test_bodies_and_tool_arguments_inherit_the_fields() -> None:
    routes = pytest.importorskip("seedx_sdk.serve.routes.tools")
    from seedx_tools import TOOLS

    for tool, fields in {
        "detect": SeedField,
        "generate": ImageFields,
        "edit": EditFields,
        "try_on": EditFields,
    }.items():
        body = getattr(routes, f"{tool.title().replace('_', '')}Arguments")
        for surface in (body, TOOLS[tool].args):
            for name, field in fields.model_fields.items():
                assert surface.model_fields[name].description == field.description, (surface, name)
    assert issubclass(routes.DescribeArguments, TextFields)


def test_ranges_are_enforced_and_documented() -> None:
    schema = GenerationOptions.model_json_schema()["properties"]
    assert (schema["seed"]["minimum"], schema["seed"]["maximum"]) == (0, 2**63 - 1)
    (steps, _) = schema["num_inference_steps"]["anyOf"]
    assert (steps["minimum"], steps["maximum"]) == (1, 1000)
    assert check_options({"seed": 3, "guidance_scale": 2}).guidance_scale == 2.0
    for wrong, message in {
        "seed": (-1, r"use a whole number in 0\.\.2\*\*63-1"),
        "num_inference_steps": (1001, r"use a whole number in 1\.\.1000"),
        "temperature": (2.5, r"use a number in 0\.\.2"),
        "guidance_scale": (float("inf"), "use a finite number of at least 0"),
        "max_new_tokens": (True, "max_new_tokens True is not allowed"),
    }.items():
        value, text = message
        with pytest.raises(InputError, match=text):
            check_options({wrong: value})
    assert check_options({"stop": "end"}).stop == ("end",)
    assert check_options({"stop": ["a", "b", "a"]}).stop == ("a", "b")
    for stop in ("", ["end", ""], 3, [3], ["x" * 201], [str(number) for number in range(17)]):
        with pytest.raises(InputError, match="stop"):
            check_options({"stop": stop})
    with pytest.raises(SizeError, match="give both, or neither"):
        check_options({"width": 64})
    with pytest.raises(TypeError, match="there is no option 'steps'"):
        check_options({"steps": 4})

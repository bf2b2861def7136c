"""Recipes by name, with settings of the command line: arguments of the recipe, and fields of what it returns."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from seedx_finetune.errors import ConfigError
from seedx_finetune.training.config import Config
from seedx_finetune.training.recipe import RecipeConfig

__all__ = ["make_recipe"]

T = TypeVar("T")


def make_recipe(
    recipes: Mapping[str, Callable[..., RecipeConfig]], name: str, settings: Sequence[str] = ()
) -> RecipeConfig:
    """Return the configuration of a recipe.

    Args:
        recipes: By name.
        name: One of them.
        settings: "name=value" for arguments of the recipe; "optimizer.steps=100", "sources.NAME.weight=2" for fields
            of its configuration. A value is JSON, or else text.

    Raises:
        ConfigError: If there is no such recipe, argument or field, or a value is not allowed; it says which are.
    """
    if name not in recipes:
        raise ConfigError(f"there is no recipe '{name}'; use one of {', '.join(recipes) or '(none)'}")
    recipe = recipes[name]
    types = get_type_hints(recipe)
    parameters = inspect.signature(recipe).parameters
    arguments: dict[str, Any] = {}
    fields: list[tuple[str, str]] = []
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"'{setting}' is no setting; write FIELD=VALUE, such as optimizer.steps=100")
        if key in parameters:
            arguments[key] = _first_valid(setting, text, TypeAdapter(types[key]).validate_python)
        else:
            fields.append((key, text))
    missing = [key for key, p in parameters.items() if p.default is p.empty and key not in arguments]
    if missing:
        raise ConfigError(f"recipe '{name}' needs {', '.join(missing)}; give --set {missing[0]}=VALUE")
    try:
        config = recipe(**arguments)
    except ValidationError as error:
        raise ConfigError(f"recipe '{name}': {_reasons(error)}") from error
    for key, text in fields:
        config = _with_field(config, key, text)
    return config


def _with_field(config: RecipeConfig, key: str, text: str) -> RecipeConfig:
    def change(value: Any) -> RecipeConfig:
        changed: RecipeConfig = _replaced(config, key.split("."), value, key)
        return changed

    return _first_valid(f"{key}={text}", text, change)


def _replaced(owner: Any, names: Sequence[str], value: Any, key: str) -> Any:
    """Return `owner` with a field, at any depth, replaced and validated."""
    if not names:
        return value
    name, *rest = names
    if isinstance(owner, Config):
        parts: dict[str, Any] = {field: getattr(owner, field) for field in type(owner).model_fields}
    elif isinstance(owner, tuple):
        parts = {getattr(item, "name", str(index)): item for index, item in enumerate(owner)}
    elif isinstance(owner, dict):
        parts = owner if rest else owner | {name: None}
    else:
        raise ConfigError(f"--set {key}: there is nothing below a value of {owner!r} that '{name}' could name")
    if name not in parts:
        raise ConfigError(f"--set {key}: there is no '{name}'; use one of {', '.join(parts) or '(none)'}")
    parts = parts | {name: _replaced(parts[name], rest, value, key)}
    if isinstance(owner, Config):
        return type(owner).model_validate(parts)
    return tuple(parts.values()) if isinstance(owner, tuple) else parts


def _first_valid(setting: str, text: str, validate: Callable[[Any], T]) -> T:
    """Return what becomes of the value as JSON, or else as text."""
    try:
        candidates = [json.loads(text), text]
    except ValueError:
        candidates = [text]
    reasons = []
    for candidate in candidates:
        try:
            return validate(candidate)
        except ValidationError as error:
            reasons.append(_reasons(error))
    raise ConfigError(f"--set {setting}: {reasons[0]}")


def _reasons(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}".removeprefix(": ") for e in error.errors())

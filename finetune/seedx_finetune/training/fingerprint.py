"""What decides the result of a run: its configuration, and the content of the files that the configuration names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from seedx_finetune.data.formats import make_format
from seedx_finetune.data.index import index_directory
from seedx_finetune.errors import ConfigError
from seedx_finetune.training.config import SourceConfig
from seedx_finetune.training.failures import ConfigChangedError
from seedx_finetune.training.recipe import RecipeConfig
from seedx_sdk.files import sha256

__all__ = ["check_unchanged", "fingerprint"]

_FREE = (
    "run.workers",
    "run.save_every",
    "run.keep_last",
    "run.evaluate_every",
    "run.evaluation_batches",
    "run.log_every",
    "run.max_bad_share",
    "run.max_general_growth",
)
"""Fields that may always differ: no weight depends on them."""


def fingerprint(recipe: RecipeConfig) -> dict[str, Any]:
    """Return the configuration, and under "inputs" a hash for each path in it.

    Hashed are the index of a source (its meta.json lists every file with its size and date), the config.json of a
    checkpoint directory (it has the hashes of the weights), the file itself, or, of another directory, the names, sizes
    and dates of the weights and configurations below it.
    """
    paths = [(field, path) for field, path in _paths(recipe, "") if field != "book"]  # its sources say what is in it
    return recipe.to_dict() | {"inputs": {field: _content(path) for field, path in paths}}


def check_unchanged(old: Mapping[str, Any], new: Mapping[str, Any], allow_change: Sequence[str], where: Path) -> None:
    """Check that a run resumes under the settings it began with, except for what may change or has no effect on it.

    Args:
        old: Fingerprint at the time of the last checkpoint.
        new: Fingerprint of now.
        allow_change: Dotted fields that may differ, each with all that is below it, such as "optimizer" or
            "sources.0.weight".
        where: Directory of the run, for the message.

    Raises:
        ConfigChangedError: If other fields differ; it lists them.
        ConfigError: If `allow_change` names a field that neither of them has.
    """
    before, after = dict(_flat(old, "")), dict(_flat(new, ""))
    fields = sorted(before.keys() | after.keys())
    for allowed in allow_change:
        if not any(_covers(allowed, field) for field in fields):
            raise ConfigError(f"allowed to change is '{allowed}', but there is no such field; name one as recipe.json")
    differences = [
        f"{field}: {before.get(field, 'absent')} -> {after.get(field, 'absent')}"
        for field in fields
        if before.get(field) != after.get(field)
        and not any(_covers(allowed, field) for allowed in (*_FREE, *allow_change))
    ]
    if differences:
        raise ConfigChangedError(
            f"{where} holds a run with other settings or inputs ({'; '.join(differences)}); train in another "
            "directory, or allow the change of each field by its name (--allow-change FIELD)",
            differences,
        )


def _covers(allowed: str, field: str) -> bool:
    return field == allowed or field.startswith(f"{allowed}.")


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested JSON values with their dotted names; an empty container is a leaf."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    if value and items:
        for key, part in items:
            yield from _flat(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _paths(value: Any, name: str) -> Iterator[tuple[str, Path]]:
    if isinstance(value, Path):
        yield name, value
    elif isinstance(value, SourceConfig):
        yield f"{name}.path", index_directory(value.path, make_format(value.format, value.options)) / "meta.json"
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _paths(getattr(value, field), f"{name}.{field}" if name else field)
    elif isinstance(value, Mapping | list | tuple):
        for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _paths(part, f"{name}.{key}")


def _content(path: Path) -> str:
    for file in (path / "config.json", path):
        if file.is_file():
            return sha256(file)
    files = sorted(file for file in path.rglob("*") if file.suffix in (".json", ".safetensors"))
    names = [(file.relative_to(path).as_posix(), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(names).encode()).hexdigest() if names else "absent"

"""The names that chat models use for the fields of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedx_tools.lenient import same_word


def renamed(value: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return a mapping whose keys are called as the schema calls them; a field that is given already is not replaced.

    Args:
        value: An object of an answer.
        names: The other names of a field, by its own.
    """
    fields = {str(name): part for name, part in value.items()}
    for own, others in names.items():
        if own in fields:
            continue
        found = next((name for other in (own, *others) for name in fields if same_word(other, name)), None)
        if found is not None:
            fields[own] = fields.pop(found)
    return fields

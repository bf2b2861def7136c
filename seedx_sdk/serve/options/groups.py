"""Commands that take their options in groups: a dataclass for each subject, with a field for each option."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_type_hints

__all__ = ["takes_groups"]


def takes_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command for Typer in which each group of options is replaced by its options.

    All parameters are keyword-only. A group is one whose type is a dataclass. Its fields are annotated like parameters
    of a command, `Annotated[int, typer.Option(...)]`, and its class variable `TITLE` is their heading in the help text.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: given.annotation for name, given in signature.parameters.items() if is_dataclass(given.annotation)
    }

    @functools.wraps(command)
    def of_options(**values: Any) -> None:
        given = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **given)

    parameters = [
        option
        for name, given in signature.parameters.items()
        for option in (_options(groups[name]) if name in groups else [given])
    ]
    of_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    of_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return of_options


def _options(group: Any) -> Iterator[inspect.Parameter]:
    """Generate the options of a group as parameters."""
    annotations = get_type_hints(group, include_extras=True)
    for field in fields(group):
        value_type, option = get_args(annotations[field.name])
        option = copy(option)
        option.rich_help_panel = group.TITLE
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[value_type, option],
        )

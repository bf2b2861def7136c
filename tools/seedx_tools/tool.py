"""The shape that every tool has: a name, a description, typed arguments, a typed result.

The agents, the command line and the adapters for other frameworks see tools only through this class, so one
schema serves them all.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError, SeedXError
from seedx_tools.errors import ToolFailed, ToolRetry

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called as work goes on with (steps done, steps in all, what is being done now)."""


class ToolArgs(BaseModel):
    """Base of every tool's arguments: frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


A = TypeVar("A", bound=ToolArgs)
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool(Generic[A, R]):
    """One thing that SeedX can do, described well enough for a language model to call it."""

    name: str
    """Lower case with underscores; unique in TOOLS."""
    description: str
    """What the tool is for, written for the model that chooses among tools."""
    args: type[A]
    """The arguments' model: unknown names are refused."""
    result: type[R]
    """The result's model: serialises to JSON."""
    call: Callable[[SeedX, A], R]
    """The function itself, for arguments that are already valid."""

    @classmethod
    def of(cls, call: Callable[[SeedX, A], R], *, name: str, args: type[A], result: type[R]) -> Tool[A, R]:
        """Return a tool whose description is the docstring of its function, up to the first section."""
        description = inspect.getdoc(call) or ""
        return cls(name=name, description=description.split("\n\nRaises:")[0], args=args, result=result, call=call)

    def run(self, seedx: SeedX, args: A | Mapping[str, Any]) -> R:
        """Return the result of the tool for these arguments.

        Raises:
            ToolRetry: The arguments are invalid; the message names each and what is allowed.
            ToolFailed: The model or the machine could not do it.
        """
        try:
            checked = args if isinstance(args, self.args) else self.args.model_validate(args)
        except ValidationError as error:
            raise ToolRetry(f"{self.name}: {_explain(error)}") from error
        try:
            return self.call(seedx, checked)
        except (ToolRetry, ToolFailed):
            raise
        except InputError as error:
            raise ToolRetry(f"{self.name}: {error}") from error
        except SeedXError as error:
            raise ToolFailed(f"{self.name}: {error}") from error

    def schema(self) -> dict[str, Any]:
        """Return name, description and the JSON schemas of the arguments and of the result."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": self.args.model_json_schema(),
            "returns": self.result.model_json_schema(mode="serialization"),
        }


def _explain(error: ValidationError) -> str:
    """Return one line a model can act on: each wrong argument with the reason."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(step) for step in fault["loc"]) or "arguments"
        faults.append(f"{where}: {fault['msg']}")
    return "; ".join(faults)

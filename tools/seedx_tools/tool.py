"""The shape of every tool: a name, a description, typed arguments and a typed result.

Agents, the command line and the adapters see tools only through this class, so one schema serves them all.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError, SeedXError, SpecialistMissingError
from seedx_sdk.types import ImageProgress, Result
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.faults import explain
from seedx_tools.lenient import as_meant
from seedx_tools.workspace import OutputFile, Workspace

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called with (steps done, total steps, what is being done now)."""


def _important_fields_first(schema: dict[str, Any], args: type[BaseModel]) -> None:
    """Put required arguments first, then what only this tool takes, then the options that it inherits."""
    properties, required = schema["properties"], schema.get("required", ())
    own = inspect.get_annotations(args)
    names = sorted(properties, key=lambda name: (name not in required, name not in own))
    schema["properties"] = {name: properties[name] for name in names}


class ToolArgs(BaseModel):
    """Base class of all tool arguments: frozen, read as they are meant, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_important_fields_first)

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, given: Any) -> Any:
        return as_meant(given, _schema(cls)) if isinstance(given, Mapping) else given


class SavingArgs(ToolArgs):
    """Base class of the arguments of tools that save a file."""

    overwrite: bool = Field(
        default=False, description="Whether to replace an existing file of the user's; true only if the user wants it."
    )


@cache
def _schema(args: type[BaseModel]) -> dict[str, Any]:
    return args.model_json_schema()


class Answer(NamedTuple):
    """What a language model gets to see of a result."""

    text: str
    """A few lines, without image data."""
    image: Image.Image | None = None
    """The image to look at, if any."""


A = TypeVar("A", bound=ToolArgs)
R = TypeVar("R", bound=Result)


def ignore_progress(_done: int, _total: int, _what: str) -> None:
    """Do nothing; the default of `on_progress`."""


def denoising(on_progress: Progress) -> Callable[[ImageProgress], None]:
    """Return a listener that reports the SDK's progress of one image as a tool's progress."""
    return lambda event: on_progress(event.step, event.total, "denoising")


def result_fields(seedx: SeedX, *, seed: int, started: float, warnings: Iterable[str]) -> dict[str, Any]:
    """Return the fields that every Result has; `started` is the time.perf_counter() at which the work began."""
    return {
        "seed": seed,
        "model": seedx.info.name,
        "revision": seedx.info.revision,
        "timings": {"total": time.perf_counter() - started},
        "warnings": tuple(dict.fromkeys(warnings)),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool(Generic[A, R]):
    """One thing that SeedX can do, described well enough for a language model to call it."""

    name: str
    """Lower case with underscores; unique in TOOLS."""
    description: str
    """What the tool is for, written for the model that chooses among tools."""
    args: type[A]
    """Model of the arguments; it rejects unknown names."""
    result: type[R]
    """Model of the result; it serializes to JSON."""
    call: Callable[[SeedX, A, Progress], R]
    """The function itself, for arguments that are already validated."""
    answer: Callable[[R], Answer]
    """What a language model gets to see of a result."""
    read_only: bool = False
    """Whether it only looks: it makes no image and writes no file."""

    @property
    def title(self) -> str:
        """The name for people: "Make slides"."""
        return self.name.replace("_", " ").capitalize()

    @property
    def saves(self) -> bool:
        """Whether it writes files, and may replace one if it is told to."""
        return issubclass(self.args, SavingArgs)

    @classmethod
    def of(
        cls,
        call: Callable[[SeedX, A, Progress], R],
        *,
        name: str,
        args: type[A],
        result: type[R],
        answer: Callable[[R], Answer],
        read_only: bool = False,
    ) -> Tool[A, R]:
        """Return a tool whose description is the docstring of its function, up to the first section."""
        description = (inspect.getdoc(call) or "").split("\n\nRaises:")[0]
        return cls(
            name=name,
            description=description,
            args=args,
            result=result,
            call=call,
            answer=answer,
            read_only=read_only,
        )

    def run(
        self,
        seedx: SeedX,
        args: A | Mapping[str, Any],
        *,
        workspace: Workspace | None = None,
        on_progress: Progress = ignore_progress,
    ) -> R:
        """Return the result of the tool for these arguments.

        Args:
            seedx: The model.
            args: The arguments by name.
            workspace: What the arguments may refer to; None: any path of this machine, and no names or URLs.
            on_progress: Called with (steps done, total steps, what is being done now).

        Raises:
            ToolRetry: If the arguments are invalid; the message names each of them and what is allowed.
            ToolFailed: If the model or the machine could not do it.
        """
        checked = self.check(args, workspace)
        told = str if workspace is None else workspace.without_roots
        try:
            with ExitStack() as room:
                for value in dict(checked).values():
                    if workspace is not None and isinstance(value, OutputFile):
                        room.enter_context(workspace.writing(value))
                result = self.call(seedx, checked, on_progress)
        except (ToolRetry, ToolFailed) as error:
            error.args = (told(str(error)),)
            raise
        except SpecialistMissingError as error:  # no other arguments help
            raise ToolFailed(f"{self.name}: {told(str(error))}") from error
        except InputError as error:
            raise ToolRetry(f"{self.name}: {told(str(error))}") from error
        except SeedXError as error:
            raise ToolFailed(f"{self.name}: {told(str(error))}") from error
        for value in dict(result).values():
            if workspace is not None and isinstance(value, Path):
                workspace.note_written(value)
        return result

    def check(self, args: A | Mapping[str, Any], workspace: Workspace | None = None) -> A:
        """Return the validated arguments; with a workspace, images and paths are resolved in it.

        Raises:
            ToolRetry: If they are invalid; the message names each of them and what is allowed.
        """
        given = args.model_dump(exclude_unset=True) if isinstance(args, self.args) else args
        try:
            return self.args.model_validate(given, context=workspace)
        except ValidationError as error:
            fault = explain(error, _schema(self.args))
            raise ToolRetry(f"{self.name}: {fault if workspace is None else workspace.without_roots(fault)}") from error
        except UnicodeEncodeError as error:  # half of a surrogate pair, in a path or a name
            raise ToolRetry(f"{self.name}: a text holds characters that cannot be encoded; leave them out") from error

    def schema(self) -> dict[str, Any]:
        """Return the name, the description and the JSON schemas of the arguments and of the result."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": self.args.model_json_schema(),
            "returns": self.result.model_json_schema(mode="serialization"),
        }

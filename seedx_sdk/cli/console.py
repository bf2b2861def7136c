"""What the commands of `seedx` share: their options, the progress bar, and how a result or an error is printed.

The commands in cli.py use it, and so do those that other packages add (seedx_tools.cli.documents).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from PIL import Image
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seedx_sdk.client import SeedX
from seedx_sdk.errors import PromptError

__all__ = [
    "GuidanceOption",
    "HeightOption",
    "JsonOption",
    "ModelOption",
    "SeedOption",
    "StepsOption",
    "WidthOption",
    "Step",
    "errors",
    "open_client",
    "print_json",
    "print_warnings",
    "progress",
    "read_text",
]

MAX_STDIN_BYTES = 1024 * 1024

Step: TypeAlias = Callable[[int, int, str], None]
"""Reports progress: steps done, steps in all, what is being done now)."""


def errors() -> Console:
    """Return the console for messages (stderr), so that stdout holds the result and nothing else."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


ModelOption: TypeAlias = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="A checkpoint directory; the shipped model if left out.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the whole result as one line of JSON.")]
SeedOption: TypeAlias = Annotated[int, typer.Option("--seed", help="The same seed gives the same answer.")]
WidthOption: TypeAlias = Annotated[
    int | None, typer.Option("--width", help="Image width in pixels, a multiple of 8; needs --height.")
]
HeightOption: TypeAlias = Annotated[
    int | None, typer.Option("--height", help="Image height in pixels, a multiple of 8; needs --width.")
]
StepsOption: TypeAlias = Annotated[
    int | None, typer.Option("--num-inference-steps", help="Denoising steps, 1 to 1000.")
]
GuidanceOption: TypeAlias = Annotated[
    float | None, typer.Option("--guidance-scale", help="How strongly to follow the prompt.")
]


def open_client(ctx: typer.Context, model: Path | None) -> SeedX:
    """Return the client for a command; tests invoke the app with `obj=` a function that makes another one."""
    make: Callable[[Path | None], SeedX] = ctx.obj or SeedX
    return make(model)


@contextmanager
def progress(what: str) -> Iterator[Step]:
    """Show that work goes on, with a bar as soon as steps are reported; silent when stderr is not a terminal."""
    console = errors()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def step(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text)

        yield step


def print_json(result: BaseModel, saved: Iterable[tuple[Image.Image, Path]] = ()) -> None:
    """Print a result as one line of JSON, with the path in place of an image that was saved, and null of any other."""
    paths = {id(image): str(path) for image, path in saved}
    typer.echo(dumps(result.model_dump(mode="json", context={"image": lambda image: paths.get(id(image))})))


def print_warnings(warnings: tuple[str, ...]) -> None:
    """Print each warning as one line on stderr."""
    for text in warnings:
        errors().print(f"warning: {text}", style="yellow", markup=False)


def read_text(text: str, name: str) -> str:
    """Return the text itself, or with "-" all of stdin.

    Raises:
        PromptError: If stdin is too long or not UTF-8.
    """
    if text != "-":
        return text
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise PromptError(f"{name} on stdin is longer than {MAX_STDIN_BYTES} bytes; shorten it")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PromptError(f"{name} on stdin is not UTF-8 at byte {error.start}; save it as UTF-8") from error

"""The `seedx data` command: check a source and write its index, or write the picture book as sources."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.cli.console import ModelOption, progress
from seedx_sdk.errors import InputError, needs_extra

if TYPE_CHECKING:
    from seedx_finetune.data.check import CheckReport

__all__ = ["data_app", "parse_options"]

_BAR = 40
"""Characters of the longest bar."""

data_app = typer.Typer(no_args_is_help=True, help="Check and make training data.")


@data_app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A file or directory of records.", exists=True)],
    format: Annotated[str, typer.Option("--format", metavar="F", help="Their format; a wrong name lists all.")],
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="K=V", help="An option of the format; V is JSON or text.")
    ] = None,
    model: ModelOption = None,
) -> None:
    """Read every record once, list the bad ones, and write the index that training reads.

    Each bad record is one line on stdout, `file:line: reason`; the exit code is 1 if there is one, and training leaves
    it out. Tokens are counted with the tokenizer of the model.
    """
    with needs_extra("train"):
        from seedx_finetune.data.check import check_source
        from seedx_finetune.data.formats import make_format
        from seedx_sdk.engine import checkpoint_directory
        from seedx_sdk.model.tokenizer import Tokenizer
    directory = checkpoint_directory(model)
    config = DirectoryConfig.read(directory)
    reader = make_format(format, parse_options(option or ()))
    with progress(f"check {path}"):
        report = check_source(
            path,
            reader,
            Tokenizer.from_pretrained(directory / "llm"),
            cell=config.visual_encoder.image_size,
            num_tokens=config.lvlm.input_resampler.grid_size**2,
            on_bad=lambda bad: typer.echo(f"{bad.name}: {' '.join(bad.reason.split())}"),
        )
    Console().print(report_table(str(path), report))
    if report.bad:
        raise typer.Exit(1)


@data_app.command()
def export_book(
    directory: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Records of each source.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed writes the same records.")] = 0,
) -> None:
    """Write the picture-book world as sources in the formats that real data has."""
    with needs_extra("train"):
        from seedx_finetune.data.export_book import export_book as write_book
    write_book(directory, n, seed)
    typer.echo(str(directory))


def parse_options(options: Sequence[str]) -> dict[str, Any]:
    """Return the options of a format, given as name=value, where the value is JSON or else a text.

    Raises:
        InputError: If one has no name.
    """
    parsed: dict[str, Any] = {}
    for option in options:
        name, separator, value = option.partition("=")
        if not (separator and name):
            raise InputError(f"option {option!r} is not NAME=VALUE; write, for example, --option grids='[\"1x1\"]'")
        try:
            parsed[name] = json.loads(value)
        except json.JSONDecodeError:
            parsed[name] = value
    return parsed


def report_table(title: str, report: CheckReport) -> Table:
    """Return what a source holds as a table, the lengths of its samples as bars."""
    table = Table("", "", "", title=title, show_header=False)
    table.add_row("samples", f"{report.samples:,}", "")
    table.add_row("bad records", f"{report.bad:,}", "")
    for reason, number in report.filtered.most_common():
        table.add_row("left out", f"{number:,}", reason)
    table.add_row("images", f"{report.images:,}", "")
    table.add_row("tokens", f"{report.tokens:,}", "")
    table.add_section()
    histogram = report.histogram()
    for most, number in histogram:
        width = round(_BAR * number / max(number for _, number in histogram))
        table.add_row(f"to {most:,} tokens", f"{number:,}", "█" * width)
    return table

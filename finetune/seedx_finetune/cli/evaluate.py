"""The `seedx eval` command."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from seedx_sdk.cli.console import ModelOption, open_client, progress
from seedx_sdk.errors import MissingExtraError
from seedx_sdk.files import check_output_path, write_file

__all__ = ["eval_app"]

eval_app = typer.Typer(no_args_is_help=True, help="Evaluate a model.")


@eval_app.callback()
def _measure() -> None:
    """Evaluate a model."""


@eval_app.command()
def book(
    ctx: typer.Context,
    n: Annotated[int, typer.Option("--n", min=1, help="Samples per category, question type and task.")] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the samples.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the report to this file.")] = None,
    model: ModelOption = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="FILE.png", help="Save a contact sheet of the first images.")
    ] = None,
) -> None:
    """Evaluate generation, description, detection and editing on the picture book, on seen and held-out pairs.

    Every metric has a 95 % confidence interval. Generated and edited images are scored by a separate detector, whose
    own accuracy is reported too. A model that cannot be loaded or a file that cannot be written fails at once.
    """
    if json is not None:
        check_output_path(json)
    if sheet is not None:
        check_output_path(sheet, (".png",))
    try:
        from seedx_finetune.evaluation.contact_sheet import ContactSheet
        from seedx_finetune.evaluation.run import evaluate
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", error.name or "torch") from error
    client = open_client(ctx, model)
    info = client.info
    images = ContactSheet()
    with progress("evaluate") as step:
        report = evaluate(client, n, seed, on_progress=step, on_image=images.add if sheet else None)
    report |= {"model": info.name, "revision": info.revision}
    if json is not None:
        write_file(json, (json_format.dumps(report, indent=1) + "\n").encode())
    if sheet is not None:
        images.save(sheet)
    Console().print(report_table(report))


def report_table(report: dict[str, Any]) -> Table:
    """Return the report as a table: one row for each metric, seen beside held-out."""
    title = f"{report['model']} ({report['revision']}), n {report['n']}, seed {report['seed']}"
    table = Table("metric", "seen pairs", "held-out pairs", title=title)
    for task, metrics in report["seen"].items():
        table.add_section()
        for name in metrics | report["held_out"][task]:
            table.add_row(f"{task} {name}", *(_cell(report[split][task].get(name)) for split in ("seen", "held_out")))
    table.add_section()
    for name, metric in report["judge"].items():
        table.add_row(f"judge {name}", _cell(metric), "")
    return table


def _cell(metric: dict[str, float] | None) -> str:
    if metric is None:
        return "-"
    digits = 1 if metric["high"] > 1 else 3
    return f"{metric['value']:.{digits}f} [{metric['low']:.{digits}f}, {metric['high']:.{digits}f}]"

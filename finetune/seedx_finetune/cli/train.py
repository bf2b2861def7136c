"""The `seedx train` command."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from seedx_finetune.errors import ConfigError
from seedx_sdk.errors import needs_extra

__all__ = ["train"]


def train(
    recipe: Annotated[str | None, typer.Argument(help="Its name; --list shows them.", show_default=False)] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change an argument or a nested field (repeatable)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Directory of the run; runs/RECIPE if left out.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the recipes and exit.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show memory, FLOPs and hours and exit; reads no weights.")
    ] = False,
    allow_change: Annotated[
        list[str] | None,
        typer.Option("--allow-change", metavar="FIELD", help="Resume although this field has changed (repeatable)."),
    ] = None,
) -> None:
    """Train a model by a recipe; a run that was interrupted resumes from its last checkpoint.

    On several devices: torchrun --nproc-per-node 8 -m seedx_sdk train RECIPE. The result is DIR/model; DIR also holds
    the whole configuration, log.jsonl, a TensorBoard log, sample sheets and checkpoints.
    """
    with needs_extra("train"):
        from seedx_finetune.cli.settings import make_recipe
        from seedx_finetune.recipes import RECIPES

    if list_:
        table = Table("recipe", "what it trains", box=None)
        for name, function in RECIPES.items():
            table.add_row(name, (inspect.getdoc(function) or "").partition("\n")[0])
        return Console().print(table)
    if recipe is None:
        raise ConfigError(f"name a recipe; use one of {', '.join(RECIPES) or '(none)'}")
    config = make_recipe(RECIPES, recipe, settings or ())
    with needs_extra("train"):
        if plan:
            from seedx_finetune.training.plan import plan as make_plan
            from seedx_finetune.training.plan import plan_table

            return Console().print(plan_table(make_plan(config)))
        from seedx_finetune.training.loop import train as run
    result = run(config, out or Path("runs") / config.name, allow_change=allow_change or ())
    if os.environ.get("RANK", "0") == "0":  # torchrun's
        typer.echo(result)

"""`python -m seedx_finetune nano`: trains the shipped model from nothing, stage by stage, and writes its directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _main() -> None:
    """Training recipes."""


@app.command()
def nano(
    work: Annotated[Path, typer.Option(help="folder for checkpoints and logs; an interrupted run resumes here")] = Path(
        "runs/nano"
    ),
    output: Annotated[Path, typer.Option(help="the model directory to write")] = Path("runs/nano/model"),
) -> None:
    """Train seed-x-nano: every stage in order, each skipped when its output is there."""
    from seedx_finetune.recipes import nano as recipe
    from seedx_finetune.recipes.export import export_nano

    recipe.train_autoencoder(work)
    recipe.train_visual_encoder(work)
    recipe.train_language_model(work)
    recipe.train_lvlm(work)
    recipe.train_edit(work)
    recipe.train_detokenizer(work)
    recipe.train_edit_detokenizer(work)
    config = export_nano(work, output)
    typer.echo(f"wrote {config.name} {config.revision} to {output}")


if __name__ == "__main__":
    app()

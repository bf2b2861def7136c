"""`python -m seedx_finetune nano`: train the shipped model from scratch and write its checkpoint directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _main() -> None:
    """Train models."""


@app.command()
def nano(
    work: Annotated[
        Path, typer.Option(help="Directory for checkpoints and logs; an interrupted run resumes from it.")
    ] = Path("runs/nano"),
    output: Annotated[Path, typer.Option(help="The checkpoint directory to write.")] = Path("runs/nano/model"),
    share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Fraction of steps and data; 0.001 is a smoke test.")
    ] = 1.0,
) -> None:
    """Train seed-x-nano: run every stage in order, skipping those whose output exists."""
    from seedx_finetune.recipes import nano as recipe
    from seedx_finetune.recipes.export import export_nano
    from seedx_finetune.training.run import Run

    run = Run(work, share)
    for stage in (
        recipe.train_autoencoder,
        recipe.train_visual_encoder,
        recipe.train_language_model,
        recipe.train_lvlm,
        recipe.train_edit,
        recipe.train_detokenizer_resampler,
        recipe.train_detokenizer,
        recipe.train_edit_detokenizer,
    ):
        stage(run)
    config = export_nano(run, output)
    typer.echo(f"wrote {config.name} {config.revision} to {output}")


if __name__ == "__main__":
    app()

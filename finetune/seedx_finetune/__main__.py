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
    from seedx_finetune.nano import stages
    from seedx_finetune.nano.export import export_nano
    from seedx_finetune.nano.run import Run

    run = Run(work, share)
    for stage in (
        stages.train_autoencoder,
        stages.train_visual_encoder,
        stages.train_language_model,
        stages.train_lvlm,
        stages.train_edit,
        stages.train_detokenizer_resampler,
        stages.train_detokenizer,
        stages.train_edit_detokenizer,
    ):
        stage(run)
    config = export_nano(run, output)
    typer.echo(f"wrote {config.name} {config.revision} to {output}")


if __name__ == "__main__":
    app()

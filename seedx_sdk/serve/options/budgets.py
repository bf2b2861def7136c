"""The command-line options of budgets, which `seedx serve` and `seedx deploy` share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["MaxPromptTokensOption", "MaxStepsOption"]

MaxStepsOption = Annotated[
    int,
    typer.Option(
        "--max-steps-per-request", min=1, help="Denoising steps of all images of a request, at the model's own size."
    ),
]
MaxPromptTokensOption = Annotated[
    int | None, typer.Option(min=1, help="Tokens of a prompt, its images included (default: what the model reads).")
]

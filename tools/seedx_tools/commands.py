"""The commands `seedx slides` and `seedx story`, which the command line of seedx_sdk finds as plug-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedx_sdk.console import (
    JsonOption,
    ModelOption,
    SeedOption,
    open_client,
    print_json,
    print_warnings,
    progress,
    read_text,
)
from seedx_tools.deck_theme import DeckSize
from seedx_tools.slides import make_slides
from seedx_tools.story import tell_story

__all__ = ["slides", "story"]


def slides(
    ctx: typer.Context,
    prompt: Annotated[str, typer.Argument(help="A subject, or an outline in Markdown; '-' is stdin.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to save the deck.")] = Path("slides.pptx"),
    template: Annotated[Path | None, typer.Option("--template", help="A .pptx whose layouts are filled.")] = None,
    size: Annotated[DeckSize | None, typer.Option("--size", help="Page shape [16:9, or the template's].")] = None,
    num_slides: Annotated[int | None, typer.Option("--num-slides", help="With the title slide [6].")] = None,
    pictures: Annotated[bool, typer.Option(help="Draw a picture for each slide that has room for one.")] = True,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Make an editable PowerPoint deck with drawn pictures."""
    with progress("planning") as step:
        deck = make_slides(
            open_client(ctx, model),
            read_text(prompt, "prompt"),
            path=output,
            template=template,
            size=size,
            num_slides=num_slides,
            seed=seed,
            pictures=pictures,
            on_progress=step,
        )
    print_warnings(deck.warnings)
    if json:
        print_json(deck, {})
    else:
        typer.echo(output)


def story(
    ctx: typer.Context,
    prompt: Annotated[str, typer.Argument(help="What the story is about; '-' is stdin.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .html, .pdf or .pptx file, or a folder.")] = Path(
        "story.html"
    ),
    pages: Annotated[int, typer.Option("--pages", help="How many pages.")] = 6,
    first_image: Annotated[str | None, typer.Option("--image", "-i", help="The picture it begins with.")] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Tell an illustrated story."""
    with progress("thinking of a story") as step:
        told = tell_story(
            open_client(ctx, model),
            read_text(prompt, "prompt"),
            pages=pages,
            path=output,
            first_image=first_image,
            seed=seed,
            on_progress=step,
        )
    print_warnings(told.warnings)
    if json:
        print_json(told, {})
    else:
        typer.echo(output)

"""The commands `seedx slides` and `seedx story`, which the command line of seedx_sdk finds as plug-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedx_sdk.cli.console import (
    JsonOption,
    ModelOption,
    SeedOption,
    errors,
    open_client,
    print_json,
    print_warnings,
    progress,
    read_text,
)
from seedx_tools.decks.check import check_deck
from seedx_tools.decks.libreoffice import deck_to_pdf, save_previews
from seedx_tools.decks.make import make_slides
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.stories.make import tell_story

__all__ = ["slides", "story"]


def slides(
    ctx: typer.Context,
    prompt: Annotated[str | None, typer.Argument(help="A subject, or an outline in Markdown; '-' is stdin.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to save it [slides.pptx].")] = None,
    check: Annotated[Path | None, typer.Option("--check", help="Look for faults in a .pptx; make nothing.")] = None,
    append: Annotated[Path | None, typer.Option("--append", help="Add the outline's slides to a .pptx.")] = None,
    revise: Annotated[Path | None, typer.Option("--revise", help="Make one --slide of a .pptx anew.")] = None,
    slide: Annotated[int, typer.Option("--slide", help="Which slide --revise makes anew.")] = 1,
    template: Annotated[Path | None, typer.Option("--template", help="A .pptx whose layouts are filled.")] = None,
    theme: Annotated[DeckTheme | None, typer.Option("--theme", help="The built-in look [paper].")] = None,
    files: Annotated[Path | None, typer.Option("--files", help="Folder of pictures and CSV files it names.")] = None,
    previews: Annotated[Path | None, typer.Option("--previews", help="Folder for a PNG of each slide.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Also save it as PDF; needs LibreOffice.")] = None,
    size: Annotated[DeckSize | None, typer.Option("--size", help="Page shape [16:9, or the template's].")] = None,
    num_slides: Annotated[int | None, typer.Option("--num-slides", help="With the title slide [6].")] = None,
    pictures: Annotated[bool, typer.Option(help="Draw a picture for each slide that has room for one.")] = True,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Make an editable PowerPoint deck with drawn pictures, or check one: exit status 1 when something is wrong."""
    if check is not None:
        _check(check, json)
        return
    if prompt is None:
        raise typer.BadParameter("say what the deck is about, or give --check deck.pptx", param_hint="PROMPT")
    text = read_text(prompt, "prompt")
    with progress("planning") as step:
        seedx = open_client(ctx, model)
        if revise is not None:
            deck = revise_slide(seedx, revise, slide, text, output=output, files=files, seed=seed, pictures=pictures)
        elif append is not None:
            deck = append_slides(
                seedx, append, text, output=output, files=files, seed=seed, pictures=pictures, on_progress=step
            )
        else:
            deck = make_slides(
                seedx,
                text,
                path=output or Path("slides.pptx"),
                template=template,
                theme=theme,
                files=files,
                size=size,
                num_slides=num_slides,
                seed=seed,
                pictures=pictures,
                on_progress=step,
            )
    print_warnings(deck.warnings)
    if previews is not None:
        errors().print(f"previews by {save_previews(deck, previews)}", markup=False)
    if pdf is not None:
        deck_to_pdf(deck.path, pdf)
    if json:
        print_json(deck, {})
    else:
        typer.echo(deck.path)


def _check(path: Path, json: bool) -> None:
    report = check_deck(path)
    if json:
        print_json(report, {})
    else:
        for finding in report.findings:
            shape = f" '{finding.shape}'" if finding.shape else ""
            typer.echo(f"slide {finding.slide}{shape}: {finding.kind}: {finding.message}")
        typer.echo(f"{path}: {len(report.findings)} findings on {report.slides} slides")
    if not report.ok:
        raise typer.Exit(1)


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

"""The commands `seedx slides` and `seedx story`, registered as plug-ins of the `seedx` command."""

from __future__ import annotations

import os
import tempfile
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
from seedx_tools.decks.libreoffice import deck_to_pdf, save_previews
from seedx_tools.decks.lint.check import check_deck
from seedx_tools.decks.make import make_slides
from seedx_tools.decks.outline import Outline
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.decks.slide_copies import duplicate_slide, merge_decks
from seedx_tools.decks.slide_order import delete_slide, move_slide
from seedx_tools.decks.template_report import check_template
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.documents.sources import files_of, read_source, sources_outline
from seedx_tools.stories.make import tell_story
from seedx_tools.stories.story_file import OwnStory, read_story

__all__ = ["slides", "story"]

_SPECIALIST = "--specialist/--no-specialist"
SlidesSpecialistOption = Annotated[
    bool | None, typer.Option(_SPECIALIST, help="Let the model's slides specialist lay out slides [if it has one].")
]
_CONTENT, _LOOK, _CHANGE = "Content", "Look", "A deck that is there"
"""The panels of the options of `seedx slides`."""
StorySpecialistOption = Annotated[
    bool | None, typer.Option(_SPECIALIST, help="Let the model's story specialist tell the story [if it has one].")
]


def slides(
    ctx: typer.Context,
    prompt: Annotated[str | None, typer.Argument(help="A subject, or a Markdown outline; '-' reads stdin.")] = None,
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            help="A .pdf, .docx, .html, .md, .txt, .xlsx, .csv or .tsv file (repeatable).",
            rich_help_panel=_CONTENT,
        ),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option("--files", help="Directory of images and CSV files it names.", rich_help_panel=_CONTENT),
    ] = None,
    num_slides: Annotated[
        int | None,
        typer.Option("--num-slides", help="Including the title slide (default: 6).", rich_help_panel=_CONTENT),
    ] = None,
    pictures: Annotated[
        bool, typer.Option(help="Generate an image for each slide with room for one.", rich_help_panel=_CONTENT)
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Output file, replaced if it exists (default: a new slides.pptx)."),
    ] = None,
    previews: Annotated[Path | None, typer.Option("--previews", help="Directory for a PNG of each slide.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Also save a PDF; requires LibreOffice.")] = None,
    template: Annotated[
        Path | None, typer.Option("--template", help="A .pptx whose layouts are used.", rich_help_panel=_LOOK)
    ] = None,
    master: Annotated[
        str | None, typer.Option("--master", help="Its slide master, by name or number.", rich_help_panel=_LOOK)
    ] = None,
    theme: Annotated[
        DeckTheme | None, typer.Option("--theme", help="Built-in theme (default: paper).", rich_help_panel=_LOOK)
    ] = None,
    brand: Annotated[
        Path | None, typer.Option("--brand", help="JSON: colors, fonts, logo, footer.", rich_help_panel=_LOOK)
    ] = None,
    footer: Annotated[
        str | None,
        typer.Option("--footer", help="Footer text; '' for none (default: the title).", rich_help_panel=_LOOK),
    ] = None,
    size: Annotated[
        DeckSize | None,
        typer.Option("--size", help="Page size (default: 16:9 or template).", rich_help_panel=_LOOK),
    ] = None,
    specialist: SlidesSpecialistOption = None,
    check: Annotated[
        Path | None, typer.Option("--check", help="Lint a .pptx and exit.", rich_help_panel=_CHANGE)
    ] = None,
    check_file: Annotated[
        Path | None,
        typer.Option(
            "--check-template", help="Say which layout of a .pptx serves what, and exit.", rich_help_panel=_CHANGE
        ),
    ] = None,
    append: Annotated[
        Path | None, typer.Option("--append", help="Add the slides to a .pptx.", rich_help_panel=_CHANGE)
    ] = None,
    revise: Annotated[
        Path | None,
        typer.Option("--revise", help="Replace or edit one --slide of a .pptx.", rich_help_panel=_CHANGE),
    ] = None,
    delete: Annotated[
        Path | None, typer.Option("--delete", help="Delete one --slide of a .pptx.", rich_help_panel=_CHANGE)
    ] = None,
    move: Annotated[
        Path | None, typer.Option("--move", help="Move one --slide of a .pptx to --at.", rich_help_panel=_CHANGE)
    ] = None,
    duplicate: Annotated[
        Path | None,
        typer.Option("--duplicate", help="Copy one --slide of a .pptx behind itself.", rich_help_panel=_CHANGE),
    ] = None,
    merge: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--merge", help="Put the slides of a second .pptx into a first one.", rich_help_panel=_CHANGE),
    ] = None,
    slide: Annotated[
        int | None, typer.Option("--slide", help="Number of the slide (default: 1).", rich_help_panel=_CHANGE)
    ] = None,
    at: Annotated[
        int | None,
        typer.Option("--at", help="Number that the slide gets (default: the end).", rich_help_panel=_CHANGE),
    ] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Make an editable PowerPoint deck with generated images, or lint one (exit status 1 if it has findings)."""
    if check is not None:
        _check(check, json)
        return
    if check_file is not None:
        _check_template(check_file, master, json)
        return
    if merge is not None:
        typer.echo(merge_decks(*merge, at=at, output=output))
        return
    if (operand := delete or move or duplicate) is not None:
        if slide is None:
            raise typer.BadParameter("say which slide", param_hint="--slide")
        if delete is not None:
            typer.echo(delete_slide(operand, slide, output=output))
        elif duplicate is not None:
            typer.echo(duplicate_slide(operand, slide, output=output))
        elif at is None:
            raise typer.BadParameter("say which number the slide gets", param_hint="--at")
        else:
            typer.echo(move_slide(operand, slide, at, output=output))
        return
    if (prompt is None) == (not sources):
        raise typer.BadParameter("give the subject of the deck, --from FILE, or --check deck.pptx", param_hint="PROMPT")
    if sources and revise is not None:
        raise typer.BadParameter("--revise takes the new slide or an order in words", param_hint="--from")
    text = read_text(prompt or "", "prompt")
    folder: str | os.PathLike[str] | None = files
    with progress("planning") as step, tempfile.TemporaryDirectory() as temporary:
        seedx = open_client(ctx, model)
        content: str | Outline = text
        if sources:
            found = [read_source(path) for path in sources]
            content, folder = sources_outline(found, num_slides), files_of(found, sources, files, Path(temporary))
        if revise is not None:
            deck = revise_slide(
                seedx, revise, slide or 1, text, output=output, files=files, seed=seed, pictures=pictures
            )
        elif append is not None:
            deck = append_slides(
                seedx,
                append,
                content,
                at=at,
                output=output,
                files=folder,
                seed=seed,
                pictures=pictures,
                on_progress=step,
            )
        else:
            deck = make_slides(
                seedx,
                content,
                path=free_path(output, "slides.pptx"),
                template=template,
                master=master,
                footer=True if footer is None else footer or False,
                theme=theme,
                brand=None if brand is None else Brand.read(brand),
                files=folder,
                size=size,
                num_slides=num_slides,
                seed=seed,
                pictures=pictures,
                specialist=specialist,
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


def free_path(output: Path | None, default: str) -> Path:
    """Return the path that the user gave, which may be replaced, or a free name in the current folder."""
    path, number = output or Path(default), 2
    while output is None and path.exists():
        path, number = Path(f"{Path(default).stem}-{number}{path.suffix}"), number + 1
    return path


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


def _check_template(path: Path, master: str | None, json: bool) -> None:
    report = check_template(path, master=master)
    if json:
        print_json(report, {})
        return
    width, height = report.size_inches
    typer.echo(f"{path}: {width} x {height} inches, master '{report.master}', {', '.join(report.fonts)}")
    for use in report.uses:
        typer.echo(f"  {use.purpose}: {use.layout}{'' if use.exact else ' (stands in)'}")
    if report.unused:
        typer.echo(f"  not used by themselves: {', '.join(report.unused)}")
    typer.echo("It lacks nothing." if report.ok else "What to know, and what a designer can add:")
    for lack in report.lacks:
        typer.echo(f"- {lack}")


def story(
    ctx: typer.Context,
    prompt: Annotated[
        str | None, typer.Argument(help="What the story is about, or a Markdown story; '-' reads stdin.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A .html, .pdf, .epub or .pptx file, or a directory (default: story.html)."
        ),
    ] = None,
    own: Annotated[
        Path | None, typer.Option("--from", help="A story of your own: Markdown, or .json with pages.")
    ] = None,
    pages: Annotated[int | None, typer.Option("--pages", help="Number of pages (default: 6).")] = None,
    first_images: Annotated[
        list[str] | None, typer.Option("--image", "-i", help="Image that the story starts from (repeatable).")
    ] = None,
    tries: Annotated[int, typer.Option("--tries", help="Maximum number of images per page, 1 to 20.")] = 2,
    check: Annotated[bool, typer.Option(help="Look at every image, and draw it again if something is missing.")] = True,
    language: Annotated[str | None, typer.Option("--language", help="Language code (default: by the text).")] = None,
    font: Annotated[Path | None, typer.Option("--font", help="A .ttf, .otf or .ttc file for .pdf and .pptx.")] = None,
    specialist: StorySpecialistOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Write and illustrate a story, or illustrate your own."""
    if (prompt is None) == (own is None):
        raise typer.BadParameter("give the subject of the story, or --from FILE", param_hint="PROMPT")
    given: OwnStory = read_story(own) if own is not None else {"prompt": read_text(prompt or "", "prompt")}
    if pages is not None and "pages" in given:
        raise typer.BadParameter(f"'{own}' has pages of its own; leave it out", param_hint="--pages")
    target = free_path(output, "story.html")
    with progress("planning") as step:
        told = tell_story(
            open_client(ctx, model),
            given.get("prompt", ""),
            pages=given.get("pages", pages),
            characters=given.get("characters", ()),
            title=given.get("title", ""),
            language=language,
            font=font,
            path=target,
            first_images=first_images or (),
            tries=tries,
            check=check,
            seed=seed,
            specialist=specialist,
            on_progress=step,
        )
    print_warnings(told.warnings)
    if json:
        print_json(told, {})
    else:
        typer.echo(target)

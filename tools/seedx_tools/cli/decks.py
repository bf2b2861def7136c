"""The command `seedx deck`: the outline of a saved deck, and changes of the deck as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from seedx_sdk.cli.console import (
    JsonOption,
    ModelOption,
    SeedOption,
    open_client,
    print_json,
    print_warnings,
    progress,
    read_text,
)
from seedx_sdk.errors import InputError
from seedx_tools.decks.editing.orders import DeckOrder
from seedx_tools.decks.operations.deck_outline import read_deck
from seedx_tools.decks.operations.design import change_template
from seedx_tools.decks.operations.edit import edit_deck
from seedx_tools.decks.results import Deck
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.palettes import DeckTheme

__all__ = ["deck"]

_LOOK = "Another design"
_ORDERS = TypeAdapter(tuple[DeckOrder, ...])


def deck(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="Any .pptx.")],
    request: Annotated[
        str | None,
        typer.Argument(help="What to do: 'delete slide 2; move slide 5 to 2'; '-' reads stdin."),
    ] = None,
    orders: Annotated[
        Path | None, typer.Option("--orders", help="JSON: a list of orders in place of a request.")
    ] = None,
    num_slides: Annotated[
        int | None, typer.Option("--num-slides", help="Condense or extend the deck to so many slides.")
    ] = None,
    sources: Annotated[bool, typer.Option("--sources", help="Add a slide that lists the deck's sources.")] = False,
    template: Annotated[
        Path | None, typer.Option("--template", help="A .pptx whose layouts are used.", rich_help_panel=_LOOK)
    ] = None,
    master: Annotated[
        str | None, typer.Option("--master", help="Its slide master, by name or number.", rich_help_panel=_LOOK)
    ] = None,
    theme: Annotated[DeckTheme | None, typer.Option("--theme", help="Built-in theme.", rich_help_panel=_LOOK)] = None,
    brand: Annotated[
        Path | None, typer.Option("--brand", help="JSON: colors, fonts, logo, footer.", rich_help_panel=_LOOK)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what another design would change.", rich_help_panel=_LOOK)
    ] = False,
    files: Annotated[
        Path | None, typer.Option("--files", help="Directory of images and CSV files that new slides name.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Generate images for new slides with room for one.")] = True,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Output file (default: the same).")] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Print the outline of a PowerPoint deck, or change it: slides, design, length, sources."""
    wanted = _orders(orders, num_slides, sources)
    redesigned = template is not None or theme is not None or brand is not None
    if request is not None and (wanted or redesigned) or wanted and redesigned:
        raise typer.BadParameter("give one of a request, --orders, --num-slides with --sources, or a new design")
    if not redesigned and (dry_run or master is not None):
        option = "--dry-run" if dry_run else "--master"
        raise typer.BadParameter(f"{option} is only for a new design: --template, --theme or --brand")
    if request is None and not wanted and not redesigned:
        outline = read_deck(path)
        if json:
            print_json(outline, {})
        else:
            typer.echo(str(outline))
        return
    with progress("editing") as step:
        seedx = open_client(ctx, model)
        made: Deck
        if redesigned:
            made = change_template(
                seedx,
                path,
                template=template,
                master=master,
                theme=theme,
                brand=None if brand is None else Brand.read(brand),
                output=output,
                dry_run=dry_run,
            )
        else:
            made = edit_deck(
                seedx,
                path,
                wanted or read_text(request or "", "request"),
                output=output,
                files=files,
                seed=seed,
                pictures=pictures,
                on_progress=step,
            )
    print_warnings(made.warnings)
    if json:
        print_json(made, {})
    else:
        typer.echo(made.path)


def _orders(path: Path | None, num_slides: int | None, sources: bool) -> tuple[DeckOrder, ...]:
    """Return the orders of a file and of the options.

    Raises:
        InputError: If the file cannot be read, or holds no list of orders.
    """
    orders: tuple[DeckOrder, ...] = ()
    if path is not None:
        try:
            orders = _ORDERS.validate_json(path.read_bytes())
        except OSError as error:
            raise InputError(f"'{path}' cannot be read: {error.strerror}") from error
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            raise InputError(
                f'\'{path}\' is not a list of orders, such as [{{"kind": "delete", "slide": 2}}]: {fault["msg"]}'
            ) from error
    if num_slides is not None:
        orders += (DeckOrder(kind="length", num_slides=num_slides),)
    return orders + ((DeckOrder(kind="sources"),) if sources else ())

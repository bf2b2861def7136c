"""The tool that changes a saved deck as a whole: several orders at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from seedx_sdk import SeedX
from seedx_tools.arguments import input_path
from seedx_tools.catalog.make_slides import deck_answer
from seedx_tools.catalog.revision import RevisionArgs
from seedx_tools.decks.editing.orders import DeckOrder
from seedx_tools.decks.operations.edit import edit_deck
from seedx_tools.decks.results import Deck
from seedx_tools.tool import Progress, Tool


def _file(value: str, info: ValidationInfo) -> str:
    return input_path(value, info) if value else value


class FileOrder(DeckOrder):
    """An order whose file is one that the tool may read."""

    file: Annotated[str, AfterValidator(_file)] = Field(
        default="", description="merge: path of the other .pptx. template: path of a .pptx or .potx; or empty."
    )


class EditDeckArgs(RevisionArgs):
    """Arguments of edit_deck."""

    orders: tuple[FileOrder, ...] = Field(
        min_length=1,
        description="What is to be done, in order. All numbers are those of the deck as it is before the first order.",
    )


def run_edit_deck(seedx: SeedX, args: EditDeckArgs, on_progress: Progress) -> Deck:
    """Change a saved PowerPoint deck by several orders at once; slides that no order touches stay exactly as they are.

    Orders delete, move, duplicate, insert and revise slides, merge another deck, change the template, condense or
    extend the deck to a number of slides, or add a slide of its sources. All orders are followed or none.
    Use read_deck first if you do not know the numbers of the slides. The result lists the content of each slide.
    """
    return edit_deck(
        seedx,
        args.path,
        args.orders,
        output=args.output,
        files=args.find_file,
        seed=args.seed,
        pictures=args.pictures,
        on_progress=on_progress,
    )


EDIT_DECK = Tool.of(run_edit_deck, name="edit_deck", args=EditDeckArgs, result=Deck, answer=deck_answer)

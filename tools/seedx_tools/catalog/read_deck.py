"""The tool that reads the outline of a saved deck."""

from __future__ import annotations

import time

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.types import Result
from seedx_tools.arguments import InputPath
from seedx_tools.decks.operations.deck_outline import DeckOutline, read_deck
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, result_fields


class ReadDeckArgs(ToolArgs):
    """Arguments of read_deck."""

    path: InputPath = Field(examples=["deck.pptx"], description="The saved .pptx, of these tools or of PowerPoint.")


class OutlinedDeck(Result):
    """The outline of a saved deck."""

    outline: DeckOutline


def run_read_deck(seedx: SeedX, args: ReadDeckArgs, _on_progress: Progress) -> OutlinedDeck:
    """Read the number, title, kind and text of each slide of a saved PowerPoint deck, which stays as it is.

    Use it before edit_deck or revise_slide, to know which slides there are.
    """
    started = time.perf_counter()
    outline = read_deck(args.path)
    return OutlinedDeck(outline=outline, **result_fields(seedx, seed=0, started=started, warnings=()))


def _answer(deck: OutlinedDeck) -> Answer:
    lines = []
    for slide in deck.outline.slides:
        lines.append(f"{slide.number}. {slide.title} ({slide.kind}{', hidden' if slide.hidden else ''})")
        lines += [f"   - {point}" for point in slide.points]
    return Answer(f"The deck '{deck.outline.title}':\n" + "\n".join(lines))


READ_DECK = Tool.of(
    run_read_deck, name="read_deck", args=ReadDeckArgs, result=OutlinedDeck, answer=_answer, read_only=True
)

"""The tool that adds slides at the end of a saved deck."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_tools.catalog.make_slides import deck_answer
from seedx_tools.catalog.revision import RevisionArgs
from seedx_tools.catalog.slide_files import FILES_HELP
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import append_slides
from seedx_tools.tool import Progress, Tool


class AppendSlidesArgs(RevisionArgs):
    """Arguments of append_slides."""

    more: str = Field(
        min_length=1,
        description="The new slides in Markdown, as for make_slides: for each '## Title' and '- points'. "
        f"{FILES_HELP}.",
    )


def run_append_slides(seedx: SeedX, args: AppendSlidesArgs, on_progress: Progress) -> Deck:
    """Add slides at the end of a saved PowerPoint deck; the slides that it has stay exactly as they are.

    Write the new slides yourself. The result lists the content of each slide.
    """
    return append_slides(
        seedx,
        args.path,
        args.more,
        output=args.output,
        files=args.find_file,
        seed=args.seed,
        pictures=args.pictures,
        on_progress=on_progress,
    )


APPEND_SLIDES = Tool.of(run_append_slides, name="append_slides", args=AppendSlidesArgs, result=Deck, answer=deck_answer)

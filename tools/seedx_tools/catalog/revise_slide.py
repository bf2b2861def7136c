"""The tool that replaces one slide of a saved deck."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_tools.catalog.make_slides import deck_answer
from seedx_tools.catalog.revision import RevisionArgs
from seedx_tools.catalog.slide_files import FILES_HELP
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import revise_slide
from seedx_tools.tool import Progress, Tool


class ReviseSlideArgs(RevisionArgs):
    """Arguments of revise_slide."""

    slide: int = Field(ge=1, description="The number of the slide to replace; the first is 1.")
    change: str = Field(
        min_length=1,
        description=(
            "The whole new slide in Markdown, as for make_slides: '## Title', '- points', '![image prompt](draw)', "
            "'> speaker notes'. "
            f"{FILES_HELP}. "
            "The slide keeps its image if the Markdown names no other."
        ),
    )


def run_revise_slide(seedx: SeedX, args: ReviseSlideArgs, _on_progress: Progress) -> Deck:
    """Replace one slide of a saved PowerPoint deck; every other slide stays exactly as it is.

    Write the whole new slide yourself. The result lists the content of each slide.
    """
    return revise_slide(
        seedx,
        args.path,
        args.slide,
        args.change,
        output=args.output,
        files=args.find_file,
        seed=args.seed,
        pictures=args.pictures,
    )


REVISE_SLIDE = Tool.of(run_revise_slide, name="revise_slide", args=ReviseSlideArgs, result=Deck, answer=deck_answer)

"""The tools that revise a saved deck: revise_slide replaces one slide, append_slides adds some at the end."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from seedx_sdk import SeedX
from seedx_tools.arguments import InputPath, OutputPath, output_path
from seedx_tools.catalog.make_slides import deck_answer
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.tool import Progress, SavingArgs, Tool


class _RevisionArgs(SavingArgs):
    path: InputPath = Field(examples=["deck.pptx"], description="The saved .pptx, of these tools or of PowerPoint.")
    output: OutputPath | None = Field(
        default=None,
        validate_default=True,
        description="Where to save the new deck; must end in .pptx. Omit to save it under the same path.",
    )
    pictures: bool = Field(default=True, description="Whether the model may generate images for the new slides.")
    seed: int = Field(default=0, ge=0, description="Change it to get other images.")

    @field_validator("output")
    @classmethod
    def _same_path(cls, output: str | None, info: ValidationInfo) -> str | None:
        if output is None and "path" in info.data:
            return output_path(info.data["path"], info)
        return output


class ReviseSlideArgs(_RevisionArgs):
    """Arguments of revise_slide."""

    slide: int = Field(ge=1, description="The number of the slide to replace; the first is 1.")
    change: str = Field(
        min_length=1,
        description=(
            "The whole new slide in Markdown, as for make_slides: '## Title', '- points', '![image prompt](draw)', "
            "'> speaker notes'. The slide keeps its image if the Markdown names no other."
        ),
    )


class AppendSlidesArgs(_RevisionArgs):
    """Arguments of append_slides."""

    more: str = Field(
        min_length=1,
        description="The new slides in Markdown, as for make_slides: for each '## Title' and '- points'.",
    )


def run_revise_slide(seedx: SeedX, args: ReviseSlideArgs, _on_progress: Progress) -> Deck:
    """Replace one slide of a saved PowerPoint deck; every other slide stays exactly as it is.

    Write the whole new slide yourself. The result lists the content of each slide.
    """
    return revise_slide(
        seedx, args.path, args.slide, args.change, output=args.output, seed=args.seed, pictures=args.pictures
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
        seed=args.seed,
        pictures=args.pictures,
        on_progress=on_progress,
    )


REVISE_SLIDE = Tool.of(run_revise_slide, name="revise_slide", args=ReviseSlideArgs, result=Deck, answer=deck_answer)
APPEND_SLIDES = Tool.of(run_append_slides, name="append_slides", args=AppendSlidesArgs, result=Deck, answer=deck_answer)

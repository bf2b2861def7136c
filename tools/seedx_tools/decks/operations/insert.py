"""Insert slides anywhere in a saved deck: of a plan, of Markdown, or of plain words."""

from __future__ import annotations

import os

from seedx_sdk import SeedX
from seedx_sdk.validation import check_text
from seedx_tools.decks.editing.changes import Reviser
from seedx_tools.decks.operations.deck_outline import read_deck
from seedx_tools.decks.outline import Outline, SlidePlan
from seedx_tools.decks.planners.assets import SlideFiles
from seedx_tools.decks.planners.heuristic import CLOSING, OutlinePlanner
from seedx_tools.decks.planners.markdown.outlines import is_markdown_outline
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import append_slides
from seedx_tools.decks.text.inline import escape_inline


def insert_slide(
    seedx: SeedX,
    path: str | os.PathLike[str],
    slide: str | SlidePlan,
    *,
    at: int | None = None,
    output: str | os.PathLike[str] | None = None,
    planner: Reviser | None = None,
    files: SlideFiles | None = None,
    seed: int = 0,
    pictures: bool = True,
) -> Deck:
    """Return the saved deck with a slide inserted; the XML of its other slides stays the same byte for byte.

    Args:
        seedx: Generates the slide's image.
        path: Any .pptx; its own layouts are used.
        slide: The slide as a SlidePlan or as Markdown ("## Title", points ...; several headings are several slides);
            or plain words ("the risks: late parts, currency").
        at: The number that it gets; None: it comes at the end.
        output: Where to save the deck; None: path.
        planner: Writes the slide that plain words ask for, such as a ChatModelPlanner; None: the words themselves are
            laid out.
        files: The directory of the image and CSV files that the slide names; None: no file is read.
        seed: Seed of the image.
        pictures: Whether an image may be generated.

    Raises:
        TemplateError: If the file cannot be opened, or has no layout with a title and a body.
        InputError: If there is no place `at`, or the deck would have too many slides.
        PromptError: If the slide is empty.
        OutputPathError: If the deck cannot be written.
        ToolFailed: If the planner gave no valid slide.
    """
    more: str | Outline
    if isinstance(slide, str) and is_markdown_outline(check_text(slide, "slide")):
        more = slide
    else:
        plan = slide if isinstance(slide, SlidePlan) else _written(path, slide, planner)
        more = Outline(title=plan.title, slides=(plan.model_copy(update={"warnings": ()}),), warnings=plan.warnings)
    return append_slides(seedx, path, more, at=at, output=output, files=files, seed=seed, pictures=pictures)


def _written(path: str | os.PathLike[str], words: str, planner: Reviser | None) -> SlidePlan:
    """Return the slide that plain words ask for."""
    if planner is not None:
        outline = read_deck(path)
        request = f"{words}\n\nThis is a new slide, empty so far, of the deck '{outline.title}':\n{outline}"
        return planner.revise(SlidePlan(title="New slide"), request)
    outlined = OutlinePlanner().plan(words, 2)
    (body,) = outlined.slides
    points = body.bullets or ((body.title,) if body.title != CLOSING[0] else ())
    warning = "the new slide was written without a language model: it holds only the words of the request"
    return SlidePlan(
        title=escape_inline(outlined.title),
        bullets=tuple(map(escape_inline, points)),
        picture="",
        warnings=(warning,),
    )

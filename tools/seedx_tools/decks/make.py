"""Slide decks: text from a planner, images from the model, and a .pptx that PowerPoint edits as its own.

Planning (planners/) and writing (writing/) run without the model; only the step between them, generating the images,
needs it. make_slides and make_slides_async differ in that step alone; drafts/ holds what they share.
"""

from __future__ import annotations

import os

from anyio import to_thread

from seedx_sdk import AsyncSeedX, SeedX
from seedx_tools.decks.drafts.deck import DeckDraft
from seedx_tools.decks.drafts.slides import generate_illustrations, generate_illustrations_async
from seedx_tools.decks.footer import FooterChoice
from seedx_tools.decks.layout.regions import LayoutPlanner
from seedx_tools.decks.look import Look
from seedx_tools.decks.outline import Outline, Planner
from seedx_tools.decks.planners.assets import SlideFiles
from seedx_tools.decks.repair.review import DeckReviewer
from seedx_tools.decks.results import Deck
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.tool import Progress, ignore_progress


def make_slides(
    seedx: SeedX,
    prompt_or_outline: str | Outline,
    *,
    path: str | os.PathLike[str],
    template: str | os.PathLike[str] | None = None,
    master: str | None = None,
    theme: DeckTheme | None = None,
    brand: Brand | None = None,
    size: DeckSize | None = None,
    footer: FooterChoice = True,
    num_slides: int | None = None,
    files: SlideFiles | None = None,
    seed: int = 0,
    pictures: bool = True,
    planner: Planner | None = None,
    specialist: bool | None = None,
    layout: LayoutPlanner | None = None,
    reviewer: DeckReviewer | None = None,
    on_progress: Progress | None = None,
) -> Deck:
    """Return a deck that is saved as an editable .pptx with native text, pictures, alt text and speaker notes.

    Problems with single slides, such as an image that failed, become warnings in the result; the deck is saved anyway.

    Args:
        seedx: Generates the images.
        prompt_or_outline: A prompt, a Markdown outline, or an Outline.
        path: Where to save the .pptx; the file appears only when it is complete.
        template: A .pptx or .potx whose masters and layouts are used; None: a built-in theme.
        master: Which master of a template with several, by name or number, from 1; None: the one that fits best.
        theme: The built-in theme; None: "paper".
        brand: Colors, fonts, logo and footer that the theme takes on, such as Brand.read("brand.json").
        size: The page size; None: 16:9, or the template's.
        footer: The text at the bottom of the slides; True: the template's own, else the title; False: none. A Footer
            also sets a date and switches slide numbers off.
        num_slides: Number of slides, including the title slide; None: as the prompt says, else 6.
        files: The directory of the image and CSV files that the outline names, or images by the names that it uses:
            {"boat": seedx.generate("a red boat")} for ![a red boat](boat). None: no file is read.
        seed: Seed of the first image; each further slide adds one.
        pictures: Whether the model generates images for the slides.
        planner: Writes the outline; None: OutlinePlanner, which needs no language model.
        specialist: Whether the model's `slides` specialist lays out and illustrates slides of a title and points; with
            True its absence is a warning. None: if the model has one, and no template is given.
        layout: Places the parts of slides of a title, points and pictures; a layout that the linter objects to is a
            warning, and the slide follows the template. None: all slides do.
        reviewer: Looks at the finished pages and revises slides, such as a ChatModelReviewer; None: only the linter
            does.
        on_progress: Called with (slides done, total slides, title of the current slide).

    Raises:
        OutputPathError: If the path cannot be written.
        TemplateError: If the template cannot be used.
        PromptError: If the prompt is empty or not text.
        InputError: If num_slides is out of range, or files is not a directory.
        ToolFailed: If the planner gave no outline.
    """
    draft = DeckDraft(
        prompt_or_outline,
        path=path,
        look=Look(template=template, master=master, theme=theme, brand=brand, size=size, footer=footer),
        num_slides=num_slides,
        files=files,
        seed=seed,
        pictures=pictures,
        planner=planner,
        specialist=specialist,
        layout=layout,
        reviewer=reviewer,
    )
    info = seedx.info
    report = on_progress or ignore_progress
    slides = draft.plan_slides(info)
    generate_illustrations(seedx, slides, report)
    deck = draft.write(slides, info)
    report(len(slides), len(slides), "done")
    return deck


async def make_slides_async(
    seedx: AsyncSeedX,
    prompt_or_outline: str | Outline,
    *,
    path: str | os.PathLike[str],
    template: str | os.PathLike[str] | None = None,
    master: str | None = None,
    theme: DeckTheme | None = None,
    brand: Brand | None = None,
    size: DeckSize | None = None,
    footer: FooterChoice = True,
    num_slides: int | None = None,
    files: SlideFiles | None = None,
    seed: int = 0,
    pictures: bool = True,
    planner: Planner | None = None,
    specialist: bool | None = None,
    layout: LayoutPlanner | None = None,
    reviewer: DeckReviewer | None = None,
    on_progress: Progress | None = None,
) -> Deck:
    """Return the deck that make_slides returns for the same arguments, generating several images at the same time.

    Planning and writing each run in a thread; none is held while images are generated. A cancelled call stops the model
    and leaves no file, unless the file is being written already.

    Args:
        seedx: Generates the images.
        prompt_or_outline: A prompt, a Markdown outline, or an Outline.
        path: As for make_slides, and so are the arguments below.
        template: A .pptx or .potx whose masters and layouts are used.
        master: Which master of the template.
        theme: The built-in theme.
        brand: Colors, fonts, logo and footer that the theme takes on.
        size: The page size.
        footer: What stands at the bottom of the slides.
        num_slides: Number of slides, including the title slide.
        files: The directory of the files that the outline names, or images by name.
        seed: Seed of the first image; each further slide adds one.
        pictures: Whether the model generates images for the slides.
        planner: Writes the outline; called in a thread.
        specialist: Whether the model's `slides` specialist lays out slides.
        layout: Places the parts of slides; called in a thread.
        reviewer: Looks at the finished pages and revises slides; called in a thread.
        on_progress: Called in the event loop with (slides done, total slides, title of the current slide).

    Raises:
        OutputPathError: If the path cannot be written.
        TemplateError: If the template cannot be used.
        PromptError: If the prompt is empty or not text.
        InputError: If num_slides is out of range, or files is not a directory.
        ToolFailed: If the planner gave no outline.
    """
    draft = await to_thread.run_sync(
        lambda: DeckDraft(
            prompt_or_outline,
            path=path,
            look=Look(template=template, master=master, theme=theme, brand=brand, size=size, footer=footer),
            num_slides=num_slides,
            files=files,
            seed=seed,
            pictures=pictures,
            planner=planner,
            specialist=specialist,
            layout=layout,
            reviewer=reviewer,
        ),
        abandon_on_cancel=True,
    )
    info = await seedx.info()
    report = on_progress or ignore_progress
    slides = await to_thread.run_sync(draft.plan_slides, info, abandon_on_cancel=True)
    await generate_illustrations_async(seedx, slides, report)
    deck = await to_thread.run_sync(draft.write, slides, info)
    report(len(slides), len(slides), "done")
    return deck

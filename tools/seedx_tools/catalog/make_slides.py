"""The tool make_slides: a deck from an outline or a prompt."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_tools.arguments import IMAGE_HELP, ImageRef, InputPath, OutputPath
from seedx_tools.catalog.slide_files import FILES_HELP, SlideFilesArgs
from seedx_tools.decks.make import make_slides
from seedx_tools.decks.outline import MAX_NUM_SLIDES
from seedx_tools.decks.planners.assets import SlideFiles
from seedx_tools.decks.results import Deck
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.illustration.contact_sheet import contact_sheet
from seedx_tools.tool import Answer, Progress, SavingArgs, Tool, ToolArgs


class DeckArgs(ToolArgs):
    """The content and design of a deck."""

    prompt_or_outline: str = Field(
        min_length=1,
        description=(
            "The content of the deck, best as a Markdown outline: '# Deck title', then for each slide '## Title', "
            "'- points', '![image prompt](draw)' and '> speaker notes'. Write tables in Markdown, charts as "
            "```chart bar (or line, pie) with CSV lines, '# Section' between slides, '## Agenda', '## Sources' with "
            "points. A plain prompt is put on slides as it is."
        ),
    )
    theme: DeckTheme | None = Field(default=None, description="The built-in theme. Omit for paper.")
    size: DeckSize | None = Field(default=None, description="Page proportions. Omit for 16:9.")
    footer: bool | str = Field(
        default=True,
        description="Text at the bottom of each slide, such as a confidentiality note; false for none. Omit for the "
        "template's own, else the title.",
    )
    num_slides: int | None = Field(
        default=None,
        ge=1,
        le=MAX_NUM_SLIDES,
        description="Number of slides, including the title slide, for a plain prompt. Omit for an outline.",
    )
    pictures: bool = Field(default=True, description="Whether the model generates an image for each slide.")
    seed: int = Field(default=0, ge=0, description="Change it to get other images.")


class MakeSlidesArgs(DeckArgs, SlideFilesArgs, SavingArgs):
    """Arguments of make_slides."""

    path: OutputPath = Field(
        examples=["deck.pptx"], description="Where to save the deck; must end in .pptx, and its directory must exist."
    )
    template: InputPath | None = Field(
        default=None, description="Path of a .pptx or .potx whose design is used. Omit for a built-in theme."
    )
    brand: InputPath | None = Field(
        default=None,
        description="Path of a JSON file with the brand's colors, fonts, logo and footer, for a built-in theme. Omit "
        "for the theme's own.",
    )
    images: dict[str, ImageRef] = Field(
        default={},
        examples=[{"boat": "image:1"}],
        description=f"Images that the outline shows as ![what it shows](boat), by their names there. {IMAGE_HELP} "
        f"Without a name for it here, {FILES_HELP}.",
    )
    master: str | None = Field(
        default=None, description="Name or number of a slide master of the template. Omit for the one that fits best."
    )


def run_make_slides(seedx: SeedX, args: MakeSlidesArgs, on_progress: Progress) -> Deck:
    """Make an editable PowerPoint deck with generated images and speaker notes, from an outline or a prompt.

    Write the points yourself as a Markdown outline: this tool lays them out and generates images, but writes no text.
    The result lists the content of each slide, and warnings about what is missing.
    """
    return make_slides(
        seedx,
        args.prompt_or_outline,
        path=args.path,
        template=args.template,
        files=_files(args),
        master=args.master,
        theme=args.theme,
        brand=None if args.brand is None else Brand.read(args.brand),
        size=args.size,
        footer=args.footer,
        num_slides=args.num_slides,
        seed=args.seed,
        pictures=args.pictures,
        on_progress=on_progress,
    )


def _files(args: MakeSlidesArgs) -> SlideFiles | None:
    """Return the images of the arguments, and otherwise the files of the workspace."""
    find, images = args.find_file, args.images
    if find is None or not images:
        return find or images or None
    return lambda name: images[name] if name in images else find(name)


def deck_answer(deck: Deck) -> Answer:
    """Return the titles of a saved deck and a sheet of its slides."""
    lines = (f"{number}. {slide.title}" for number, slide in enumerate(deck.slides, start=1))
    text = "\n".join((f"Saved {len(deck.slides)} slides as {deck.path}:", *lines))
    return Answer(text, contact_sheet(deck.previews))


MAKE_SLIDES = Tool.of(run_make_slides, name="make_slides", args=MakeSlidesArgs, result=Deck, answer=deck_answer)

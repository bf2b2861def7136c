"""Slide decks: words from a planner, pictures from the model, and a .pptx that PowerPoint edits as its own.

The three steps are apart: planning (outline.py and the planners), pictures (drawing.py), writing (deck_writer.py).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from pptx.presentation import Presentation as PresentationObject
from pydantic import BaseModel, ConfigDict, Field

from seedx_sdk import SeedX
from seedx_sdk.checks import check_text
from seedx_sdk.errors import InputError
from seedx_sdk.files import check_output_path, output_file
from seedx_sdk.types import PictureField, Result
from seedx_tools.deck_template import open_template
from seedx_tools.deck_theme import DeckSize, default_template
from seedx_tools.deck_writer import DeckWriter, SlidePicture, set_properties
from seedx_tools.drawing import Artist
from seedx_tools.outline import MAX_NUM_SLIDES, Outline, Planner, SlidePlan
from seedx_tools.preview import RENDERER, render_slides
from seedx_tools.prompt_outline import OutlinePlanner
from seedx_tools.tool import Progress, Tool, ToolArgs


class DeckSlide(BaseModel):
    """One slide as it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    bullets: tuple[str, ...]
    notes: str
    picture: PictureField | None
    """The picture as the model drew it, or None."""
    picture_prompt: str | None
    """What the model was asked to draw, or None."""
    preview: PictureField
    """The slide as it looks, 960 pixels wide."""


class Deck(Result):
    """A deck that was saved."""

    path: Path
    title: str
    slides: tuple[DeckSlide, ...]
    """In the order of the file, continued slides among them."""
    preview_by: str
    """What drew the previews."""

    def save_previews(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write slide-01.png, slide-02.png, ... into a folder that exists and return their paths.

        Raises:
            OutputPathError: A preview cannot be written there.
        """
        paths = []
        for number, slide in enumerate(self.slides, start=1):
            path = Path(folder) / f"slide-{number:02d}.png"
            with output_file(path) as partial:
                slide.preview.save(partial, "PNG")
            paths.append(path)
        return paths


def make_slides(
    seedx: SeedX,
    prompt_or_outline: str | Outline,
    *,
    path: str | os.PathLike[str],
    template: str | os.PathLike[str] | None = None,
    size: DeckSize | None = None,
    num_slides: int | None = None,
    seed: int = 0,
    pictures: bool = True,
    planner: Planner | None = None,
    on_progress: Progress | None = None,
) -> Deck:
    """Return a deck, saved as an editable .pptx with native text, pictures, alt text and speaker notes.

    What a slide could not get is a warning in the result, and the deck is saved all the same.

    Args:
        seedx: Draws the pictures.
        prompt_or_outline: A prompt, a Markdown outline, or an Outline.
        path: Where the .pptx goes; it appears when it is complete.
        template: A .pptx or .potx whose masters and layouts are used; None: our own look.
        size: The page; None: 16:9, or the template's own.
        num_slides: How many slides, with the title slide; None: as the prompt says, else six.
        seed: Seed of the first picture; each further slide adds one.
        pictures: Whether the slides get pictures.
        planner: Writes the words; None: OutlinePlanner, which needs no language model.
        on_progress: Called with (slides done, slides in all, what comes now).

    Raises:
        OutputPathError: The path cannot be written.
        TemplateError: The template cannot be used.
        PromptError: The prompt is empty or not text.
        InputError: num_slides is out of range.
        ToolFailed: The planner gave no outline.
    """
    started = time.perf_counter()
    target = check_output_path(path, (".pptx",))
    if num_slides is not None and not 1 <= num_slides <= MAX_NUM_SLIDES:
        raise InputError(f"num_slides is {num_slides}; use 1 to {MAX_NUM_SLIDES}")
    deck, notices = _open(template, size)
    maker = _DeckMaker(seedx, deck, list(notices), seed=seed, pictures=pictures, on_progress=on_progress)
    with output_file(target) as partial:
        outline = _plan(prompt_or_outline, planner or OutlinePlanner(), num_slides)
        planned = time.perf_counter()
        slides = maker.make(outline)
        drawn = time.perf_counter()
        deck.save(str(partial))
    timings = {"plan": planned - started, "slides": drawn - planned, "total": time.perf_counter() - started}
    return Deck(
        path=target,
        title=outline.title,
        slides=slides,
        preview_by=RENDERER,
        seed=seed,
        model=seedx.info.name,
        revision=seedx.info.revision,
        timings=timings,
        warnings=tuple(dict.fromkeys(maker.warnings)),
    )


def _open(template: str | os.PathLike[str] | None, size: DeckSize | None) -> tuple[PresentationObject, tuple[str, ...]]:
    if template is None:
        return default_template(size or "16:9"), ()
    deck, notices = open_template(template)
    if size is not None:
        notices = (*notices, f"the template sets the page size, so {size} was not used")
    return deck, notices


def _plan(source: str | Outline, planner: Planner, num_slides: int | None) -> Outline:
    if isinstance(source, Outline):
        outline = source
    else:
        outline = planner.plan(check_text(source, "prompt"), num_slides)
    if len(outline.slides) >= MAX_NUM_SLIDES:
        raise InputError(f"the outline has {len(outline.slides) + 1} slides; at most {MAX_NUM_SLIDES} are made")
    found = len(outline.slides) + 1
    if num_slides is None or found == num_slides or outline.warnings:
        return outline
    warning = f"the outline has {found} slides, not {num_slides}"
    return outline.model_copy(update={"warnings": (warning,)})


class _DeckMaker:
    """Turns an outline into slides, one picture at a time."""

    def __init__(
        self,
        seedx: SeedX,
        deck: PresentationObject,
        warnings: list[str],
        *,
        seed: int,
        pictures: bool,
        on_progress: Progress | None,
    ) -> None:
        self.warnings = warnings
        self._deck = deck
        self._writer = DeckWriter(deck, warnings.append)
        self._artist = Artist(seedx, warnings.append, seed=seed) if pictures else None
        self._on_progress = on_progress

    def make(self, outline: Outline) -> tuple[DeckSlide, ...]:
        """Write all slides into the presentation and return them with their previews."""
        self.warnings.extend(outline.warnings)
        total = len(outline.slides) + 1
        made: list[tuple[SlidePlan, SlidePicture | None, str | None]] = []
        for number, plan in enumerate((_cover_plan(outline), *outline.slides)):
            self._report(number, total, plan.title)
            picture, prompt = self._picture(plan, outline.title, number)
            if number == 0:
                self._writer.add_cover(outline.title, outline.subtitle, outline.notes, picture)
                made.append((plan, picture, prompt))
            else:
                parts = self._writer.add_slide(plan, picture)
                made.append((plan, picture, prompt))
                made.extend((plan.model_copy(update={"notes": ""}), None, None) for _ in parts[1:])
        if self._artist is not None:
            self._artist.finish()
        self._report(total, total, "done")
        set_properties(self._deck, outline.title)
        return self._describe(made)

    def _picture(self, plan: SlidePlan, deck_title: str, number: int) -> tuple[SlidePicture | None, str | None]:
        if self._artist is None or plan.picture == "" or (number == 0 and not self._writer.cover_takes_picture):
            return None, None
        words = f"{plan.title}. {' '.join(plan.bullets)}"
        return self._artist.draw(plan.picture, words, context=deck_title, number=number, where=f"slide {number + 1}")

    def _describe(self, made: list[tuple[SlidePlan, SlidePicture | None, str | None]]) -> tuple[DeckSlide, ...]:
        slides = []
        for (plan, picture, prompt), slide, preview in zip(
            made, self._deck.slides, render_slides(self._deck), strict=True
        ):
            title = slide.shapes.title
            slides.append(
                DeckSlide(
                    title=plan.title if title is None else title.text_frame.text,
                    bullets=plan.bullets,
                    notes=plan.notes,
                    picture=None if picture is None else picture.image,
                    picture_prompt=prompt,
                    preview=preview,
                )
            )
        return tuple(slides)

    def _report(self, done: int, total: int, what: str) -> None:
        if self._on_progress is not None:
            self._on_progress(done, total, what)


def _cover_plan(outline: Outline) -> SlidePlan:
    bullets = (outline.subtitle,) if outline.subtitle else ()
    return SlidePlan(title=outline.title, bullets=bullets, picture=outline.picture, notes=outline.notes)


class DeckArgs(ToolArgs):
    """What a deck holds and how it looks."""

    prompt_or_outline: str = Field(
        min_length=1,
        description=(
            "What the deck says. Best: a Markdown outline: '# Deck title', then for each slide '## Title', "
            "'- points', '![what the picture shows](draw)' and '> speaker notes'. A plain prompt is set out as it is."
        ),
    )
    size: DeckSize | None = Field(default=None, description="Page proportions. Leave out for 16:9.")
    num_slides: int | None = Field(
        default=None,
        ge=1,
        le=MAX_NUM_SLIDES,
        description="Number of slides with the title slide, for a plain prompt. Leave out for an outline.",
    )
    pictures: bool = Field(default=True, description="Whether the model draws a picture for each slide.")
    seed: int = Field(default=0, ge=0, description="Change it to get other pictures.")


class MakeSlidesArgs(DeckArgs):
    """Arguments of make_slides."""

    path: str = Field(description="Where to save the deck; must end in .pptx and its folder must exist.")
    template: str | None = Field(
        default=None, description="Path of a .pptx or .potx whose look is used. Leave out for the standard look."
    )


def run_make_slides(seedx: SeedX, args: MakeSlidesArgs) -> Deck:
    """Make an editable PowerPoint deck with drawn pictures and speaker notes, from an outline or a prompt.

    Write the points yourself, as a Markdown outline: this tool lays them out and draws, it does not write text.
    The result lists what each slide holds, and warnings for what a slide could not get.
    """
    return make_slides(
        seedx,
        args.prompt_or_outline,
        path=args.path,
        template=args.template,
        size=args.size,
        num_slides=args.num_slides,
        seed=args.seed,
        pictures=args.pictures,
    )


MAKE_SLIDES = Tool.of(run_make_slides, name="make_slides", args=MakeSlidesArgs, result=Deck)

"""Slide decks: words from a planner, pictures from the model, and a .pptx that PowerPoint edits as its own.

The three steps are apart: planning (outline.py and the planners), pictures (drawing.py), writing (deck_writer.py).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from pptx.presentation import Presentation as PresentationObject
from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.files import check_output_path, output_file
from seedx_sdk.validation import check_text
from seedx_tools.arguments import InputPath, OutputPath
from seedx_tools.decks.ooxml.template import open_template
from seedx_tools.decks.outline import MAX_NUM_SLIDES, Outline, Planner, SlidePlan
from seedx_tools.decks.planners.assets import OutlineFiles
from seedx_tools.decks.planners.heuristic import OutlinePlanner
from seedx_tools.decks.results import Deck, DeckSlide, MadeSlide, describe_slides
from seedx_tools.decks.theme.build import DeckSize, default_template
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.decks.writing.writer import DeckWriter, set_properties
from seedx_tools.illustration.contact_sheet import contact_sheet
from seedx_tools.illustration.illustrator import NO_ROOM, Illustration, Illustrator
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs


def make_slides(
    seedx: SeedX,
    prompt_or_outline: str | Outline,
    *,
    path: str | os.PathLike[str],
    template: str | os.PathLike[str] | None = None,
    theme: DeckTheme | None = None,
    size: DeckSize | None = None,
    num_slides: int | None = None,
    files: str | os.PathLike[str] | None = None,
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
        template: A .pptx or .potx whose masters and layouts are used; None: a theme of our own.
        theme: Which of our own looks; None: "paper".
        size: The page; None: 16:9, or the template's own.
        num_slides: How many slides, with the title slide; None: as the prompt says, else six.
        files: The folder of the pictures and CSV files that the outline names; None: no file is read.
        seed: Seed of the first picture; each further slide adds one.
        pictures: Whether the slides get pictures.
        planner: Writes the words; None: OutlinePlanner, which needs no language model.
        on_progress: Called with (slides done, slides in all, what comes now).

    Raises:
        OutputPathError: The path cannot be written.
        TemplateError: The template cannot be used.
        PromptError: The prompt is empty or not text.
        InputError: num_slides is out of range, or files is no folder.
        ToolFailed: The planner gave no outline.
    """
    started = time.perf_counter()
    target = check_output_path(path, (".pptx",))
    if num_slides is not None and not 1 <= num_slides <= MAX_NUM_SLIDES:
        raise InputError(f"num_slides is {num_slides}; use 1 to {MAX_NUM_SLIDES}")
    deck, notices = _open(template, theme, size)
    maker = _DeckMaker(seedx, deck, list(notices), files=files, seed=seed, pictures=pictures, on_progress=on_progress)
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
        seed=seed,
        model=seedx.info.name,
        revision=seedx.info.revision,
        timings=timings,
        warnings=tuple(dict.fromkeys(maker.warnings)),
    )


def _open(
    template: str | os.PathLike[str] | None, theme: DeckTheme | None, size: DeckSize | None
) -> tuple[PresentationObject, tuple[str, ...]]:
    if template is None:
        return default_template(size or "16:9", theme or "paper"), ()
    deck, notices = open_template(template)
    if size is not None:
        notices = (*notices, f"the template sets the page size, so {size} was not used")
    if theme is not None:
        notices = (*notices, f"the template sets the look, so the theme '{theme}' was not used")
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
        files: str | os.PathLike[str] | None,
        seed: int,
        pictures: bool,
        on_progress: Progress | None,
    ) -> None:
        self.warnings = warnings
        self._deck = deck
        self._writer = DeckWriter(deck, warnings.append)
        self._files = OutlineFiles(files, warnings.append)
        self._artist = Illustrator(seedx, warnings.append, seed=seed) if pictures else None
        self._on_progress = on_progress

    def make(self, outline: Outline) -> tuple[DeckSlide, ...]:
        """Write all slides into the presentation and return them with their previews."""
        self.warnings.extend(outline.warnings)
        plans = (_cover_plan(outline), *outline.all_slides())
        made: dict[int, MadeSlide] = {}
        for number, named in enumerate(plans):
            self._report(number, len(plans), named.title)
            plan = self._files.with_data(named, _where(number))
            picture, prompt = self._picture(plan, outline.title, number)
            if number == 0:
                first = self._writer.add_cover(outline.title, outline.subtitle, outline.notes, picture)
            else:
                first = self._writer.add_slide(plan, picture)[0]
            made[first.slide_id] = (plan, picture, prompt)
        if self._artist is not None:
            self._artist.finish()
        self._report(len(plans), len(plans), "done")
        set_properties(self._deck, outline.title)
        return describe_slides(self._deck, made)

    def _picture(self, plan: SlidePlan, deck_title: str, number: int) -> tuple[Illustration | None, str | None]:
        if plan.picture_file:
            image = self._files.picture(plan.picture_file, _where(number))
            if image is not None:
                return Illustration(image, alt=plan.picture or Path(plan.picture_file).stem), None
        if self._artist is None:
            return None, None
        if not plan.wants_picture or (number == 0 and not self._writer.cover_takes_picture):
            if plan.picture:
                self.warnings.append(f"{_where(number)}: {NO_ROOM}")
            return None, None
        words = f"{plan.title}. {' '.join(plan.bullets)}"
        return self._artist.draw(plan.picture, words, context=deck_title, number=number, where=_where(number))

    def _report(self, done: int, total: int, what: str) -> None:
        if self._on_progress is not None:
            self._on_progress(done, total, what)


def _where(number: int) -> str:
    return f"slide {number + 1}"


def _cover_plan(outline: Outline) -> SlidePlan:
    bullets = (outline.subtitle,) if outline.subtitle else ()
    return SlidePlan(title=outline.title, bullets=bullets, picture=outline.picture, notes=outline.notes)


class DeckArgs(ToolArgs):
    """What a deck holds and how it looks."""

    prompt_or_outline: str = Field(
        min_length=1,
        description=(
            "What the deck says. Best: a Markdown outline: '# Deck title', then for each slide '## Title', "
            "'- points', '![what the picture shows](draw)' and '> speaker notes'. Tables as in Markdown; charts as "
            "```chart bar (or line, pie) with CSV lines; '# Section' between slides; '## Agenda'; '## Sources' with "
            "points. A plain prompt is set out as it is."
        ),
    )
    theme: DeckTheme | None = Field(default=None, description="The standard look. Leave out for paper.")
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

    path: OutputPath = Field(description="Where to save the deck; must end in .pptx and its folder must exist.")
    template: InputPath | None = Field(
        default=None, description="Path of a .pptx or .potx whose look is used. Leave out for the standard look."
    )


def run_make_slides(seedx: SeedX, args: MakeSlidesArgs, on_progress: Progress) -> Deck:
    """Make an editable PowerPoint deck with drawn pictures and speaker notes, from an outline or a prompt.

    Write the points yourself, as a Markdown outline: this tool lays them out and draws, it does not write text.
    The result lists what each slide holds, and warnings for what a slide could not get.
    """
    return make_slides(
        seedx,
        args.prompt_or_outline,
        path=args.path,
        template=args.template,
        theme=args.theme,
        size=args.size,
        num_slides=args.num_slides,
        seed=args.seed,
        pictures=args.pictures,
        on_progress=on_progress,
    )


def _answer(deck: Deck) -> Answer:
    lines = (f"{number}. {slide.title}" for number, slide in enumerate(deck.slides, start=1))
    text = "\n".join((f"Saved {len(deck.slides)} slides as {deck.path}:", *lines))
    return Answer(text, contact_sheet([slide.preview for slide in deck.slides]))


MAKE_SLIDES = Tool.of(run_make_slides, name="make_slides", args=MakeSlidesArgs, result=Deck, answer=_answer)

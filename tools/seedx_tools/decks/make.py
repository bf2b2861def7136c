"""Slide decks: text from a planner, images from the model, and a .pptx that PowerPoint edits as its own.

Planning (planners/) and writing (writing/) run without the model; only the step between them, generating the images,
needs it. make_slides and make_slides_async differ in that step alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
from anyio import to_thread
from pptx.slide import Slide

from seedx_sdk import AsyncSeedX, SeedX
from seedx_sdk.errors import InputError, SeedXError
from seedx_sdk.files import check_output_path, output_file
from seedx_sdk.types import ModelInfo
from seedx_sdk.validation import check_text
from seedx_tools.decks.footer import FooterChoice
from seedx_tools.decks.layout.regions import LayoutPlanner, PageSize, SlideDesign, is_laid_out, regions_of, settled
from seedx_tools.decks.layout.specialist import (
    SPECIALIST,
    DesignRequest,
    design_slide,
    design_slide_async,
    missing_designer,
    request_design,
)
from seedx_tools.decks.lint.check import find_slide_faults
from seedx_tools.decks.look import Look
from seedx_tools.decks.ooxml.styles import EMU_PER_INCH
from seedx_tools.decks.outline import MAX_GENERATED_IMAGES, MAX_NUM_SLIDES, Outline, Planner, SlidePlan
from seedx_tools.decks.planners.answering import ChatPlanner
from seedx_tools.decks.planners.assets import OutlineFiles, SlideFiles
from seedx_tools.decks.planners.heuristic import OutlinePlanner
from seedx_tools.decks.planners.long_titles import with_short_titles
from seedx_tools.decks.repair.loop import MadeSlides, look_and_repair
from seedx_tools.decks.repair.review import DeckReviewer
from seedx_tools.decks.results import Deck, MadeSlide, describe_slides
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.languages.tags import tag_languages
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.decks.writing.navigation import add_navigation
from seedx_tools.decks.writing.writer import DeckWriter, set_properties
from seedx_tools.illustration.illustrator import (
    ALT_PREFIX,
    NO_ROOM,
    Illustration,
    ImageRequest,
    generate_illustration,
    generate_illustration_async,
    request_subject,
    unknown_subjects_warning,
)
from seedx_tools.tool import Progress, ignore_progress

_IMAGES_AT_ONCE = 4
"""Images of one deck that make_slides_async generates at the same time; a deck leaves room for other callers."""


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
    draft = _DeckDraft(
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
    for slide in slides:
        report(slide.number, len(slides), slide.plan.title)
        if slide.design_request is not None:
            slide.use_design(design_slide(seedx, slide.design_request, slide.warnings.append))
        if slide.request is not None:
            slide.illustration = generate_illustration(seedx, slide.request, slide.warnings.append)
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
        lambda: _DeckDraft(
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
    await _generate_illustrations(seedx, slides, report)
    deck = await to_thread.run_sync(draft.write, slides, info)
    report(len(slides), len(slides), "done")
    return deck


@dataclass(slots=True)
class _DraftSlide:
    """A planned slide that is not written yet."""

    number: int
    """0 is the title slide."""
    plan: SlidePlan
    illustration: Illustration | None = None
    """From a file, or what the model generated for `request`."""
    gallery: Sequence[Illustration] = ()
    """Further images from files."""
    request: ImageRequest | None = None
    """What the model is to generate; None if nothing."""
    design_request: DesignRequest | None = None
    """What the specialist is to lay out; None if nothing."""
    design: SlideDesign | None = None
    """What it made of that; None if nothing, or nothing that can be used."""
    warnings: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f"slide {self.number + 1}"

    def use_design(self, design: SlideDesign | None) -> None:
        """Take a design, with its first image as the slide's; without one, the slide is made as others are."""
        self.design = design
        if design is not None:
            self.request = None
            self.illustration = design.pictures[0][1] if design.pictures else None


async def _generate_illustrations(seedx: AsyncSeedX, slides: Sequence[_DraftSlide], report: Progress) -> None:
    """Generate the images that slides request, in the order of the slides, some at the same time."""
    done = 0
    capacity = anyio.Semaphore(_IMAGES_AT_ONCE)

    async def generate(slide: _DraftSlide) -> None:
        nonlocal done
        async with capacity:
            report(done, len(slides), slide.plan.title)
            if slide.design_request is not None:
                slide.use_design(await design_slide_async(seedx, slide.design_request, slide.warnings.append))
            if slide.request is not None:
                slide.illustration = await generate_illustration_async(seedx, slide.request, slide.warnings.append)
        done += 1

    try:
        async with anyio.create_task_group() as group:
            for slide in slides:
                if slide.request is None and slide.design_request is None:
                    done += 1
                else:
                    group.start_soon(generate, slide)
    except ExceptionGroup as errors:  # make_slides raises the first error, too
        raise errors.exceptions[0] from errors


class _DeckDraft:
    """A deck that is planned and not yet written. The caller generates the images in between.

    The arguments and errors are those of make_slides.
    """

    def __init__(
        self,
        prompt_or_outline: str | Outline,
        *,
        path: str | os.PathLike[str],
        look: Look,
        num_slides: int | None,
        files: SlideFiles | None,
        seed: int,
        pictures: bool,
        planner: Planner | None,
        specialist: bool | None,
        layout: LayoutPlanner | None,
        reviewer: DeckReviewer | None,
    ) -> None:
        self._started = time.perf_counter()
        self._path = check_output_path(path, (".pptx",))
        if num_slides is not None and not 1 <= num_slides <= MAX_NUM_SLIDES:
            raise InputError(f"num_slides is {num_slides}; use 1 to {MAX_NUM_SLIDES}")
        self._seed, self._pictures = seed, pictures
        self._specialist = look.template is None if specialist is None else specialist
        self._wants_specialist = specialist is True
        self._reviewer = reviewer
        self._layout, self._theme = layout, "template" if look.template is not None else look.theme or "paper"
        self._warnings: list[str] = []
        """The warnings of the deck, or of the slide that is being planned or written."""
        self._unknown: list[str] = []
        """The slides whose subject the model cannot draw."""
        template = look.open()
        self._deck = template.deck
        self._writer = DeckWriter(self._deck, self._warn, master=template.master, footer=look.bottom)
        self._files = OutlineFiles(files, self._warn)
        self._outline = _plan(prompt_or_outline, planner or OutlinePlanner(), num_slides)
        self._deck_warnings = [*self._warnings, *template.notices, *self._outline.warnings]
        self._planned = time.perf_counter()

    def plan_slides(self, info: ModelInfo) -> list[_DraftSlide]:
        """Return all slides with the data and images of their files, and requests for the images to generate."""
        plans = (_cover_plan(self._outline), *self._outline.all_slides())
        slides = [_DraftSlide(number, plan) for number, plan in enumerate(plans)]
        if (missing := missing_designer(info, wanted=self._wants_specialist)) is not None:
            self._deck_warnings.append(missing)
        designs = self._specialist and self._pictures and SPECIALIST in info.specialists
        for slide in slides:
            self._warnings = slide.warnings
            slide.plan = self._files.with_data(slide.plan, slide.where)
            slide.illustration = self._files.illustration(slide.plan, slide.where)
            slide.gallery = self._files.gallery(slide.plan, slide.where)
            if slide.illustration is None and self._pictures:
                slide.request = self._request(slide, info)
            if designs and slide.number > 0 and slide.request is not None and not slide.gallery:
                slide.design_request = request_design(slide.plan, seed=self._seed + slide.number, where=slide.where)
        illustrated = [slide for slide in slides if slide.request is not None]
        for slide in illustrated[MAX_GENERATED_IMAGES:]:
            slide.request = slide.design_request = None
        if len(illustrated) > MAX_GENERATED_IMAGES:
            first = illustrated[MAX_GENERATED_IMAGES].number + 1
            self._deck_warnings.append(
                f"a deck gets {MAX_GENERATED_IMAGES} images; from slide {first} on none was made"
            )
        return slides

    def write(self, slides: Sequence[_DraftSlide], info: ModelInfo) -> Deck:
        """Write the slides with their images, save the deck and return it."""
        made_slides = [self._write_slide(slide) for slide in slides]
        look_and_repair(self._deck, made_slides, reviewer=self._reviewer)
        made: dict[int, MadeSlide] = {}
        for slide, written_slide in zip(slides, made_slides, strict=True):
            slide.warnings += written_slide.warnings
            prompt = None if slide.request is None else slide.request.prompt.text
            if slide.design is not None and slide.illustration is not None:
                prompt = slide.illustration.alt.removeprefix(ALT_PREFIX)
            is_shown = written_slide.plan is slide.plan or _shows_picture(written_slide.plan)
            shown = slide.illustration if is_shown else None
            made[written_slide.slides[0].slide_id] = (written_slide.plan, shown, prompt if is_shown else None)
        unknown = unknown_subjects_warning(self._unknown, info)
        warnings = [
            *self._deck_warnings,
            *(warning for slide in slides for warning in slide.warnings),
            *([] if unknown is None else [unknown]),
        ]
        add_navigation(self._deck, self._outline, [(one.plan, one.slides) for one in made_slides])
        tag_languages(self._deck.slides, self._deck.slides)
        set_properties(self._deck, self._outline.title)
        described = describe_slides(self._deck, made)
        written = time.perf_counter()
        with output_file(self._path) as partial:
            self._deck.save(str(partial))
        timings = {
            "plan": self._planned - self._started,
            "slides": written - self._planned,
            "total": time.perf_counter() - self._started,
        }
        return Deck(
            path=self._path,
            title=self._outline.title,
            slides=described,
            seed=self._seed,
            model=info.name,
            revision=info.revision,
            timings=timings,
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def _write_slide(self, slide: _DraftSlide) -> MadeSlides:
        """Write a slide, and return it with what writes it again from another plan."""

        def write(plan: SlidePlan, warnings: list[str]) -> list[Slide]:
            self._warnings = warnings
            picture = slide.illustration if plan is slide.plan or _shows_picture(plan) else None
            if slide.number == 0:
                return [self._writer.add_cover(plan.title, " ".join(plan.bullets), plan.notes, picture)]
            return self._writer.add_slide(plan, picture, slide.gallery if plan is slide.plan or plan.gallery else ())

        warnings: list[str] = []
        self._warnings = warnings
        pages = self._designed_pages(slide, warnings) if slide.number > 0 else []
        return MadeSlides(slide.plan, pages or write(slide.plan, warnings), write, warnings)

    def _designed_pages(self, slide: _DraftSlide, warnings: list[str]) -> list[Slide]:
        """Write a slide as its design has it, and return it; nothing, with a warning, if that makes no good slide."""
        try:
            design = self._arranged(slide)
            if design is None:
                return []
            pages = self._writer.add_designed(slide.plan, design)
            faults = list(find_slide_faults(self._deck, len(self._deck.slides)))
            if len(pages) == 1 and not faults:
                return pages
            self._writer.remove(pages)
            why = faults[0].message if faults else "its text does not fit there"
        except (SeedXError, ValueError) as error:
            why = str(error)
        warnings[:] = [f"{slide.where}: its layout was not used, the template's was: {why}"]
        return []

    def _arranged(self, slide: _DraftSlide) -> SlideDesign | None:
        """Return where the layout planner puts the parts of a slide; None if that is left to the template.

        Raises:
            ValueError: If no slide can be made of its answer.
        """
        plan = slide.plan
        has_points = any(bullet.strip() for bullet in plan.bullets)
        pictures = tuple(filter(None, (slide.illustration, *slide.gallery)))
        if slide.design is not None:
            regions = slide.design.regions()
            pictures = tuple(picture for _, picture in slide.design.pictures)
        elif self._layout is not None and slide.number > 0 and is_laid_out(plan):
            inches = int(self._deck.slide_width or 1) / EMU_PER_INCH, int(self._deck.slide_height or 1) / EMU_PER_INCH
            regions = regions_of(self._layout, plan, PageSize(*inches), self._theme)
        else:
            return None
        if not regions:
            return None
        return settled(regions, pictures, has_points=has_points, placeholders=self._writer.text_frames(has_points))

    def _request(self, slide: _DraftSlide, info: ModelInfo) -> ImageRequest | None:
        plan = slide.plan
        if not plan.wants_picture or (slide.number == 0 and not self._writer.cover_takes_picture):
            if plan.picture:
                slide.warnings.append(f"{slide.where}: {NO_ROOM}")
            return None
        if plan.gallery and not plan.picture:
            return None
        text = plain_text(f"{plan.title}. {' '.join(plan.bullets)}")
        request = request_subject(plan.picture, text, info, seed=self._seed + slide.number, where=slide.where)
        if request is None:
            self._unknown.append(slide.where)
        return request

    def _warn(self, text: str) -> None:
        self._warnings.append(text)


def _shows_picture(plan: SlidePlan) -> bool:
    return plan.picture != "" or bool(plan.picture_file)


def _plan(source: str | Outline, planner: Planner, num_slides: int | None) -> Outline:
    if isinstance(source, Outline):
        outline = source
    else:
        outline = planner.plan(check_text(source, "prompt"), num_slides)
    if isinstance(planner, ChatPlanner):
        outline = with_short_titles(outline, planner)
    if len(outline.slides) >= MAX_NUM_SLIDES:
        raise InputError(f"the outline has {len(outline.slides) + 1} slides; at most {MAX_NUM_SLIDES} are allowed")
    found = len(outline.all_slides()) + 1
    if num_slides is None or found == num_slides:
        return outline
    warning = f"the outline has {found} slides, not {num_slides}"
    return outline.model_copy(update={"warnings": (*outline.warnings, warning)})


def _cover_plan(outline: Outline) -> SlidePlan:
    bullets = (outline.subtitle,) if outline.subtitle else ()
    return SlidePlan(title=outline.title, bullets=bullets, picture=outline.picture, notes=outline.notes)

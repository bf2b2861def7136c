"""A deck from its outline to the saved file, apart from the images, which the caller generates in between."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from pptx.slide import Slide

from seedx_sdk.errors import InputError, SeedXError
from seedx_sdk.files import check_output_path, output_file
from seedx_sdk.types import ModelInfo
from seedx_sdk.validation import check_text
from seedx_tools.decks.drafts.slides import DraftSlide
from seedx_tools.decks.layout.regions import LayoutPlanner, PageSize, SlideDesign, is_laid_out, regions_of, settled
from seedx_tools.decks.layout.specialist import SPECIALIST, missing_designer, request_design
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
from seedx_tools.decks.writing.navigation import add_navigation
from seedx_tools.decks.writing.writer import DeckWriter, set_properties
from seedx_tools.illustration.illustrator import (
    ALT_PREFIX,
    NO_ROOM,
    ImageRequest,
    request_subject,
    unknown_subjects_warning,
)


class DeckDraft:
    """A deck that is planned and not yet written: plan_slides, then generate the images, then write.

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

    def plan_slides(self, info: ModelInfo) -> list[DraftSlide]:
        """Return all slides with the data and images of their files, and requests for the images to generate."""
        plans = (_cover_plan(self._outline), *self._outline.all_slides())
        slides = [DraftSlide(number, plan) for number, plan in enumerate(plans)]
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

    def write(self, slides: Sequence[DraftSlide], info: ModelInfo) -> Deck:
        """Write the slides with their images, save the deck and return it.

        Raises:
            OutputPathError: If the file cannot be written.
        """
        written = [self._write_slide(slide) for slide in slides]
        look_and_repair(self._deck, written, reviewer=self._reviewer)
        add_navigation(self._deck, self._outline, [(one.plan, one.slides) for one in written])
        tag_languages(self._deck.slides, self._deck.slides)
        set_properties(self._deck, self._outline.title)
        made = {one.slides[0].slide_id: _made_from(slide, one) for slide, one in zip(slides, written, strict=True)}
        described = describe_slides(self._deck, made)
        saving = time.perf_counter()
        with output_file(self._path) as partial:
            self._deck.save(str(partial))
        timings = {
            "plan": self._planned - self._started,
            "slides": saving - self._planned,
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
            warnings=self._all_warnings(slides, written, info),
        )

    def _all_warnings(
        self, slides: Sequence[DraftSlide], written: Sequence[MadeSlides], info: ModelInfo
    ) -> tuple[str, ...]:
        """Return the warnings of the deck and of its slides in their order, each once."""
        found = list(self._deck_warnings)
        for slide, one in zip(slides, written, strict=True):
            found += [*slide.warnings, *one.warnings]
        unknown = unknown_subjects_warning(self._unknown, info)
        return tuple(dict.fromkeys([*found, *([] if unknown is None else [unknown])]))

    def _write_slide(self, slide: DraftSlide) -> MadeSlides:
        """Write a slide, and return it with what writes it again from another plan."""

        def write(plan: SlidePlan, warnings: list[str]) -> list[Slide]:
            self._warnings = warnings
            picture = slide.illustration if slide.shows_picture(plan) else None
            if slide.number == 0:
                return [self._writer.add_cover(plan.title, " ".join(plan.bullets), plan.notes, picture)]
            return self._writer.add_slide(plan, picture, slide.gallery if plan is slide.plan or plan.gallery else ())

        warnings: list[str] = []
        self._warnings = warnings
        pages = self._designed_pages(slide, warnings) if slide.number > 0 else []
        return MadeSlides(slide.plan, pages or write(slide.plan, warnings), write, warnings)

    def _designed_pages(self, slide: DraftSlide, warnings: list[str]) -> list[Slide]:
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

    def _arranged(self, slide: DraftSlide) -> SlideDesign | None:
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

    def _request(self, slide: DraftSlide, info: ModelInfo) -> ImageRequest | None:
        """Return the request for the image of a slide; None if it has no place for one, or the model can't draw it."""
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


def _made_from(slide: DraftSlide, written: MadeSlides) -> MadeSlide:
    """Return what a slide was made from, as it was written and repaired."""
    if not slide.shows_picture(written.plan):
        return written.plan, None, None
    prompt = None if slide.request is None else slide.request.prompt.text
    if slide.design is not None and slide.illustration is not None:
        prompt = slide.illustration.alt.removeprefix(ALT_PREFIX)
    return written.plan, slide.illustration, prompt


def _plan(source: str | Outline, planner: Planner, num_slides: int | None) -> Outline:
    """Return the outline of a deck, with a warning if it has another number of slides than the caller wants.

    Raises:
        InputError: If it has too many slides.
    """
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
    """Return the plan of the title slide."""
    bullets = (outline.subtitle,) if outline.subtitle else ()
    return SlidePlan(title=outline.title, bullets=bullets, picture=outline.picture, notes=outline.notes)

"""Revise a saved deck: replace one slide, or append slides.

The XML of every other slide stays the same byte for byte, including edits that were made in PowerPoint.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from pptx.slide import Slide

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.files import check_output_path
from seedx_tools.decks.editing.carry_over import carry_over, copy_visibility
from seedx_tools.decks.editing.changes import Reviser, changed_plan, outline_of_slides
from seedx_tools.decks.editing.deck_orders import deck_order
from seedx_tools.decks.editing.in_place import edit_in_place
from seedx_tools.decks.editing.orders import DeckOrder, place_of
from seedx_tools.decks.editing.pictures import picture_place, put_picture, shown_picture
from seedx_tools.decks.footer import Footer
from seedx_tools.decks.lint.check import find_slide_faults
from seedx_tools.decks.ooxml.originals import save_keeping, slide_xml
from seedx_tools.decks.ooxml.package import external_links, open_deck
from seedx_tools.decks.outline import MAX_GENERATED_IMAGES, MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.decks.planners.assets import OutlineFiles, SlideFiles
from seedx_tools.decks.planners.markdown.outlines import is_markdown_outline
from seedx_tools.decks.reader import is_cover, read_slide, unsupported_content, unsupported_shapes
from seedx_tools.decks.reading.texts import title_shape
from seedx_tools.decks.repair.loop import MadeSlides, look_and_repair
from seedx_tools.decks.repair.review import DeckReviewer
from seedx_tools.decks.results import Deck, deck_result, describe_slides
from seedx_tools.decks.slide_copies import duplicate_slide
from seedx_tools.decks.slide_order import delete_slide, move_slide, place_slides, rename_unlisted_slides, replace_slide
from seedx_tools.decks.text.checking import plan_warnings
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.languages.tags import tag_languages
from seedx_tools.decks.writing.footer import footer_of
from seedx_tools.decks.writing.writer import DeckWriter
from seedx_tools.illustration.illustrator import NO_ROOM, Illustration, Illustrator
from seedx_tools.tool import Progress


def revise_slide(
    seedx: SeedX,
    path: str | os.PathLike[str],
    slide: int,
    change: str | SlidePlan,
    *,
    output: str | os.PathLike[str] | None = None,
    planner: Reviser | None = None,
    files: SlideFiles | None = None,
    seed: int = 0,
    pictures: bool = True,
    reviewer: DeckReviewer | None = None,
) -> Deck:
    """Return the saved deck with one slide replaced; the XML of every other slide stays the same byte for byte.

    Title, section and closing slides keep their layout if the new content is a title and a line. Links to the slide and
    custom shows point to the new one.

    Args:
        seedx: Generates the slide's image if the new content calls for another one.
        path: Any .pptx; its own layouts are used.
        slide: The number of the slide, from 1.
        change: The new slide as a SlidePlan or as Markdown ("## Title", points ...); or an instruction.
        output: Where to save the deck; None: path.
        planner: Edits the slide according to the instruction, such as a ChatModelPlanner; None: the instruction is one
            or several of edit_commands.COMMANDS.
        files: The directory of the image and CSV files that the slide names, or images by name, also results of
            generate, edit and try_on; None: no file is read.
        seed: Seed of the image.
        pictures: Whether an image may be generated; the slide keeps its picture if the change names no other.
        reviewer: Looks at the slide if it was rebuilt, and revises it; None: only the linter does.

    Raises:
        TemplateError: If the file cannot be opened, or has no layout with a title and a body.
        InputError: If there is no such slide, an instruction cannot be followed, or the slide has content that a
            SlidePlan cannot hold, such as a diagram, and an instruction would lose it.
        PromptError: If the change is empty.
        OutputPathError: If the deck cannot be written.
        ToolFailed: If the planner gave no valid slide.
    """
    order = deck_order(change, slide) if isinstance(change, str) else None
    if order is not None:
        return _follow(seedx, path, order, output, seed)
    saved = _SavedDeck(seedx, path, output, files=files, seed=seed, pictures=pictures, reviewer=reviewer)
    saved.replace(slide, change, planner)
    return saved.save()


def _follow(
    seedx: SeedX, path: str | os.PathLike[str], order: DeckOrder, output: str | os.PathLike[str] | None, seed: int
) -> Deck:
    """Delete, duplicate or move a slide, and return the saved deck."""
    started = time.perf_counter()
    slide = order.slide or 1
    if order.kind == "delete":
        target = delete_slide(path, slide, output=output)
    elif order.kind == "duplicate":
        target = duplicate_slide(path, slide, output=output)
    else:
        target = move_slide(path, slide, place_of(order, len(open_deck(path).slides)), output=output)
    deck = open_deck(target)
    return deck_result(seedx, deck, target, describe_slides(deck, {}), seed=seed, started=started)


def append_slides(
    seedx: SeedX,
    path: str | os.PathLike[str],
    more: str | Outline,
    *,
    at: int | None = None,
    output: str | os.PathLike[str] | None = None,
    files: SlideFiles | None = None,
    seed: int = 0,
    pictures: bool = True,
    reviewer: DeckReviewer | None = None,
    on_progress: Progress | None = None,
) -> Deck:
    """Return the saved deck with slides appended; the XML of its other slides stays the same byte for byte.

    Args:
        seedx: Generates the images.
        path: Any .pptx; its own layouts are used.
        more: The slides as Markdown ("## Title", points ...) or an Outline, whose title slide is left out.
        at: The number that the first of them gets; None: they come at the end.
        output: Where to save the deck; None: path.
        files: The directory of the image and CSV files that the slides name, or images by name; None: no file is read.
        seed: Seed of the first image; each further slide adds one.
        pictures: Whether the model generates images for the slides.
        reviewer: Looks at the new pages and revises slides; None: only the linter does.
        on_progress: Called with (slides done, total slides, title of the current slide).

    Raises:
        TemplateError: If the file cannot be opened, or has no layout with a title and a body.
        InputError: If `more` is not an outline, there is no place `at`, or the deck would have too many slides.
        PromptError: If `more` is empty.
        OutputPathError: If the deck cannot be written.
    """
    saved = _SavedDeck(seedx, path, output, files=files, seed=seed, pictures=pictures, reviewer=reviewer)
    outline = more if isinstance(more, Outline) else outline_of_slides(more)
    saved.append(outline, at, on_progress)
    return saved.save()


class _SavedDeck:
    def __init__(
        self,
        seedx: SeedX,
        path: str | os.PathLike[str],
        output: str | os.PathLike[str] | None,
        *,
        files: SlideFiles | None,
        seed: int,
        pictures: bool,
        reviewer: DeckReviewer | None,
    ) -> None:
        self._seedx, self._reviewer = seedx, reviewer
        self._target = check_output_path(path if output is None else output, (".pptx",))
        self._started = time.perf_counter()
        self._deck = open_deck(path)
        self._warnings: list[str] = [
            f"the deck links to '{target[:120]}' outside itself; it stays linked, and was not fetched"
            for target in external_links(path)
        ]
        self._writing = self._warnings
        """The warnings of the slide that is being written."""
        self._seed = seed
        self._files = OutlineFiles(files, self._warnings.append)
        self._illustrator = Illustrator(seedx, self._warnings.append, seed=seed) if pictures else None
        self._original = slide_xml(self._deck, path)
        self._made: dict[int, tuple[SlidePlan, Illustration | None, str | None]] = {}
        title = title_shape(self._slides()[0]) if self._original else None
        shown = None if title is None else title.text_frame.text
        self._title = self._deck.core_properties.title or shown or "Untitled"
        footers = [footer_of(one) for one in self._slides()]
        self._writer = DeckWriter(self._deck, self._warn, footer=Footer(text=next(filter(None, footers), "")))

    def _slides(self) -> list[Slide]:
        return list(self._deck.slides)

    def replace(self, number: int, change: str | SlidePlan, planner: Reviser | None) -> None:
        slides = self._slides()
        if not 1 <= number <= len(slides):
            raise InputError(f"there is no slide {number}; the deck has slides 1 to {len(slides)}")
        old = slides[number - 1]
        before = read_slide(old)
        changed = changed_plan(before, change, number, planner, self._warnings.append)
        plan = self._files.with_data(changed, f"slide {number}")
        for name, what in (("table", "table"), ("chart", "chart"), ("visual", "drawing")):
            if getattr(before, name) is not None and getattr(plan, name) is None:
                self._warnings.append(f"slide {number}: the change has no {what}, so the slide's own was left out")
        known = {(finding.kind, finding.shape) for finding in find_slide_faults(self._deck, number)}
        if self._edit(old, before, plan, number):
            self._repair([MadeSlides(plan, [old], known=known)], number, number_titles=False)
            return
        self._check_nothing_is_lost(old, number, is_whole=isinstance(change, SlidePlan) or is_markdown_outline(change))
        as_cover = is_cover(old) and not plan.holds_more and len(plan.bullets) <= max(1, len(before.bullets))
        room = self._writer.cover_takes_picture if as_cover else plan.wants_picture
        source = old if plan.picture in (None, before.picture) else None
        picture, prompt = self._picture(plan, number - 1, has_room=room, old=source)
        gallery = () if as_cover else self._files.gallery(plan, f"slide {number}")

        def write_cover(plan: SlidePlan) -> list[Slide]:
            return [self._writer.add_cover(plan.title, ", ".join(plan.bullets), plan.notes, picture)]

        made = self._written(plan, write_cover if as_cover else self._writing_of(plan, picture, gallery))
        self._repair([made], number, reviewer=self._reviewer, number_titles=False)
        new, plan = made.slides, made.plan
        tag_languages(new, [*self._slides(), *new])
        for slide in new:
            copy_visibility(old, slide)
        for lost in carry_over(old, new[0]):
            self._warnings.append(f"slide {number}: {lost}")
        del self._original[old.slide_id]
        replace_slide(self._deck, old, new)
        self._made[new[0].slide_id] = plan, picture, prompt

    def _edit(self, old: Slide, before: SlidePlan, plan: SlidePlan, number: int) -> bool:
        """Change what differs on a slide and nothing else; return False, with nothing touched, if that can't be."""
        is_line = is_cover(old) or before.kind != "content"
        if is_line and len(plan.bullets) > max(1, len(before.bullets)):
            return False
        is_new = bool(plan.picture_file) or plan.picture not in (None, "", before.picture)
        texts = plan.model_copy(update={"picture": None, "picture_file": ""}) if is_new else plan
        where = f"slide {number}"
        if is_new and picture_place(old) is None:
            return False
        if not edit_in_place(old, before, texts, lambda text: self._warnings.append(f"{where}: {text}")):
            return False
        prompt = None
        if is_new:
            picture, prompt = self._picture(plan, number - 1, has_room=True)
            if picture is not None:
                put_picture(old, picture, lambda text: self._warnings.append(f"{where}: {text}"))
            elif self._illustrator is None and not plan.picture_file:
                self._warnings.append(f"{where}: no image was generated (pictures=False), so its picture stays")
        self._warnings += [f"{where}: {text}" for text in plan_warnings(plan)]
        del self._original[old.slide_id]
        self._made[old.slide_id] = plan, shown_picture(old), prompt
        return True

    def _writing_of(
        self, first: SlidePlan, picture: Illustration | None, gallery: Sequence[Illustration]
    ) -> Callable[[SlidePlan], list[Slide]]:
        """Return what writes a plan and later versions of it, with these pictures as far as those have any."""

        def write(plan: SlidePlan) -> list[Slide]:
            if plan is first:
                return self._writer.add_slide(plan, picture, gallery)
            shows = plan.picture != "" or bool(plan.picture_file)
            return self._writer.add_slide(plan, picture if shows else None, gallery if plan.gallery else ())

        return write

    def _written(self, plan: SlidePlan, write: Callable[[SlidePlan], list[Slide]]) -> MadeSlides:
        """Write slides of a plan, and return them with what writes them again from another plan."""

        def write_again(plan: SlidePlan, warnings: list[str]) -> list[Slide]:
            self._writing = warnings
            slides = write(plan)
            self._writing = self._warnings
            return slides

        warnings: list[str] = []
        return MadeSlides(plan, write_again(plan, warnings), write_again, warnings)

    def _repair(
        self,
        made: Sequence[MadeSlides],
        first: int,
        *,
        reviewer: DeckReviewer | None = None,
        number_titles: bool = True,
    ) -> None:
        """Repair slides, of which the first one gets this number in the deck."""
        look_and_repair(self._deck, made, first=first, reviewer=reviewer, number_titles=number_titles)
        self._warnings += [warning for one in made for warning in one.warnings]

    def _warn(self, text: str) -> None:
        self._writing.append(text)

    def _check_nothing_is_lost(self, slide: Slide, number: int, *, is_whole: bool) -> None:
        """Name what a plan cannot hold and a rebuilt slide loses.

        Raises:
            InputError: If there is such a thing, and the change is not a whole new slide.
        """
        lost = unsupported_shapes(slide) if is_whole else unsupported_content(slide)
        if not lost:
            return
        if not is_whole:
            raise InputError(
                f"slide {number} holds {'; '.join(lost)}, which this instruction would lose; give the whole new slide "
                "as Markdown ('## Title', points, a table, a fenced block 'chart bar') or as a SlidePlan"
            )
        self._warnings += [f"slide {number}: the new slide is without {one}" for one in lost]

    def append(self, outline: Outline, at: int | None, on_progress: Progress | None) -> None:
        plans = outline.all_slides()
        start = len(self._slides())
        if start + len(plans) > MAX_NUM_SLIDES:
            raise InputError(f"the deck would have {start + len(plans)} slides; at most {MAX_NUM_SLIDES} are allowed")
        if at is not None and not 1 <= at <= start + 1:
            raise InputError(f"there is no place {at}; use 1 to {start + 1}")
        self._warnings.extend(outline.warnings)
        made: list[MadeSlides] = []
        pictures: list[tuple[Illustration | None, str | None]] = []
        for offset, named in enumerate(plans):
            if on_progress is not None:
                on_progress(offset, len(plans), named.title)
            plan = self._files.with_data(named, f"slide {start + offset + 1}")
            if self._illustrator is not None and offset == MAX_GENERATED_IMAGES:
                self._illustrator.finish()
                self._illustrator = None
                self._warnings.append(f"only the first {offset} slides that are appended may get images")
            picture, prompt = self._picture(plan, start + offset, has_room=plan.wants_picture)
            gallery = self._files.gallery(plan, f"slide {start + offset + 1}")
            made.append(self._written(plan, self._writing_of(plan, picture, gallery)))
            pictures.append((picture, prompt))
        self._repair(made, at or start + 1, reviewer=self._reviewer)
        for one, (picture, prompt) in zip(made, pictures, strict=True):
            tag_languages(one.slides, self._slides())
            self._made[one.slides[0].slide_id] = one.plan, picture, prompt
        if at is not None:
            place_slides(self._deck, list(self._deck.slides._sldIdLst)[start:], at)
        if on_progress is not None:
            on_progress(len(plans), len(plans), "done")

    def save(self) -> Deck:
        if self._illustrator is not None:
            self._illustrator.finish()
        described = describe_slides(self._deck, self._made)
        rename_unlisted_slides(self._deck)
        save_keeping(self._deck, self._target, self._original)
        return deck_result(
            self._seedx,
            self._deck,
            self._target,
            described,
            title=self._title,
            seed=self._seed,
            started=self._started,
            warnings=self._warnings,
        )

    def _picture(
        self, plan: SlidePlan, number: int, *, has_room: bool, old: Slide | None = None
    ) -> tuple[Illustration | None, str | None]:
        """Return the image file that a slide names, else the old picture, else a generated image and its prompt."""
        where = f"slide {number + 1}"

        def warn(text: str) -> None:
            self._warnings.append(f"{where}: {text}")

        ready = self._files.illustration(plan, where) or (None if old is None else shown_picture(old, warn))
        if ready is None and (plan.picture == "" or self._illustrator is None):
            return None, None
        if not has_room:
            if ready is not None:
                self._warnings.append(f"{where}: the slide has no room for its picture; it was left out")
            elif plan.picture:
                self._warnings.append(f"{where}: {NO_ROOM}")
            return None, None
        if ready is not None or self._illustrator is None:
            return ready, None
        text = plain_text(f"{plan.title}. {' '.join(plan.bullets)}")
        return self._illustrator.draw(plan.picture, text, number=number, where=where)

"""Lint the slides that a call made, mend what can be mended, and let a reviewer look at them: at most two rounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_sdk.errors import SeedXError
from seedx_tools.decks.lint.accessibility import listed_title
from seedx_tools.decks.lint.check import page_faults
from seedx_tools.decks.lint.findings import Fault, Finding
from seedx_tools.decks.lint.page import Page, pages_of
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.preview import render_slide
from seedx_tools.decks.repair.plans import alternatives
from seedx_tools.decks.repair.review import DeckReviewer, ReviewPage, SlideRevision, revised_plan
from seedx_tools.decks.repair.shapes import mend_shapes

MAX_ROUNDS = 2
_SHOWN_CHARS = 80
_NUMBER = re.compile(r"slide (\d+)")


@dataclass(slots=True)
class MadeSlides:
    """What a call made of one plan."""

    plan: SlidePlan
    slides: list[Slide]
    write: Callable[[SlidePlan, list[str]], list[Slide]] | None = None
    """Adds slides of another plan to the end of the deck, and warnings to the list; None: nothing is mended."""
    warnings: list[str] = field(default_factory=list)
    """The warnings of writing the slides."""
    known: Collection[tuple[str, str]] = ()
    """Kinds of faults and names of shapes that were so before the call, and stay."""


def look_and_repair(
    deck: PresentationObject,
    made: Sequence[MadeSlides],
    *,
    first: int | None = None,
    reviewer: DeckReviewer | None = None,
    number_titles: bool = True,
) -> None:
    """Mend the slides of a call, and name what is left in their warnings.

    Args:
        deck: The deck that they are in.
        made: The slides, which are changed or replaced; no other slide is touched.
        first: The number that the first of them gets in the finished deck; None: the one that it has.
        reviewer: Looks at the pages, and revises slides.
        number_titles: Whether a title that another slide of the deck has gets a number.
    """
    if not made:
        return
    loop = _Loop(deck, made, first)
    for _ in range(MAX_ROUNDS):
        changed = loop.mend()
        if reviewer is not None:
            changed = loop.review(reviewer) or changed
        if not changed:
            break
    if number_titles:
        loop.number_titles()
    loop.name_the_rest()


class _Loop:
    def __init__(self, deck: PresentationObject, made: Sequence[MadeSlides], first: int | None) -> None:
        self._deck = deck
        self._made = made
        self._ids = deck.slides._sldIdLst
        self._size = int(deck.slide_width or 1) / EMU_PER_POINT, int(deck.slide_height or 1) / EMU_PER_POINT
        self._found: dict[int, list[Fault]] = {}
        """The faults of the slides that were looked at and not changed since, by slide id."""
        self._shift = 0
        """What the number of a slide in the finished deck differs by from its present one."""
        if first is not None:
            self._shift = first - self._pages(made[0].slides)[0].number
            for one in made:
                one.warnings[:] = [_renumbered(warning, self._shift) for warning in one.warnings]

    def mend(self) -> bool:
        """Mend what can be mended; return whether anything was."""
        changed = False
        for one in self._made:
            before = self._count(one) if one.write is not None else 0
            if not before:
                continue
            self._mend_shapes(one.slides)
            changed = changed or self._count(one) < before
            changed = self._try_alternatives(one) or changed
        return changed

    def review(self, reviewer: DeckReviewer) -> bool:
        """Let a reviewer revise slides; return whether one was."""
        shown = [(one, page) for one in self._made for page in self._pages(one.slides)]
        pages = [
            ReviewPage(
                page.number,
                render_slide(self._deck, page.number - self._shift),
                one.plan,
                tuple(self._findings(one, [page])),
            )
            for one, page in shown
        ]
        try:
            revisions = list(reviewer.review(pages))
        except Exception as error:  # a reviewer may be anything; the deck is good without it
            self._made[0].warnings.append(f"the review failed: {error or type(error).__name__}")
            return False
        numbers = {page.number: one for one, page in shown}
        changed = False
        for revision in revisions:
            if not isinstance(revision, SlideRevision) or revision.slide not in numbers:
                self._made[0].warnings.append(f"the review was ignored where it names no slide: {revision!r:.120}")
            else:
                changed = self._revise(numbers[revision.slide], revision) or changed
        return changed

    def number_titles(self) -> None:
        """Put (2), (3) ... after titles that an earlier or an untouched slide has."""
        mine = {slide.slide_id: one for one in self._made for slide in one.slides}
        taken = {listed_title(page) for page in pages_of(self._deck) if page.slide.slide_id not in mine}
        for page in self._pages(slide for one in self._made for slide in one.slides):
            title = listed_title(page)
            if not title:
                continue
            number = 1
            while (title if number == 1 else f"{title} ({number})") in taken:
                number += 1
            if number > 1:
                _append_to_title(page.slide, f" ({number})")
                self._found.pop(page.slide.slide_id, None)
                self._mend_shapes([page.slide])
                title = f"{title} ({number})"
                mine[page.slide.slide_id].warnings.append(
                    f"slide {page.number}: another slide has its title, too, so it got the number {number}"
                )
            taken.add(title)

    def name_the_rest(self) -> None:
        """Name what the linter still objects to in the warnings of the slides."""
        for one in self._made:
            for finding in self._findings(one, self._pages(one.slides)):
                shape = f" '{finding.shape}'" if finding.shape else ""
                one.warnings.append(f"slide {finding.slide}{shape}: {finding.message}")

    def _revise(self, one: MadeSlides, revision: SlideRevision) -> bool:
        where = f"slide {revision.slide}"
        try:
            if one.write is None:
                raise ValueError("the slide was edited in place")
            plan = revised_plan(one.plan, revision.change)
            if plan == one.plan:
                return False
            if not self._replace(one, [plan], at_most=self._count(one)):
                raise ValueError("the linter objects to more on the revised slide")
        except (SeedXError, ValueError) as error:
            one.warnings.append(f"{where}: the revision of the review was not made: {error}")
            return False
        change = "" if isinstance(revision.change, SlidePlan) else f": {revision.change.strip()[:_SHOWN_CHARS]}"
        one.warnings.append(f"{where}: revised after the review{change}")
        return True

    def _try_alternatives(self, one: MadeSlides) -> bool:
        """Write other plans for slides with faults, until one has fewer; return whether one has."""
        faults = [fault for page in self._pages(one.slides) for fault in self._faults(one, page)]
        if not faults or one.write is None:
            return False
        number = self._pages(one.slides)[0].number
        for plans, change in alternatives(one.plan, {fault.kind for fault in faults}):
            if self._replace(one, plans, at_most=len(faults) - 1):
                one.warnings.append(f"slide {number}: {change}")
                return True
        return False

    def _replace(self, one: MadeSlides, plans: Sequence[SlidePlan], *, at_most: int) -> bool:
        """Put slides of other plans in the place of those there are, if they have no more faults than this."""
        assert one.write is not None
        count = len(self._ids)
        place = self._pages(one.slides)[0].number - self._shift - 1
        warnings: list[str] = []
        new = [slide for plan in plans for slide in one.write(plan, warnings)]
        self._mend_shapes(new)
        if sum(len(self._faults(one, page)) for page in self._pages(new)) > at_most:
            self._drop(new)
            return False
        for offset, entry in enumerate(list(self._ids)[count:]):
            self._ids.insert(place + offset, entry)
        self._drop(one.slides)
        one.slides = new
        one.plan = plans[0] if len(plans) == 1 else one.plan
        one.warnings[:] = [_renumbered(warning, place - count + self._shift) for warning in warnings]
        return True

    def _drop(self, slides: Iterable[Slide]) -> None:
        dropped = {slide.slide_id for slide in slides}
        for entry in [entry for entry in self._ids if entry.id in dropped]:
            self._deck.part.drop_rel(entry.rId)
            self._ids.remove(entry)
            self._found.pop(entry.id, None)
        self._deck.part.rename_slide_parts([entry.rId for entry in self._ids])

    def _mend_shapes(self, slides: Iterable[Slide]) -> None:
        for page in self._pages(slides):
            if self._faults_on(page):
                mend_shapes(page)
                del self._found[page.slide.slide_id]

    def _pages(self, slides: Iterable[Slide]) -> list[Page]:
        numbers = {entry.id: number for number, entry in enumerate(self._ids, start=1 + self._shift)}
        return [Page(slide, numbers[slide.slide_id], self._size) for slide in slides]

    def _faults_on(self, page: Page) -> list[Fault]:
        if page.slide.slide_id not in self._found:
            self._found[page.slide.slide_id] = list(page_faults(page))
        return self._found[page.slide.slide_id]

    def _count(self, one: MadeSlides) -> int:
        return sum(len(self._faults(one, page)) for page in self._pages(one.slides))

    def _faults(self, one: MadeSlides, page: Page) -> list[Fault]:
        return [fault for fault in self._faults_on(page) if (fault.kind, fault.shape) not in one.known]

    def _findings(self, one: MadeSlides, pages: Iterable[Page]) -> list[Finding]:
        return [
            Finding(kind=fault.kind, slide=page.number, shape=fault.shape, message=fault.message)
            for page in pages
            for fault in self._faults(one, page)
        ]


def _append_to_title(slide: Slide, text: str) -> None:
    """Add a text to the last run of a slide's title."""
    title: Any = slide.shapes.title
    runs = [run for run in title.element.iter(qn("a:r")) if run.findtext(qn("a:t"))]
    if runs:
        runs[-1].find(qn("a:t")).text += text


def _renumbered(warning: str, shift: int) -> str:
    """Return a warning of a slide that was moved from the end of the deck."""
    return _NUMBER.sub(lambda found: f"slide {int(found[1]) + shift}", warning, count=1)

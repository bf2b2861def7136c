"""Write slides of text: points, lines, quotes and columns, each into the layout and placeholders made for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide, SlideMaster

from seedx_tools.decks.drawing.footnotes import Footnotes
from seedx_tools.decks.footer import Footer
from seedx_tools.decks.layout.regions import SlideDesign
from seedx_tools.decks.ooxml.layouts import Layouts, LayoutSlots, frame_of, placeholder, remove
from seedx_tools.decks.ooxml.masters import best_master
from seedx_tools.decks.outline import Column, SlidePlan
from seedx_tools.decks.text.fitting import (
    fitting_scale,
    paragraphs_of,
    share_evenly,
    shorten,
    split,
)
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.languages.direction import mark_mirrored, mirror_text, slide_is_mirrored
from seedx_tools.decks.text.shapes import paragraph_text
from seedx_tools.decks.text.strings import clean, clean_point
from seedx_tools.decks.theme.completion import complete_layouts
from seedx_tools.decks.writing.balance import balance_text
from seedx_tools.decks.writing.footer import finish_slide, footer_without_place
from seedx_tools.decks.writing.gallery import MAX_PICTURES
from seedx_tools.decks.writing.pictures import picture_slots, place_design, place_pictures
from seedx_tools.decks.writing.points.columns import (
    ColumnShapes,
    box_columns,
    column_pages,
    placeholder_columns,
    remove_empty_boxes,
)
from seedx_tools.decks.writing.text import write_points
from seedx_tools.decks.writing.titles import REST_MARK, numbered, write_rest, write_title
from seedx_tools.illustration.illustrator import Illustration

_MAX_CONTINUED = 20


class TextWriter:
    """Adds slides of text to a presentation; the arguments are those of DeckWriter."""

    def __init__(
        self,
        deck: PresentationObject,
        warn: Callable[[str], None],
        *,
        master: SlideMaster | None = None,
        footer: Footer | None = None,
        bullets: bool = True,
    ) -> None:
        self.deck = deck
        master = master or best_master(deck)
        if (added := complete_layouts(master)) is not None:
            warn(added)
        self._layouts = Layouts(master)
        self._warn = warn
        self._footer, self._title = footer or Footer(), ""
        if (homeless := footer_without_place(master, self._footer)) is not None:
            warn(homeless)
        self._bullets = bullets
        self._page_width, self._page_height = int(deck.slide_width or 1), int(deck.slide_height or 1)
        self._footnotes = Footnotes(self._page_height)
        self._mirrored = False
        """Whether the slides that are being written run right to left."""
        self._kept: dict[int, str] = {}
        """By slide id, the part of a title that is too long that stands in its placeholder."""
        self._rests: dict[int, str] = {}
        """The part that is to stand in the line under it."""
        self._lost: dict[int, str] = {}
        """The titles that are in the notes since not even both have room for them."""

    def _start(
        self, slots: LayoutSlots, title: str, design: SlideDesign | None = None, *, has_second: bool = False
    ) -> Slide:
        """Add an empty slide with its title; with `has_second`, _write_second is called for it."""
        slide: Slide = self.deck.slides.add_slide(slots.layout)
        if design is not None:
            place_design(slide, slots, design, self._page_width, self._page_height)
        title = clean(title) or "Untitled"
        shape = placeholder(slide, slots.title)
        second = _second_of(slots) if has_second else None
        whole = second is not None and frame_of(placeholder(slide, second))[1] < frame_of(shape)[1]
        kept, rest = write_title(slide, shape, title, self._page_height, whole=whole)
        if rest:
            self._kept[slide.slide_id] = kept
            self._warn(f"{self._here}: its title is too long ({len(plain_text(title))} characters); it goes on below")
            if has_second:
                self._rests[slide.slide_id] = rest
            elif not write_rest(slide, rest, self._page_height):
                self._warn(f"{self._here}: the end of its title is in the notes")
                self._lost[slide.slide_id] = plain_text(title)
        if self._mirrored:
            mark_mirrored(slide)
        self._footnotes.reserve(slide)
        return slide

    def _number(self, slides: Sequence[Slide], title: str) -> None:
        """Put (1/3), (2/3) ... after the titles of slides that continue each other; a title of its own stays."""
        kept = [self._kept.get(slide.slide_id, clean(title) or "Untitled") for slide in slides]
        same = [(slide, part) for slide, part in zip(slides, kept, strict=True) if _title_of(slide) == plain_text(part)]
        for number, (slide, part) in enumerate(same, start=1):
            if len(same) > 1:
                text = numbered(part, number, len(same))
                write_title(slide, slide.shapes.title, text, self._page_height, whole=True, grows=False)

    def _finish(self, slide: Slide, notes: str) -> Slide:
        if homeless := self._footnotes.write(slide):
            self._warn(f"{self._place_of(slide)}: it has no room for its footnotes; they are in the notes")
            notes = "\n".join(filter(None, (notes, *homeless)))
        if slide_is_mirrored(slide):
            mirror_text(slide)
        if lost_title := self._lost.get(slide.slide_id):
            notes = "\n".join(filter(None, (lost_title, notes)))
        for lost in finish_slide(slide, self._footer, self._title, notes):
            self._warn(f"{self._place_of(slide)}: {lost}")
        return slide

    def _place_of(self, slide: Slide) -> str:
        return f"slide {self.deck.slides.index(slide) + 1}"

    @property
    def _here(self) -> str:
        return f"slide {len(self.deck.slides)}"

    def _add_points(
        self,
        title: str,
        bullets: tuple[str, ...],
        notes: str,
        pictures: Sequence[Illustration],
        plan: SlidePlan,
        design: SlideDesign | None = None,
    ) -> list[Slide]:
        left = cleaned(bullets)
        has_text_only = design is None and not pictures
        started: list[tuple[Slide, str]] = []
        shares: list[tuple[Slide, Any, list[str]]] = []
        while left or pictures or not started:
            is_last = len(started) == _MAX_CONTINUED
            shown, pictures = pictures[:MAX_PICTURES], pictures[MAX_PICTURES:]
            if shown:
                slots = picture_slots(self._layouts, shown, points=bool(left), side=plan.picture_side)
            else:
                slots = (self._layouts.points if left else self._layouts.heading)(picture=False)
            slide = self._start(slots, title, design)
            self._place(slide, slots, shown, left)
            if left:
                here, left, notes = self._take(slide, slots.bodies[0], left, notes, is_last=is_last)
                shares.append((slide, placeholder(slide, slots.bodies[0]), here))
            started.append((slide, notes))
            notes, design = "", None
        self._write_shares(shares)
        if has_text_only and len(shares) == 1:
            balance_text(shares[0][0], [shares[0][1]])
        slides = [self._finish(slide, own_notes) for slide, own_notes in started]
        if len(slides) > 1:
            number = len(self.deck.slides) - len(slides) + 1
            self._warn(f"slide {number}: its text is too long for one slide; it continues on {len(slides) - 1} more")
        return slides

    def _place(
        self, slide: Slide, slots: LayoutSlots, pictures: Sequence[Illustration], bullets: Sequence[str]
    ) -> None:
        """Place pictures where the layout has room for them, else warn."""
        here = self._here

        def warn(text: str) -> None:
            self._warn(f"{here}: {text}")

        if pictures and not place_pictures(slide, slots, pictures, bullets, self._page_height, warn):
            warn("its layout has no room for the image; it was left out")

    def _write_body(
        self, slide: Slide, index: int, bullets: list[str], notes: str, *, is_last: bool, bulleted: bool | None = None
    ) -> tuple[list[str], str]:
        """Write as many points as fit; return the rest, and the notes, which take the rest on the last slide.

        `bulleted` None gives several points bullets and a single one none.
        """
        here, rest, notes = self._take(slide, index, bullets, notes, is_last=is_last)
        if bulleted is None:
            bulleted = self._bullets and len(here) > 1
        write_points(slide, placeholder(slide, index), here, bulleted=bulleted)
        return rest, notes

    def _take(
        self, slide: Slide, index: int, bullets: list[str], notes: str, *, is_last: bool
    ) -> tuple[list[str], list[str], str]:
        """Return the points that fit a placeholder, the rest, and the notes, which take the rest on the last slide."""
        body = placeholder(slide, index)
        rest: list[str] = []
        if fitting_scale(slide, body, paragraphs_of(bullets)) is None:
            bullets, rest = split(slide, body, bullets)
        if is_last and rest:
            self._warn(f"{self._here}: the rest of its text is in the speaker notes only")
            notes, rest = "\n".join([notes, *map(plain_text, rest)]).strip(), []
        return bullets, rest, notes

    def _write_shares(self, shares: list[tuple[Slide, Any, list[str]]]) -> None:
        """Write points that continue over several slides: shared out evenly, and in one size.

        Args:
            shares: The slides with their bodies, and as many points as fit each.
        """
        if len(shares) > 1:
            points = [point for *_, share in shares for point in share]
            even = share_evenly(shares[-1][0], [body for _, body, _ in shares], points)
            if even is not None:
                evened = [(slide, body, share) for (slide, body, _), share in zip(shares, even, strict=True)]
                if all(fitting_scale(slide, body, paragraphs_of(share)) for slide, body, share in evened):
                    shares = evened
        scales = [fitting_scale(slide, body, paragraphs_of(share)) or 1.0 for slide, body, share in shares]
        bulleted = self._bullets and any(len(share) > 1 for *_, share in shares)
        for slide, body, share in shares:
            write_points(slide, body, share, bulleted=bulleted, scale=min(scales))

    def _add_line(self, slots: LayoutSlots, plan: SlidePlan) -> Slide:
        """Add a slide with a title and at most one line under it: a section or closing slide."""
        slide = self._start(slots, plan.title, has_second=True)
        return self._finish(slide, self._write_second(slide, slots, " ".join(plan.bullets), plan.notes))

    def _write_second(self, slide: Slide, slots: LayoutSlots, text: str, notes: str) -> str:
        """Write the line under a title; return the notes, with the full line if it does not fit."""
        second = _second_of(slots)
        text = clean(text)
        if rest := self._rests.get(slide.slide_id, ""):
            text = "\v".join(filter(None, (REST_MARK + rest, text)))
        if not text:
            return notes
        if second is None:
            self._warn(f"{self._here}: the layout has no placeholder for the line '{text}'; it is in the notes")
            return f"{text}\n{notes}".strip()
        shape = placeholder(slide, second)
        short = shorten(slide, shape, text)
        write_points(slide, shape, [short], bulleted=True)
        if short == text:
            return notes
        self._warn(f"{self._here}: the line under its title was shortened; the full line is in the notes")
        return f"{text}\n{notes}".strip()

    def _add_quote(self, plan: SlidePlan) -> Slide:
        assert plan.quote is not None
        slots, notes = self._layouts.quote(), plan.notes
        slide = self._start(slots, plan.title)
        body = placeholder(slide, slots.bodies[0])
        by = [f"\u2014 {clean(plan.quote.by)}"] if plan.quote.by else []
        text = f"\u201c{clean(plan.quote.text)}\u201d"
        lines = [text] if slots.captions else [text, *by]
        if fitting_scale(slide, body, paragraphs_of(lines)) is None:
            self._warn(f"{self._here}: the quote was shortened; the full quote is in the notes")
            notes = f"{text}\n{notes}".strip()
            kept = shorten(slide, body, text).removesuffix(" ...").split(" ")
            while len(kept) > 1 and fitting_scale(slide, body, paragraphs_of(lines)) is None:
                kept = kept[:-1]
                lines[0] = f"{' '.join(kept)} ...\u201d"
        write_points(slide, body, lines, bulleted=False)
        if slots.captions and by:
            write_points(slide, placeholder(slide, slots.captions[0]), by, bulleted=False)
        return self._finish(slide, notes)

    def _add_columns(self, plan: SlidePlan) -> list[Slide]:
        left = [cleaned(column.bullets) for column in plan.columns]
        slides: list[Slide] = []
        pages: list[list[list[str]]] = []
        notes = plan.notes
        while not slides or len(slides) < len(pages):
            slide, columns = self._start_columns(plan)
            bodies = [column.body for column in columns]
            if not pages:
                pages = column_pages(slide, bodies, left)
            page = pages[len(slides)]
            if len(slides) == _MAX_CONTINUED and len(pages) > len(slides) + 1:
                self._warn(f"{self._here}: the rest of its text is in the speaker notes only")
                rest = [plain_text(point) for later in pages[len(slides) + 1 :] for share in later for point in share]
                notes, pages = "\n".join([notes, *rest]).strip(), pages[: len(slides) + 1]
            shown = [column for column, points in zip(plan.columns, page, strict=True) if points or not slides]
            notes = self._write_headings(slide, plan, columns, notes, shown)
            headed = any(column.heading is not None for column in columns)
            self._write_columns(slide, bodies, page, bulleted=any(map(_is_list, left)), headed=headed)
            remove_empty_boxes(columns)
            slides.append(self._finish(slide, notes))
            notes = ""
        if len(slides) > 1:
            number = len(self.deck.slides) - len(slides) + 1
            self._warn(
                f"slide {number}: its columns are too long for one slide; they continue on {len(slides) - 1} more"
            )
        return slides

    def _start_columns(self, plan: SlidePlan) -> tuple[Slide, list[ColumnShapes]]:
        """Add a slide with places for columns: the placeholders of a layout that has them, else text boxes."""
        count, headings = len(plan.columns), any(column.heading for column in plan.columns)
        mirrored = self._mirrored
        slots = self._layouts.columns(headings=headings, count=count)
        if slots.columns(right_to_left=mirrored, count=count):
            slide = self._start(slots, plan.title)
            return slide, placeholder_columns(slide, slots, count, headings=headings, right_to_left=mirrored)
        slots = self._layouts.points(picture=False)
        slide = self._start(slots, plan.title)
        body = placeholder(slide, slots.bodies[0])
        frame = frame_of(body)
        remove(body)
        return slide, box_columns(slide, frame, count, headings=headings, right_to_left=mirrored)

    def _write_headings(
        self, slide: Slide, plan: SlidePlan, columns: Sequence[ColumnShapes], notes: str, shown: Sequence[Column]
    ) -> str:
        """Write the headings of the columns that are shown; return the notes, with those that had to be shortened."""
        for column, shapes in zip(plan.columns, columns, strict=True):
            heading = clean(column.heading)
            if shapes.heading is None or not heading or column not in shown:
                continue
            short = shorten(slide, shapes.heading, heading)
            write_points(slide, shapes.heading, [short], bulleted=False)
            if short != heading and heading not in notes:
                self._warn(f"{self._here}: a column's heading was shortened; the full heading is in the notes")
                notes = f"{heading}\n{notes}".strip()
        return notes

    def _write_columns(
        self, slide: Slide, bodies: Sequence[Any], page: list[list[str]], *, bulleted: bool, headed: bool
    ) -> None:
        """Write the points of columns in one size, and fill the page."""
        written = [(body, points) for body, points in zip(bodies, page, strict=True) if points]
        scales = [fitting_scale(slide, body, paragraphs_of(points)) or 1.0 for body, points in written]
        for body, points in written:
            write_points(slide, body, points, bulleted=bulleted, scale=min(scales))
        if all(body.is_placeholder for body in bodies):
            balance_text(slide, [body for body, _ in written], headed=headed)


def _second_of(slots: LayoutSlots) -> int | None:
    """Return the placeholder of the line under a title."""
    return next(iter((*filter(None, (slots.subtitle,)), *slots.bodies, *slots.captions)), None)


def _is_list(points: Sequence[str]) -> bool:
    return len(points) > 1


def cleaned(points: Sequence[str]) -> list[str]:
    """Return the points that hold something, with their tabs, paragraphs and line breaks."""
    return [clean_point(point) for point in points if point.strip()]


def _title_of(slide: Slide) -> str | None:
    """Return the title of a slide as plan texts show it."""
    title = slide.shapes.title
    return (
        None if title is None else "\n".join(paragraph_text(paragraph._p) for paragraph in title.text_frame.paragraphs)
    )

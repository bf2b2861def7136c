"""Write the slides of a deck: each part of a plan into the layout and placeholders made for it.

The writer deals with layouts and geometry, not with models. Whatever does not fit is reported through `warn`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide, SlideMaster

from seedx_tools.decks.charts import readable_charts
from seedx_tools.decks.footer import Footer
from seedx_tools.decks.layout.regions import Frame, SlideDesign
from seedx_tools.decks.ooxml.layouts import Layouts, LayoutSlots, frame_of, placeholder
from seedx_tools.decks.ooxml.masters import best_master
from seedx_tools.decks.outline import ChartData, CodeBlock, SlidePlan, TableData
from seedx_tools.decks.shapes import is_empty_placeholder
from seedx_tools.decks.tables import SOURCE_LINE
from seedx_tools.decks.text.fitting import (
    fitting_scale,
    paragraphs_of,
    room_for_text,
    shorten,
    split,
    text_height,
)
from seedx_tools.decks.text.inline import escape_inline, plain_text
from seedx_tools.decks.text.sharing import share_points
from seedx_tools.decks.text.strings import clean, runs_right_to_left
from seedx_tools.decks.theme.completion import complete_layouts
from seedx_tools.decks.visuals import Visual
from seedx_tools.decks.writing.balance import balance_frame, balance_text
from seedx_tools.decks.writing.charts import place_chart
from seedx_tools.decks.writing.code import code_pages, place_code
from seedx_tools.decks.writing.footer import finish_slide, footer_without_place
from seedx_tools.decks.writing.frames import claim_frame, raise_source, write_source
from seedx_tools.decks.writing.gallery import MAX_PICTURES
from seedx_tools.decks.writing.pictures import picture_slots, place_design, place_pictures
from seedx_tools.decks.writing.table_pages import TablePage
from seedx_tools.decks.writing.tables import place_table, share_out
from seedx_tools.decks.writing.text import write_points
from seedx_tools.decks.writing.titles import numbered, write_title
from seedx_tools.decks.writing.visuals import place_visual
from seedx_tools.illustration.illustrator import Illustration

_MAX_CONTINUED = 20
_POINT_GAP = 4.0
"""Points of height that a point needs beside its lines, when points are shared out over slides."""
_MAX_PROPERTY = 255
"""Maximum characters of a document property."""
_KINDS_OF_CONTENT = ("quote", "columns", "table", "chart", "visual", "code")
"""A slide shows one of these, beside points."""


class DeckWriter:
    """Adds slides to a presentation.

    Args:
        deck: A presentation; layouts are added to a master that has none with a title and a body.
        warn: Called with one sentence for everything that is dropped, moved or shortened.
        master: The master of the new slides; None: the one that fits best.
        footer: What stands at the bottom of the slides; None: what the layouts say, else the title of add_cover.
        bullets: Whether several points have bullets; without, they are paragraphs.
    """

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

    @property
    def cover_takes_picture(self) -> bool:
        """True if the title slide's layout has a picture placeholder."""
        return self._layouts.cover(picture=True).picture is not None

    def add_cover(self, title: str, subtitle: str, notes: str, illustration: Illustration | None) -> Slide:
        """Add the title slide and return it."""
        self._title = plain_text(clean(title))
        slide, slots, notes = self._start(self._layouts.cover(picture=illustration is not None), title, notes)
        notes = self._write_second(slide, slots, subtitle, notes)
        if illustration is not None and slots.picture is not None:
            self._place(slide, slots, [illustration], ())
        return self._finish(slide, notes)

    def add_designed(self, plan: SlidePlan, design: SlideDesign) -> list[Slide]:
        """Add a slide with a title and points where the design has them, and continued slides; return them."""
        slides = self._add_points(plan.title, plan.bullets, plan.notes, (), plan, design)
        self._number(slides, plan.title)
        return slides

    def text_frames(self, has_points: bool) -> list[Frame]:
        """Return where the layout of a designed slide has its title, and its body if there are points."""
        slots = (self._layouts.points if has_points else self._layouts.heading)(picture=False)
        wanted = [slots.title, *slots.bodies[: int(has_points)]]
        placeholders: Any = slots.layout.placeholders
        found = {shape.placeholder_format.idx: frame_of(shape) for shape in placeholders}
        frames: list[Frame] = []
        for left, top, width, height in (found[index] for index in wanted if index is not None):
            wide, high = self._page_width, self._page_height
            frames.append((left / wide, top / high, (left + width) / wide, (top + height) / high))
        return frames

    def remove(self, slides: Sequence[Slide]) -> None:
        """Remove slides that were added last."""
        ids = self.deck.slides._sldIdLst
        for entry in list(ids)[len(ids) - len(slides) :]:
            self.deck.part.drop_rel(entry.rId)
            ids.remove(entry)

    def add_slide(
        self, plan: SlidePlan, illustration: Illustration | None = None, gallery: Sequence[Illustration] = ()
    ) -> list[Slide]:
        """Add a slide, and continued slides if its content does not fit on one; return them.

        Args:
            plan: What the slide holds.
            illustration: Its picture.
            gallery: Further pictures, shown beside that one.
        """
        if plan.source.strip() and not (plan.table or plan.chart):
            self._warn(f"slide {len(self.deck.slides) + 1}: its source is in the notes: it has no table or chart")
            plan = plan.model_copy(update={"notes": f"{plan.notes}\n{_source(plan)}".strip(), "source": ""})
        lost = [text for text in map(plain_text, plan.footnotes) if text.strip() and text not in plan.notes]
        if lost:
            self._warn(f"slide {len(self.deck.slides) + 1}: its footnotes are in the notes")
            plan = plan.model_copy(update={"notes": "\n".join(filter(None, (plan.notes, *lost)))})
        parts = _parts(plan)
        pictures = (*filter(None, (illustration,)), *gallery)
        slides = [slide for part in parts[:-1] for slide in self._add_part(part, ())]
        slides += self._add_part(parts[-1], pictures)
        if len(parts) > 1:
            number = len(self.deck.slides) - len(slides) + 1
            self._warn(f"slide {number}: its content does not fit on one slide; it continues on {len(slides) - 1} more")
        self._number(slides, plan.title)
        return slides

    def _add_part(self, plan: SlidePlan, pictures: Sequence[Illustration]) -> list[Slide]:
        if plan.kind == "section":
            slides = [self._add_line(self._layouts.section(), plan)]
        elif plan.kind == "closing":
            slides = [self._add_line(self._layouts.closing(), plan)]
        elif plan.quote is not None:
            slides = [self._add_quote(plan)]
        elif plan.columns:
            slides = self._add_columns(plan)
        elif plan.table is not None:
            slides = self._add_table(plan, plan.table)
        elif plan.chart is not None:
            slides = self._add_chart(plan)
        elif plan.visual is not None:
            slides = self._add_visual(plan, plan.visual)
        elif plan.code is not None:
            slides = self._add_code(plan, plan.code)
        else:
            return self._add_points(plan.title, plan.bullets, plan.notes, pictures, plan)
        if pictures:
            slides += self._add_points(plan.title, (), "", pictures, plan)
        return slides

    def _start(
        self, slots: LayoutSlots, title: str, notes: str, design: SlideDesign | None = None
    ) -> tuple[Slide, LayoutSlots, str]:
        """Add an empty slide with its title."""
        slide: Slide = self.deck.slides.add_slide(slots.layout)
        if design is not None:
            place_design(slide, slots, design, self._page_width, self._page_height)
        title = clean(title) or "Untitled"
        if not write_title(slide, placeholder(slide, slots.title), title, self._page_height):
            self._warn(f"{self._here}: its title is too long for the page ({len(title)} characters); shorten it")
        return slide, slots, notes

    def _number(self, slides: Sequence[Slide], title: str) -> None:
        """Put (1/3), (2/3) ... after the titles of slides that continue each other."""
        for number, slide in enumerate(slides, start=1):
            if len(slides) > 1 and slide.shapes.title is not None:
                text = numbered(clean(title) or "Untitled", number, len(slides))
                write_title(slide, slide.shapes.title, text, self._page_height)

    def _finish(self, slide: Slide, notes: str) -> Slide:
        for lost in finish_slide(slide, self._footer, self._title, notes):
            self._warn(f"{self._here}: {lost}")
        return slide

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
        left = [clean(bullet, keep_tabs=True) for bullet in bullets if bullet.strip()]
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
            slide, slots, notes = self._start(slots, title, notes, design)
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
            slide, body, _ = shares[-1]
            heights = [text_height(slide, body, paragraphs_of([point])) + _POINT_GAP for point in points]
            rooms = [room_for_text(slide, body) for slide, body, _ in shares]
            even = share_points(points, heights, rooms)
            if even is not None:
                shares = [(slide, body, share) for (slide, body, _), share in zip(shares, even, strict=True)]
        scales = [fitting_scale(slide, body, paragraphs_of(share)) or 1.0 for slide, body, share in shares]
        bulleted = self._bullets and any(len(share) > 1 for *_, share in shares)
        for slide, body, share in shares:
            write_points(slide, body, share, bulleted=bulleted, scale=min(scales))

    def _add_line(self, slots: LayoutSlots, plan: SlidePlan) -> Slide:
        """Add a slide with a title and at most one line under it: a section or closing slide."""
        slide, slots, notes = self._start(slots, plan.title, plan.notes)
        return self._finish(slide, self._write_second(slide, slots, " ".join(plan.bullets), notes))

    def _write_second(self, slide: Slide, slots: LayoutSlots, text: str, notes: str) -> str:
        """Write the line under a title; return the notes, with the full line if it does not fit."""
        second = next(iter((*filter(None, (slots.subtitle,)), *slots.bodies, *slots.captions)), None)
        text = clean(text)
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
        slide, slots, notes = self._start(self._layouts.quote(), plan.title, plan.notes)
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
        texts = [text for column in plan.columns for text in (column.heading, *column.bullets)]
        headings = any(column.heading for column in plan.columns)
        slots = self._layouts.columns(headings=headings)
        places = slots.columns(right_to_left=runs_right_to_left(" ".join(texts)))
        if len(places) != len(plan.columns):
            self._warn(
                f"slide {len(self.deck.slides) + 1}: the template has no layout of {len(plan.columns)} columns; the "
                "columns became one list"
            )
            return self._add_points(plan.title, _one_list(plan), plan.notes, (), plan)
        left = [[clean(bullet, keep_tabs=True) for bullet in column.bullets] for column in plan.columns]
        if headings and None in places[0]:
            left = [
                [clean(c.heading), *(f"\t{b}" for b in bullets)] for c, bullets in zip(plan.columns, left, strict=True)
            ]
        bulleted = any(len(bullets) > 1 for bullets in left)
        slides: list[Slide] = []
        title, notes = plan.title, plan.notes
        while any(left) or not slides:
            slide, slots, notes = self._start(slots, title, notes)
            for number, (column, (body, caption)) in enumerate(zip(plan.columns, places, strict=True)):
                if caption is not None and (heading := clean(column.heading)):
                    shape = placeholder(slide, caption)
                    short = shorten(slide, shape, heading)
                    write_points(slide, shape, [short], bulleted=False)
                    if short != heading and not slides:
                        self._warn(f"{self._here}: a column's heading was shortened; the full heading is in the notes")
                        notes = f"{heading}\n{notes}".strip()
                if left[number]:
                    is_last = len(slides) == _MAX_CONTINUED
                    left[number], notes = self._write_body(
                        slide, body, left[number], notes, is_last=is_last, bulleted=bulleted
                    )
            written = (placeholder(slide, body) for body, _ in places)
            bodies = [body for body in written if not is_empty_placeholder(body)]
            balance_text(slide, bodies, headed=headings and places[0][1] is not None)
            slides.append(self._finish(slide, notes))
            title, notes = plan.title, ""
        if len(slides) > 1:
            self._warn(f"{self._here}: its columns are too long for one slide; they continue from the previous slide")
        return slides

    def _add_table(self, plan: SlidePlan, table: TableData) -> list[Slide]:
        slides: list[Slide] = []
        pages: list[TablePage] = []
        notes, count = plan.notes, 1
        while len(slides) < count:
            slide, slots, notes = self._start(self._layouts.table(), plan.title, notes)
            place = claim_frame(slide, slots, slots.table, self._page_height)
            if place is None:
                self._warn(f"{self._here}: its layout has no room for the table; it was left out")
            else:
                frame, ph = write_source(slide, place[0], _source(plan)), place[1]
                pages = pages or share_out(slide, frame, table, lambda text: self._warn(f"{self._here}: {text}"))
                if count == 1 and len(pages) > 1:
                    count = len(pages)
                    self._warn(f"{self._here}: its table is too large for one slide; it continues on {count - 1} more")
                place_table(slide, frame, ph, pages[len(slides)])
                balance_frame(slide.shapes[-1], frame)
                raise_source(slide, slide.shapes[-1])
            slides.append(self._finish(slide, notes))
            notes = ""
        if plan.bullets:
            slides += self._add_points(plan.title, plan.bullets, "", (), plan)
        return slides

    def _add_chart(self, plan: SlidePlan) -> list[Slide]:
        assert plan.chart is not None
        number = len(self.deck.slides) + 1
        charts = readable_charts(plan.chart, lambda text: self._warn(f"slide {number}: {text}"))
        if len(charts) == 1:
            return self._add_one_chart(plan, charts[0])
        slides: list[Slide] = []
        for chart in charts:
            names = escape_inline(", ".join(series.name for series in chart.series))
            slides += self._add_one_chart(plan.model_copy(update={"title": f"{plan.title}: {names}"}), chart)
            plan = plan.model_copy(update={"bullets": (), "notes": ""})
        return slides

    def _add_one_chart(self, plan: SlidePlan, chart: ChartData) -> list[Slide]:
        bullets = [clean(bullet, keep_tabs=True) for bullet in plan.bullets if bullet.strip()]
        slots = self._layouts.chart(points=bool(bullets))
        slide, slots, notes = self._start(slots, plan.title, plan.notes)
        beside = slots.bodies if slots.chart is not None else slots.bodies[1:]
        if bullets and beside:
            bullets, notes = self._write_body(slide, beside[0], bullets, notes, is_last=False)
        if not place_chart(slide, slots, chart, self._page_height, _source(plan)):
            self._warn(f"{self._here}: its layout has no room for the chart; it was left out")
        slides = [self._finish(slide, notes)]
        if bullets:
            slides += self._add_points(plan.title, tuple(bullets), "", (), plan)
        return slides

    def _add_code(self, plan: SlidePlan, code: CodeBlock) -> list[Slide]:
        bullets = [clean(bullet, keep_tabs=True) for bullet in plan.bullets if bullet.strip()]
        slides: list[Slide] = []
        pages: list[str] = []
        notes = plan.notes
        while not slides or len(slides) < len(pages):
            slots = self._layouts.columns(headings=False) if bullets else self._layouts.points(picture=False)
            slide, slots, notes = self._start(slots, plan.title, notes)
            if bullets and len(slots.bodies) > 1:
                bullets, notes = self._write_body(slide, slots.bodies[0], bullets, notes, is_last=False)
                slots = replace(slots, bodies=slots.bodies[1:])
            place = claim_frame(slide, slots, None, self._page_height)
            if place is None:
                self._warn(f"{self._here}: its layout has no room for the code; it is in the notes")
                notes = f"{code.text}\n{notes}".strip()
            else:
                pages = pages or code_pages(code.text, place[0])
                place_code(slide, place[0], pages[len(slides)])
            slides.append(self._finish(slide, notes))
            notes = ""
        if len(slides) > 1:
            number = len(self.deck.slides) - len(slides) + 1
            self._warn(f"slide {number}: its code is too long for one slide; it continues on {len(slides) - 1} more")
        if bullets:
            slides += self._add_points(plan.title, tuple(bullets), "", (), plan)
        return slides

    def _add_visual(self, plan: SlidePlan, visual: Visual) -> list[Slide]:
        bullets = [clean(bullet, keep_tabs=True) for bullet in plan.bullets if bullet.strip()]
        slides: list[Slide] = []
        title, notes, rest = plan.title, plan.notes, visual
        while True:
            slide, slots, notes = self._start(self._layouts.points(picture=False), title, notes)
            drawn = place_visual(slide, slots, rest, self._page_height, points=bool(bullets))
            if drawn is None:
                self._warn(f"{self._here}: its layout has no room for the {visual.kind}; it was left out")
                slides.append(self._finish(slide, notes))
                break
            if drawn.kind != rest.kind:
                self._warn(f"{self._here}: a {rest.kind} cannot show {len(rest.items)} items; they are {drawn.kind}")
            if drawn.unknown_icons:
                self._warn(f"{self._here}: there is no icon for {', '.join(map(repr, drawn.unknown_icons))}")
            if drawn.shortened:
                self._warn(f"{self._here}: texts of its {drawn.kind} were shortened; the full texts are in the notes")
                notes = "\n".join([*drawn.shortened, notes]).strip()
            if bullets and slots.bodies:
                bullets, notes = self._write_body(slide, slots.bodies[0], bullets, notes, is_last=False)
            slides.append(self._finish(slide, notes))
            if drawn.rest is None:
                break
            rest, title, notes = drawn.rest, plan.title, ""
        if len(slides) > 1:
            number = len(self.deck.slides) - len(slides) + 1
            self._warn(
                f"slide {number}: its {visual.kind} do not fit on one slide; they continue on {len(slides) - 1} more"
            )
        if bullets:
            slides += self._add_points(plan.title, tuple(bullets), "", (), plan)
        return slides


def set_properties(deck: PresentationObject, title: str) -> None:
    """Replace the template's document properties with the deck's title and the current time."""
    now = datetime.now(UTC).replace(tzinfo=None)
    properties = deck.core_properties
    properties.title, properties.author, properties.last_modified_by = plain_text(clean(title))[:_MAX_PROPERTY], "", ""
    properties.created = properties.modified = now
    properties.revision = 1


def _parts(plan: SlidePlan) -> list[SlidePlan]:
    """Return plans with one kind of content each; points stay with a table or chart, and follow anything else."""
    parts: list[dict[str, Any]] = [{name: getattr(plan, name)} for name in _KINDS_OF_CONTENT if getattr(plan, name)]
    if plan.kind != "content":
        parts.insert(0, {"kind": plan.kind, "bullets": plan.bullets})
    elif plan.bullets:
        beside = next((part for part in parts if {"table", "chart", "visual", "code"} & part.keys()), None)
        if beside is None:
            parts.append({"bullets": plan.bullets})
        else:
            beside["bullets"] = plan.bullets
    first, *more = parts or [{}]
    empty = dict.fromkeys(_KINDS_OF_CONTENT) | {"kind": "content", "bullets": (), "columns": ()}
    return [
        plan.model_copy(update=empty | first),
        *(plan.model_copy(update=empty | part | {"notes": ""}) for part in more),
    ]


def _source(plan: SlidePlan) -> str:
    """Return the line under the figures of a slide that names their source; empty if the plan names none."""
    source = plain_text(plan.source).strip()
    return source if not source or SOURCE_LINE.match(source) else f"Source: {source}"


def _one_list(plan: SlidePlan) -> tuple[str, ...]:
    lines: list[str] = []
    for column in plan.columns:
        lines += [column.heading, *(f"\t{bullet}" for bullet in column.bullets)] if column.heading else column.bullets
    return tuple(lines)

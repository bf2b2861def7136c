"""Write the slides of a deck: each part of a plan into the layout and placeholders made for it.

The writers deal with layouts and geometry, not with models. Whatever does not fit is reported through `warn`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_tools.decks.charts import readable_charts
from seedx_tools.decks.layout.regions import Frame, SlideDesign
from seedx_tools.decks.ooxml.layouts import frame_of
from seedx_tools.decks.outline import ChartData, CodeBlock, SlidePlan, TableData
from seedx_tools.decks.tables import SOURCE_LINE
from seedx_tools.decks.text.checking import plan_warnings
from seedx_tools.decks.text.footnotes import told, with_footnotes_in_order
from seedx_tools.decks.text.inline import escape_inline, plain_text
from seedx_tools.decks.text.languages.direction import plan_is_mirrored
from seedx_tools.decks.text.strings import clean, runs_right_to_left
from seedx_tools.decks.visuals import Visual
from seedx_tools.decks.writing.balance import balance_frame
from seedx_tools.decks.writing.charts import place_chart
from seedx_tools.decks.writing.code import code_pages, place_code
from seedx_tools.decks.writing.frames import claim_frame, raise_source, write_source
from seedx_tools.decks.writing.table_pages import TablePage
from seedx_tools.decks.writing.tables import place_table, share_out
from seedx_tools.decks.writing.text_writer import TextWriter, cleaned
from seedx_tools.decks.writing.visuals import place_visual
from seedx_tools.illustration.illustrator import Illustration

_MAX_PROPERTY = 255
"""Maximum characters of a document property."""
_KINDS_OF_CONTENT = ("quote", "columns", "table", "chart", "visual", "code")
"""A slide shows one of these, beside points."""


class DeckWriter(TextWriter):
    """Adds slides to a presentation.

    Args:
        deck: A presentation; layouts are added to a master that has none with a title and a body.
        warn: Called with one sentence for everything that is dropped, moved or shortened.
        master: The master of the new slides; None: the one that fits best.
        footer: What stands at the bottom of the slides; None: what the layouts say, else the title of add_cover.
        bullets: Whether several points have bullets; without, they are paragraphs.
    """

    @property
    def cover_takes_picture(self) -> bool:
        """True if the title slide's layout has a picture placeholder."""
        return self._layouts.cover(picture=True).picture is not None

    def add_cover(self, title: str, subtitle: str, notes: str, illustration: Illustration | None) -> Slide:
        """Add the title slide and return it."""
        self._title = plain_text(clean(title))
        self._mirrored = runs_right_to_left(self._title)
        slots = self._layouts.cover(picture=illustration is not None)
        slide = self._start(slots, title, has_second=True)
        notes = self._write_second(slide, slots, subtitle, notes)
        if illustration is not None and slots.picture is not None:
            self._place(slide, slots, [illustration], ())
        return self._finish(slide, notes)

    def add_designed(self, plan: SlidePlan, design: SlideDesign) -> list[Slide]:
        """Add a slide with a title and points where the design has them, and continued slides; return them."""
        self._mirrored = plan_is_mirrored(plan)
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
            told_source = told(_source(plan), plan.footnotes)
            plan = plan.model_copy(update={"notes": f"{plan.notes}\n{plain_text(told_source)}".strip(), "source": ""})
        number = len(self.deck.slides) + 1
        for text in plan_warnings(plan):
            self._warn(f"slide {number}: {text}")
        plan = with_footnotes_in_order(plan)
        self._footnotes.begin(plan)
        self._mirrored = plan_is_mirrored(plan)
        parts = _parts(plan)
        pictures = (*filter(None, (illustration,)), *gallery)
        slides = [slide for part in parts[:-1] for slide in self._add_part(part, ())]
        slides += self._add_part(parts[-1], pictures)
        if len(parts) > 1:
            number = len(self.deck.slides) - len(slides) + 1
            self._warn(f"slide {number}: its content does not fit on one slide; it continues on {len(slides) - 1} more")
        self._number(slides, plan.title)
        for text in self._footnotes.end():
            self._warn(f"slide {number}: its footnote '{text}' was left out: what refers to it is on no slide")
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

    def _add_table(self, plan: SlidePlan, table: TableData) -> list[Slide]:
        slides: list[Slide] = []
        pages: list[TablePage] = []
        notes, count = plan.notes, 1
        while len(slides) < count:
            slots = self._layouts.table()
            slide = self._start(slots, plan.title)
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
            part = plan.model_copy(update={"title": f"{plan.title}: {names}"})
            pages = self._add_one_chart(part, chart)
            self._number(pages, part.title)
            slides += pages
            plan = plan.model_copy(update={"bullets": (), "notes": ""})
        return slides

    def _add_one_chart(self, plan: SlidePlan, chart: ChartData) -> list[Slide]:
        bullets = cleaned(plan.bullets)
        slots = self._layouts.chart(points=bool(bullets))
        slide, notes = self._start(slots, plan.title), plan.notes
        beside = slots.bodies if slots.chart is not None else slots.bodies[1:]
        if bullets and beside:
            bullets, notes = self._write_body(slide, beside[0], bullets, notes, is_last=False)
        place = (slide, slots, chart, self._page_height)
        if not place_chart(*place, lambda text: self._warn(f"{self._here}: {text}"), _source(plan)):
            self._warn(f"{self._here}: its layout has no room for the chart; it was left out")
        slides = [self._finish(slide, notes)]
        if bullets:
            slides += self._add_points(plan.title, tuple(bullets), "", (), plan)
        return slides

    def _add_code(self, plan: SlidePlan, code: CodeBlock) -> list[Slide]:
        bullets = cleaned(plan.bullets)
        slides: list[Slide] = []
        pages: list[str] = []
        notes = plan.notes
        while not slides or len(slides) < len(pages):
            slots = self._layouts.columns(headings=False) if bullets else self._layouts.points(picture=False)
            slide = self._start(slots, plan.title)
            if bullets and len(slots.bodies) > 1:
                bullets, notes = self._write_body(slide, slots.bodies[0], bullets, notes, is_last=False)
                slots = replace(slots, bodies=slots.bodies[1:])
            place = claim_frame(slide, slots, None, self._page_height)
            if place is None:
                self._warn(f"{self._here}: its layout has no room for the code; it is in the notes")
                notes = f"{code.text}\n{notes}".strip()
            else:
                pages = pages or code_pages(code.text, place[0])
                if place_code(slide, place[0], pages[len(slides)]):
                    self._warn(
                        f"{self._here}: its code has lines that are too long for one row; their rest is indented"
                    )
                if not plan.bullets and len(pages) == 1:
                    balance_frame(slide.shapes[-1], place[0])
            slides.append(self._finish(slide, notes))
            notes = ""
        if len(slides) > 1:
            number = len(self.deck.slides) - len(slides) + 1
            self._warn(f"slide {number}: its code is too long for one slide; it continues on {len(slides) - 1} more")
        if bullets:
            slides += self._add_points(plan.title, tuple(bullets), "", (), plan)
        return slides

    def _add_visual(self, plan: SlidePlan, visual: Visual) -> list[Slide]:
        bullets = cleaned(plan.bullets)
        slides: list[Slide] = []
        slots, notes, rest = self._layouts.points(picture=False), plan.notes, visual
        while True:
            slide = self._start(slots, plan.title)
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
            rest, notes = drawn.rest, ""
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
    """Return the line under the figures of a slide that names their source, in inline Markdown; empty without one."""
    source = plan.source.strip()
    return source if not source or SOURCE_LINE.match(plain_text(source)) else f"Source: {source}"

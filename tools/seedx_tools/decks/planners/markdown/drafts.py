"""The slides of a Markdown outline while it is read, and the outline that they become."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from seedx_tools.decks.outline import (
    MAX_COLUMNS_OF_TEXT,
    ChartData,
    CodeBlock,
    Column,
    Outline,
    PictureFile,
    Quote,
    SlidePlan,
    TableData,
)
from seedx_tools.decks.planners.markdown.front_matter import front_title, lost_keys
from seedx_tools.decks.planners.visual_rules import visual_of_points
from seedx_tools.decks.text.footnotes import marks_in, plain_notes, told, unmarked, with_footnotes_told
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.visuals import Visual

_AGENDA = re.compile(r"^(agenda|contents|table of contents)$", re.IGNORECASE)
_SOURCES = re.compile(r"^(sources?|references|bibliography)$", re.IGNORECASE)
_CLOSING = re.compile(r"^(thank you|thanks|any questions|questions|q ?(&|and) ?a|the end)\b", re.IGNORECASE)


@dataclass
class SlideDraft:
    """A slide that is being read; the first one is the title slide."""

    title: str = ""
    is_section: bool = False
    bullets: list[str] = field(default_factory=list)
    columns: list[tuple[str, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    picture: str | None = None
    picture_file: str = ""
    gallery: list[PictureFile] = field(default_factory=list)
    table: TableData | None = None
    chart: ChartData | None = None
    visual: Visual | None = None
    code: CodeBlock | None = None
    quote: Quote | None = None
    source: str = ""
    footnotes: dict[str, str] = field(default_factory=dict)
    """The texts of the footnotes that it refers to, by label."""

    @property
    def is_named_sources(self) -> bool:
        """True if its title is that of a slide of sources."""
        return _SOURCES.match(self.title) is not None

    @property
    def lines(self) -> list[str]:
        """The list that the next point goes to."""
        return self.columns[-1][1] if self.columns else self.bullets

    @property
    def all_notes(self) -> str:
        """Its notes and the addresses of its links, which say their footnotes."""
        notes = "\n".join(filter(None, (*self.notes, *self.links)))
        return plain_notes(notes, list(self.footnotes.values()))

    @property
    def holds_more(self) -> bool:
        """True if it holds more than points, a picture and notes."""
        return bool(self.columns or self.table or self.chart or self.visual or self.code or self.quote)

    @property
    def is_plain(self) -> bool:
        """True if it holds nothing but points."""
        return not (self.holds_more or self.picture or self.picture_file or self.all_notes)

    def drop_empty_column(self) -> None:
        """Turn two columns without headings into one list if the second is empty."""
        self.columns = [column for column in self.columns if any(column)]
        if len(self.columns) == 1 and not self.columns[0][0]:
            self.bullets, self.columns = self.columns[0][1], []

    def plan(self, *, is_last: bool) -> SlidePlan:
        """Return the plan of the slide; points that have a fixed form, such as key figures, become a drawing."""
        columns = self.columns if 2 <= len(self.columns) <= MAX_COLUMNS_OF_TEXT and not self.bullets else []
        bullets = list(self.bullets)
        for heading, points in self.columns if not columns else ():
            bullets += ([heading] if heading else []) + [f"\t{point}" if heading else point for point in points]
        visual = self.visual
        if visual is None and not (
            columns or self.table or self.chart or self.code or self.quote or self.picture or self.picture_file
        ):
            visual = visual_of_points(bullets)
            bullets = bullets if visual is None else []
        is_line = not (bullets[1:] or columns or self.table or self.chart or visual or self.code or self.quote)
        is_end = is_last and _CLOSING.match(self.title) is not None
        plan = SlidePlan(
            title=self.title,
            kind="section" if self.is_section and is_line else "closing" if is_line and is_end else "content",
            bullets=tuple(bullets),
            columns=tuple(Column(heading=heading, bullets=tuple(points)) for heading, points in columns),
            table=self.table,
            chart=self.chart,
            visual=visual,
            code=self.code,
            quote=self.quote,
            source=self.source,
            picture=self.picture,
            picture_file=self.picture_file,
            gallery=tuple(self.gallery),
            footnotes=tuple(self.footnotes.values()),
            notes=self.all_notes,
        )
        return with_footnotes_told(plan)


def outline_of(front: str, cover: SlideDraft, slides: Sequence[SlideDraft], warnings: Sequence[str]) -> Outline:
    """Return the outline of slides; points above the first slide heading become the subtitle or a slide.

    Args:
        front: The front matter, or an empty string.
        cover: The title slide.
        slides: The slides after it.
        warnings: What was dropped while they were read.
    """
    for slide in slides:
        slide.drop_empty_column()
    _name_cover(cover, front, slides)
    lost = lost_keys(front, cover.title)
    told_first = [f"title slide: the front matter was left out: {', '.join(lost)}"] if lost else []
    found = [*told_first, *warnings]
    more = _beside_cover(cover, found)
    agenda, sources = _agenda(slides, found), _sources(slides)
    shown = [slide for slide in (more, *slides) if slide is not None and slide is not agenda and slide is not sources]
    subtitle = cover.bullets[0] if cover.bullets else ""
    _tell_footnotes(cover, f"{cover.title} {subtitle}", found)
    return Outline(
        title=unmarked(cover.title),
        subtitle=unmarked(subtitle),
        picture=cover.picture,
        notes=cover.all_notes,
        agenda=agenda.title if agenda else "",
        slides=tuple(slide.plan(is_last=slide is shown[-1]) for slide in shown),
        sources=tuple(told(line.strip(), [*sources.footnotes.values()]) for line in sources.bullets) if sources else (),
        sources_title=sources.title if sources else "Sources",
        warnings=tuple(found),
    )


def _name_cover(cover: SlideDraft, front: str, slides: Sequence[SlideDraft]) -> None:
    """Set a missing deck title: from the front matter, the first point or the first slide's title."""
    if not cover.title:
        title = front_title(front)
        first = cover.bullets.pop(0) if cover.bullets and not title else ""
        cover.title = title or first or (slides[0].title if slides else "") or "Untitled"


def _beside_cover(cover: SlideDraft, warnings: list[str]) -> SlideDraft | None:
    """Return a slide for content that the title slide cannot hold, or None."""
    points, cover.bullets = (cover.bullets, []) if len(cover.bullets) > 1 else ([], cover.bullets)
    if not (points or cover.holds_more or cover.picture_file):
        return None
    more = SlideDraft(title=cover.title, bullets=points, table=cover.table, chart=cover.chart, quote=cover.quote)
    more.visual, more.source, more.footnotes = cover.visual, cover.source, cover.footnotes
    if cover.picture_file:
        more.picture, more.picture_file, cover.picture = cover.picture, cover.picture_file, None
        more.gallery = cover.gallery
        warnings.append(f"title slide: it cannot show an image file; '{more.picture_file}' is on the next slide")
    return more


def _agenda(slides: Sequence[SlideDraft], warnings: list[str]) -> SlideDraft | None:
    """Return the first empty slide with an agenda title, or None."""
    for slide in slides:
        if _AGENDA.match(slide.title) and not (slide.bullets or slide.holds_more):
            if slide.is_plain:
                return slide
            warnings.append(
                f"slide '{plain_text(slide.title)}': it does not list the sections: it has notes or a picture"
            )
    return None


def _sources(slides: Sequence[SlideDraft]) -> SlideDraft | None:
    """Return the first slide with a sources title and nothing but points, or None."""
    return next((slide for slide in slides if slide.is_named_sources and slide.bullets and slide.is_plain), None)


def _tell_footnotes(cover: SlideDraft, shown: str, warnings: list[str]) -> None:
    """Put what footnotes of the title slide say into its notes: it shows none.

    Args:
        cover: The title slide.
        shown: The texts on it.
        warnings: What this adds a warning to.
    """
    texts = [*cover.footnotes.values()]
    if lines := [plain_text(texts[number - 1]) for number in marks_in(shown)]:
        cover.notes += lines
        warnings.append("title slide: its footnotes are in its notes")

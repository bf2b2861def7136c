"""Check a template before it is used: which layout serves what, and what it lacks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pptx.presentation import Presentation as PresentationObject
from pptx.slide import SlideMaster
from pydantic import BaseModel, ConfigDict

from seedx_tools.decks.ooxml.contrast import AA_NORMAL, contrast
from seedx_tools.decks.ooxml.layouts import Layouts, LayoutSlots, frame_of, slots_of
from seedx_tools.decks.ooxml.links import drop_links
from seedx_tools.decks.ooxml.masters import master_name
from seedx_tools.decks.ooxml.styles import EMU_PER_INCH, placeholder_type, scheme_color, theme_typefaces
from seedx_tools.decks.ooxml.template import drop_slides, open_template
from seedx_tools.decks.shapes import slide_background
from seedx_tools.decks.theme.completion import complete_layouts
from seedx_tools.decks.theme.samples import adopt_samples

SlidePurpose: TypeAlias = Literal[
    "title",
    "section",
    "points",
    "points and picture",
    "picture",
    "columns",
    "comparison",
    "table",
    "chart",
    "chart and points",
    "quote",
    "closing",
]
_SLACK = EMU_PER_INCH // 20
_ADVICE: dict[SlidePurpose, str] = {
    "title": "no layout for a title slide: decks open with '{layout}'; add one with a title and a subtitle",
    "section": "no layout for dividers: they are on '{layout}'; add one, and call it 'Section Header'",
    "points": "no layout with a title and one text: points are on '{layout}'; add one",
    "points and picture": "no layout with a text and a picture placeholder: a picture takes a part of '{layout}'; add "
    "one, so that pictures always have the same place and crop",
    "picture": "no layout with a title and a picture placeholder: a picture fills the free part of '{layout}'; add one",
    "columns": "no layout with two texts: columns stand in text boxes on '{layout}'; add one",
    "comparison": "no layout with two texts and a heading over each: comparisons are on '{layout}'; add one",
    "table": "no layout with a table placeholder: a table takes the place of the text of '{layout}'; add one only if "
    "tables have a place of their own",
    "chart": "no layout with a chart placeholder: a chart takes the place of the text of '{layout}'; add one only if "
    "charts have a place of their own",
    "chart and points": "no layout with a chart placeholder and a text: both are on '{layout}'; add one only if they "
    "have places of their own",
    "quote": "no layout for quotes: they are on '{layout}'; add one, and call it 'Quote'",
    "closing": "no layout for the last slide: it is on '{layout}'; add one, and call it 'Closing'",
}
"""What is said where a template has no layout for a purpose: what happens, and what a designer can add."""


class LayoutUse(BaseModel):
    """The layout that slides of one purpose get."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: SlidePurpose
    layout: str
    """Its name in PowerPoint."""
    exact: bool
    """Whether it is made for this; otherwise the template has none, and this one takes its place."""


class TemplateReport(BaseModel):
    """What a template offers, and what it lacks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    size_inches: tuple[float, float]
    """Width and height of a page."""
    masters: tuple[str, ...]
    master: str
    """The one whose layouts are used."""
    fonts: tuple[str, ...]
    """The typefaces of titles and of text."""
    uses: tuple[LayoutUse, ...]
    unused: tuple[str, ...]
    """Layouts that no slide gets by itself."""
    lacks: tuple[str, ...]
    """What is missing or surprising, one sentence each, with what to do about it."""

    @property
    def ok(self) -> bool:
        """True if the template lacks nothing."""
        return not self.lacks


def check_template(path: str | os.PathLike[str], *, master: str | None = None) -> TemplateReport:
    """Return which layout of a template serves what, and what it lacks.

    Args:
        path: A .pptx or .potx file.
        master: As for make_slides.

    Raises:
        TemplateError: If make_slides could not use it.
        InputError: If it has no such master.
    """
    template = open_template(path, master)
    deck, chosen = template.deck, template.master
    own = [layout.name for layout in chosen.slide_layouts]
    lacks = [*_missing_footers(chosen), *template.notices]
    lacks += filter(None, (complete_layouts(chosen), adopt_samples(deck, chosen)))
    drop_slides(deck)
    lacks += [
        f"it links to '{target[:120]}' outside itself, which is left out; embed it" for target in drop_links(deck)
    ]
    lacks += _pale_layouts(chosen)
    if unnamed := sum(not layout.name.strip() for layout in chosen.slide_layouts):
        lacks.append(f"{unnamed} layouts have no name; name them in the master view, so that people can choose them")
    uses = tuple(_uses(Layouts(chosen)))
    lacks += _off_page(chosen, deck)
    replaced = [_ADVICE[use.purpose].format(layout=use.layout) for use in uses if not use.exact]
    used = {use.layout for use in uses} | set(_of_many_columns(Layouts(chosen)))
    return TemplateReport(
        path=Path(path),
        size_inches=_page(deck),
        masters=tuple(master_name(one) for one in deck.slide_masters),
        master=master_name(chosen),
        fonts=theme_typefaces(chosen.slide_layouts[0]),
        uses=uses,
        unused=tuple(name for name in own if name not in used),
        lacks=(*replaced, *lacks),
    )


def _page(deck: PresentationObject) -> tuple[float, float]:
    width, height = int(deck.slide_width or 0), int(deck.slide_height or 0)
    return round(width / EMU_PER_INCH, 2), round(height / EMU_PER_INCH, 2)


def _uses(layouts: Layouts) -> Iterator[LayoutUse]:
    """Yield the layout of each purpose."""

    def use(purpose: SlidePurpose, slots: LayoutSlots, exact: bool) -> LayoutUse:
        return LayoutUse(purpose=purpose, layout=_name(slots), exact=exact)

    cover, section, closing = layouts.cover(picture=False), layouts.section(), layouts.closing()
    yield use("title", cover, cover.role == "cover" or cover.subtitle is not None)
    yield use("section", section, section.role == "section")
    points, quote = layouts.points(picture=False), layouts.quote()
    yield use("points", points, points.role == "content" and len(points.bodies) == 1)
    beside, alone = layouts.points(picture=True), layouts.heading(picture=True)
    yield use("points and picture", beside, beside.picture is not None)
    yield use("picture", alone, alone.picture is not None)
    columns, comparison = layouts.columns(headings=False), layouts.columns(headings=True)
    yield use("columns", columns, len(columns.bodies) == 2)
    yield use("comparison", comparison, len(comparison.bodies) == 2 and len(comparison.captions) == 2)
    table, chart, both = layouts.table(), layouts.chart(points=False), layouts.chart(points=True)
    yield use("table", table, table.table is not None)
    yield use("chart", chart, chart.chart is not None)
    yield use("chart and points", both, both.chart is not None)
    yield use("quote", quote, quote.role == "quote")
    yield use("closing", closing, closing.role == "closing")


def _of_many_columns(layouts: Layouts) -> Iterator[str]:
    """Yield the layouts of three and four columns, where there are any."""
    for count in (3, 4):
        for headings in (False, True):
            slots = layouts.columns(headings=headings, count=count)
            if slots.columns(right_to_left=False, count=count):
                yield _name(slots)


def _name(slots: LayoutSlots) -> str:
    """Return the name of a layout, or its number in the master view if it has none."""
    layouts = [layout.part for layout in slots.layout.slide_master.slide_layouts]
    return slots.layout.name.strip() or f"layout {layouts.index(slots.layout.part) + 1} (unnamed)"


def _off_page(master: SlideMaster, deck: PresentationObject) -> Iterator[str]:
    """Yield the layouts whose placeholders run over the edge of the page."""
    width, height = int(deck.slide_width or 0), int(deck.slide_height or 0)
    for layout in master.slide_layouts:
        shapes: Any = layout.placeholders
        frames = [(shape.name, frame_of(shape)) for shape in shapes]
        over = [
            name
            for name, (left, top, wide, high) in frames
            if min(left, top) < -_SLACK or left + wide > width + _SLACK or top + high > height + _SLACK
        ]
        if over:
            yield (
                f"layout '{layout.name}': {', '.join(over)} run off the page, and so does what stands there; move them "
                "in the master view"
            )


def _missing_footers(master: SlideMaster) -> Iterator[str]:
    """Yield which footers no content layout has."""
    found: set[str | None] = set()
    for layout in master.slide_layouts:
        shapes: Any = layout.placeholders
        if slots_of(layout).role == "content":
            found |= {placeholder_type(shape.element) for shape in shapes}
    for kind, name in (("ftr", "footer"), ("sldNum", "slide number")):
        if kind not in found:
            yield f"no content layout has a {name} placeholder, so slides have none; add it in the master view"


def _pale_layouts(master: SlideMaster) -> Iterator[str]:
    """Yield the layouts on whose background the theme's text color cannot be read."""
    for layout in master.slide_layouts:
        text, grounds = scheme_color(layout, "tx1"), slide_background(layout)
        ratio = min((contrast(text, ground) for ground in grounds), default=AA_NORMAL)
        if ratio < AA_NORMAL:
            yield (
                f"layout '{layout.name}': text in the theme's color #{text} has a contrast of only {ratio:.1f} with "
                "its background (WCAG AA needs 4.5)"
            )

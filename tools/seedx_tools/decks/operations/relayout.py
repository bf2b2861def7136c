"""Choose the layout of a new design that a slide fits best, by what it holds: type and geometry first, then name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide, SlideMaster

from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, Role, frame_of, slots_of
from seedx_tools.decks.ooxml.sheets import add_layout
from seedx_tools.decks.ooxml.styles import FOOTERS, placeholder_type

FREE_AREA = -1
"""Stands for the idx of the area below the title on a layout without bodies."""
_FOOT = 0.92
"""Where that area ends, as a share of the page's height."""
_MOST = 0.6
_STATEMENTS: tuple[Role, ...] = ("cover", "closing", "section")


@dataclass(frozen=True, slots=True)
class Content:
    """What a slide holds, as far as it decides its layout; placeholders by their idx."""

    slots: LayoutSlots
    """Of its layout."""
    title: bool
    subtitle: bool
    bodies: tuple[int, ...]
    """Those with something in them, in reading order."""
    captions: tuple[int, ...]
    figures: tuple[int, ...]
    """Placeholders made for a picture, a table or a chart, with one in them."""
    free: tuple[int, ...]
    """Empty bodies that something stands in that is in no placeholder; FREE_AREA below the title, if there is none."""
    areas: dict[int, EmuFrame]
    """The places of the slide: its layout's placeholders, and FREE_AREA."""

    @property
    def picture(self) -> bool:
        """Whether there is a picture in its placeholder."""
        return self.slots.picture in self.figures

    @property
    def is_loose(self) -> bool:
        """Whether nothing on the slide is in a placeholder."""
        return not (self.title or self.subtitle or self.bodies or self.captions or self.figures)


def content_of(slide: Slide) -> Content:
    """Return what a slide holds."""
    slots = slots_of(slide.slide_layout)
    indexes = {shape.placeholder_format.idx for shape in slide.placeholders}
    areas = frames_of(slots.layout)
    title = None if slots.title not in indexes or slots.title is None else areas[slots.title]
    empty = [index for index in slots.bodies if index not in indexes]
    figures = [index for index in (slots.picture, slots.table, slots.chart) if index is not None and index in indexes]
    if title is not None and not slots.bodies and not figures:
        deck = slide.part.package.presentation_part.presentation
        bottom = round(int(deck.slide_height or 1) * _FOOT)
        areas[FREE_AREA] = (title[0], title[1] + title[3], title[2], max(1, bottom - title[1] - title[3]))
        empty.append(FREE_AREA)
    loose = [frame_of(shape) for shape in slide.shapes if not shape.is_placeholder]
    return Content(
        slots=slots,
        title=title is not None,
        subtitle=slots.subtitle is not None and slots.subtitle in indexes,
        bodies=in_reading_order(areas, [index for index in slots.bodies if index in indexes]),
        captions=in_reading_order(areas, [index for index in slots.captions if index in indexes]),
        figures=tuple(figures),
        free=tuple(index for index in empty if any(is_inside(frame, areas[index]) for frame in loose)),
        areas=areas,
    )


def nearest_layout(content: Content, master: SlideMaster) -> LayoutSlots:
    """Return the layout of a master that holds the content of a slide best."""
    return min((slots_of(layout) for layout in master.slide_layouts), key=lambda slots: _cost(content, slots))


def frames_of(layout: Any) -> dict[int, EmuFrame]:
    """Return the frame of each placeholder of a layout by its idx, without those at its foot."""
    return {
        shape.placeholder_format.idx: frame_of(shape)
        for shape in layout.placeholders
        if placeholder_type(shape.element) not in FOOTERS
    }


def in_reading_order(frames: Mapping[int, EmuFrame], indexes: Sequence[int]) -> tuple[int, ...]:
    """Return placeholders by rows from the top, each from the left."""
    height = min((frames[index][3] for index in indexes), default=1) or 1
    return tuple(sorted(indexes, key=lambda index: (frames[index][1] // height, frames[index][0])))


def without_place(content: Content, slots: LayoutSlots) -> list[int]:
    """Return the figures of a slide that a layout has no placeholder of their kind for; they go to a body."""
    pairs = ((getattr(content.slots, name), getattr(slots, name)) for name in ("picture", "table", "chart"))
    return [old for old, new in pairs if old in content.figures and new is None]


def is_inside(frame: EmuFrame, place: EmuFrame) -> bool:
    """Return whether most of a frame lies in another one."""
    wide, high = max(1, frame[2]), max(1, frame[3])
    across = min(frame[0] + wide, place[0] + place[2]) - max(frame[0], place[0])
    down = min(frame[1] + high, place[1] + place[3]) - max(frame[1], place[1])
    return across > 0 and down > 0 and across * down > _MOST * wide * high


def _cost(content: Content, slots: LayoutSlots) -> tuple[int, int]:
    """Return how badly a layout fits, and 0 or 1 for whether its name is another."""
    old = content.slots
    bodies = len(content.bodies) + len(content.free) + len(without_place(content, slots))
    role = 0 if old.role == slots.role else 2 if {old.role, slots.role} <= set(_STATEMENTS) else 6
    fits_full = (old.picture_side == "full") == (slots.picture_side == "full")
    special = (slots.table is not None and old.table is None) or (slots.chart is not None and old.chart is None)
    cost = (
        role
        + (20 if content.title and slots.title is None else 0)
        + (3 if not content.title and slots.title is not None else 0)
        + 5 * max(0, bodies - len(slots.bodies))
        + 2 * max(0, len(slots.bodies) - bodies)
        + 3 * max(0, len(content.captions) - len(slots.captions))
        + max(0, len(slots.captions) - len(content.captions))
        + 2 * len(without_place(content, slots))
        + (4 if not content.picture and slots.picture is not None else 0)
        + (2 if content.picture and slots.picture is not None and old.picture_side != slots.picture_side else 0)
        + (2 if not fits_full else 0)
        + (3 if content.subtitle and slots.subtitle is None and not slots.captions and not slots.bodies else 0)
        + (3 if special else 0)
        + (5 if slots.vertical != old.vertical else 0)
    )
    return cost, int(str(slots.layout.name).casefold() != str(old.layout.name).casefold())


def add_blank_layout(master: SlideMaster) -> None:
    """Add a layout without anything to a master that has none, for slides whose shapes are in no placeholders."""
    if any(not frames_of(layout) for layout in master.slide_layouts):
        return
    plainest = min(master.slide_layouts, key=lambda layout: len(layout.shapes))
    blank = add_layout(master, plainest, "Blank")
    blank.element.set("type", "blank")
    blank.element.set("showMasterSp", "0")
    for background in blank.element.cSld.findall(qn("p:bg")):
        blank.element.cSld.remove(background)
    for shape in list(blank.shapes):
        if placeholder_type(shape.element) not in FOOTERS:
            shape.element.getparent().remove(shape.element)

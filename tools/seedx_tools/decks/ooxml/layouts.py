"""Choose layouts and their placeholders by type and geometry, never by index.

Templates number their placeholders arbitrarily; only a placeholder's type and position are reliable. A layout's type,
or a word in its name, tells only whether it is for the title slide, a section, a quote or the closing slide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from pptx.oxml.ns import qn
from pptx.slide import Slide, SlideLayout, SlideMaster

from seedx_tools.decks.ooxml.layout_names import named_role
from seedx_tools.decks.ooxml.styles import TITLES, inherited
from seedx_tools.decks.outline import PictureSide

EmuFrame: TypeAlias = tuple[int, int, int, int]
"""Left, top, width, height in EMU."""

Role: TypeAlias = Literal["cover", "section", "quote", "closing", "content"]

_FRAME, _GRAPHIC_FRAME = f"./*/{qn('a:xfrm')}", qn("p:xfrm")
_PLACEHOLDER = f"./*/{qn('p:nvPr')}/{qn('p:ph')}"
_OFFSET, _EXTENT = qn("a:off"), qn("a:ext")
_BODIES = ("body", "obj")
_SMALL = 0.12
"""A body smaller than this share of the slide is a caption or a date, not a place for points."""
_COLUMN = (0.14, 0.4)
"""A body that is at least so wide and high is no caption, as shares of the page."""
_FULL = 0.95
"""A picture placeholder taller than this share of the page fills the page."""


@dataclass(frozen=True, slots=True)
class LayoutSlots:
    """The placeholders of a layout by what they are for, as their idx; None or empty if it has none."""

    layout: SlideLayout
    role: Role
    title: int | None
    subtitle: int | None
    bodies: tuple[int, ...]
    """The largest first, then from left to right."""
    captions: tuple[int, ...]
    """Bodies that are too small for points, from left to right."""
    picture: int | None
    """The largest picture placeholder."""
    picture_side: PictureSide
    """The side of the picture; "auto" if there is none."""
    table: int | None
    chart: int | None
    vertical: bool = False
    """Whether its text runs from top to bottom, as some East Asian text does."""

    @property
    def holds_points(self) -> bool:
        """True if it has a title and a place for points."""
        return self.title is not None and bool(self.bodies)

    def columns(self, *, right_to_left: bool, count: int = 2) -> tuple[tuple[int, int | None], ...]:
        """Return (body, caption) of each column in reading order; empty if there are not so many side by side."""
        if len(self.bodies) < count:
            return ()
        placeholders: Any = self.layout.placeholders
        frames = {shape.placeholder_format.idx: frame_of(shape) for shape in placeholders}

        def in_order(found: tuple[int, ...]) -> list[int]:
            return sorted(found[:count], key=lambda index: frames[index][0], reverse=right_to_left)

        bodies = in_order(self.bodies)
        captions: list[int | None] = list(in_order(self.captions)) if len(self.captions) >= count else [None] * count
        if count > 2:
            if not _side_by_side([frames[index] for index in bodies]):
                return ()
            captions = [next((c for c in self.captions if _is_above(frames[c], frames[body])), None) for body in bodies]
            captions = [None] * count if None in captions else captions
        return tuple(zip(bodies, captions, strict=True))


class Layouts:
    """The layouts of a master, chosen by what they can hold; one of them holds a title and points."""

    def __init__(self, master: SlideMaster) -> None:
        for layout in master.slide_layouts:
            _drop_slide_images(layout)
        found = [slots_of(layout) for layout in master.slide_layouts]
        self._all = [slots for slots in found if slots.title is not None]
        self._turn = 0

    def cover(self, *, picture: bool) -> LayoutSlots:
        """Return the layout of the title slide."""
        covers = self._with_role("cover") or [slots for slots in self._all if slots.subtitle is not None]
        with_or_without = [slots for slots in covers if (slots.picture is not None) == picture]
        if covers:
            return (with_or_without or covers)[0]
        return self.heading(picture=picture)

    def section(self) -> LayoutSlots:
        """Return the layout of a section slide."""
        return next(iter(self._with_role("section")), None) or self.heading(picture=False)

    def closing(self) -> LayoutSlots:
        """Return the layout of the closing slide, else that of the title slide."""
        return next(iter(self._with_role("closing")), None) or self.cover(picture=False)

    def quote(self) -> LayoutSlots:
        """Return the layout of a quote, else that of points."""
        return next((slots for slots in self._with_role("quote") if slots.bodies), None) or self.points(picture=False)

    def heading(self, *, picture: bool, side: PictureSide = "auto") -> LayoutSlots:
        """Return the layout of a slide with a title and no points."""
        return self._best(bodies=0, captions=0, picture=picture, side=side)

    def points(self, *, picture: bool, side: PictureSide = "auto") -> LayoutSlots:
        """Return the layout of points; equally good layouts with a picture placeholder alternate."""
        return self._best(bodies=1, captions=0, picture=picture, side=side)

    def columns(self, *, headings: bool, count: int = 2) -> LayoutSlots:
        """Return the layout of columns, or of a comparison if they have headings."""
        return self._best(bodies=count, captions=count if headings else 0, picture=False)

    def table(self) -> LayoutSlots:
        """Return a table layout, else a layout whose body the table replaces."""
        made = [slots for slots in self._all if slots.table is not None and not slots.bodies]
        return made[0] if made else self.points(picture=False)

    def chart(self, *, points: bool) -> LayoutSlots:
        """Return a chart layout, with or without points, else a layout whose body the chart replaces."""
        made = [slots for slots in self._all if slots.chart is not None and bool(slots.bodies) == points]
        return made[0] if made else self.columns(headings=False) if points else self.points(picture=False)

    def _with_role(self, role: Role) -> list[LayoutSlots]:
        return [slots for slots in self._all if slots.role == role]

    def _best(self, *, bodies: int, captions: int, picture: bool, side: PictureSide = "auto") -> LayoutSlots:
        def cost(slots: LayoutSlots) -> tuple[int, ...]:
            has_picture = slots.picture is not None
            # without a picture placeholder, a second body is the next best frame for a picture
            wanted = bodies + (1 if picture and not has_picture and bodies else 0)
            special = slots.role != "content" or slots.vertical or slots.table is not None or slots.chart is not None
            full = slots.picture_side == "full"
            return (
                max(0, bodies - len(slots.bodies)),
                int(picture != has_picture),
                int(
                    has_picture
                    and (full != (side == "full") or (side in ("left", "right") and slots.picture_side != side))
                ),
                int(special),
                abs(len(slots.bodies) - wanted),
                abs(len(slots.captions) - captions),
            )

        ranked = sorted(self._all, key=cost)
        equal = [slots for slots in ranked if cost(slots) == cost(ranked[0])]
        if bodies == 0 or equal[0].picture is None:
            return equal[0]
        self._turn += 1
        return equal[(self._turn - 1) % len(equal)]


def frame_of(shape: Any) -> EmuFrame:
    """Return the frame of a shape in EMU; that of a placeholder may be inherited."""
    part = shape.part
    sheet = getattr(part, "slide", None) or getattr(part, "slide_layout", None)
    return _first_frame([shape.element] if sheet is None else inherited(sheet, shape.element))


def _first_frame(sources: Iterable[Any]) -> EmuFrame:
    offset = extent = None
    for source in sources:
        place = source.find(_GRAPHIC_FRAME)
        place = source.find(_FRAME) if place is None else place
        if place is not None:
            offset = place.find(_OFFSET) if offset is None else offset
            extent = place.find(_EXTENT) if extent is None else extent
        if offset is not None and extent is not None:
            return int(offset.get("x")), int(offset.get("y")), int(extent.get("cx")), int(extent.get("cy"))
    return 0, 0, 0, 0


def placeholder(slide: Slide, index: int | None) -> Any:
    """Return the placeholder of a slide with this idx."""
    return next(shape for shape in slide.placeholders if shape.placeholder_format.idx == index)


def remove(shape: Any) -> None:
    """Remove a shape from its slide."""
    shape.element.getparent().remove(shape.element)


def next_shape_id(slide: Slide) -> int:
    """Return a shape id that no shape of a slide has, in groups or outside."""
    return max((int(element.get("id")) for element in slide.shapes._spTree.iter(qn("p:cNvPr"))), default=1) + 1


def _drop_slide_images(layout: SlideLayout) -> None:
    """Remove slide-image placeholders, which belong on notes pages; python-pptx cannot put them on a slide."""
    for element, ph in list(_placeholders(layout)):
        if ph.get("type") == "sldImg":
            element.getparent().remove(element)


def _placeholders(layout: SlideLayout) -> Iterator[tuple[Any, Any]]:
    """Yield the element and the p:ph of each placeholder; python-pptx looks it up anew for each attribute."""
    for element in layout.shapes._spTree:
        ph = element.find(_PLACEHOLDER)
        if ph is not None:
            yield element, ph


def slots_of(layout: SlideLayout) -> LayoutSlots:
    """Return the placeholders of a layout by what they are for."""
    deck = layout.part.package.presentation_part.presentation
    page = int(deck.slide_width or 1), int(deck.slide_height or 1)
    area = page[0] * page[1]
    title = subtitle = table = chart = None
    is_cover = False
    bodies: list[tuple[int, int, int]] = []
    captions: list[tuple[int, int]] = []
    pictures: list[tuple[int, int, PictureSide]] = []
    vertical = False
    for element, ph in _placeholders(layout):
        kind, index = ph.get("type", "obj"), int(ph.get("idx", 0))
        vertical = vertical or ph.get("orient") == "vert"
        left, _, width, height = _first_frame(inherited(layout, element))
        if kind in TITLES and title is None:
            title, is_cover = index, kind == "ctrTitle"
        elif kind == "subTitle":
            subtitle = index
        elif kind in _BODIES and (width * height >= _SMALL * area or _is_narrow(width / page[0], height / page[1])):
            bodies.append((-(width * height * 20 // area), left, index))
        elif kind in _BODIES:
            captions.append((left, index))
        elif kind == "tbl":
            table = index
        elif kind == "chart":
            chart = index
        elif kind == "pic":
            side: PictureSide = "left" if left + width / 2 < page[0] / 2 else "right"
            pictures.append((-width * height, index, "full" if height > _FULL * page[1] else side))
    biggest = min(pictures) if pictures else None
    return LayoutSlots(
        layout=layout,
        role=_role(layout, is_cover, has_body=bool(bodies)),
        title=title,
        subtitle=subtitle,
        bodies=tuple(index for _, _, index in sorted(bodies)),
        captions=tuple(index for _, index in sorted(captions)),
        picture=None if biggest is None else biggest[1],
        picture_side="auto" if biggest is None else biggest[2],
        table=table,
        chart=chart,
        vertical=vertical,
    )


def _is_narrow(width: float, height: float) -> bool:
    """Return whether a body is one of several columns; its width and height are shares of the page."""
    return width >= _COLUMN[0] and height >= _COLUMN[1]


def _side_by_side(frames: list[EmuFrame]) -> bool:
    """Return whether frames stand beside each other, at about one height."""
    ordered = sorted(frames)
    apart = all(one[0] + one[2] <= other[0] + one[2] // 20 for one, other in pairwise(ordered))
    return apart and max(frame[1] for frame in frames) - min(frame[1] for frame in frames) <= frames[0][3] // 10


def _is_above(caption: EmuFrame, body: EmuFrame) -> bool:
    """Return whether a caption stands over a body."""
    shared = min(caption[0] + caption[2], body[0] + body[2]) - max(caption[0], body[0])
    return caption[1] < body[1] and shared > body[2] // 2


def _role(layout: SlideLayout, is_cover: bool, *, has_body: bool) -> Role:
    if layout.element.get("type") == "secHead":
        return "section"
    named = named_role(layout.name)
    if named == "cover" and has_body:
        named = None
    return named or ("cover" if is_cover else "content")

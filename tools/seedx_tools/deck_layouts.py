"""Choosing a layout and its placeholders by type and geometry, never by index or name.

Templates number their placeholders as they like; what can be relied on is what a placeholder is for and where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import SlideLayout

from seedx_sdk.errors import TemplateError

Frame: TypeAlias = tuple[int, int, int, int]
"""Left, top, width, height in EMU."""

_TITLES = (PH.TITLE, PH.CENTER_TITLE, PH.VERTICAL_TITLE)
_BODIES = (PH.BODY, PH.OBJECT, PH.VERTICAL_BODY, PH.VERTICAL_OBJECT)
_SMALL = 0.12
"""A body under this share of the slide is a caption or a date, not the place for the points."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The placeholders of a layout that matter, as their idx; None or empty where it has none."""

    layout: SlideLayout
    title: int | None
    subtitle: int | None
    bodies: tuple[int, ...]
    """The largest first, then from left to right."""
    captions: tuple[int, ...]
    """Bodies that are too small for points."""
    picture: int | None
    """The largest picture placeholder."""
    is_cover: bool


class Layouts:
    """The layouts of a deck, sorted by what they can hold."""

    def __init__(self, deck: PresentationObject) -> None:
        area = int(deck.slide_width or 1) * int(deck.slide_height or 1)
        found = [_slots(layout, area) for master in deck.slide_masters for layout in master.slide_layouts]
        self._all = [slots for slots in found if slots.title is not None]
        if not any(slots.bodies for slots in self._all):
            raise TemplateError(
                "the template has no layout with a title and a body placeholder; "
                "add one in PowerPoint (View, Slide Master) or use another template"
            )
        self._turn = 0

    def cover(self, *, picture: bool) -> Slots:
        """The layout of the title slide."""
        covers = [slots for slots in self._all if slots.is_cover] or [s for s in self._all if s.subtitle is not None]
        with_or_without = [slots for slots in covers if (slots.picture is not None) == picture]
        if covers:
            return (with_or_without or covers)[0]
        return self.heading(picture=picture)

    def heading(self, *, picture: bool) -> Slots:
        """The layout of a slide with a title and no points."""
        return self._best(bodies=0, picture=picture)

    def points(self, *, picture: bool) -> Slots:
        """The layout of a slide with points; equally good layouts with a picture placeholder take turns."""
        return self._best(bodies=1, picture=picture)

    def _best(self, *, bodies: int, picture: bool) -> Slots:
        def cost(slots: Slots) -> tuple[int, ...]:
            wrong_picture = picture != (slots.picture is not None)
            # without a picture placeholder, a second body is the next best frame for the picture
            wanted = bodies + (1 if picture and slots.picture is None and bodies else 0)
            lacks = max(0, bodies - len(slots.bodies))
            return (
                lacks,
                int(wrong_picture),
                abs(len(slots.bodies) - wanted),
                len(slots.captions),
                int(slots.is_cover),
            )

        ranked = sorted(self._all, key=cost)
        equal = [slots for slots in ranked if cost(slots) == cost(ranked[0])]
        if bodies == 0 or equal[0].picture is None:
            return equal[0]
        self._turn += 1
        return equal[(self._turn - 1) % len(equal)]


def frame_of(shape: Any) -> Frame:
    """Return where a shape is, in EMU; a placeholder's place may be inherited."""
    return int(shape.left or 0), int(shape.top or 0), int(shape.width or 0), int(shape.height or 0)


def _slots(layout: SlideLayout, slide_area: int) -> Slots:
    title = subtitle = None
    bodies: list[tuple[int, int, int]] = []
    captions: list[int] = []
    pictures: list[tuple[int, int]] = []
    is_cover = False
    placeholders: Any = layout.placeholders
    for shape in placeholders:
        kind, index = shape.placeholder_format.type, shape.placeholder_format.idx
        left, _, width, height = frame_of(shape)
        if kind in _TITLES and title is None:
            title, is_cover = index, kind == PH.CENTER_TITLE
        elif kind == PH.SUBTITLE:
            subtitle = index
        elif kind in _BODIES and width * height >= _SMALL * slide_area:
            bodies.append((-(width * height * 20 // slide_area), left, index))
        elif kind in _BODIES:
            captions.append(index)
        elif kind == PH.PICTURE:
            pictures.append((-width * height, index))
    return Slots(
        layout=layout,
        title=title,
        subtitle=subtitle,
        bodies=tuple(index for _, _, index in sorted(bodies)),
        captions=tuple(captions),
        picture=min(pictures)[1] if pictures else None,
        is_cover=is_cover,
    )

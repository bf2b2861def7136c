"""The look of templates whose layouts are plain and whose design is drawn on their sample slides.

What decorates a sample slide goes to the layouts, so that new slides have it: shapes without text that come back on
other slides or run off the page, its background, and the place and type of its title and text.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide, SlideLayout, SlideMaster

from seedx_tools.decks.ooxml.layouts import EmuFrame, frame_of, slots_of
from seedx_tools.decks.ooxml.sheets import copy_element
from seedx_tools.decks.ooxml.styles import FOOTERS, placeholder_type
from seedx_tools.decks.theme.legibility import text_color

_DRAWN = (qn("p:sp"), qn("p:pic"), qn("p:cxnSp"), qn("p:grpSp"))
_SMALL = 0.08
"""A picture that covers less of the page is a logo."""
_WHOLE = 0.9
"""A shape that covers more of the page in both directions is its background."""
_BAND = 0.6
"""A shape that spans this share of one side of the page is a band along the other."""
_GAP = 0.02
"""The distance that text keeps from a band, as a share of the page."""

_Signature: TypeAlias = tuple[object, ...]


def adopt_samples(deck: PresentationObject, master: SlideMaster) -> str | None:
    """Copy the design of a deck's slides to the plain layouts of a master, and return a sentence that says so.

    Returns None if the layouts have a design of their own, or the slides have none.
    """
    slides = list(deck.slides)
    if not slides or any(not _is_plain(slide.slide_layout) for slide in slides) or not _is_plain(master):
        return None
    page = int(deck.slide_width or 1), int(deck.slide_height or 1)
    counts = Counter(found for slide in slides for found in {_signature(shape, page) for shape in _drawn(slide)})
    designs = [
        _Design(slide, [shape for shape in _drawn(slide) if _decorates(shape, page, counts)]) for slide in slides
    ]
    if not any(design.shapes or design.background is not None for design in designs):
        return None
    cover, content = designs[0], (designs[1:] or designs)[0]
    for layout in master.slide_layouts:
        own = next((one for one in designs if one.slide.slide_layout.part is layout.part), None)
        is_cover = slots_of(layout).role in ("cover", "section", "closing")
        if len({design.slide.slide_layout.part.partname for design in designs}) == 1 < len(designs):
            own = None  # all slides are on one layout, so it does not tell them apart
        _adopt(layout, own or (cover if is_cover else content), page)
    names = " and ".join(dict.fromkeys(f"slide {slides.index(design.slide) + 1}" for design in (cover, content)))
    return (
        f"the template's layouts are blank and its design is drawn on its sample slides: {names} gave the layouts "
        "their shapes and background; for full control, draw them in the master view"
    )


@dataclass(frozen=True, slots=True)
class _Design:
    slide: Slide
    shapes: Sequence[Any]

    @property
    def background(self) -> Any:
        return self.slide.element.find(f"{qn('p:cSld')}/{qn('p:bg')}")


def _is_plain(sheet: SlideLayout | SlideMaster) -> bool:
    """Return whether nothing is drawn on a layout or master."""
    return all(placeholder_type(child) is not None for child in sheet.shapes._spTree if child.tag in _DRAWN)


def _drawn(slide: Slide) -> list[Any]:
    """Return the shapes of a slide that are drawn: no placeholders, tables or charts, and nothing with text."""
    shapes: Any = slide.shapes
    return [
        shape
        for shape in shapes
        if shape.element.tag in _DRAWN
        and placeholder_type(shape.element) is None
        and not "".join(text.text or "" for text in shape.element.iter(qn("a:t"))).strip()
    ]


def _signature(shape: Any, page: tuple[int, int]) -> _Signature:
    """Return what is the same for a shape that comes back on another slide."""
    images = [
        shape.part.related_part(blip.get(qn("r:embed"))).partname
        for blip in shape.element.iter(qn("a:blip"))
        if blip.get(qn("r:embed"))
    ]
    frame = frame_of(shape)
    return (shape.element.tag, *(round(100 * value / page[number % 2]) for number, value in enumerate(frame)), *images)


def _decorates(shape: Any, page: tuple[int, int], counts: Counter[_Signature]) -> bool:
    """Return whether a shape is part of the design: it comes back, runs to the edge of the page, or is a logo."""
    left, top, width, height = frame_of(shape)
    is_logo = shape.element.tag == qn("p:pic") and width * height < _SMALL * page[0] * page[1]
    at_edge = left <= 0 or top <= 0 or left + width >= page[0] or top + height >= page[1]
    return counts[_signature(shape, page)] > 1 or at_edge or is_logo


def _adopt(layout: SlideLayout, design: _Design, page: tuple[int, int]) -> None:
    """Give a layout the background, the shapes, and the place and type of text of a sample slide."""
    tree = layout.shapes._spTree
    number = max((int(found.get("id")) for found in tree.iter(qn("p:cNvPr"))), default=0) + 1
    if design.background is not None:
        slide = layout.element.find(qn("p:cSld"))
        for old in slide.findall(qn("p:bg")):
            slide.remove(old)
        slide.insert(0, copy_element(design.background, design.slide.part, layout.part))
        text_color(layout)
    if design.slide.slide_layout.part is layout.part:
        for shape in design.slide.placeholders:
            _adopt_text(shape, layout)
    for offset, shape in enumerate(design.shapes):
        copied = copy_element(shape.element, design.slide.part, layout.part)
        for found in copied.iter(qn("p:cNvPr")):
            found.set("id", str(number))
            number += 1
        tree.insert(2 + offset, copied)
    _make_way(layout, [frame_of(shape) for shape in design.shapes], page)


def _adopt_text(shape: Any, layout: SlideLayout) -> None:
    """Give the placeholder of a layout the frame and the type that it has on a sample slide."""
    placeholders: Any = layout.placeholders
    index = shape.placeholder_format.idx
    target = next((other for other in placeholders if other.placeholder_format.idx == index), None)
    if target is None or not shape.has_text_frame:
        return
    if shape.element.spPr.find(qn("a:xfrm")) is not None:
        _place(target, frame_of(shape))
    run = shape.element.find(f".//{qn('a:r')}/{qn('a:rPr')}")
    style = target.element.find(f".//{qn('a:lstStyle')}")
    if run is None or style is None or not (len(run) or set(run.attrib) - {"lang", "dirty"}):
        return
    level = style.find(qn("a:lvl1pPr"))
    if level is None:
        level = style.makeelement(qn("a:lvl1pPr"), {})
        style.insert(0, level)
    defaults = level.find(qn("a:defRPr"))
    if defaults is not None:
        level.remove(defaults)
    defaults = level.makeelement(qn("a:defRPr"), {name: run.get(name) for name in ("sz", "b", "i") if run.get(name)})
    kept = ("a:solidFill", "a:latin", "a:ea", "a:cs")
    defaults.extend(copy.deepcopy(child) for child in run if child.tag in {qn(name) for name in kept})
    level.append(defaults)


def _make_way(layout: SlideLayout, drawn: Sequence[EmuFrame], page: tuple[int, int]) -> None:
    """Move the placeholders of a layout off the bands along the edges of the page, and off what else is drawn.

    What contains the center of a title or text is the ground that it stands on.
    """
    placeholders: Any = layout.placeholders
    frames = [(shape, frame_of(shape)) for shape in placeholders]
    texts = [frame for shape, frame in frames if placeholder_type(shape.element) not in FOOTERS]
    obstacles = [
        box
        for box in drawn
        if not (box[2] > _WHOLE * page[0] and box[3] > _WHOLE * page[1])
        and not any(_contains_center(box, frame) for frame in texts)
    ]
    left, top, right, bottom = _free_area([box for box in obstacles if _is_band(box, page)], page)
    for shape, (x, y, width, height) in frames:
        frame = (
            round(left + x * (right - left) / page[0]),
            round(top + y * (bottom - top) / page[1]),
            round(width * (right - left) / page[0]),
            round(height * (bottom - top) / page[1]),
        )
        for box in obstacles:
            frame = _beside(frame, box)
        if frame != (x, y, width, height):
            _place(shape, frame)


def _contains_center(box: EmuFrame, frame: EmuFrame) -> bool:
    x, y = frame[0] + frame[2] / 2, frame[1] + frame[3] / 2
    return box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]


def _is_band(box: EmuFrame, page: tuple[int, int]) -> bool:
    return box[3] >= _BAND * page[1] or box[2] >= _BAND * page[0]


def _free_area(bands: Sequence[EmuFrame], page: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom of the page between bands."""
    left, top, right, bottom = 0.0, 0.0, float(page[0]), float(page[1])
    for x, y, width, height in bands:
        if height >= _BAND * page[1]:
            if x + width / 2 < page[0] / 2:
                left = max(left, x + width + _GAP * page[0])
            else:
                right = min(right, x - _GAP * page[0])
        elif y + height / 2 < page[1] / 2:
            top = max(top, y + height + _GAP * page[1])
        else:
            bottom = min(bottom, y - _GAP * page[1])
    return left, top, right, bottom


def _beside(frame: EmuFrame, box: EmuFrame) -> EmuFrame:
    """Return the largest part of a frame that does not overlap a box."""
    x, y, width, height = frame
    right, bottom = x + width, y + height
    if x >= box[0] + box[2] or box[0] >= right or y >= box[1] + box[3] or box[1] >= bottom:
        return frame
    parts = [
        (x, y, box[0] - x, height),
        (box[0] + box[2], y, right - box[0] - box[2], height),
        (x, y, width, box[1] - y),
        (x, box[1] + box[3], width, bottom - box[1] - box[3]),
    ]
    return max((part for part in parts if min(part[2:]) > 0), key=lambda part: part[2] * part[3], default=frame)


def _place(shape: Any, frame: EmuFrame) -> None:
    shape.left, shape.top, shape.width, shape.height = frame

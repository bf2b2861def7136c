"""Make room for text that was changed where it stands: a taller box where the page is free, or smaller type."""

from __future__ import annotations

from collections.abc import Sequence

from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.util import Emu

from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, TITLES, body_property, placeholder_type
from seedx_tools.decks.shapes import SlideShape, slide_shapes
from seedx_tools.decks.text.fitting import set_scale
from seedx_tools.decks.text.shapes import font_scale, place_text

LEAST_SCALE, LEAST_TITLE_SCALE = 0.8, 0.5
_STEP = 0.05
_PAGE_SHARE = 0.97
"""A box or table may reach down to this share of the page."""
_TURNED = ("vert", "vert270", "eaVert", "mongolianVert", "wordArtVert", "wordArtVertRtl")
_SLACK = 0.5


def text_height(slide: Slide, placed: SlideShape) -> float:
    """Return the height in points that the text of a shape takes in one of its columns, all columns end to end."""
    return _measured(slide, placed)[0]


def fit(slide: Slide, placed: SlideShape, height: float) -> bool:
    """Let the text of a shape fit; return whether it does, or is no taller than it was.

    Args:
        slide: The slide.
        placed: The shape.
        height: The height of its text before it was changed, in points.
    """
    needed, room = _measured(slide, placed)
    if needed <= max(room + _SLACK, height):
        return True
    if not placed.shape.is_placeholder and _grow(slide, placed, needed - max(room, 0.0)):
        return True
    least = LEAST_TITLE_SCALE if placeholder_type(placed.shape.element) in TITLES else LEAST_SCALE
    scale = font_scale(placed.shape.element)
    while scale - _STEP >= least - 1e-6:
        scale -= _STEP
        set_scale(placed.shape, scale)
        needed, room = _measured(slide, placed)
        if needed <= room + _SLACK:
            return True
    return False


def page_bottom(slide: Slide) -> float:
    """Return how far down content may reach, in EMU."""
    return _PAGE_SHARE * int(slide.part.package.presentation_part.presentation.slide_height or 1)


def _measured(slide: Slide, placed: SlideShape) -> tuple[float, float]:
    """Return the height that a text needs and the room that it has, in points, over all columns of the shape."""
    element = placed.shape.element
    left, top, width, height = placed.frame
    columns = max(1, int(body_property(slide, element, "numCol", "1")))
    gap = int(body_property(slide, element, "spcCol", "0"))
    if body_property(slide, element, "vert", "horz") in _TURNED:
        width, height = height, width
    if columns > 1:
        width = (width - gap * (columns - 1)) // columns
    text = place_text(slide, placed.shape, (left, top, width, height))
    return text.height, text.room * columns


def _grow(slide: Slide, placed: SlideShape, more: float) -> bool:
    """Make a text box taller by so many points if nothing stands below it."""
    element = placed.shape.element
    if element.getparent() is not slide.shapes._spTree or not _is_plain(slide, placed):
        return False
    left, top, width, height = placed.frame
    added = round(more * EMU_PER_POINT)
    bottom = top + height
    below = [
        other.frame[1]
        for other in slide_shapes(slide)
        if other.shape.element is not element
        and other.frame[1] >= bottom - EMU_PER_POINT
        and other.frame[0] < left + width
        and left < other.frame[0] + other.frame[2]
    ]
    if bottom + added > min([page_bottom(slide), *below]):
        return False
    placed.shape.height = Emu(height + added)
    return True


def _is_plain(slide: Slide, placed: SlideShape) -> bool:
    """Return whether a box grows downwards: level text that starts at its top, in one column."""
    element = placed.shape.element
    transform = element.find(f"{qn('p:spPr')}/{qn('a:xfrm')}")
    return (
        transform is not None
        and transform.get("rot", "0") == "0"
        and body_property(slide, element, "anchor", "t") == "t"
        and body_property(slide, element, "vert", "horz") not in _TURNED
        and body_property(slide, element, "numCol", "1") == "1"
    )


def overlaps(frame: Sequence[int], other: Sequence[int]) -> bool:
    """Return whether two frames (left, top, width, height) have an area in common."""
    return all(frame[at] < other[at] + other[at + 2] and other[at] < frame[at] + frame[at + 2] for at in (0, 1))

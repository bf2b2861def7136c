"""Give a visual its place on a slide."""

from __future__ import annotations

from typing import Any

from pptx.slide import Slide

from seedx_tools.decks.drawing.draw import Drawn, draw_visual
from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, frame_of, placeholder, remove
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, insets
from seedx_tools.decks.visuals import Visual
from seedx_tools.decks.writing.pictures import room_below_title

_DRAWING_SHARE = 0.66
"""The share of the body's height that a drawing takes when there are points under it."""
_GAP_SHARE = 0.04


def place_visual(slide: Slide, slots: LayoutSlots, visual: Visual, page_height: int, *, points: bool) -> Drawn | None:
    """Draw a visual in the body's place, or in its upper part if points follow; None if there is no room."""
    if not slots.bodies:
        room = room_below_title(slide, slots, page_height)
        return None if room is None else draw_visual(slide, room, visual)
    body: Any = placeholder(slide, slots.bodies[0])
    left, top, width, height = frame_of(body)
    margins = [round(value * EMU_PER_POINT) for value in insets(slide, body.element)]
    frame: EmuFrame = (left + margins[0], top, width - margins[0] - margins[2], height)
    if points:
        high = round(height * _DRAWING_SHARE)
        gap = round(height * _GAP_SHARE)
        body.left, body.top, body.width, body.height = left, top + high + gap, width, height - high - gap
        frame = (*frame[:3], high)
    else:
        remove(body)
    drawn = draw_visual(slide, frame, visual)
    if points:
        slide.shapes._spTree.append(body.element)  # it is read after what stands above it
    return drawn

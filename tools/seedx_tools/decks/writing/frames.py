"""Give tables and charts their frames: that of the placeholder they replace, or the room below the title."""

from __future__ import annotations

from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, frame_of, placeholder, remove
from seedx_tools.decks.writing.pictures import room_below_title


def claim_frame(slide: Slide, slots: LayoutSlots, own: int | None, page_height: int) -> tuple[EmuFrame, Any] | None:
    """Return the frame of a table or chart, and the p:ph of the placeholder it replaces if that may hold it."""
    index = own if own is not None else slots.bodies[0] if slots.bodies else None
    if index is None:
        room = room_below_title(slide, slots, page_height)
        return None if room is None else (room, None)
    holder = placeholder(slide, index)
    frame, ph = frame_of(holder), holder.element.find(f".//{qn('p:ph')}")
    remove(holder)
    return frame, ph if ph.get("type", "obj") in ("obj", "tbl", "chart") else None


def fill_placeholder(shape: Any, ph: Any) -> None:
    """Make a table or chart the content of a placeholder, as PowerPoint does (ECMA-376 part 1, 19.3.1.36)."""
    if ph is not None:
        shape._element.nvGraphicFramePr.find(qn("p:nvPr")).append(ph)

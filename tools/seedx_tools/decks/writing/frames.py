"""Give tables and charts their frames: that of the placeholder they replace, or the room below the title."""

from __future__ import annotations

from typing import Any

from pptx.enum.dml import MSO_THEME_COLOR
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.util import Emu, Pt

from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, frame_of, placeholder, remove
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.strings import clean, runs_right_to_left
from seedx_tools.decks.writing.pictures import room_below_title
from seedx_tools.decks.writing.runs import write_runs
from seedx_tools.decks.writing.text import set_right_to_left

SOURCE_POINTS = 12
SOURCE_NAME = "Source"
"""The name of the text box with the source of a slide's figures."""
_GAP = 6
"""Points between figures and their source."""


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


def write_source(slide: Slide, frame: EmuFrame, source: str) -> EmuFrame:
    """Write where the figures in a frame come from, in inline Markdown, at its foot; return the frame above it."""
    if not source.strip():
        return frame
    left, top, width, height = frame
    line = round(SOURCE_POINTS * 1.8 * EMU_PER_POINT)
    shapes: Any = slide.shapes
    box = shapes.add_textbox(Emu(left), Emu(top + height - line), Emu(width), Emu(line))
    box.name = SOURCE_NAME
    text_frame = box.text_frame
    text_frame.word_wrap = True
    text_frame.margin_left = text_frame.margin_right = text_frame.margin_bottom = 0
    paragraph = text_frame.paragraphs[0]
    write_runs(paragraph, clean(source))
    for run in paragraph.runs:
        run.font.size = Pt(SOURCE_POINTS)
        run.font.color.theme_color = MSO_THEME_COLOR.TEXT_1
    if runs_right_to_left(plain_text(source)):
        set_right_to_left(paragraph)
    return left, top, width, height - line - _GAP * EMU_PER_POINT


def raise_source(slide: Slide, figure: Any) -> None:
    """Move the source of a slide up to figures that take less height than their frame."""
    for shape in slide.shapes:
        if shape.name == SOURCE_NAME:
            shape.top = Emu(min(int(shape.top), int(figure.top) + int(figure.height) + _GAP * EMU_PER_POINT))

"""Write program text into monospaced boxes, with its indentation and without bullets."""

from __future__ import annotations

from typing import Any

from pptx.enum.dml import MSO_THEME_COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Emu, Pt

from seedx_tools.decks.ooxml.layouts import EmuFrame
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.text.layout import LINE_HEIGHT
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.text.strings import clean_code
from seedx_tools.decks.writing.runs import MONOSPACED

CODE_NAME = "Code"
"""The first word of the names of code boxes."""
CODE_POINTS = (18.0, 16.0, 14.0, 12.0)
"""The font sizes of code, the largest that fits first."""
_MARGIN = 10.0
"""Points between a box and its text."""
_FILL = (
    f"<a:solidFill {nsdecls('a')}><a:schemeClr val='tx1'><a:lumMod val='10000'/><a:lumOff val='90000'/></a:schemeClr>"
    "</a:solidFill>"
)


def code_pages(text: str, frame: EmuFrame) -> list[str]:
    """Return a program as the texts of as few boxes as can hold it in type of at least the smallest size, evenly."""
    lines = clean_code(text).split("\n")
    room = max(1, int(_room(frame)[1] / (CODE_POINTS[-1] * LINE_HEIGHT)))
    count = -(-len(lines) // room)
    starts = [number * len(lines) // count for number in range(count)]
    return ["\n".join(lines[start:end]) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def place_code(slide: Slide, frame: EmuFrame, text: str) -> None:
    """Write one page of a program into a box as high as it needs.

    Args:
        slide: The slide.
        frame: The room for the box in EMU.
        text: What code_pages returned for this frame.
    """
    lines = text.split("\n")
    width, height = _room(frame)
    longest = max(lines, key=len)
    size = next(
        (
            size
            for size in CODE_POINTS
            if text_width(longest, size, family=MONOSPACED) <= width and len(lines) * size * LINE_HEIGHT <= height
        ),
        CODE_POINTS[-1],
    )
    left, top, wide, high = frame
    needed = round((len(lines) * size * LINE_HEIGHT + 2 * _MARGIN) * EMU_PER_POINT)
    shapes: Any = slide.shapes
    box = shapes.add_textbox(Emu(left), Emu(top), Emu(wide), Emu(min(high, needed)))
    box.name = f"{CODE_NAME} {box.shape_id}"
    box._element.spPr.find(qn("a:noFill")).getparent().replace(box._element.spPr.find(qn("a:noFill")), parse_xml(_FILL))
    frame_of_text = box.text_frame
    frame_of_text.word_wrap = True
    margin = Pt(_MARGIN)
    frame_of_text.margin_left = frame_of_text.margin_right = margin
    frame_of_text.margin_top = frame_of_text.margin_bottom = margin
    for number, line in enumerate(lines):
        paragraph = frame_of_text.paragraphs[0] if number == 0 else frame_of_text.add_paragraph()
        paragraph._p.get_or_add_pPr().append(parse_xml(f"<a:buNone {nsdecls('a')}/>"))
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.name = Pt(size), MONOSPACED
        run.font.color.theme_color = MSO_THEME_COLOR.TEXT_1
        run._r.get_or_add_rPr().set("noProof", "1")


def _room(frame: EmuFrame) -> tuple[float, float]:
    """Return the width and height that a frame has for code, in points."""
    return frame[2] / EMU_PER_POINT - 2 * _MARGIN, frame[3] / EMU_PER_POINT - 2 * _MARGIN

"""Write program text into monospaced boxes, with its indentation and without bullets."""

from __future__ import annotations

from typing import Any

from pptx.enum.dml import MSO_THEME_COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Emu, Pt

from seedx_tools.decks.ooxml.layouts import EmuFrame
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, MONOSPACED, TextStyle
from seedx_tools.decks.text.layout import line_height, wrap
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.text.strings import clean_code

CODE_NAME = "Code"
"""The first word of the names of code boxes."""
CODE_POINTS = (18.0, 16.0, 14.0, 12.0)
"""The font sizes of code, the largest that fits first."""
_MARGIN = 14.0
"""Points between a panel and its text."""
_CORNER = 3.0
"""Points of the margin that the rounded corners take at most."""
_LETTER = 0.6
"""The width of a monospaced letter, as a multiple of the font size."""
_HANG = 4
"""Letters by which the rest of a line that is too long is indented further than its start."""
_STYLE = TextStyle(
    size=CODE_POINTS[-1],
    family=MONOSPACED,
    bold=False,
    color="000000",
    align="l",
    margin=0.0,
    indent=0.0,
    bullet="",
    bullet_color="000000",
    space_before=0.0,
    line_spacing=1.0,
    rtl=False,
)
_PANEL = f"""<p:spPr {nsdecls("p", "a")}>
<a:prstGeom prst="roundRect"><a:avLst><a:gd name="adj" fmla="val 3000"/></a:avLst></a:prstGeom>
<a:solidFill><a:schemeClr val="accent1"><a:alpha val="8000"/></a:schemeClr></a:solidFill>
<a:ln w="9525"><a:solidFill><a:schemeClr val="accent1"><a:alpha val="35000"/></a:schemeClr></a:solidFill></a:ln>
</p:spPr>"""


def code_pages(text: str, frame: EmuFrame) -> list[str]:
    """Return a program as the texts of as few boxes as can hold it in type of at least the smallest size, evenly."""
    width, height = _room(frame)
    size = CODE_POINTS[-1]
    room = max(1, int(height / (size * line_height(text))))
    most = max(1, int(room * width / (size * _LETTER) * 0.8))
    lines = [part for line in clean_code(text).split("\n") for part in _parts(line, most)]
    rows = [_rows(line, size, width) for line in lines]
    count = -(-sum(rows) // room)
    while True:
        shares: list[list[int]] = [[] for _ in range(count)]
        before = 0
        for place, taken in enumerate(rows):
            shares[before * count // sum(rows)].append(place)
            before += taken
        if count >= len(lines) or all(sum(rows[place] for place in share) <= room for share in shares):
            return ["\n".join(lines[place] for place in share) for share in shares if share]
        count += 1


def place_code(slide: Slide, frame: EmuFrame, text: str) -> bool:
    """Write one page of a program into a panel as high as it needs; return whether lines go on in a second row.

    The rest of a line that is too long is indented further, and is still part of that line when it is copied.

    Args:
        slide: The slide.
        frame: The room for the panel in EMU.
        text: What code_pages returned for this frame.
    """
    lines = text.split("\n")
    width, height = _room(frame)

    def rows(size: float) -> int:
        return sum(_rows(line, size, width) for line in lines)

    fitting = [size for size in CODE_POINTS if rows(size) * size * line_height(text) <= height] or [CODE_POINTS[-1]]
    size = min(fitting, key=lambda size: (sum(_rows(line, size, width) > 1 for line in lines), -size))
    left, top, wide, high = frame
    needed = round((rows(size) * size * line_height(text) + 2 * _MARGIN) * EMU_PER_POINT)
    shapes: Any = slide.shapes
    box = shapes.add_textbox(Emu(left), Emu(top), Emu(wide), Emu(min(high, needed)))
    box.name = f"{CODE_NAME} {box.shape_id}"
    _make_panel(box)
    frame_of_text = box.text_frame
    frame_of_text.word_wrap = True
    margin = Pt(_MARGIN - _CORNER)
    frame_of_text.margin_left = frame_of_text.margin_right = margin
    frame_of_text.margin_top = frame_of_text.margin_bottom = margin
    for number, line in enumerate(lines):
        paragraph = frame_of_text.paragraphs[0] if number == 0 else frame_of_text.add_paragraph()
        properties = paragraph._p.get_or_add_pPr()
        if _rows(line, size, width) > 1:
            hang = round(_hang(line, size, width) * EMU_PER_POINT)
            properties.set("marL", str(hang))
            properties.set("indent", str(-hang))
        properties.append(parse_xml(f"<a:buNone {nsdecls('a')}/>"))
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.name = Pt(size), MONOSPACED
        run.font.color.theme_color = MSO_THEME_COLOR.TEXT_1
        run._r.get_or_add_rPr().set("noProof", "1")
    return rows(size) > len(lines)


def _make_panel(box: Any) -> None:
    """Give a text box round corners, a tint of the theme and a fine outline."""
    properties = box._element.spPr
    for child in [child for child in properties if child.tag != qn("a:xfrm")]:
        properties.remove(child)
    properties.extend(parse_xml(_PANEL))


def _parts(line: str, most: int) -> list[str]:
    """Return a line, in parts if it is longer than a page."""
    return [line[start : start + most] for start in range(0, len(line), most)] or [""]


def _rows(line: str, size: float, width: float) -> int:
    """Return how many rows of a box of this inner width a line takes."""
    if text_width(line, size, family=MONOSPACED) <= width:
        return 1
    hang = _hang(line, size, width)
    return len(wrap(line, size, width - hang, _STYLE, hang))


def _hang(line: str, size: float, width: float) -> float:
    """Return the indent of the second row of a line, in points."""
    return min(width / 2, (len(line) - len(line.lstrip()) + _HANG) * _LETTER * size)


def _room(frame: EmuFrame) -> tuple[float, float]:
    """Return the width and height that a frame has for code, in points."""
    return frame[2] / EMU_PER_POINT - 2 * _MARGIN, frame[3] / EMU_PER_POINT - 2 * _MARGIN

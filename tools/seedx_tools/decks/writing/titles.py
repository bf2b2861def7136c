"""Write titles whole: in smaller type, then in a taller box of at most three lines, then over two boxes; never cut."""

from __future__ import annotations

from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Emu

from seedx_tools.decks.ooxml.layouts import frame_of
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, insets, text_style
from seedx_tools.decks.text.cutting import cut_to_fit
from seedx_tools.decks.text.fitting import (
    MIN_POINTS,
    fits,
    fitting_scale,
    room_for_text,
    set_scale,
    shorten,
    text_height,
)
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.layout import LINE_HEIGHT, wrap
from seedx_tools.decks.writing.runs import write_runs
from seedx_tools.decks.writing.text import write_line

MIN_TITLE_POINTS = 20.0
"""The smallest size of a title whose box could grow instead; below it a title no longer stands out from the text."""
REST_NAME = "Title continued"
"""The name of the text box with the rest of a title that is too long for its placeholder."""
REST_MARK = "\u2026 "
"""What the rest of a title starts with."""

_LEAST_SCALE = 0.5
_STEP = 0.05
_MAX_SHARE = 0.45
"""The tallest that a title's box may grow, as a share of the page."""
_MAX_LINES = 3
_TALL_LINES = 6
"""A box for so many lines at full size stands beside the text, and is filled however many lines that takes."""
_NUMBERS = " (10/10)"
"""Room for the number of a slide that continues."""
_REST_POINTS = 16.0
_REST_STYLE = (
    f"<a:lvl1pPr {nsdecls('a')}><a:buNone/><a:defRPr sz='{round(_REST_POINTS * 100)}'><a:solidFill>"
    "<a:schemeClr val='tx1'/></a:solidFill></a:defRPr></a:lvl1pPr>"
)
_REST_SHARE = 0.12
"""The tallest that the box of the rest may be, as a share of the page."""


def write_title(
    slide: Slide, shape: Any, title: str, page_height: int, *, whole: bool = False, grows: bool = True
) -> tuple[str, str]:
    """Write a title in inline Markdown; return what was written, and the rest that has no room, or an empty string.

    Type shrinks to half, but not below MIN_TITLE_POINTS, until the title takes three lines at most; then the box grows
    and moves what is below it down.

    Args:
        slide: The slide.
        shape: Its title placeholder; a title that it has already is replaced.
        title: The text.
        page_height: The height of the page in EMU.
        whole: Whether nothing may be left over, so that it may take more lines.
        grows: Whether the box may grow; False once its slide is filled.
    """
    size = text_style(slide, shape.element, None, 0).size
    least = min(1.0, max(_LEAST_SCALE, MIN_TITLE_POINTS / size))
    limit = _line_limit(slide, shape, least)
    rest = ""
    if not whole and _lines(slide, shape, plain_text(title), least) > limit:
        title, rest = cut_to_fit(title, lambda part: _lines(slide, shape, part + _NUMBERS, least) <= limit)
    for child in list(shape.text_frame.paragraphs[0]._p):
        if child.tag != qn("a:pPr"):
            child.getparent().remove(child)
    write_line(slide, shape, title)
    steps = [1.0 - number * _STEP for number in range(round(1 / _STEP))]
    scales = [*(scale for scale in steps if scale > least), least]
    few = [scale for scale in scales if _lines(slide, shape, plain_text(title), scale) <= limit] or [least]
    scale = next((scale for scale in few if fits(slide, shape, [(title, 0)], scale)), least)
    if not fits(slide, shape, [(title, 0)], scale):
        if grows:
            _grow(slide, shape, title, scale, page_height)
        scale = fitting_scale(slide, shape, [(title, 0)], least=min(least, MIN_POINTS / size)) or scale
    set_scale(shape, scale)
    return title, rest


def write_rest(slide: Slide, rest: str, page_height: int) -> bool:
    """Write the rest of a title into a text box above the content of a slide; return whether all of it has room there.

    Args:
        slide: A slide whose title is written and whose content is not.
        rest: The text in inline Markdown.
        page_height: The height of the page in EMU.
    """
    title = slide.shapes.title
    assert title is not None
    left, top, width, height = frame_of(title)
    bodies = [frame_of(shape) for shape in slide.placeholders if shape.element is not title.element]
    if bodies:
        left, start = min(frame[0] for frame in bodies), min(frame[1] for frame in bodies)
        width = max(frame[0] + frame[2] for frame in bodies) - left
    else:
        start = top + height + page_height // 30
    shapes: Any = slide.shapes
    box = shapes.add_textbox(Emu(left), Emu(start), Emu(width), Emu(round(_REST_SHARE * page_height)))
    title.element.addnext(box.element)  # it is read after the title
    box.name, box.text_frame.word_wrap = REST_NAME, True
    box.text_frame.margin_left = Emu(round(insets(slide, title.element)[0] * EMU_PER_POINT))
    box.element.txBody.find(qn("a:lstStyle")).append(parse_xml(_REST_STYLE))
    if (align := text_style(slide, title.element, None, 0).align) != "l":
        box.element.txBody.find(f".//{qn('a:lvl1pPr')}").set("algn", align)
    short = shorten(slide, box, REST_MARK + rest)
    write_runs(box.text_frame.paragraphs[0], short)
    needed = text_height(slide, box, [(short, 0)]) + 2 * _REST_POINTS
    box.height = Emu(round(needed * EMU_PER_POINT))
    _push_down(slide, [title.element], start, int(box.height), page_height)
    return short == REST_MARK + rest


def numbered(title: str, number: int, count: int) -> str:
    """Return the title of one of several slides that continue each other, such as "Results (2/3)"."""
    return f"{title} ({number}/{count})"


def _grow(slide: Slide, shape: Any, title: str, scale: float, page_height: int) -> None:
    """Make a title's box as tall as its text needs at this scale, and move the placeholders below it down."""
    left, top, width, height = frame_of(shape)
    margins = insets(slide, shape.element)
    needed = (text_height(slide, shape, [(title, 0)], scale) + margins[1] + margins[3] + 1) * EMU_PER_POINT
    grown = min(round(needed), round(_MAX_SHARE * page_height))
    more = grown - height
    if more <= 0:
        return
    shape.left, shape.top, shape.width, shape.height = left, top, width, grown
    _push_down(slide, [shape.element], top + height - page_height // 50, more, page_height)


def _push_down(slide: Slide, fixed: list[Any], top: int, by: int, page_height: int) -> None:
    """Move the placeholders that start below `top`, apart from fixed ones; tall ones still end where they did."""
    for shape in slide.placeholders:
        x, y, wide, high = frame_of(shape)
        if shape.element not in fixed and y >= top:
            left_over = high - by if high > by + page_height // 10 else high
            shape.left, shape.top, shape.width, shape.height = Emu(x), Emu(y + by), Emu(wide), Emu(left_over)


def _lines(slide: Slide, shape: Any, text: str, scale: float) -> int:
    """Return how many lines plain text takes in a shape at this font scale."""
    style = text_style(slide, shape.element, None, 0)
    left, _, right, _ = insets(slide, shape.element)
    room = frame_of(shape)[2] / EMU_PER_POINT - left - right - style.margin
    return len(wrap(text, style.size * scale, room, style))


def _line_limit(slide: Slide, shape: Any, least: float) -> int:
    """Return how many lines a title may take: three, or as many as fit a box that stands beside the text."""
    style = text_style(slide, shape.element, None, 0)
    line = style.size * LINE_HEIGHT * style.line_spacing
    room = room_for_text(slide, shape)
    return int(room / line / least) if room >= _TALL_LINES * line else _MAX_LINES

"""Fill pages that have little text: larger type within limits, then the optical middle instead of the top.

Both are set on the placeholder (its list style and its upper margin), so its text keeps inheriting everything else and
a user can reset the slide in PowerPoint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.util import Emu

from seedx_tools.decks.ooxml.layouts import EmuFrame
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, body_property, insets, text_style
from seedx_tools.decks.text.shapes import font_scale, place_text
from seedx_tools.decks.writing.points.hanging import widen_indents

FULL = 0.6
"""A body whose text takes at least this share of its height is left as it is."""

_GROWTH = (1.25, 1.15)
_LARGEST_POINTS = 28.0
_SPACE_GROWTH = 1.5
"""How much more the space between points grows than their type."""
_ABOVE = 0.36
"""The share of the free height that goes above: the optical middle is above the geometric one."""


def balance_text(slide: Slide, bodies: Sequence[Any], *, headed: bool = False) -> None:
    """Fill bodies that stand side by side and have little text; all get the same type and the same top.

    Bodies under headings of their own (`headed`), and those that their layout does not anchor at the top, only grow.
    """
    if not bodies or any(font_scale(body.element) < 1 for body in bodies) or _fill(slide, bodies) >= FULL:
        return
    for growth in _GROWTH:
        _grow(slide, bodies, growth)
        if _fill(slide, bodies) <= FULL + 0.1:
            break
        release(bodies)
    if headed or any(body_property(slide, body.element, "anchor", "t") != "t" for body in bodies):
        return
    shift = min(place.room - place.height for place in (place_text(slide, body) for body in bodies)) * _ABOVE
    for body in bodies:
        margin = insets(slide, body.element)[1] + shift
        body.text_frame._txBody.find(qn("a:bodyPr")).set("tIns", str(round(margin * EMU_PER_POINT)))


def release(bodies: Sequence[Any]) -> bool:
    """Undo balance_text, and nothing that somebody else set; return whether there was anything to undo."""
    found = [body for body in bodies if _is_balanced(body)]
    for body in found:
        text: Any = body.text_frame._txBody
        text.find(qn("a:bodyPr")).attrib.pop("tIns", None)
        styles = text.find(qn("a:lstStyle"))
        for level in list(styles if styles is not None else ()):
            styles.remove(level)
    return bool(found)


def _is_balanced(body: Any) -> bool:
    """Return whether the list style of a body holds nothing but what balance_text writes: sizes and spaces."""
    text: Any = body.text_frame._txBody
    styles = text.find(qn("a:lstStyle"))
    levels = list(styles if styles is not None else ())
    styled = any(level.attrib for level in levels)
    written = [[child.tag for child in level.iter()][1:] for level in levels]
    sizes = [dict(child.attrib).keys() == {"sz"} for level in levels for child in level.iter(qn("a:defRPr"))]
    ours = [qn("a:spcBef"), qn("a:spcPts"), qn("a:defRPr")]
    has_margin = text.find(qn("a:bodyPr")).get("tIns") is not None
    return (bool(levels) or has_margin) and not styled and all(tags == ours for tags in written) and all(sizes)


def balance_frame(shape: Any, frame: EmuFrame) -> None:
    """Move a table that is much lower than its place to the optical middle of it."""
    free = frame[1] + frame[3] - (int(shape.top) + int(shape.height))
    if int(shape.height) < FULL * frame[3] and free > 0:
        shape.top = Emu(int(shape.top) + round(free * _ABOVE))


def _fill(slide: Slide, bodies: Sequence[Any]) -> float:
    """Return the share of the fullest body that is taken by text."""
    placed = [place_text(slide, body) for body in bodies]
    return max(place.height / place.room if place.room > 0 else 1.0 for place in placed)


def _grow(slide: Slide, bodies: Sequence[Any], growth: float) -> None:
    """Set the sizes of the levels that are used, and the space before them, on the bodies themselves."""
    for body in bodies:
        text: Any = body.text_frame._txBody
        styles = text.find(qn("a:lstStyle"))
        if styles is None:
            styles = text.makeelement(qn("a:lstStyle"))
            text.insert(1, styles)
        for level in sorted({paragraph.level for paragraph in body.text_frame.paragraphs}):
            style = text_style(slide, body.element, None, level)
            size = max(style.size, min(math.floor(style.size * growth), _LARGEST_POINTS))
            space = style.space_before * size / style.size * _SPACE_GROWTH
            styles.append(
                parse_xml(
                    f"<a:lvl{level + 1}pPr {nsdecls('a')}><a:spcBef><a:spcPts val='{round(space * 100)}'/></a:spcBef>"
                    f"<a:defRPr sz='{round(size * 100)}'/></a:lvl{level + 1}pPr>"
                )
            )
        widen_indents(slide, body)

"""The bullets of paragraphs: numbers, check boxes and none, as PowerPoint writes and reads them."""

from __future__ import annotations

from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn

from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, auto_number, level_of, text_style
from seedx_tools.decks.text.points import CHECK_BOXES, MAX_LEVEL, PointParagraph
from seedx_tools.decks.text.reading import inline_text
from seedx_tools.decks.writing.points.typed import point_level, typed_mark, typed_number

_TICKED = {char: done for done, char in CHECK_BOXES.items()} | {"\u2612": True}
"""Whether the characters of check boxes are ticked."""
_BOX_FACE = "Segoe UI Symbol"
"""A face with check boxes; without it, PowerPoint and LibreOffice take them from another."""
_KINDS = tuple(qn(f"a:{name}") for name in ("buNone", "buAutoNum", "buChar", "buBlip"))
_FACES = tuple(qn(f"a:{name}") for name in ("buFontTx", "buFont"))
_AFTER = tuple(qn(f"a:{name}") for name in ("tabLst", "defRPr", "extLst"))


def set_number(paragraph: Any, start: int) -> None:
    """Give a paragraph a number; `start` is the first number of its list, from 1."""
    _set_bullet(paragraph, f"<a:buAutoNum {nsdecls('a')} type='arabicPeriod' startAt='{max(1, start)}'/>", "+mj-lt")


def set_check_box(paragraph: Any, *, done: bool) -> None:
    """Give a paragraph a check box."""
    _set_bullet(paragraph, f"<a:buChar {nsdecls('a')} char='{CHECK_BOXES[done]}'/>", _BOX_FACE)


def set_no_bullet(paragraph: Any, margin: float) -> None:
    """Take the bullet off a paragraph, whose text then starts at `margin` points."""
    properties = paragraph._p.get_or_add_pPr()
    properties.set("marL", str(round(margin * EMU_PER_POINT)))
    properties.set("indent", "0")
    _set_bullet(paragraph, f"<a:buNone {nsdecls('a')}/>")


def inherit_bullet(paragraph: Any) -> None:
    """Give a paragraph the bullet and indents of its level."""
    properties = paragraph._p.pPr
    if properties is not None:
        for name in ("marL", "indent"):
            properties.attrib.pop(name, None)
        for child in [child for child in properties if child.tag in (*_KINDS, *_FACES)]:
            properties.remove(child)


def check_box(paragraph: Any) -> bool | None:
    """Return whether the check box of an a:p element is ticked; None if it has none."""
    mark = None if paragraph.pPr is None else paragraph.pPr.find(qn("a:buChar"))
    return None if mark is None else _TICKED.get(str(mark.get("char")))


def read_paragraphs(shape: Any) -> list[PointParagraph]:
    """Return the paragraphs of a shape that hold text, in their order."""
    found: list[PointParagraph] = []
    heads: list[tuple[int, Any]] = []
    for paragraph in shape.text_frame.paragraphs:
        if not paragraph.text.strip():
            continue
        element, text = paragraph._p, inline_text(paragraph, skip=len(typed_mark(paragraph)))
        level = _continued_level(shape, element, heads)
        if level is not None:
            found.append(PointParagraph(text, level, is_further=True))
            continue
        heads.append((level_of(element), element))
        number, done = auto_number(element) or typed_number(paragraph), check_box(element)
        mark = f"{number}. " if number is not None else "" if done is None else "[x] " if done else "[ ] "
        found.append(PointParagraph(text, min(MAX_LEVEL, point_level(paragraph)), mark))
    return found


def text_margin(shape: Any, level: int) -> float:
    """Return where the text of a level starts in points."""
    return text_style(shape.part.slide, shape.element, None, level).margin


def _continued_level(shape: Any, paragraph: Any, heads: list[tuple[int, Any]]) -> int | None:
    """Return the level of the point that an a:p element continues: it starts where its text does; None if it is one."""
    own = paragraph.pPr
    if own is None or own.find(qn("a:buNone")) is None or own.get("indent") != "0" or int(own.get("marL", "0")) <= 0:
        return None
    margin = int(own.get("marL")) / EMU_PER_POINT
    for level, head in reversed(heads):
        style = text_style(shape.part.slide, shape.element, head, level)
        if style.bullet and abs(style.margin - margin) < 1:
            return int(level)
    above = level_of(paragraph) - 1
    return above if not heads and above >= 0 and abs(text_margin(shape, above) - margin) < 1 else None


def _set_bullet(paragraph: Any, mark: str, face: str = "") -> None:
    """Replace the bullet of a paragraph, in the place that the schema wants it."""
    properties = paragraph._p.get_or_add_pPr()
    for child in [child for child in properties if child.tag in (*_KINDS, *_FACES)]:
        properties.remove(child)
    new = [parse_xml(mark)]
    if face:
        new.insert(0, parse_xml(f"<a:buFont {nsdecls('a')} typeface='{face}'/>"))
    later = next((child for child in properties if child.tag in _AFTER), None)
    for child in new:
        properties.append(child) if later is None else later.addprevious(child)

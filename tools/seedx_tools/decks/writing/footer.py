"""Write the footer, the slide number and the speaker notes of a slide."""

from __future__ import annotations

import copy
from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.layouts import remove
from seedx_tools.decks.ooxml.styles import placeholder_type
from seedx_tools.decks.shapes import is_empty_placeholder
from seedx_tools.decks.text.fitting import shorten
from seedx_tools.decks.text.strings import clean


def finish_slide(slide: Slide, footer: str, notes: str) -> bool:
    """Add footer, slide number and notes, and remove empty placeholders; return whether the notes had a placeholder."""
    for shape in list(slide.placeholders):
        if is_empty_placeholder(shape):
            remove(shape)
    _copy_footer(slide, footer)
    if not notes.strip():
        return True
    frame = slide.notes_slide.notes_text_frame
    if frame is not None:
        frame.text = clean(notes, keep_lines=True)
    return frame is not None


def footer_of(slide: Slide) -> str:
    """Return the text of a slide's footer, or an empty string."""
    for shape in slide.placeholders:
        if placeholder_type(shape.element) == "ftr" and shape.has_text_frame:
            return str(shape.text_frame.text)
    return ""


def _copy_footer(slide: Slide, footer: str) -> None:
    """Copy the layout's footer and slide number to the slide, which python-pptx does not do."""
    placeholders: Any = slide.slide_layout.placeholders
    for shape in placeholders:
        kind = placeholder_type(shape.element)
        if kind not in ("ftr", "sldNum") or (kind == "ftr" and not footer):
            continue
        element = copy.deepcopy(shape.element)
        for child in list(element.spPr):
            element.spPr.remove(child)
        element.nvSpPr.cNvPr.set("id", str(max(int(s.shape_id) for s in slide.shapes) + 1))
        text = element.find(qn("p:txBody"))
        for paragraph in text.findall(qn("a:p")):
            text.remove(paragraph)
        slide.shapes._spTree.append(element)
        text.append(_slide_number() if kind == "sldNum" else _line(shorten(slide, slide.shapes[-1], footer)))


def _slide_number() -> Any:
    return parse_xml(
        f"<a:p {nsdecls('a')}><a:fld id='{{C1FF6DA9-008F-8B48-92A6-B652298478BF}}' type='slidenum'>"
        "<a:rPr lang='en-US'/><a:t>&#8249;#&#8250;</a:t></a:fld></a:p>"
    )


def _line(text: str) -> Any:
    paragraph = parse_xml(f"<a:p {nsdecls('a')}><a:r><a:rPr lang='en-US'/><a:t/></a:r></a:p>")
    paragraph.find(f".//{qn('a:t')}").text = text
    return paragraph

"""Write the footer, the date, the slide number and the speaker notes of a slide."""

from __future__ import annotations

import copy
import re
from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide, SlideMaster

from seedx_tools.decks.footer import Footer
from seedx_tools.decks.ooxml.layouts import frame_of, next_shape_id, remove
from seedx_tools.decks.ooxml.styles import FOOTERS, placeholder_type
from seedx_tools.decks.shapes import is_empty_placeholder
from seedx_tools.decks.text.fitting import shorten
from seedx_tools.decks.text.strings import clean

_PROMPT = re.compile(
    r"[<\u2039\[{].*[>\u203a\]}]|(your |sample |insert |click to \w+ |add )?(a )?footer( text)?( here)?"
    r"|presentation title|(date|datum|fecha|data)|fu\u00dfzeile|pied de page|pie de p\u00e1gina|rodap\u00e9",
    re.IGNORECASE,
)
"""Text of a placeholder that tells what belongs there, and is not the template's own footer."""
_DEFAULT_DATE = "datetimeFigureOut"
"""The field of the date on the layouts of every new presentation: PowerPoint shows it only where a user wants it."""
_CURRENT_DATE = "datetime1"


def finish_slide(slide: Slide, footer: Footer, title: str, notes: str) -> list[str]:
    """Add footer, date, slide number and notes, and remove empty placeholders.

    Args:
        slide: The slide.
        footer: What stands at its bottom.
        title: The title of the deck, for a footer without a text of its own.
        notes: The speaker notes.

    Returns:
        What was left out or shortened.
    """
    for shape in list(slide.placeholders):
        if is_empty_placeholder(shape):
            remove(shape)
    _copy_color_map(slide)
    lost = _copy_footers(slide, footer, title)
    if notes.strip():
        frame = slide.notes_slide.notes_text_frame
        if frame is None:
            lost.append("the template's notes page has no text placeholder; the notes were left out")
        else:
            frame.text = clean(notes, keep_lines=True)
    return lost


def footer_without_place(master: SlideMaster, footer: Footer) -> str | None:
    """Return a sentence about a footer text that no layout of a master has a place for; None if there is one."""
    if not footer.text or any(
        placeholder_type(element) == "ftr" for layout in master.slide_layouts for element in layout.shapes._spTree
    ):
        return None
    return f"the template's layouts have no footer placeholder; '{footer.text}' was left out"


def footer_of(slide: Slide) -> str:
    """Return the text of a slide's footer, or an empty string."""
    for shape in slide.placeholders:
        if placeholder_type(shape.element) == "ftr" and shape.has_text_frame:
            return str(shape.text_frame.text)
    return ""


def _copy_color_map(slide: Slide) -> None:
    """Give a slide the colors that its layout maps text and background to, as PowerPoint does."""
    layouts = slide.slide_layout.element.find(f"{qn('p:clrMapOvr')}/{qn('a:overrideClrMapping')}")
    own = slide.element.find(qn("p:clrMapOvr"))
    if layouts is not None and own is not None:
        own[:] = [copy.deepcopy(layouts)]


def _copy_footers(slide: Slide, footer: Footer, title: str) -> list[str]:
    """Copy the layout's date, footer and slide number to the slide, which python-pptx does not do.

    Returns:
        What was shortened.
    """
    lost: list[str] = []
    placeholders: Any = slide.slide_layout.placeholders
    for shape in placeholders:
        kind = placeholder_type(shape.element)
        if kind not in FOOTERS:
            continue
        paragraphs = _paragraphs(slide, shape, kind, footer, title)
        if not paragraphs:
            continue
        element = copy.deepcopy(shape.element)
        for child in list(element.spPr):
            element.spPr.remove(child)
        element.nvSpPr.cNvPr.set("id", str(next_shape_id(slide)))
        text = element.find(qn("p:txBody"))
        for paragraph in text.findall(qn("a:p")):
            text.remove(paragraph)
        slide.shapes._spTree.append(element)
        text.extend(paragraphs)
        for paragraph in paragraphs:
            paragraph.get_or_add_pPr()  # without it, LibreOffice forgets the type that the layout gives a footer
        given = footer.text or title if kind == "ftr" else footer.date if kind == "dt" else None
        copied: Any = slide.shapes[-1]
        if isinstance(given, str) and copied.text_frame.text == clean(given):
            short = shorten(slide, copied, clean(given))
            if short != clean(given):
                text.find(f".//{qn('a:t')}").text = short
                if given != title:
                    lost.append(f"its layout has no room for all of '{given}'; it was shortened")
    return lost


def _paragraphs(slide: Slide, shape: Any, kind: str, footer: Footer, title: str) -> list[Any]:
    """Return the paragraphs of one footer placeholder of the layout; empty if it stays away."""
    if kind == "sldNum":
        wanted = _shows(slide, kind) if footer.slide_numbers is None else footer.slide_numbers
        return [_field("slidenum", "\u2039#\u203a")] if wanted else []
    if kind == "dt":
        if footer.date is None:
            return _own_text(slide, shape, kind)
        if isinstance(footer.date, str):
            return [_line(clean(footer.date))] if footer.date.strip() else []
        return [_field(_CURRENT_DATE, "")] if footer.date else []
    if footer.text is not None:
        return [_line(clean(footer.text))] if footer.text.strip() else []
    if own := _own_text(slide, shape, kind):
        return own
    has_place = title and _shows(slide, kind) and not _is_cover(slide) and not _stands_on_text(slide, shape)
    return [_line(clean(title))] if has_place else []


def _own_text(slide: Slide, shape: Any, kind: str) -> list[Any]:
    """Return copies of the paragraphs that a template's own footer or date has on the layout, else on the master."""
    masters: Any = slide.slide_layout.slide_master.placeholders
    for source in (shape, *(other for other in masters if placeholder_type(other.element) == kind)):
        fields = {str(field.get("type")) for field in source.element.iter(qn("a:fld"))}
        text = str(source.text_frame.text).strip() if source.has_text_frame else ""
        if fields == {_DEFAULT_DATE} or not (text or fields) or _PROMPT.fullmatch(text):
            continue
        return [copy.deepcopy(paragraph) for paragraph in source.element.iter(qn("a:p"))]
    return []


def _shows(slide: Slide, kind: str) -> bool:
    """Return whether the layout, else the master, shows this kind of footer (p:hf: ECMA-376 part 1, 19.3.1.25)."""
    for sheet in (slide.slide_layout, slide.slide_layout.slide_master):
        settings = sheet.element.find(qn("p:hf"))
        if settings is not None:
            return settings.get(kind, "1") not in ("0", "false")
    return True


def _is_cover(slide: Slide) -> bool:
    title = slide.shapes.title
    return title is not None and placeholder_type(title.element) == "ctrTitle"


def _stands_on_text(slide: Slide, shape: Any) -> bool:
    """Return whether the template has a text of its own, drawn on the layout or the master, where a footer would be."""
    left, top, width, height = frame_of(shape)
    for sheet in (slide.slide_layout, slide.slide_layout.slide_master):
        shapes: Any = sheet.shapes
        for other in shapes:
            if other.is_placeholder or not other.has_text_frame or not other.text_frame.text.strip():
                continue
            x, y, wide, high = frame_of(other)
            if x < left + width and left < x + wide and y < top + height and top < y + high:
                return True
    return False


def _field(kind: str, text: str) -> Any:
    paragraph = parse_xml(
        f"<a:p {nsdecls('a')}><a:fld id='{{C1FF6DA9-008F-8B48-92A6-B652298478BF}}' type='{kind}'>"
        "<a:rPr/><a:t/></a:fld></a:p>"
    )
    paragraph.find(f".//{qn('a:t')}").text = text
    return paragraph


def _line(text: str) -> Any:
    paragraph = parse_xml(f"<a:p {nsdecls('a')}><a:r><a:rPr/><a:t/></a:r></a:p>")
    paragraph.find(f".//{qn('a:t')}").text = text
    return paragraph

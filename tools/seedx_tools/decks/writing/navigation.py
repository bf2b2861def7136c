"""What leads through a deck: sections, an agenda that links to them, and the progress on their dividers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, TypeAlias
from xml.sax.saxutils import quoteattr

from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.geometry import Area, columns
from seedx_tools.decks.drawing.names import PROGRESS_NAME
from seedx_tools.decks.drawing.paint import Paint
from seedx_tools.decks.drawing.paragraphs import Paragraph
from seedx_tools.decks.ooxml.layouts import frame_of, next_shape_id
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, FOOTERS, insets, placeholder_type
from seedx_tools.decks.outline import Outline, SlidePlan
from seedx_tools.decks.shapes import slide_shapes
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.text.footnotes import unmarked
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.shapes import PointRect, place_text
from seedx_tools.decks.text.strings import clean, runs_right_to_left

Written: TypeAlias = tuple[SlidePlan, Sequence[Slide]]
"""A plan and the slides that were made of it."""

_SECTIONS_URI = "{521415D9-36F7-43E2-AB2F-B90AF26B5E84}"
_P14 = "http://schemas.microsoft.com/office/powerpoint/2010/main"
_LINK_COLOR = (
    "<a:extLst {}><a:ext uri='{{A12FA001-AC4F-418D-AE19-62706E023703}}'><ahyp:hlinkClr "
    "xmlns:ahyp='http://schemas.microsoft.com/office/drawing/2018/hyperlinkcolor' val='tx'/></a:ext></a:extLst>"
)
"""Keeps a link in the color of its text."""
_NAMESPACE = uuid.UUID("8c1e3d0a-53f5-4b52-9c5b-6a5c1f0f7b11")
_MOST_SECTIONS = 8
_STRIP_POINTS = 46.0
_BAR_POINTS = 4.0
_LOWEST = 0.93
"""Where the progress ends at the latest, as a share of the page's height."""


def add_navigation(deck: PresentationObject, outline: Outline, written: Sequence[Written]) -> None:
    """Add sections, links and progress to a deck that was just written.

    Args:
        deck: The deck.
        outline: What it was made of.
        written: The plan and the slides of the title slide, then of the others in order.
    """
    sections = [(plan, slides) for plan, slides in written if plan.kind == "section"]
    _set_sections(deck, outline.title, written)
    if outline.agenda and len(written) > 1:
        targets = sections or [(plan, slides) for plan, slides in written[2:] if plan.kind == "content"]
        _link_agenda(written[1][1], targets)
    if 2 <= len(sections) <= _MOST_SECTIONS:
        names = [_name(plan.title) for plan, _ in sections]
        for number, (_, slides) in enumerate(sections):
            _draw_progress(slides[0], names, number, int(deck.slide_height or 1))


def _name(title: str) -> str:
    """Return a title as agendas and sections have it: plain, without marks of footnotes."""
    return clean(plain_text(unmarked(title)))


def _set_sections(deck: PresentationObject, title: str, written: Sequence[Written]) -> None:
    """Replace the deck's sections: one from each section slide on, after one with the deck's title."""
    parts: list[tuple[str, list[Slide]]] = []
    for plan, slides in written:
        if plan.kind == "section" or not parts:
            parts.append((_name(plan.title if parts else title), []))
        parts[-1][1].extend(slides)
    element: Any = deck.part._element
    extensions = element.find(qn("p:extLst"))
    for old in element.findall(f"{qn('p:extLst')}/{qn('p:ext')}[@uri='{_SECTIONS_URI}']"):
        extensions.remove(old)
    if len(parts) > 1:
        listed = "".join(
            f"<p14:section name={quoteattr(name)} id='{{{_guid(number, name)}}}'><p14:sldIdLst>"
            + "".join(f"<p14:sldId id='{slide.slide_id}'/>" for slide in slides)
            + "</p14:sldIdLst></p14:section>"
            for number, (name, slides) in enumerate(parts)
        )
        if extensions is None:
            extensions = element.makeelement(qn("p:extLst"))
            element.append(extensions)
        extensions.append(
            parse_xml(
                f"<p:ext {nsdecls('p')} uri='{_SECTIONS_URI}'><p14:sectionLst xmlns:p14='{_P14}'>{listed}"
                "</p14:sectionLst></p:ext>"
            )
        )
    elif extensions is not None and not len(extensions):
        element.remove(extensions)


def _guid(number: int, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{number} {name}")).upper()


def _link_agenda(agenda: Sequence[Slide], targets: Sequence[Written]) -> None:
    """Link each line of an agenda to the slide that it names."""
    left = [(_name(plan.title), slides[0]) for plan, slides in targets]
    for slide in agenda:
        for shape in slide.placeholders:
            if shape == slide.shapes.title or not shape.has_text_frame:
                continue
            for paragraph in shape.text_frame.paragraphs:
                found = next((entry for entry in left if entry[0] == paragraph.text.strip()), None)
                if found is not None:
                    left.remove(found)
                    _link(slide, paragraph, found[1])


def _link(slide: Slide, paragraph: Any, target: Slide) -> None:
    relation = slide.part.relate_to(target.part, RELATION.SLIDE)
    for run in paragraph.runs:
        properties = run._r.get_or_add_rPr()
        if properties.hlinkClick is None:
            click = properties.add_hlinkClick(relation)
            click.set("action", "ppaction://hlinksldjump")
            click.append(parse_xml(_LINK_COLOR.format(nsdecls("a"))))


def _draw_progress(slide: Slide, names: Sequence[str], current: int, page_height: int) -> None:
    """Draw the sections in a row at the foot of a section slide, where nothing else is."""
    title: Any = slide.shapes.title
    left, _, width, _ = frame_of(title)
    inset = round(insets(slide, title.element)[0] * EMU_PER_POINT)
    left, width = left + inset, width - 2 * inset
    place = _free_strip(slide, left / EMU_PER_POINT, width / EMU_PER_POINT, page_height / EMU_PER_POINT)
    if place is None:
        return
    mirrored = runs_right_to_left(" ".join(names))
    frame = (left, round(place * EMU_PER_POINT), width, round(_STRIP_POINTS * EMU_PER_POINT))
    canvas = Canvas(slide, frame, f"{PROGRESS_NAME} {next_shape_id(slide)}", mirrored=mirrored)
    text = canvas.paints.text
    for number, (name, (start, wide)) in enumerate(zip(names, columns(canvas.width, len(names)), strict=True)):
        here = number == current
        bar = canvas.paints.figure_on_page if here else Paint(text.scheme, opacity=30)
        canvas.bar(Area(start, 0.0, wide, _BAR_POINTS), f"bar {number + 1}", bar)
        line = Paragraph(name, MIN_POINTS, text, bold=here)
        room = Area(start, _BAR_POINTS + 6, wide, _STRIP_POINTS - _BAR_POINTS - 6)
        canvas.text(room, f"section {number + 1}", [line])


def _free_strip(slide: Slide, left: float, width: float, page: float) -> float | None:
    """Return the top, in points, of the lowest free strip under the title; None if there is none."""
    taken: list[PointRect] = []
    low = page * _LOWEST
    layout = slide.slide_layout
    shows_master = "0" not in (slide.element.get("showMasterSp"), layout.element.get("showMasterSp"))
    sheets: tuple[Any, ...] = (slide, layout, *([layout.slide_master] if shows_master else []))
    for sheet in sheets:
        for placed in slide_shapes(sheet):
            kind = placeholder_type(placed.shape.element)
            if kind in FOOTERS:
                if sheet is slide and placed.area[1] > page / 2:
                    low = min(low, placed.area[1] - 4)
            elif sheet is slide and placed.kind == "text":
                taken.append(place_text(slide, placed.shape, placed.frame).ink)
            elif sheet is slide or kind is None:
                taken.append(placed.area)
    top = low - _STRIP_POINTS
    strip = (left, top - 6, left + width, low)
    blocked = any(
        area[0] < strip[2] and area[2] > strip[0] and area[1] < strip[3] and area[3] > strip[1] for area in taken
    )
    return None if blocked else top

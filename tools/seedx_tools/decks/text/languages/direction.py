"""The direction of slides: one in a right-to-left language is mirrored, whatever foreign words are on it.

The title says which direction a slide has: its paragraph runs right to left on a mirrored slide.
"""

from __future__ import annotations

from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import FOOTERS, TITLES, level_of, placeholder_type, text_style
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.plan_texts import texts_of
from seedx_tools.decks.text.strings import mostly_right_to_left, runs_right_to_left


def plan_is_mirrored(plan: SlidePlan) -> bool:
    """Return whether the slide of a plan runs right to left: its title does, or most of the other text."""
    title = plain_text(plan.title)
    others = [plain_text(text) for text in texts_of(plan.model_copy(update={"title": ""}))]
    if (chart := plan.chart) is not None:
        others += [chart.title, *chart.categories, *(series.name for series in chart.series)]
    return runs_right_to_left(title) or mostly_right_to_left(others)


def mark_mirrored(slide: Slide) -> None:
    """Let the title of a slide run right to left, and with it the slide."""
    title = slide.shapes.title
    if title is not None:
        style = text_style(slide, title.element, None, 0)
        if style.rtl:
            return
        for paragraph in title.text_frame.paragraphs:
            properties = paragraph._p.get_or_add_pPr()
            properties.set("rtl", "1")
            if style.align == "l":
                properties.set("algn", "r")


def slide_is_mirrored(slide: Slide) -> bool:
    """Return whether a slide runs right to left: its title does, or, without one, most of its text."""
    for shape in slide.shapes:
        if placeholder_type(shape.element) in TITLES:
            paragraph = shape.text_frame.paragraphs[0]._p  # type: ignore[attr-defined]
            return text_style(slide, shape.element, paragraph, 0).rtl
    return mostly_right_to_left(str(text.text or "") for text in slide.element.iter(qn("a:t")))


def mirror_text(slide: Slide) -> None:
    """Let the text of a mirrored slide run from the right, foreign words in a list too; code stays.

    A foreign line or a number without a bullet keeps its direction, or "-5" would be "5-", and stands at the right.
    """
    for shape in slide.element.iter(qn("p:sp"), qn("p:graphicFrame")):
        kind = placeholder_type(shape)
        is_box = next(shape.iter(qn("p:cNvSpPr")), shape).get("txBox") in ("1", "true")
        is_placed = shape.tag == qn("p:graphicFrame") or kind is not None or is_box
        for paragraph in shape.iter(qn("a:p")):
            runs = [run for run in paragraph.iter(qn("a:r"), qn("a:fld")) if run.findtext(qn("a:t"))]
            if runs and not all(_is_code(run) for run in runs) and kind not in FOOTERS:
                _mirror(slide, shape, paragraph, may_move=is_placed)


def _mirror(slide: Slide, shape: Any, paragraph: Any, *, may_move: bool) -> None:
    text = "".join(str(part.text or "") for part in paragraph.iter(qn("a:t")))
    is_table = shape.tag == qn("p:graphicFrame")
    style = None if is_table else text_style(slide, shape, paragraph, level_of(paragraph))
    own = paragraph.find(qn("a:pPr"))
    is_foreign = not (runs_right_to_left(text) or (style is not None and style.bullet))
    if not (is_foreign or (style is not None and style.rtl)):
        paragraph.get_or_add_pPr().set("rtl", "1")
    align = style.align if style is not None else "l" if own is None else own.get("algn", "l")
    if may_move and align == "l" and not (style is not None and style.rtl):
        paragraph.get_or_add_pPr().set("algn", "r")


def _is_code(run: Any) -> bool:
    face = run.find(f"{qn('a:rPr')}/{qn('a:latin')}")
    return face is not None and "courier" in str(face.get("typeface")).lower()
